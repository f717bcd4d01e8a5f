// Package check holds settings against the ranges that they may be in.
//
// A Validate method makes a list of Violations, calls a method of it for every
// setting, and returns its Err: all violations at once, each with the setting's
// name, its value and the allowed range. Nothing is ever changed.
package check

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Violation is a setting outside its range.
type Violation struct {
	Field string // name of the setting
	Got   any    // its value
	Want  string // the allowed range, as it goes after "want"
}

// Error names the setting, its value and the allowed range.
func (v *Violation) Error() string {
	if s, ok := v.Got.(string); ok {
		return fmt.Sprintf("%s: got %q, want %s", v.Field, s, v.Want)
	}
	return fmt.Sprintf("%s: got %v, want %s", v.Field, v.Got, v.Want)
}

// Violations collects the violations among the settings of one thing.
type Violations struct {
	of   string // what the settings are of, as "bcd settings"; "" for nothing to say
	list []error
}

// Of is an empty list of violations among the settings of something, which
// Err names first, as in "bcd settings: rho: got -1, want …"; "" if the names
// of the settings say enough.
func Of(settings string) *Violations { return &Violations{of: settings} }

// Err is all violations, joined; nil if there are none.
func (v *Violations) Err() error {
	switch err := errors.Join(v.list...); {
	case err == nil || v.of == "":
		return err
	default:
		return fmt.Errorf("%s: %w", v.of, err)
	}
}

// That reports field, whose value is got, unless ok.
func (v *Violations) That(ok bool, field string, got any, want string) {
	if !ok {
		v.list = append(v.list, &Violation{field, got, want})
	}
}

// Also adds a violation that is of no single field; nil for none.
func (v *Violations) Also(err error) {
	if err != nil {
		v.list = append(v.list, err)
	}
}

// Above holds that got is finite and greater than bound.
func (v *Violations) Above(bound float64, field string, got float64) {
	v.That(got > bound && !math.IsInf(got, 0), field, got, fmt.Sprintf("a finite number above %g", bound))
}

// NotNegative holds that got is finite and at least 0.
func (v *Violations) NotNegative(field string, got float64) {
	v.That(got >= 0 && !math.IsInf(got, 0), field, got, "a finite number of at least 0")
}

// BelowOne holds that 0 ≤ got < 1.
func (v *Violations) BelowOne(field string, got float64) {
	v.That(got >= 0 && got < 1, field, got, "at least 0 and below 1")
}

// Within holds that got lies between 0 and 1, neither included.
func (v *Violations) Within(field string, got float64) {
	v.That(got > 0 && got < 1, field, got, "above 0 and below 1")
}

// AtLeast holds that got is at least least. meaning, as "0: all samples", says
// what a special value means; "" for nothing.
func (v *Violations) AtLeast(least int, field string, got int, meaning string) {
	want := fmt.Sprintf("at least %d", least)
	if meaning != "" {
		want += " (" + meaning + ")"
	}
	v.That(got >= least, field, got, want)
}

// OneOf holds that got is one of the choices.
func OneOf[T ~string](v *Violations, field string, got T, choices ...T) {
	v.That(slices.Contains(choices, got), field, string(got), "one of "+Join(choices))
}

// Join writes choices as a list with commas.
func Join[T ~string](choices []T) string {
	text := make([]string, len(choices))
	for i, c := range choices {
		text[i] = string(c)
	}
	return strings.Join(text, ", ")
}
