package solvertest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/prox"
)

// Config says what is tested.
type Config struct {
	Solver     dlam.Solver
	Activation activation.Func  // of the hidden layers
	Init       dlam.Initializer // of the weights
	Iterations int              // enough to reach Accuracy on well-separated blobs
	Accuracy   float64          // wanted of the training samples
	// RankTolerance is the relative difference allowed between the objective
	// of one process and that of two, after 3 iterations: sums are added in
	// another order, in float32 within blocks. 0 skips the test, for methods
	// that do not run on several ranks.
	RankTolerance float64
	// Pooled and Recurrent are Solver as it is set for a small network of convolutions, or of
	// recurrent layers; nil: as it is.
	Pooled, Recurrent dlam.Solver
	// Whole is Solver with batches that have all samples, some more than there are; nil
	// if it has no others.
	Whole dlam.Solver
	// WeightTolerance is the share of their way by which parameters may differ after 3
	// iterations with samples' weights of 2 from those with their rows twice; 0 is 1e-3.
	WeightTolerance float64
	Wide            bool                                // on few samples, with more features and hidden units than samples
	Binary          bool                                // begins with the binary weights nearest to the first ones
	Features        int                                 // if not 0, how many features Wide's samples have
	Network         func(p *dlam.Problem) *dlam.Network // to start from; nil: a dense one, of any widths

	shared func(outputs int, h activation.Func, seed uint64) *dlam.Network // of layers that share weights, for 128 features
}

// cut is a solver whose runs may end before its schedule does: it is no
// dlam.Scheduled.
type cut struct{ dlam.Solver }

// RunBoth is Run, and Run with Wide.
func RunBoth(t *testing.T, c Config) {
	Run(t, c)
	c.Wide = true
	t.Run("Wide", func(t *testing.T) { Run(t, c) })
}

// Resumes is the part of Run that holds that runs go on to the same bits.
func Resumes(t *testing.T, c Config) {
	c.Solver = cut{c.Solver}
	c.resumes(t)
}

// Run tests c.Solver.
func Run(t *testing.T, c Config) {
	c.Solver = cut{c.Solver}
	t.Run("Learns", c.learns)
	t.Run("Deterministic", c.deterministic)
	t.Run("LeavesInputs", c.leavesInputs)
	t.Run("Resumes", c.resumes)
	t.Run("Cancels", c.cancels)
	t.Run("RefusesMisfit", c.refusesMisfit)
	t.Run("AllocatesNothing", c.allocatesNothing)
	t.Run("LeavesNothingRunning", c.leavesNothingRunning)
	t.Run("NamesDivergence", c.namesDivergence)
	t.Run("SurvivesSingular", c.survivesSingular)
	t.Run("SharedWeights", c.sharedWeights)
	t.Run("WeighsSamples", c.WeighsSamples)
	t.Run("Pooling", c.pooling)
	t.Run("Recurrence", c.recurrence)
	t.Run("Gates", c.gates)
	if c.RankTolerance > 0 {
		t.Run("RanksAgree", c.ranksAgree)
	}
}

func (c Config) problem() (*dlam.Problem, *dlam.Network) {
	if c.shared != nil {
		return testprob.Blobs(90, 128, 3, 7), c.shared(3, c.Activation, 3)
	}
	if c.Wide {
		features := 70
		if c.Features > 0 {
			features = c.Features
		}
		p := testprob.Blobs(50, features, 4, 7)
		return p, testprob.Network(p, []int{60, 9}, c.Activation, c.Init, 3)
	}
	p := testprob.Blobs(500, 12, 4, 7)
	if c.Network != nil {
		return p, c.Network(p)
	}
	return p, testprob.Network(p, []int{17, 9}, c.Activation, c.Init, 3)
}

// run does k iterations and returns the result and every record.
func (c Config) run(t *testing.T, p *dlam.Problem, n *dlam.Network, k int) (*dlam.Result, []float64) {
	t.Helper()
	var f objectives
	r, err := dlam.Run(context.Background(), c.Solver, p, n, dlam.Options{Iterations: k, Recorders: []dlam.Recorder{&f}})
	if err != nil {
		t.Fatal(err)
	}
	return r, f
}

