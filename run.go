package dlam

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
)

// Status is why a run ended.
type Status string

// The ends of a run.
const (
	Completed   Status = "completed"   // all iterations done
	TimedOut    Status = "timed-out"   // Options.Budget used up
	Interrupted Status = "interrupted" // the context ended; the iteration under way was finished
	Diverged    Status = "diverged"    // an iterate, the objective, a score or an output was not finite; Result has the last good network
	Failed      Status = "failed"      // the solver or a recorder reported an error
	Stopped     Status = "stopped"     // the solver found nothing left to do (ErrStop)
	Useless     Status = "useless"     // all is done, and the network is worse on the training samples than one output for all
)

// ErrStop is what Step returns, beside a valid Record, when there is no point
// in going on: a stationary point, or a validation score that rises no more.
var ErrStop = errors.New("nothing left to do")

// ErrDiverged is what Step wraps where numbers overflow, or turn into NaN. Run
// looks at the record, the parameters and the network's outputs itself.
var ErrDiverged = errors.New("diverged")

// Comparable is a Stepper that knows the least mean risk of outputs that are the same
// for all training samples: a network that is worse has learnt nothing, and Run says
// so.
type Comparable interface {
	Stepper
	// Constant is that risk, over all ranks' samples; infinite if a method within does not say.
	Constant() float64
}

// ConstantSlack is how many times Comparable's risk a network may have: some runs do
// not learn, and end a little above it.
const ConstantSlack = 1.02

// Recorder takes the Record of each iteration, in order.
type Recorder interface {
	Record(Record) error
}

// Observer is a Recorder that also looks at the run between two iterations:
// checkpoints and certificates.
type Observer interface {
	// Observe is called before the first iteration and after each, after
	// Record; k is the number of iterations done.
	Observe(k int, s Stepper) error
}

// Options say how long a run goes on and who looks.
type Options struct {
	Iterations int           // number of the last iteration, at least 1
	First      int           // number of iterations done before: 0 for a new run
	Elapsed    time.Duration // time spent in them
	Budget     time.Duration // training time after which no iteration starts; 0 for no bound
	Evaluate   int           // measure the network's scores every so many iterations and at the end; 0 for the end only
	Recorders  []Recorder
	Observers  []Observer
	Validation *Validation         // samples that choose the network; nil for none
	Resume     func(Stepper) error // puts back a saved state before the first iteration; may be nil
	// Grace is how long the iteration under way may take once ctx has ended. It is then
	// given up, if the solver's Step heeds its context, and the run's network is that of
	// the iteration before; see Result.GivenUp. Below 0 it is given up at once; 0 waits
	// for its end, as do ranks always, which must all do the same.
	Grace time.Duration
}

// Result is a finished run.
type Result struct {
	// Network is the last good one, of which everything is finite, or the best by
	// Options.Validation. Where ranks share the layers (Divided), a run that failed has the
	// last that was evaluated; so has one that diverged, if outputs of the network before
	// that overflow, which the error says.
	Network *Network
	Status  Status
	Last    Record // of the last iteration done, with the scores of Network
	// Constant is the risk of the best outputs that are the same for all training samples, if
	// the network's is not less by a thousandth at least; 0 else, and of a run that was cut short.
	Constant float64
	// Kept is the iteration whose network it is, where Options.Validation chose it; 0 else.
	Kept    int
	GivenUp bool // an iteration after Last was given up in the middle: the solver's state is not one that a run can go on from
}

// check reports options, or a solver, a problem or a network, that no run can
// have.
func (o Options) check(s Solver, p *Problem, n *Network) error {
	switch {
	case s == nil:
		return errors.New("run: no solver")
	case p == nil:
		return errors.New("run: no problem")
	case n == nil:
		return errors.New("run: no network to start from")
	case o.Iterations < 1:
		return fmt.Errorf("iterations: got %d, want at least 1", o.Iterations)
	case o.First < 0 || o.Iterations < o.First:
		return fmt.Errorf("iterations: got %d with %d done, want at least as many", o.Iterations, o.First)
	case o.Evaluate < 0:
		return fmt.Errorf("evaluate: got %d, want at least 0 (0: at the end only)", o.Evaluate)
	case o.Budget < 0:
		return fmt.Errorf("budget: got %v, want at least 0 (0: no bound)", o.Budget)
	}
	if sch, ok := s.(Scheduled); ok && sch.Epochs() != 0 && sch.Epochs() != o.Iterations {
		return fmt.Errorf("iterations: got %d, and the settings of %v are for %d epochs; want the same number in both", o.Iterations, s, sch.Epochs())
	}
	return nil
}

