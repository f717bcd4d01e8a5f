package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/machine"
)

// Names are the parts of the paper's evaluation.
var Names = []string{"figure1", "figure2", "figure3", "table2"}

// Reproduction is the paper's evaluation, or parts of it.
type Reproduction struct {
	Parts   []string // some of Names
	Size    Size
	Dir     string // where outcomes are kept and the report is written
	Threads int
	Command string // how to repeat it, for the report
	// Open gives a data set by name, as stored.
	Open func(ctx context.Context, name string) (dataset.Split, error)
	// Progress is told how far the work is, after every iteration; may be nil.
	Progress func(Progress)
}

// Progress is how far a Reproduction is.
type Progress struct {
	Cell       Cell
	Done       int // cells done, kept ones included
	Cells      int
	Iteration  int           // of the cell
	Share      float64       // of all the work that was to do when it started, by count of operations
	Left       time.Duration // until the end, as far as the speed until now tells; 0 if unknown
	Kept       int           // cells that were there already
	Unfinished int           // cells to compute, this one included
}

// Run computes the cells that are not kept yet, and writes the report. When
// ctx ends, what is done stays, and another Run goes on from there.
func (r Reproduction) Run(ctx context.Context) error {
	if err := r.Validate(); err != nil {
		return err
	}
	w := worker{r: r, store: store{r.Dir}, done: outcomes{}, data: map[string]dataset.Split{}}
	for {
		c, left, err := w.next()
		if err != nil {
			return err
		}
		if left == 0 {
			return r.write(w.done)
		}
		w.left = left
		o, err := w.compute(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
		w.done[c.key()] = o
	}
}

// Validate reports every fault of the reproduction's fields.
func (r Reproduction) Validate() error {
	var errs []error
	if len(r.Parts) == 0 {
		errs = append(errs, fmt.Errorf("reproduce: nothing to do, want some of %v", Names))
	}
	for _, p := range r.Parts {
		if !slices.Contains(Names, p) {
			errs = append(errs, fmt.Errorf("reproduce: got %q, want some of %v", p, Names))
		}
	}
	if r.Threads < 1 {
		errs = append(errs, fmt.Errorf("reproduce: threads: got %d, want at least 1", r.Threads))
	}
	return errors.Join(errs...)
}

func (r Reproduction) has(part string) bool { return slices.Contains(r.Parts, part) }

// plan is the cells of all parts, each once: Figure 1's are among Figure 2's.
// What is done decides the learning rates of cells after it.
func (r Reproduction) plan(done outcomes) []Cell {
	var cells []Cell
	if r.has("figure1") {
		for _, p := range r.panels() {
			cells = append(cells, p.ours())
		}
	}
	if r.has("figure2") || r.has("figure3") {
		for _, p := range r.panels() {
			cells = append(cells, p.cells(done)...)
		}
	}
	if r.has("table2") {
		cells = append(cells, r.tableCells()...)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(cells, func(c Cell) bool {
		k := c.key()
		defer func() { seen[k] = true }()
		return seen[k]
	})
}

// outcomes are finished cells by key.
type outcomes map[string]outcome

// worker computes cells one after another.
type worker struct {
	r             Reproduction
	store         store
	done          outcomes
	kept, left    int     // cells
	total, worked float64 // work to do since the start, and done
	spent         time.Duration
	data          map[string]dataset.Split // pooled and scaled
}

// next is the first cell that is neither done nor kept, and how many are left.
// A cell before it may have been found in the folder and have changed the plan.
func (w *worker) next() (first Cell, left int, err error) {
	w.total = w.worked
	for i, plan := 0, w.r.plan(w.done); i < len(plan); i++ {
		c := plan[i]
		if _, ok := w.done[c.key()]; ok {
			continue
		}
		o, ok, err := w.store.load(c)
		if err != nil {
			return c, 0, err
		}
		if ok {
			w.done[c.key()] = o
			w.kept++
			plan = w.r.plan(w.done)
			continue
		}
		if left == 0 {
			first = c
		}
		left++
		w.total += c.work()
	}
	return first, left, nil
}

func (w *worker) compute(ctx context.Context, c Cell) (outcome, error) {
	split, err := w.open(ctx, c)
	if err != nil {
		return outcome{}, err
	}
	p, err := c.problem(split)
	if err != nil {
		return outcome{}, err
	}
	n, err := c.start(p)
	if err != nil {
		return outcome{}, err
	}
	s, err := c.solver()
	if err != nil {
		return outcome{}, err
	}
	began := time.Now()
	watch := recorderFunc(func(rec dlam.Record) error {
		w.tell(c, rec.Iteration, time.Since(began))
		return nil
	})
	o := dlam.Options{Iterations: c.Iterations, Evaluate: c.Evaluate, Recorders: []dlam.Recorder{watch}}
	t, err := trainTo(ctx, w.store.folder(c), s, p, n, o)
	if err != nil {
		return outcome{}, err
	}
	switch {
	case t.res != nil && t.res.Status == dlam.Interrupted:
		return outcome{}, ctx.Err()
	case t.failed != nil && (t.res == nil || t.res.Status != dlam.Diverged):
		return outcome{}, t.failed
	}
	w.spent += time.Since(began)
	w.worked += c.work()
	out := outcome{Cell: c, Status: t.res.Status, Machine: machine.This(), Last: t.res.Last, records: t.records}
	if t.failed != nil {
		out.Error = t.failed.Error()
	}
	return out, w.store.save(out)
}

// tell reports progress; the speed so far tells the time left.
func (w *worker) tell(c Cell, iteration int, took time.Duration) {
	if w.r.Progress == nil {
		return
	}
	worked := w.worked + c.work()*float64(iteration)/float64(c.Iterations)
	p := Progress{
		Cell: c, Done: len(w.done), Cells: len(w.done) + w.left, Iteration: iteration,
		Share: worked / w.total, Kept: w.kept, Unfinished: w.left,
	}
	p.Left = time.Duration(float64(w.spent+took) * (w.total - worked) / worked)
	w.r.Progress(p)
}

// open gives the cell's data, pooled, with pixels scaled to [0, 1].
func (w *worker) open(ctx context.Context, c Cell) (dataset.Split, error) {
	if s, ok := w.data[c.Data]; ok {
		return s, nil
	}
	s, err := w.r.Open(ctx, c.Data)
	if err != nil {
		return dataset.Split{}, err
	}
	t, err := dataset.Fit(s.Train, dataset.ScaleUnit, c.Pool)
	if err != nil {
		return dataset.Split{}, err
	}
	if s.Train, err = t.Apply(s.Train); err != nil {
		return dataset.Split{}, err
	}
	if s.Test, err = t.Apply(s.Test); err != nil {
		return dataset.Split{}, err
	}
	w.data[c.Data] = s
	return s, nil
}

type recorderFunc func(dlam.Record) error

func (f recorderFunc) Record(r dlam.Record) error { return f(r) }