type objectives []float64

func (o *objectives) Record(r dlam.Record) error {
	*o = append(*o, r.Objective)
	return nil
}

// Falling is a recorder that fails a test when an objective rises.
type Falling struct {
	t    *testing.T
	last float64
}

// NewFalling is one for a run.
func NewFalling(t *testing.T) *Falling { return &Falling{t, math.Inf(1)} }

// Falls trains a network of two hidden layers with an activation and a loss by s, which
// about describes, and ends the test if the objective rises.
func Falls(t *testing.T, s dlam.Solver, h activation.Func, l loss.Loss, iterations int, about any) {
	t.Helper()
	p := testprob.Blobs(300, 8, 3, 2)
	p.Loss, p.Regularizer = l, prox.L2{Lambda: 0.1}
	n := testprob.Network(p, []int{10, 6}, h, dlam.He, 1)
	if _, err := dlam.Run(t.Context(), s, p, n, dlam.Options{Iterations: iterations, Recorders: []dlam.Recorder{NewFalling(t)}}); err != nil {
		t.Fatal(err)
	}
	if t.Failed() {
		t.Fatalf("%v, %v, %+v", h, l, about)
	}
}

// Record compares r with the record before.
func (f *Falling) Record(r dlam.Record) error {
	// Float32 iterates hold F's quadratic terms to about 1e-6 of it.
	if r.Objective > f.last*(1+1e-5) {
		f.t.Errorf("iteration %d: objective rose from %v to %v", r.Iteration, f.last, r.Objective)
	}
	f.last = r.Objective
	return nil
}

func (c Config) learns(t *testing.T) {
	p, n := c.problem()
	r, _ := c.run(t, p, n, c.Iterations)
	if got := r.Last.Train.Accuracy; got < c.Accuracy {
		t.Errorf("training accuracy after %d iterations: got %.3f, want at least %.3f", c.Iterations, got, c.Accuracy)
	}
}

func (c Config) deterministic(t *testing.T) {
	p, n := c.problem()
	a, fa := c.run(t, p, n, 5)
	b, fb := c.run(t, p, n, 5)
	if !slices.Equal(fa, fb) {
		t.Errorf("objectives of two runs differ: %v, %v", fa, fb)
	}
	sameNetwork(t, a.Network, b.Network)
}

func sameNetwork(t *testing.T, a, b *dlam.Network) {
	t.Helper()
	for l := range a.Layers {
		if !slices.Equal(a.Layers[l].W.Elements(), b.Layers[l].W.Elements()) || !slices.Equal(a.Layers[l].B, b.Layers[l].B) {
			t.Errorf("layer %d: parameters differ", l+1)
		}
	}
}

func (c Config) leavesInputs(t *testing.T) {
	p, n := c.problem()
	x, y, net := p.X.Clone(), slices.Clone(p.Y.Class), n.Clone()
	c.run(t, p, n, 3)
	if !slices.Equal(x.Data, p.X.Data) || !slices.Equal(y, p.Y.Class) {
		t.Error("the problem's samples were changed")
	}
	sameNetwork(t, net, n)
}

// clone is a deep copy: a State may share the stepper's memory.
func clone(s dlam.State) dlam.State {
	c := dlam.State{Float32: map[string][]float32{}, Float64: map[string][]float64{}}
	for k, v := range s.Float32 {
		c.Float32[k] = slices.Clone(v)
	}
	for k, v := range s.Float64 {
		c.Float64[k] = slices.Clone(v)
	}
	return c
}

// saver keeps the state after k iterations.
type saver struct {
	k     int
	net   *dlam.Network
	state dlam.State
}

func (s *saver) Observe(k int, st dlam.Stepper) error {
	if k == s.k {
		s.net, s.state = st.Network().Clone(), clone(st.(dlam.Resumable).State())
	}
	return nil
}

// lines keeps each record as a line of a trace, without its times.
type lines []string

func (l *lines) Record(r dlam.Record) error {
	r.Seconds, r.Elapsed, r.Parts = 0, 0, nil
	text, err := json.Marshal(r)
	*l = append(*l, string(text))
	return err
}