// Run trains from n, which stays as it is, until the options, ctx or the
// solver end it. The error is nil if Status is Completed, TimedOut,
// Interrupted or Stopped; the result is nil if nothing was trained, for want of
// sound arguments.
func Run(ctx context.Context, s Solver, p *Problem, n *Network, o Options) (*Result, error) {
	if err := o.check(s, p, n); err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := p.Fits(n); err != nil {
		return nil, err
	}
	counter := &comm.Counter{Comm: p.Comm}
	shared := *p
	shared.Comm = counter
	p = &shared
	if err := o.Validation.validate(p); err != nil {
		return nil, err
	}
	st, err := s.Init(p, n)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	if o.Resume != nil {
		if err := o.Resume(st); err != nil {
			return nil, err
		}
	}
	r := runner{p: p, o: o, st: st, start: n, counter: counter, elapsed: o.Elapsed, good: st.Network().Clone()}
	r.last = Record{Iteration: o.First, Elapsed: o.Elapsed.Seconds()}
	if t, ok := st.(Timed); ok {
		t.Mark(r.parts.ended)
	}
	r.splitting, _ = st.(Splitting)
	r.eval = pass.New(p.Threads, p.Comm)
	if r.divided, _ = st.(Divided); r.divided != nil { // each rank has all samples to score
		r.eval.Comm, r.latest = comm.Self{}, r.good.Clone()
	}
	defer r.eval.Close()
	if r.testing, err = r.agree(p.TestX.Rows > 0); err != nil {
		return nil, err
	}
	if err := r.measure(); err != nil {
		return nil, err
	}
	status, err := r.loop(ctx)
	if err == nil && o.Validation != nil {
		err = r.choose(o.Validation)
	}
	constant := 0.0
	if err == nil && (status == Completed || status == Stopped) {
		if constant, err = r.compare(); errors.Is(err, errUseless) {
			status = Useless
		} else if err != nil {
			status = Failed
		}
	}
	return &Result{Network: r.good, Status: status, Last: r.last, Constant: constant, Kept: r.kept, GivenUp: r.givenUp}, err
}

// errUseless is what a network of a Comparable stepper is that is worse than a constant,
// and errUntaught what one is that is not better.
var (
	errUseless  = errors.New("the network is worse on the training samples than one output for all")
	errUntaught = errors.New("the network is no better on the training samples than one output for all")
)

// noBetter is the share of the best constant's risk from which on a network has learnt nothing.
const noBetter = 0.999

// poor is which of the two a network with this risk is.
func poor(risk, constant float64) error {
	which := errUntaught
	if risk > ConstantSlack*constant {
		which = errUseless
	}
	return fmt.Errorf("%w: its risk is %.4g, that of the best constant %.4g; more iterations, a smaller network, another rate, activation or loss may help",
		which, risk, constant)
}

// Warning is what is to be known of the network, if no error says it: that it is worse than
// a constant, or no better. "" is nothing.
func (r *Result) Warning() string {
	if r.Constant == 0 || r.Status == Useless {
		return ""
	}
	return poor(r.Last.Train.Risk, r.Constant).Error()
}

// compare gives the risk of the best constant, if the network is not better; 0 else. For a
// Comparable stepper a worse one is an error: of other methods a run of few iterations may
// well be.
func (r *runner) compare() (constant float64, err error) {
	if r.last.Train == nil {
		return 0, nil
	}
	constant = math.Inf(1)
	if c, ok := r.st.(Comparable); ok {
		constant = c.Constant()
	}
	comparable := !math.IsInf(constant, 1)
	if !comparable {
		p := *r.p
		p.Comm = r.eval.Comm
		if constant, _, err = BestConstant(&p); err != nil {
			return 0, err
		}
	}
	if r.last.Train.Risk <= noBetter*constant {
		return 0, nil
	}
	if err := poor(r.last.Train.Risk, constant); comparable && errors.Is(err, errUseless) {
		return constant, err
	}
	return constant, nil
}

type runner struct {
	p       *Problem
	o       Options
	st      Stepper
	counter *comm.Counter // of all that ranks sum
	testing bool          // some rank has test samples
	eval    *pass.Engine
	start   *Network // as it was given
	good    *Network // the network after the last good iteration
	largest float64  // entry of any sample, in absolute value
	last    Record
	elapsed time.Duration
	parts   stopwatch
	givenUp bool // the iteration after last
	kept    int  // the iteration that validation chose

	splitting Splitting // st, or nil
	divided   Divided   // st, or nil
	latest    *Network  // if divided: after the last good iteration, right in this rank's layers
}

