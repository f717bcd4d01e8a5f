package main

import (
	"strings"
	"testing"
	"time"

	"github.com/dlam-go/dlam"
)

// TestProgressRows: without a terminal there are rows for iterations 1, 2, 5, 10, …, and
// for any iteration once nothing was shown for half a minute; each has the time left.
func TestProgressRows(t *testing.T) {
	var b strings.Builder
	p := &progress{w: &b, iterations: 12, started: time.Now().Add(-time.Hour)}
	for k := 1; k <= 12; k++ {
		if k == 7 {
			p.drawn = p.drawn.Add(-longestSilence)
		}
		if err := p.Record(dlam.Record{Iteration: k}); err != nil {
			t.Fatal(err)
		}
	}
	var shown []string
	for _, line := range strings.Split(strings.TrimSpace(b.String()), "\n")[1:] {
		shown = append(shown, strings.Fields(line)[0])
	}
	if got, want := strings.Join(shown, " "), "1 2 5 7 10 12"; got != want {
		t.Errorf("rows of iterations %s, want %s:\n%s", got, want, b.String())
	}
	if last := strings.TrimSpace(b.String()); !strings.HasSuffix(last, " 0s") {
		t.Errorf("the last row does not say that no time is left:\n%s", last)
	}
}

// TestQuiet: what is quiet tells nothing of files that take long to read, either.
func TestQuiet(t *testing.T) {
	for i := range (&app{}).commands() {
		a := &app{}
		c := a.commands()[i]
		if c.Flags().Lookup("quiet") == nil {
			continue
		}
		if a.follow(t.Context()) == nil {
			t.Errorf("%s: nothing tells how much has been read", c.Name())
		}
		if err := c.ParseFlags([]string{"--quiet"}); err != nil {
			t.Fatal(err)
		}
		if a.follow(t.Context()) != nil {
			t.Errorf("%s --quiet tells how much has been read", c.Name())
		}
	}
}