// resumes holds that a run which goes on from a saved state gives the network and
// the records, all of them, of the run that went straight.
func (c Config) resumes(t *testing.T) {
	p, n := c.problem()
	st, err := c.Solver.Init(p, n)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, ok := st.(dlam.Resumable); !ok {
		t.Fatal("the stepper is not Resumable")
	}
	for _, at := range []int{0, 1, 4} {
		save := saver{k: at}
		var want, got lines
		straight, err := dlam.Run(context.Background(), c.Solver, p, n, dlam.Options{
			Iterations: 7, Evaluate: 2, Observers: []dlam.Observer{&save}, Recorders: []dlam.Recorder{&want},
		})
		if err != nil {
			t.Fatal(err)
		}
		resume := func(s dlam.Stepper) error { return s.(dlam.Resumable).Restore(save.net, save.state) }
		resumed, err := dlam.Run(context.Background(), c.Solver, p, n, dlam.Options{
			Iterations: 7, Evaluate: 2, First: at, Resume: resume, Recorders: []dlam.Recorder{&got},
		})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want[at:], got); d != "" {
			t.Errorf("resumed after %d (-straight +resumed):\n%s", at, d)
		}
		sameNetwork(t, straight.Network, resumed.Network)
	}
}

// sharedWeights trains a network of convolutions, or sees it refused by name.
func (c Config) sharedWeights(t *testing.T) {
	p := testprob.Blobs(90, 72, 3, 7)
	n := testprob.Convolutional(3, c.Activation, 3)
	st, err := c.Solver.Init(p, n)
	if err != nil {
		if !strings.Contains(err.Error(), "layer 1 is of kind patches:side=3,stride=1, not fully connected") {
			t.Errorf("convolutions are refused by: %v", err)
		}
		return
	}
	st.Close()
	r, f := c.run(t, p, n, c.Iterations)
	if got := r.Last.Train.Accuracy; got < c.Accuracy {
		t.Errorf("training accuracy after %d iterations: got %.3f, want at least %.3f", c.Iterations, got, c.Accuracy)
	}
	_, again := c.run(t, p, n, 3)
	if !slices.Equal(f[:3], again) {
		t.Errorf("objectives of two runs differ: %v, %v", f[:3], again)
	}
}

// pooling does the same for convolutions with maxima and averages.
func (c Config) pooling(t *testing.T) {
	if c.Pooled != nil {
		c.Solver = cut{c.Pooled}
	}
	c.shared = testprob.Pooled
	c.layers(t, "layer 1 (conv 8 3x3 same, max 2) is a convolution, not fully connected")
}

// recurrence does it for recurrent layers.
func (c Config) recurrence(t *testing.T) {
	if c.Recurrent != nil {
		c.Solver = cut{c.Recurrent}
	}
	c.shared, c.Activation = testprob.Recurrent, activation.Tanh{}
	c.layers(t, "layer 1 (rnn 7 all) is recurrent")
}

// gates does it for those with gates.
func (c Config) gates(t *testing.T) {
	if c.Recurrent != nil {
		c.Solver = cut{c.Recurrent}
	}
	c.shared, c.Activation = testprob.Gated, activation.Tanh{}
	c.layers(t, "layer 1 (gru 6 all) is recurrent", "layer 1 (gru 6 all) has gates")
}

// layers holds that a network of c.shared is refused by one of these words, or that the
// method learns with it, goes on to the same bits and takes no memory.
func (c Config) layers(t *testing.T, refusals ...string) {
	st, err := c.Solver.Init(c.problem())
	if err != nil {
		if !slices.ContainsFunc(refusals, func(text string) bool { return strings.Contains(err.Error(), text) }) {
			t.Errorf("refused by: %v", err)
		}
		return
	}
	st.Close()
	c.learns(t)
	p, n := c.problem()
	if r, _ := c.run(t, p, n, 3); r.Network.Validate() != nil { // what is 0 for good, too
		t.Error(r.Network.Validate())
	}
	c.resumes(t)
	c.allocatesNothing(t)
	if c.RankTolerance > 0 {
		c.ranksAgree(t)
	}
}