func (r *runner) loop(ctx context.Context) (Status, error) {
	if err := r.observe(r.o.First); err != nil {
		return Failed, err
	}
	within, release := r.within(ctx)
	defer release()
	for k := r.o.First + 1; k <= r.o.Iterations; k++ {
		if s, err := r.stops(ctx); err != nil {
			return Failed, err
		} else if s != "" {
			return r.end(s)
		}
		start, before := time.Now(), r.counter.Total
		r.parts.start(start)
		rec, err := r.st.Step(within)
		if err != nil && within.Err() != nil && errors.Is(err, within.Err()) {
			r.givenUp = true
			return r.end(Interrupted)
		}
		took := time.Since(start)
		stop := errors.Is(err, ErrStop)
		if errors.Is(err, ErrDiverged) {
			return r.diverged(k, err)
		}
		if err != nil && !stop {
			return Failed, fmt.Errorf("iteration %d: %w", k, err)
		}
		r.elapsed += took
		rec.Iteration, rec.Seconds, rec.Elapsed, rec.Parts = k, took.Seconds(), r.elapsed.Seconds(), r.parts.parts
		if r.p.Comm.Size() > 1 {
			t := r.counter.Total.Since(before)
			rec.Traffic = &t
		}
		if stop, err = r.accept(&rec, stop); errors.Is(err, ErrDiverged) {
			return r.diverged(k, err)
		} else if err != nil {
			return Failed, err
		}
		r.last = rec
		if err := r.record(rec); err != nil {
			return Failed, err
		}
		if err := r.observe(k); err != nil {
			return Failed, err
		}
		if stop {
			return Stopped, nil
		}
	}
	return r.end(Completed)
}

// within is the context of the steps. They do whole iterations after ctx has ended,
// so that what is saved can be resumed, but for one that is given up.
func (r *runner) within(ctx context.Context) (steps context.Context, stop func()) {
	steps = context.WithoutCancel(ctx)
	switch {
	case r.o.Grace == 0 || r.p.Comm.Size() > 1:
		return steps, func() {}
	case r.o.Grace < 0:
		return ctx, func() {}
	}
	steps, cancel := context.WithCancel(steps)
	after := context.AfterFunc(ctx, func() {
		wait := time.NewTimer(r.o.Grace)
		defer wait.Stop()
		select {
		case <-wait.C:
			cancel()
		case <-steps.Done():
		}
	})
	return steps, func() {
		after()
		cancel()
	}
}

// diverged is the end of a run by iteration k, with the network before, which must be
// gathered if ranks share its layers: all of them have diverged in that iteration.
func (r *runner) diverged(k int, err error) (Status, error) {
	err = fmt.Errorf("iteration %d: %w", k, err)
	if r.divided != nil && r.last.Train == nil { // which was gathered to be scored
		if before := r.gather(); before != nil {
			err = errors.Join(err, fmt.Errorf("the network before is not good either, and the last that was evaluated is left: %w", before))
		}
	}
	return Diverged, err
}

// failure is the end of a run for an error after iteration k.
func failure(k int, err error) (Status, error) {
	if errors.Is(err, ErrDiverged) {
		return Diverged, fmt.Errorf("iteration %d: %w", k, err)
	}
	return Failed, err
}

// accept takes the network after an iteration as good, if everything about it is
// finite, and scores it where that is due. It reports whether the run is to stop,
// as the solver or the validation samples have it.
func (r *runner) accept(rec *Record, stop bool) (bool, error) {
	if err := rec.finite(); err != nil {
		return stop, err
	}
	due := stop || rec.Iteration == r.o.Iterations || r.o.Evaluate > 0 && rec.Iteration%r.o.Evaluate == 0
	n := r.st.Network()
	if r.divided != nil {
		if !due && r.o.Validation == nil {
			r.latest.CopyFrom(n)
			return stop, nil // parameters stay where they are until somebody looks at them
		}
		if err := r.divided.Collect(n); err != nil {
			return stop, err
		}
	}
	if err := r.sound(n); err != nil {
		return stop, err
	}
	if v := r.o.Validation; v != nil {
		s, err := score(r.eval, n, v.X, v.Y, r.p.Loss)
		if err != nil {
			return stop, err
		}
		rec.Validation = s
		stop = !v.take(rec.Iteration, n, *s) || stop
	}
	if stop || due {
		if err := r.score(rec, n); err != nil {
			return stop, err
		}
	}
	r.good.CopyFrom(n)
	if r.divided != nil {
		r.latest.CopyFrom(n)
	}
	return stop, nil
}

