package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/internal/machine"
	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/trace"
)

// Entry is a method that takes part in a comparison.
type Entry struct {
	Name     string       // also the name of its folder
	Group    string       // what its runs from several seeds have in common; "" for one of its own
	About    *trace.About // what the run is, for pages and its folder; nil if that is not known
	Solver   dlam.Solver
	Problem  *dlam.Problem
	Start    *dlam.Network // first weights
	Settings string        // how the method is set, for the reader
	// Suspect adds to an error in the first iteration what may be why; nil adds nothing.
	Suspect func(error) error
}

// LeftOut is the status of a method that takes no part, with why as the error.
const LeftOut dlam.Status = "left-out"

// Comparison trains every entry on its problem.
type Comparison struct {
	Title      string
	Lead       string        // what the methods have in common, and what not
	Facts      []report.Fact // what the data and the network are
	Command    string        // how to repeat it
	Threads    int
	Entries    []Entry
	Left       []Outcome     // methods that take no part: see LeftOut
	Iterations int           // of each entry, at most
	Budget     time.Duration // training time of each entry, at most; 0 for no bound
	Evaluate   int           // measure accuracies every so many iterations
	Targets    []float64     // test accuracies whose time is told, as shares of 1
	// Recorders gives what else looks at an entry's run; nil for nothing.
	Recorders func(Entry) []dlam.Recorder
}

// Outcome is how one run ended.
type Outcome struct {
	Name     string      `json:"name"`
	Settings string      `json:"settings"`
	Status   dlam.Status `json:"status"`
	Error    string      `json:"error,omitempty"`
	Warning  string      `json:"warning,omitempty"` // see dlam.Result.Warning
	Last     dlam.Record `json:"last,omitzero"`
}

// Validate reports every fault of the comparison's own fields.
func (c Comparison) Validate() error {
	var errs []error
	if len(c.Entries) == 0 {
		errs = append(errs, errors.New("compare: no methods, want at least one"))
	}
	seen := map[string]bool{}
	for _, e := range c.Entries {
		if seen[e.Name] {
			errs = append(errs, fmt.Errorf("compare: %q is named twice", e.Name))
		}
		if e.Solver == nil || e.Problem == nil || e.Start == nil {
			errs = append(errs, fmt.Errorf("compare: %q: no solver, problem or network", e.Name))
		}
		if e.Name == "" || e.Name != filepath.Base(e.Name) || strings.HasPrefix(e.Name, ".") {
			errs = append(errs, fmt.Errorf("compare: name %q, want one fit for a folder", e.Name))
		}
		seen[e.Name] = true
	}
	if c.Iterations < 1 {
		errs = append(errs, fmt.Errorf("compare: iterations: got %d, want at least 1", c.Iterations))
	}
	if c.Evaluate < 1 {
		errs = append(errs, fmt.Errorf("compare: evaluate: got %d, want at least 1", c.Evaluate))
	}
	for _, t := range c.Targets {
		if !(t > 0 && t <= 1) {
			errs = append(errs, fmt.Errorf("compare: target accuracy: got %g, want above 0 and at most 1", t))
		}
	}
	return errors.Join(errs...)
}

// Run trains the entries one after another and writes into dir: the report,
// its figures and tables, results.json, and a folder with each entry's trace.
// An entry that diverges or fails is reported as such and does not stop the
// others; the end of ctx does.
func (c Comparison) Run(ctx context.Context, dir string) ([]Outcome, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	var runs []report.Run
	var outcomes []Outcome
	for _, e := range c.Entries {
		run, out, err := c.train(ctx, e, filepath.Join(dir, e.Name))
		if err != nil {
			return nil, err
		}
		runs, outcomes = append(runs, run), append(outcomes, out)
	}
	if err := c.page(runs, outcomes).Save(dir); err != nil {
		return nil, err
	}
	return outcomes, writeJSON(filepath.Join(dir, "results.json"), struct {
		Machine  machine.Machine `json:"machine"`
		Threads  int             `json:"threads"`
		Command  string          `json:"command"`
		Outcomes []Outcome       `json:"outcomes"`
	}{machine.This(), c.Threads, c.Command, slices.Concat(outcomes, c.Left)})
}

