package dlam_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// script is a solver that does what it is told: at step k it sets the first
// weight to k, and then whatever at[k] does.
type script struct {
	at     map[int]func(st *scripted) (dlam.Record, error)
	refuse error
	made   *scripted
}

func (s *script) String() string { return "script" }

func (s *script) Init(_ *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if s.refuse != nil {
		return nil, s.refuse
	}
	s.made = &scripted{s: s, net: n.Clone()}
	return s.made, nil
}

type scripted struct {
	s      *script
	net    *dlam.Network
	k      int
	closed bool
	ctx    context.Context // of the step
}

func (s *scripted) Step(ctx context.Context) (dlam.Record, error) {
	s.k++
	s.ctx = ctx
	if err := ctx.Err(); err != nil {
		return dlam.Record{}, err
	}
	s.net.Layers[0].W.Set(0, 0, float32(s.k))
	if f := s.s.at[s.k]; f != nil {
		return f(s)
	}
	return dlam.Record{Objective: 1 / float64(s.k)}, nil
}

func (s *scripted) Network() *dlam.Network { return s.net }
func (s *scripted) Close()                 { s.closed = true }

// watcher is a recorder and observer that remembers, and fails where it is told.
type watcher struct {
	records []dlam.Record
	seen    []int
	on      func(k int) error
	look    func(k int) error
}

func (l *watcher) Record(r dlam.Record) error {
	l.records = append(l.records, r)
	if l.on != nil {
		return l.on(r.Iteration)
	}
	return nil
}

func (l *watcher) Observe(k int, _ dlam.Stepper) error {
	l.seen = append(l.seen, k)
	if l.look != nil {
		return l.look(k)
	}
	return nil
}

type setup struct {
	s *script
	l *watcher
	p *dlam.Problem
	n *dlam.Network
	o dlam.Options
}

func newSetup(iterations int) *setup {
	p := testprob.Blobs(20, 4, 2, 1)
	u := &setup{s: &script{at: map[int]func(*scripted) (dlam.Record, error){}}, l: &watcher{}, p: p}
	u.n = testprob.Network(p, []int{3}, activation.ReLU{}, dlam.He, 2)
	u.o = dlam.Options{Iterations: iterations, Recorders: []dlam.Recorder{u.l}, Observers: []dlam.Observer{u.l}}
	return u
}

func (u *setup) run(ctx context.Context) (*dlam.Result, error) {
	return dlam.Run(ctx, u.s, u.p, u.n, u.o)
}

// first is what the script left in the network returned: the number of the
// step that it is from.
func first(r *dlam.Result) float32 { return r.Network.Layers[0].W.At(0, 0) }

func (u *setup) expect(t *testing.T, res *dlam.Result, status dlam.Status, last int) {
	t.Helper()
	if res == nil {
		t.Fatal("no result")
	}
	if res.Status != status {
		t.Errorf("status %s, want %s", res.Status, status)
	}
	if res.Last.Iteration != last {
		t.Errorf("last record is of iteration %d, want %d", res.Last.Iteration, last)
	}
	if last > 0 && first(res) != float32(last) {
		t.Errorf("the network is of step %g, want %d", first(res), last)
	}
	if u.s.made == nil || !u.s.made.closed {
		t.Error("the stepper was not closed")
	}
}

func TestCompleted(t *testing.T) {
	u := newSetup(4)
	u.o.Evaluate = 2
	start := u.n.Clone()
	res, err := u.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	u.expect(t, res, dlam.Completed, 4)
	if !slices.Equal(u.n.Layers[0].W.Data, start.Layers[0].W.Data) {
		t.Error("Run changed the network that it starts from")
	}
	if !slices.Equal(u.l.seen, []int{0, 1, 2, 3, 4}) {
		t.Errorf("observed after %v", u.l.seen)
	}
	var elapsed float64
	for i, r := range u.l.records {
		if r.Iteration != i+1 || r.Objective != 1/float64(i+1) {
			t.Errorf("record %d: iteration %d, objective %g", i, r.Iteration, r.Objective)
		}
		if scored := r.Train != nil && r.Test != nil; scored != (r.Iteration%2 == 0) {
			t.Errorf("iteration %d: scored %v, want every second", r.Iteration, scored)
		}
		if r.Elapsed < elapsed || r.Seconds < 0 {
			t.Errorf("iteration %d: %g s, %g s in all, %g s before", r.Iteration, r.Seconds, r.Elapsed, elapsed)
		}
		elapsed = r.Elapsed
	}
	want, err := dlam.Evaluate(res.Network, u.p.X, u.p.Y, u.p.Loss, 1)
	if err != nil || math.Abs(res.Last.Train.Risk-want.Risk) > 1e-12 || res.Last.Train.Accuracy != want.Accuracy {
		t.Errorf("scores %+v, Evaluate gives %+v, %v", res.Last.Train, want, err)
	}
}

