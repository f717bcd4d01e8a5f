package experiment

import (
	"context"
	"errors"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/machine"
	"github.com/dlam-go/dlam/recipe"
)

// train is the run, or what is left of it. One that diverges, or whose network is worse
// than a constant, has an outcome too.
func (f Family) train(ctx context.Context, samples *recipe.Samples, r familyRun, tell func(iteration, iterations int)) (familyOutcome, error) {
	out := familyOutcome{Format: familyFormat, Words: r.words, Machine: machine.This()}
	plan, memory, err := f.plan(samples, r)
	if err != nil {
		return out, err
	}
	out.Memory = memory
	run, err := plan.Start(ctx)
	if err != nil {
		return out, err
	}
	defer run.Close()
	spent := &meter{}
	res, err := run.Train(ctx, spent, recorderFunc(func(rec dlam.Record) error {
		tell(rec.Iteration, plan.Options.Iterations)
		return nil
	}))
	switch {
	case res != nil && res.Status == dlam.Interrupted:
		return out, ctx.Err()
	case res != nil:
		out.Status = res.Status
	case errors.Is(err, dlam.ErrDiverged): // in its first iteration
		out.Status, out.Error = dlam.Diverged, err.Error()
		return out, nil
	default:
		return out, err
	}
	out.Seconds, out.Processor = res.Last.Elapsed/float64(max(1, res.Last.Iteration)), spent.mean()
	if err != nil {
		out.Error = err.Error()
		if out.Status != dlam.Diverged && out.Status != dlam.Useless {
			return out, err
		}
		return out, nil
	}
	out.Trained = scoresOf(res.Last.Train, res.Last.Test)
	if fit := res.Refit; fit != nil {
		out.Trained, out.Refitted = scoresOf(fit.Trained.Train, fit.Trained.Test), out.Trained
		out.Random = scoresOf(fit.Random.Train, fit.Random.Test)
	}
	return out, nil
}

// plan is what the run is to do, and the bytes that its method takes beside the samples.
func (f Family) plan(samples *recipe.Samples, r familyRun) (p *recipe.Plan, memory float64, err error) {
	c, err := configOf(r.words)
	if err != nil {
		return nil, 0, err
	}
	c.Options.MaxMemory = f.MaxMemory
	alone := c.Options // without what the refit takes
	alone.Refit = false
	own, err := samples.Plan(alone)
	if err != nil {
		return nil, 0, err
	}
	c.Options.Folder, c.Options.Resume = r.folder(f.Dir), true
	if err := clearEnded(c.Options.Folder); err != nil {
		return nil, 0, err
	}
	c.Options.Checkpoint = &recipe.Every{Time: 5 * time.Minute} // saving counts as processor time
	p, err = samples.Plan(c.Options)
	return p, own.Memory, err
}

// meter measures the processor time of iterations: of all but this process's first, in
// which memory is touched for the first time, and those after which the network is scored.
type meter struct {
	before, sum time.Duration
	began       bool
	n           int
}

// Record is told of the end of an iteration.
func (m *meter) Record(r dlam.Record) error {
	now, told := machine.ProcessorTime()
	if told && m.began && r.Train == nil {
		m.sum += now - m.before
		m.n++
	}
	m.before, m.began = now, told
	return nil
}

// mean is the seconds an iteration; 0 where there were none.
func (m *meter) mean() float64 { return m.sum.Seconds() / float64(max(1, m.n)) }
