package check

import (
	"errors"
	"math"
	"strings"
	"testing"
)

type kind string

// TestViolations holds each range against values at, inside and outside its
// ends, and the text against the whole list.
func TestViolations(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, test := range []struct {
		name string
		look func(v *Violations)
		want string
	}{
		{"fine", func(v *Violations) {
			v.Above(1, "a", 1.5)
			v.NotNegative("b", 0)
			v.BelowOne("c", 0)
			v.Within("d", 0.5)
			v.AtLeast(1, "e", 1, "")
			OneOf(v, "f", kind("x"), "x", "y")
			v.That(true, "g", 0, "nothing")
			v.Also(nil)
		}, ""},
		{"at the end", func(v *Violations) { v.Above(1, "a", 1) }, "a: got 1, want a finite number above 1"},
		{"infinite", func(v *Violations) { v.Above(0, "a", inf) }, "a: got +Inf, want a finite number above 0"},
		{"no number", func(v *Violations) { v.Above(0, "a", nan) }, "a: got NaN, want a finite number above 0"},
		{"negative", func(v *Violations) { v.NotNegative("b", -1) }, "b: got -1, want a finite number of at least 0"},
		{"infinite", func(v *Violations) { v.NotNegative("b", inf) }, "b: got +Inf, want a finite number of at least 0"},
		{"one", func(v *Violations) { v.BelowOne("c", 1) }, "c: got 1, want at least 0 and below 1"},
		{"no number", func(v *Violations) { v.BelowOne("c", nan) }, "c: got NaN, want at least 0 and below 1"},
		{"zero", func(v *Violations) { v.Within("d", 0) }, "d: got 0, want above 0 and below 1"},
		{"few", func(v *Violations) { v.AtLeast(1, "e", 0, "") }, "e: got 0, want at least 1"},
		{"meaning", func(v *Violations) { v.AtLeast(0, "e", -2, "0: all") }, "e: got -2, want at least 0 (0: all)"},
		{"choice", func(v *Violations) { OneOf(v, "f", kind("z"), "x", "y") }, `f: got "z", want one of x, y`},
		{"all at once", func(v *Violations) {
			v.That(false, "a", 3, "less")
			v.Also(errors.New("b and c exclude each other"))
			v.AtLeast(1, "e", 0, "")
		}, "a: got 3, want less\nb and c exclude each other\ne: got 0, want at least 1"},
	} {
		v := Of("bcd settings")
		test.look(v)
		got := ""
		if err := v.Err(); err != nil {
			got = strings.TrimPrefix(err.Error(), "bcd settings: ")
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// TestViolation finds the field that is at fault in an error that was wrapped.
func TestViolation(t *testing.T) {
	v := Of("")
	v.AtLeast(1, "threads", 0, "")
	var one *Violation
	if err := v.Err(); !errors.As(err, &one) || one.Field != "threads" || err.Error() != "threads: got 0, want at least 1" {
		t.Errorf("got %v", err)
	}
}

// TestNearest: a letter too many, too few, wrong or swapped does not hide what a name
// was meant to be.
func TestNearest(t *testing.T) {
	names := []string{"sync", "sgd", "adam", "adamw", "schedule-free"}
	for name, want := range map[string]string{
		"snyc": "sync", "syn": "sync", "syncc": "sync", "sink": "", "adm": "adam", "adamv": "adam", "shedule-fre": "schedule-free", "x": "", "": "", "bfgs": "",
	} {
		if got := Nearest(name, names); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	if got := Meant("snyc", names) + Meant("bfgs", names); got != "; did you mean sync?" {
		t.Errorf("got %q", got)
	}
}