// Diverged comes of an objective or a parameter that is not finite, and keeps
// the last good network and record.
func TestDiverged(t *testing.T) {
	nan := math.NaN()
	for name, c := range map[string]struct {
		at   func(s *scripted) (dlam.Record, error)
		want string
	}{
		"objective": {func(*scripted) (dlam.Record, error) { return dlam.Record{Objective: nan}, nil }, "iteration 3: the objective is NaN"},
		"infinite":  {func(*scripted) (dlam.Record, error) { return dlam.Record{Objective: math.Inf(1)}, nil }, "the objective is +Inf"},
		"weight": {func(s *scripted) (dlam.Record, error) {
			s.net.Layers[1].W.Set(1, 2, float32(nan))
			return dlam.Record{}, nil
		}, "iteration 3: layer 2: weight W[1,2] is NaN"},
		"intercept": {func(s *scripted) (dlam.Record, error) {
			s.net.Layers[0].B[1] = float32(math.Inf(1))
			return dlam.Record{}, nil
		}, "iteration 3: layer 1: b[1] is +Inf"},
		"step": {func(*scripted) (dlam.Record, error) { return dlam.Record{Step: nan}, nil }, "iteration 3: the step is NaN"},
		"outputs": {func(s *scripted) (dlam.Record, error) {
			for _, ly := range s.net.Layers { // each weight is finite
				for i := range ly.W.Data {
					ly.W.Data[i] = 1e30
				}
			}
			return dlam.Record{}, nil
		}, "samples: the network's outputs for "},
	} {
		t.Run(name, func(t *testing.T) {
			u := newSetup(5)
			u.s.at[3] = c.at
			u.o.Evaluate = 0 // which is no reason not to look
			res, err := u.run(context.Background())
			wantError(t, err, c.want)
			u.expect(t, res, dlam.Diverged, 2)
			if err := res.Network.Validate(); err != nil {
				t.Errorf("the last good network is not good: %v", err)
			}
			if len(u.l.records) != 2 {
				t.Errorf("%d records, want 2: the bad one is not passed on", len(u.l.records))
			}
		})
	}
}

// dividing is a script whose network is of layers over ranks.
type dividing struct{ *script }

func (d dividing) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	st, err := d.script.Init(p, n)
	return dividingStepper{st.(*scripted)}, err
}

type dividingStepper struct{ *scripted }

func (dividingStepper) Collect(*dlam.Network) error { return nil }

// Where layers are divided, networks are looked at where scores are due alone: a run that
// diverges between has the network before, or, if that one's outputs overflow, the last
// evaluated, and says so.
func TestDivergedDivided(t *testing.T) {
	for at, want := range map[int]int{0: 4, 4: 3} {
		u := newSetup(9)
		u.o.Evaluate = 3
		u.s.at[5] = func(*scripted) (dlam.Record, error) { return dlam.Record{Objective: math.NaN()}, nil }
		u.s.at[at] = func(s *scripted) (dlam.Record, error) {
			for _, ly := range s.net.Layers { // each weight is finite
				for i := range ly.W.Data {
					ly.W.Data[i] = 1e30
				}
			}
			return dlam.Record{}, nil
		}
		res, err := dlam.Run(context.Background(), dividing{u.s}, u.p, u.n, u.o)
		wantError(t, err, "iteration 5: the objective is NaN")
		if at > 0 {
			wantError(t, err, "the last that was evaluated is left: training samples: ")
		}
		if res.Status != dlam.Diverged || res.Last.Iteration != 4 || first(res) != float32(want) {
			t.Errorf("%s after iteration %d, the network of step %g, want %d", res.Status, res.Last.Iteration, first(res), want)
		}
	}
}

