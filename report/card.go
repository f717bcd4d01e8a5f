package report

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/trace"
)

// card is what was trained on what by what, and how far it is.
func card(a *trace.About, rs []dlam.Record) Section {
	samples := fmt.Sprintf("%d training", a.Samples)
	for _, part := range []struct {
		n    int
		name string
	}{{a.Validation, "validation"}, {a.Test, "test"}} {
		if part.n > 0 {
			samples += fmt.Sprintf(", %d %s", part.n, part.name)
		}
	}
	threads := fmt.Sprintf("%d threads", a.Threads)
	if a.Threads == 1 {
		threads = "1 thread"
	}
	if a.Ranks > 1 {
		threads += fmt.Sprintf(" on each of %d processes", a.Ranks)
	}
	f := []Fact{{"status", status(a)}, {"iteration", progress(a, rs)}}
	if m := kept(a); m != "" {
		f = append(f, Fact{"model", m})
	}
	f = append(f, Fact{"data", filepath.Base(a.Data)}, Fact{"samples", samples},
		Fact{"method", a.Method}, Fact{"network", fmt.Sprintf("%s, %d parameters", a.Network, a.Parameters)})
	if s := speed(a, rs); s != "" {
		f = append(f, Fact{"speed", s})
	}
	f = append(f, Fact{"started", a.Started.Format(moment)}, Fact{"seed", fmt.Sprint(a.Seed)}, Fact{"threads", threads},
		Fact{"host", strings.Trim(a.Host+", "+a.Machine.CPU, ", ")}, Fact{"program", strings.TrimSpace(cmp.Or(a.Machine.Program(), "commit not known") + ", " + a.Machine.Go + ", " + a.Machine.System)})
	var unlike []string
	for _, s := range a.Settings {
		said := s.Name + " " + cmp.Or(s.Value, `""`)
		if s.Suits != "" {
			said += " (" + s.Suits + ")"
		}
		unlike = append(unlike, said)
	}
	f = append(f, Fact{"unlike the recipe", cmp.Or(strings.Join(unlike, "; "), "nothing")})
	s := Section{Card: f, Code: a.Command}
	if slices.ContainsFunc(a.Settings, func(s trace.Setting) bool { return s.Suits != "" }) {
		s.Note = "In brackets: what suits the method and the data."
	}
	return s
}

// moment is how times are written.
const moment = "2 Jan 2006 15:04:05 MST"

// status is how the run ended, or that it has not.
func status(a *trace.About) string {
	switch {
	case a.Status == "":
		return "going on, as far as its folder tells"
	case a.Error != "":
		return fmt.Sprintf("%s on %s: %s", a.Status, a.Ended.Format(moment), a.Error)
	}
	return fmt.Sprintf("%s on %s", a.Status, a.Ended.Format(moment))
}

// kept is what the model is, where it is not the last iteration's network, of which the
// trace tells; else "".
func kept(a *trace.About) string {
	var s string
	if a.Kept > 0 {
		s = fmt.Sprintf("the network of iteration %d, the best on the validation samples", a.Kept)
	}
	if a.Refit {
		s = cmp.Or(s, "the last iteration's network") + ", its last layer fitted anew after the run, which the curves do not show"
	}
	return s
}

// progress is how far the run is, and how long the rest takes at its speed.
func progress(a *trace.About, rs []dlam.Record) string {
	r, _ := last(rs)
	s := strconv.Itoa(r.Iteration)
	if a.Iterations > 0 {
		s += fmt.Sprintf(" of %d", a.Iterations)
	}
	if left := a.Iterations - r.Iteration; a.Status == "" && left > 0 && r.Iteration > 0 {
		s += ", " + Seconds(float64(left)*r.Elapsed/float64(max(1, r.Iteration))) + " of training left"
	}
	return s
}

// speed is samples a second, "" before the first iteration.
func speed(a *trace.About, rs []dlam.Record) string {
	if len(rs) == 0 || rs[len(rs)-1].Elapsed == 0 {
		return ""
	}
	r := rs[len(rs)-1]
	v, err := strconv.ParseFloat(fmt.Sprintf("%.3g", float64(a.Samples)*float64(r.Iteration)/r.Elapsed), 64)
	if err != nil {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64) + " samples a second"
}