// sound reports parameters or outputs of n that are not finite.
func (r *runner) sound(n *Network) error {
	const safe = 1e37                               // float32 ends at 3.4e38
	if reach := n.Reach(r.largest); reach <= safe { // surely finite
		return nil
	}
	for l, ly := range n.Layers {
		if err := ly.Finite(); err != nil {
			return notFinite("layer %d: %w", l+1, err)
		}
	}
	return r.score(new(Record), n)
}

// gather makes the latest network the run's, if it is sound.
func (r *runner) gather() error {
	if err := r.divided.Collect(r.latest); err != nil {
		return err
	}
	if err := r.sound(r.latest); err != nil {
		return err
	}
	r.good.CopyFrom(r.latest)
	return nil
}

// measure finds the largest entry of all ranks' samples.
func (r *runner) measure() error {
	xs := []mat.Dense{r.p.X, r.p.TestX}
	if v := r.o.Validation; v != nil {
		xs = append(xs, v.X)
	}
	var mine float64
	for _, x := range xs {
		for i := range x.Rows {
			for _, v := range x.Row(i) {
				mine = math.Max(mine, math.Abs(float64(v)))
			}
		}
	}
	all, err := comm.Gather(r.p.Comm, []float64{mine})
	for _, m := range all {
		r.largest = math.Max(r.largest, m[0])
	}
	return err
}

// stops is why no further iteration starts, "" if one does. Clocks and signals
// differ between ranks, so that one rank's reason is a reason for all.
func (r *runner) stops(ctx context.Context) (Status, error) {
	f, err := comm.Any(r.p.Comm, ctx.Err() != nil, r.o.Budget > 0 && r.elapsed >= r.o.Budget)
	switch {
	case err != nil:
		return "", err
	case f[0]:
		return Interrupted, nil
	case f[1]:
		return TimedOut, nil
	}
	return "", nil
}

// agree reports whether flag is set on some rank.
func (r *runner) agree(flag bool) (bool, error) {
	f, err := comm.Any(r.p.Comm, flag)
	return f[0], err
}

// choose makes v's best network, and its scores, the run's.
func (r *runner) choose(v *Validation) error {
	if v.Best == nil {
		return nil
	}
	r.good.CopyFrom(v.Best)
	r.kept = v.At
	best := v.Score
	r.last.Validation = &best
	return r.score(&r.last, r.good)
}

// end scores the last record if that is still to do.
func (r *runner) end(s Status) (Status, error) {
	if r.last.Train != nil {
		return s, nil
	}
	if r.divided != nil {
		if err := r.gather(); err != nil {
			return failure(r.last.Iteration, err)
		}
	}
	if err := r.score(&r.last, r.good); err != nil {
		return failure(r.last.Iteration, err)
	}
	return s, nil
}

// score measures n for a record.
func (r *runner) score(rec *Record, n *Network) (err error) {
	if rec.Train, err = score(r.eval, n, r.p.X, r.p.Y, r.p.Loss); err != nil {
		return fmt.Errorf("training samples: %w", err)
	}
	if r.testing {
		if rec.Test, err = score(r.eval, n, r.p.TestX, r.p.TestY, r.p.Loss); err != nil {
			return fmt.Errorf("test samples: %w", err)
		}
	}
	rec.WeightNorm, rec.FromStart = weightNorms(n, r.start)
	if r.splitting != nil {
		rec.Gap, err = gaps(r.eval, r.splitting.Iterate())
	}
	return err
}

func (r *runner) record(rec Record) error {
	for _, c := range r.o.Recorders {
		if err := c.Record(rec); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) observe(k int) error {
	for _, c := range r.o.Observers {
		if err := c.Observe(k, r.st); err != nil {
			return err
		}
	}
	return nil
}

// weightNorms are the norms of the layers' weights, and of how far they are from the
// first ones.
func weightNorms(n, first *Network) (norm, moved []float64) {
	for l, ly := range n.Layers {
		var sum, from float64
		for i := range ly.W.Rows {
			was := first.Layers[l].W.Row(i)
			for j, w := range ly.W.Row(i) {
				v, d := float64(w), float64(w)-float64(was[j])
				sum, from = sum+v*v, from+d*d
			}
		}
		norm, moved = append(norm, math.Sqrt(sum)), append(moved, math.Sqrt(from))
	}
	return norm, moved
}