// Interrupted comes after the iteration under way, which the end of the context
// does not reach.
func TestInterrupted(t *testing.T) {
	u := newSetup(10)
	ctx, cancel := context.WithCancel(context.Background())
	u.s.at[3] = func(*scripted) (dlam.Record, error) { cancel(); return dlam.Record{Objective: 0.5}, nil }
	res, err := u.run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	u.expect(t, res, dlam.Interrupted, 3)
	if res.Last.Train == nil || res.Last.Test == nil {
		t.Error("the last record has no scores")
	}
	u = newSetup(10)
	res, err = u.run(ctx) // ended before it began
	if err != nil {
		t.Fatal(err)
	}
	u.expect(t, res, dlam.Interrupted, 0)
	if first(res) != u.n.Layers[0].W.At(0, 0) {
		t.Error("the network is not the one started from")
	}
}

// An iteration under way is given up once its grace is over, by a step that heeds its
// context; the network is then that of the iteration before.
func TestGivenUp(t *testing.T) {
	for _, grace := range []time.Duration{1, -1} {
		u := newSetup(10)
		u.o.Grace = grace
		ctx, cancel := context.WithCancel(context.Background())
		u.s.at[3] = func(s *scripted) (dlam.Record, error) {
			cancel()
			<-s.ctx.Done()
			return dlam.Record{}, s.ctx.Err()
		}
		res, err := u.run(ctx)
		if err != nil {
			t.Fatal(err)
		}
		u.expect(t, res, dlam.Interrupted, 2)
		if !res.GivenUp || res.Last.Train == nil || len(u.l.records) != 2 {
			t.Errorf("grace %d: given up: %v, scores %v, %d records", grace, res.GivenUp, res.Last.Train, len(u.l.records))
		}
	}
	u := newSetup(10)
	u.o.Grace = -1
	ctx, cancel := context.WithCancel(context.Background())
	u.s.at[3] = func(*scripted) (dlam.Record, error) { cancel(); return dlam.Record{Objective: 0.5}, nil }
	res, err := u.run(ctx) // by a step that heeds nothing
	if err != nil {
		t.Fatal(err)
	}
	if u.expect(t, res, dlam.Interrupted, 3); res.GivenUp {
		t.Error("an iteration that was done was given up")
	}
}

func TestTimedOut(t *testing.T) {
	u := newSetup(1000)
	u.o.Budget = 30 * time.Millisecond
	slow := func(s *scripted) (dlam.Record, error) { time.Sleep(20 * time.Millisecond); return dlam.Record{}, nil }
	for k := range 1001 {
		u.s.at[k] = slow
	}
	res, err := u.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	u.expect(t, res, dlam.TimedOut, len(u.l.records))
	for _, r := range u.l.records { // no iteration starts past the bound, however slow the machine is
		if past := r.Elapsed >= u.o.Budget.Seconds(); past != (r.Iteration == len(u.l.records)) {
			t.Errorf("iteration %d of %d ended after %g s", r.Iteration, len(u.l.records), r.Elapsed)
		}
	}
	u = newSetup(10)
	u.o.Budget, u.o.Elapsed, u.o.First = time.Second, time.Second, 4
	if res, err = u.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if res.Status != dlam.TimedOut || res.Last.Iteration != 4 || res.Last.Elapsed != 1 { // the time before a resume counts
		t.Errorf("%s after iteration %d, %g s", res.Status, res.Last.Iteration, res.Last.Elapsed)
	}
}

// ErrStop comes with a record, which counts.
func TestStopped(t *testing.T) {
	u := newSetup(10)
	u.s.at[4] = func(*scripted) (dlam.Record, error) { return dlam.Record{Objective: 0.1}, dlam.ErrStop }
	res, err := u.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	u.expect(t, res, dlam.Stopped, 4)
	if res.Last.Objective != 0.1 || res.Last.Train == nil || len(u.l.records) != 4 {
		t.Errorf("last record %+v of %d", res.Last, len(u.l.records))
	}
}

func TestFailed(t *testing.T) {
	full := errors.New("no space left on device")
	third := func(k int) error {
		if k == 3 {
			return full
		}
		return nil
	}
	for name, c := range map[string]struct {
		set  func(u *setup)
		last int
	}{
		"step":     {func(u *setup) { u.s.at[3] = func(*scripted) (dlam.Record, error) { return dlam.Record{}, full } }, 2},
		"recorder": {func(u *setup) { u.l.on = third }, 3},
		"observer": {func(u *setup) { u.l.look = third }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			u := newSetup(5)
			c.set(u)
			res, err := u.run(context.Background())
			if !errors.Is(err, full) {
				t.Errorf("error %v, want the cause", err)
			}
			u.expect(t, res, dlam.Failed, c.last)
		})
	}
	u := newSetup(5)
	u.l.look = func(int) error { return full } // before the first iteration
	res, err := u.run(context.Background())
	if !errors.Is(err, full) {
		t.Errorf("error %v, want the cause", err)
	}
	u.expect(t, res, dlam.Failed, 0)
}