func (c Config) cancels(t *testing.T) {
	p, n := c.problem()
	ctx, cancel := context.WithCancel(context.Background())
	stop := cancelAfter{2, cancel}
	r, err := dlam.Run(ctx, c.Solver, p, n, dlam.Options{Iterations: 1000, Recorders: []dlam.Recorder{stop}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != dlam.Interrupted || r.Last.Iteration != 2 {
		t.Errorf("cancelled after 2: got status %s after %d", r.Status, r.Last.Iteration)
	}
	if err := r.Network.Validate(); err != nil {
		t.Error(err)
	}
}

type cancelAfter struct {
	k      int
	cancel func()
}

func (c cancelAfter) Record(r dlam.Record) error {
	if r.Iteration == c.k {
		c.cancel()
	}
	return nil
}

func (c Config) refusesMisfit(t *testing.T) {
	p, _ := c.problem()
	q := testprob.Blobs(50, p.X.Cols+1, p.Y.Classes, 1)
	if st, err := c.Solver.Init(p, testprob.Network(q, []int{5}, c.Activation, c.Init, 1)); err == nil {
		st.Close()
		t.Error("a network for other features was accepted")
	}
}

func (c Config) allocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates, and drops what sync.Pool keeps")
	}
	for _, weighted := range []bool{false, true} {
		p, n := c.problem()
		if weighted {
			p.Y.Weight = weightsFor(p)
		}
		c.stepsAllocateNothing(t, p, n)
	}
}

func (c Config) stepsAllocateNothing(t *testing.T, p *dlam.Problem, n *dlam.Network) {
	t.Helper()
	st, err := c.Solver.Init(p, n)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	step := func() {
		if _, err := st.Step(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		step()
	}
	if got := testing.AllocsPerRun(10, step); got > 0 {
		t.Errorf("allocations in a warm step, weighted %t: got %v, want 0", p.Y.Weight != nil, got)
	}
}

func (c Config) leavesNothingRunning(t *testing.T) {
	before := runtime.NumGoroutine()
	p, n := c.problem()
	c.run(t, p, n, 2)
	for range 100 { // a worker that was told to end may still be on its way
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("goroutines: %d before, %d after", before, runtime.NumGoroutine())
}

func (c Config) ranksAgree(t *testing.T) {
	p, n := c.problem()
	c.ranksAgreeOn(t, p, n)
	p.Y.Weight = weightsFor(p)
	c.ranksAgreeOn(t, p, n)
}

func (c Config) ranksAgreeOn(t *testing.T, p *dlam.Problem, n *dlam.Network) {
	t.Helper()
	_, want := c.run(t, p, n, 3)
	const ranks = 2
	group := comm.Group(ranks)
	var wait sync.WaitGroup
	results := make([][]float64, ranks)
	errs := make([]error, ranks)
	for r := range ranks {
		wait.Go(func() { results[r], errs[r] = c.share(p, n, group[r]) })
	}
	wait.Wait()
	for r := range ranks {
		if errs[r] != nil {
			t.Fatalf("rank %d: %v", r, errs[r])
		}
		for k, f := range results[r] {
			if math.Abs(f-want[k]) > c.RankTolerance*math.Abs(want[k]) {
				t.Errorf("rank %d, iteration %d: objective %v, one process %v", r, k+1, f, want[k])
			}
		}
	}
	if !slices.Equal(results[0], results[1]) {
		t.Error("ranks disagree: " + fmt.Sprint(results))
	}
}

// share runs 3 iterations on one rank's part of the samples.
func (c Config) share(p *dlam.Problem, n *dlam.Network, r comm.Comm) ([]float64, error) {
	lo, hi := comm.Share(p.X.Rows, r.Rank(), r.Size())
	q := *p
	q.X, q.Y, q.Comm = p.X.RowRange(lo, hi), p.Y.RowRange(lo, hi), r
	q.TestX, q.TestY = p.TestX.RowRange(0, 0), p.TestY.RowRange(0, 0)
	var f objectives
	_, err := dlam.Run(context.Background(), c.Solver, &q, n, dlam.Options{Iterations: 3, Recorders: []dlam.Recorder{&f}})
	return f, err
}