func (c Comparison) train(ctx context.Context, e Entry, dir string) (report.Run, Outcome, error) {
	o := dlam.Options{Iterations: c.Iterations, Budget: c.Budget, Evaluate: c.Evaluate}
	if c.Recorders != nil {
		o.Recorders = c.Recorders(e)
	}
	if e.About != nil {
		e.About.Started = time.Now().UTC().Truncate(time.Second)
	}
	t, err := trainTo(ctx, dir, e.Solver, e.Problem, e.Start, o)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return report.Run{}, Outcome{}, err
	}
	out := Outcome{Name: e.Name, Settings: e.Settings, Status: dlam.Failed}
	if t.res != nil {
		out.Status, out.Last, out.Warning = t.res.Status, t.res.Last, t.res.Warning()
	}
	if t.failed != nil {
		if out.Last.Iteration == 0 && e.Suspect != nil {
			t.failed = e.Suspect(t.failed)
		}
		out.Error = t.failed.Error()
	}
	return report.Run{Name: e.Name, Group: e.Group, About: e.About, Records: t.records}, out, e.writeEnd(dir, out)
}

// writeEnd puts what the run is, and how it ended, beside its trace.
func (e Entry) writeEnd(dir string, out Outcome) error {
	if e.About == nil {
		return nil
	}
	e.About.Status, e.About.Error, e.About.Warning, e.About.Ended = string(out.Status), out.Error, out.Warning, time.Now().UTC().Truncate(time.Second)
	return atomicfile.Write(filepath.Join(dir, trace.AboutName), e.About.Write)
}

// trained is a run that came to its end.
type trained struct {
	res     *dlam.Result // nil if the method did not take the problem
	failed  error        // why it ended early
	records []dlam.Record
}

// trainTo runs s and writes its trace in dir: whole, when the run has ended, so
// that an older one stays until then. An error is one of writing it.
func trainTo(ctx context.Context, dir string, s dlam.Solver, p *dlam.Problem, n *dlam.Network, o dlam.Options) (t trained, err error) {
	if err := atomicfile.MkdirAll(dir); err != nil {
		return t, err
	}
	path := filepath.Join(dir, trace.FileName)
	if err := atomicfile.RemoveLeft(path); err != nil {
		return t, err
	}
	err = atomicfile.Write(path, func(w io.Writer) error {
		o.Recorders = append([]dlam.Recorder{trace.NewWriter(w)}, o.Recorders...)
		t.res, t.failed = dlam.Run(ctx, s, p, n, o)
		return nil
	})
	if err != nil {
		return t, err
	}
	run, err := report.ReadRun(path)
	t.records = run.Records
	return t, err
}

func (c Comparison) page(runs []report.Run, outcomes []Outcome) report.Page {
	p := report.ComparePage(c.Title, runs, c.Targets)
	p.Lead = c.Lead
	for _, l := range c.Left {
		p.Lead += " Left out: " + l.Error + "."
	}
	var bad, worse []string
	t := report.Table{ID: "methods", Head: []string{"method", "settings", "end"}}
	for _, o := range outcomes {
		end := string(o.Status)
		if o.Error != "" {
			end += ": " + o.Error
			bad = append(bad, o.Name)
		}
		if o.Warning != "" {
			end += "; " + o.Warning
			worse = append(worse, o.Name)
		}
		t.Rows = append(t.Rows, []string{o.Name, o.Settings, end})
	}
	if len(bad) > 0 {
		p.Warning = "Did not run to its end: " + strings.Join(bad, ", ") + "."
	}
	if len(worse) > 0 {
		p.Warning = strings.TrimSpace(p.Warning + " No better on the training samples than one output for all, or worse: " + strings.Join(worse, ", ") + ".")
	}
	threads := report.Fact{Name: "threads", Value: fmt.Sprint(c.Threads)}
	facts := slices.Concat(c.Facts, []report.Fact{threads}, machineFacts(machine.This()))
	p.Sections = append([]report.Section{{Facts: facts}}, p.Sections...)
	p.Sections = append(p.Sections,
		report.Section{Title: "Settings", Tables: []report.Table{t}},
		report.Section{Title: "To repeat it", Code: c.Command})
	return p
}

func writeJSON(path string, v any) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	})
}