// A resumed run counts on, and puts its state back before anyone looks.
func TestResume(t *testing.T) {
	u := newSetup(7)
	u.o.First, u.o.Elapsed = 5, 3*time.Second
	resumed := false
	u.o.Resume = func(st dlam.Stepper) error {
		resumed = len(u.l.seen) == 0
		st.(*scripted).k = 5
		return nil
	}
	res, err := u.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	u.expect(t, res, dlam.Completed, 7)
	if !resumed || !slices.Equal(u.l.seen, []int{5, 6, 7}) || res.Last.Elapsed < 3 {
		t.Errorf("resumed %v, observed after %v, %g s in all", resumed, u.l.seen, res.Last.Elapsed)
	}
	bad := errors.New("no such state")
	u.o.Resume = func(dlam.Stepper) error { return bad }
	if _, err := u.run(context.Background()); !errors.Is(err, bad) || !u.s.made.closed {
		t.Errorf("error %v (closed: %v), want the cause", err, u.s.made.closed)
	}
}

// What is wrong before the first iteration is an error without a result.
func TestRunRefuses(t *testing.T) {
	for _, c := range []struct {
		set  func(u *setup)
		want string
	}{
		{func(u *setup) { u.o.Iterations, u.o.First = 3, 5 }, "iterations: got 3 with 5 done"},
		{func(u *setup) { u.o.Iterations = 0 }, "iterations: got 0, want at least 1"},
		{func(u *setup) { u.o.Evaluate = -1 }, "evaluate: got -1, want at least 0"},
		{func(u *setup) { u.o.Budget = -time.Second }, "budget: got -1s, want at least 0"},
		{func(u *setup) { u.p = nil }, "run: no problem"},
		{func(u *setup) { u.n = nil }, "run: no network to start from"},
		{func(u *setup) { u.o.First = -1 }, "iterations: got 5 with -1 done"},
		{func(u *setup) { u.p.Threads = 0 }, "problem: threads: got 0, want at least 1"},
		{func(u *setup) { u.n = testprob.Network(testprob.Blobs(9, 6, 2, 1), nil, activation.ReLU{}, dlam.He, 1) }, "the network takes 6 features, samples have 4"},
		{func(u *setup) { u.n = testprob.Network(testprob.Blobs(9, 4, 3, 1), nil, activation.ReLU{}, dlam.He, 1) }, "the network gives 3 outputs, targets have 2"},
		{func(u *setup) { u.s.refuse = errors.New("rho: got -1") }, "rho: got -1"},
	} {
		u := newSetup(5)
		c.set(u)
		res, err := u.run(context.Background())
		wantError(t, err, c.want)
		if res != nil || len(u.l.seen) > 0 {
			t.Errorf("%s: a result %+v, observed %v", c.want, res, u.l.seen)
		}
	}
}

// forEpochs is a solver whose settings are for some number of epochs.
type forEpochs struct {
	*script
	epochs int
}

func (f forEpochs) Epochs() int { return f.epochs }

// A run without a solver is refused, and one whose length is said twice, in two
// ways.
func TestRunRefusesSolver(t *testing.T) {
	u := newSetup(5)
	_, err := dlam.Run(context.Background(), nil, u.p, u.n, u.o)
	wantError(t, err, "run: no solver")
	_, err = dlam.Run(context.Background(), forEpochs{u.s, 4}, u.p, u.n, u.o)
	wantError(t, err, "iterations: got 5, and the settings of script are for 4 epochs; want the same number in both")
	for _, epochs := range []int{0, 5} {
		if _, err := dlam.Run(context.Background(), forEpochs{u.s, epochs}, u.p, u.n, u.o); err != nil {
			t.Errorf("%d epochs: %v", epochs, err)
		}
	}
}

// Validate reports every fault of a problem at once, with values.
func TestProblemValidate(t *testing.T) {
	p := &dlam.Problem{
		Y:     loss.Target{Class: []int32{0, 4}, Classes: 1},
		TestX: mat.New(3, 2), TestY: loss.Target{Class: []int32{0}, Classes: 2, Smoothing: 2},
	}
	err := p.Validate()
	for _, want := range []string{
		"problem: training data is 0×0, want at least one sample and one feature",
		"problem: 2 targets for 0 training samples",
		"problem: test samples have 2 features, training samples 0",
		"problem: 1 targets for 3 test samples",
		"problem: 1 class, want at least 2",
		"problem: training class of sample 1: got 4, want 0 to 0",
		"problem: test label smoothing: got 2, want 0 ≤ s < 1",
		"problem: no loss", "problem: no regulariser", "problem: threads: got 0", "problem: no comm",
	} {
		wantError(t, err, want)
	}
	if err := testprob.Blobs(9, 2, 2, 1).Validate(); err != nil {
		t.Errorf("a good problem: %v", err)
	}
}

// timed is a solver whose steps end two parts, the first of them twice.
type timed struct{ script }

func (s *timed) Init(_ *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	return &timedStepper{scripted: scripted{s: &s.script, net: n.Clone()}}, nil
}

type timedStepper struct {
	scripted
	ended func(int, string)
}

func (s *timedStepper) Mark(ended func(int, string)) { s.ended = ended }

func (s *timedStepper) Step(ctx context.Context) (dlam.Record, error) {
	time.Sleep(4 * time.Millisecond)
	s.ended(1, "W")
	time.Sleep(2 * time.Millisecond)
	s.ended(2, "za")
	time.Sleep(4 * time.Millisecond)
	s.ended(1, "W")
	return s.scripted.Step(ctx)
}

// TestPartsAddUp holds that a Step's time is told by parts, afresh each time.
func TestPartsAddUp(t *testing.T) {
	p := testprob.Blobs(20, 3, 2, 1)
	n := testprob.Network(p, []int{4}, activation.ReLU{}, dlam.Paper, 1)
	check := func(r dlam.Record) error {
		if len(r.Parts) != 2 || r.Parts[0].Layer != 1 || r.Parts[0].Variables != "W" || r.Parts[1].Layer != 2 || r.Parts[1].Variables != "za" {
			t.Fatalf("parts: got %+v", r.Parts)
		}
		w, za := r.Parts[0].Seconds, r.Parts[1].Seconds
		if w < 0.008 || za < 0.002 || w+za > r.Seconds {
			t.Errorf("iteration %d: parts of %g and %g s in %g s", r.Iteration, w, za, r.Seconds)
		}
		return nil
	}
	if _, err := dlam.Run(context.Background(), &timed{}, p, n, dlam.Options{Iterations: 3, Recorders: []dlam.Recorder{recorder(check)}}); err != nil {
		t.Fatal(err)
	}
}

type recorder func(dlam.Record) error

func (f recorder) Record(r dlam.Record) error { return f(r) }

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want one with %q", err, want)
	}
}

// TestWorseThanConstant: of a method that does not know the best constant a network that is
// worse, or no better, is told of, and no error; of one that is better nothing is.
func TestWorseThanConstant(t *testing.T) {
	u := newSetup(2)
	last := u.n.Layers[len(u.n.Layers)-1]
	for i := range last.W.Data {
		last.W.Data[i] = 0
	}
	last.B[0], last.B[1] = 9, -9 // surely the first class, of two
	res, err := dlam.Run(context.Background(), u.s, u.p, u.n, u.o)
	if err != nil || res.Status != dlam.Completed || math.Abs(res.Constant-math.Log(2)) > 0.05 || !strings.Contains(res.Warning(), "is worse on") {
		t.Errorf("%v, %v, constant %v, %q; want completed, about log 2, and a warning", err, res.Status, res.Constant, res.Warning())
	}
	last.B[0], last.B[1] = 0, 0 // the best constant itself
	if res, err = dlam.Run(context.Background(), u.s, u.p, u.n, u.o); err != nil || !strings.Contains(res.Warning(), "no better on the training samples than one output for all: its risk is 0.6931") {
		t.Errorf("%v, warning %q of a network that is the best constant", err, res.Warning())
	}
	if res, err = dlam.Run(context.Background(), u.s, u.p, newSetup(2).n, u.o); err != nil || res.Warning() != "" || res.Constant != 0 {
		t.Errorf("%v, %q, constant %v of a network that has learnt", err, res.Warning(), res.Constant)
	}
}
