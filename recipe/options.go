package recipe

import (
	"runtime"
	"slices"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/solver/pdadmm"
	"github.com/dlam-go/dlam/spec"
)

// Options say how to train. The zero value trains by sync as suits the data. A
// field's zero value means what suits; where zero is a value of its own, the
// field is a pointer, and nil means what suits.
type Options struct {
	Method   string      // name of one of Methods; "" for sync
	Settings Settings    // of the method
	Solver   dlam.Solver // a method of your own, or one with settings of your own, in place of Method and Settings; it needs Iterations

	Hidden []int // widths of the hidden layers; nil: what suits, empty: no hidden layers
	// Layers are the hidden layers, with pooling between them, in place of Hidden: see
	// nn.ParseLayers. Convolutions and recurrent layers need samples that are pictures, or
	// Shape.
	Layers     []nn.LayerSpec
	Shape      nn.Shape          // of a sample, channels last, where Layers need it and the samples are no pictures
	Activation []activation.Func // of all hidden layers, or of each; nil: ReLU, and of recurrent layers tanh
	Init       dlam.Initializer  // how weights are drawn; "": what suits the method
	Start      *dlam.Network     // first weights, in place of drawn ones; nil: drawn
	StartFile  string            // model or safetensors file of first weights (see model.Weights), in place of drawn ones; "": drawn
	// StartDigest is the SHA-256 that first weights from Start or StartFile must
	// have, as a run's config.toml has it; "": any.
	StartDigest string

	Loss loss.Loss // nil: cross-entropy for classes, squared for values
	L1   float64   // λ of the regulariser λ‖W‖₁; 0: none
	L2   *float64  // λ of the regulariser (λ/2)‖W‖²; nil: what suits the method and the data
	// TryL2 takes the best of some values of L2 by the risk on a fifth of the training
	// samples of each class, from which the trials hold it back, and then trains on all:
	// 0.3, 1, 3 and 10 times what suits, or where none suits, 0 and these times 0.001 a
	// sample.
	TryL2 bool
	// Smoothing is the share of the uniform distribution in cross-entropy's
	// targets, in [0, 1), and Jitter the standard deviation, in pixels, of random
	// shifts of mini-batches of pictures; nil: what suits the method, 0: none.
	Smoothing, Jitter *float64
	Moves             picture.Moves // what else is done to pictures of mini-batches by chance

	// ClassWeight is how much the samples of each class count, in the objective and in
	// scores, in addition to weights that they have of their own.
	ClassWeight dataset.ClassWeights

	// Clamp keeps predicted values within those of the training samples; nil: yes.
	Clamp *bool

	// TestSplit is the share of the samples that is held back for testing, where
	// the data has no test samples of its own; nil: a fifth, 0: none.
	TestSplit *float64
	// Validation is the share of the training samples that is held back to choose
	// the best iteration's network; 0: none, and the last network is the model's.
	Validation float64
	Patience   int             // with Validation, iterations without a better network that end the run; 0: never
	Pool       int             // side of the squares over which pictures are averaged; 0 or 1: none
	Bins       int             // of each number of a table, beside it (dataset.FitBins); 0: none
	Scale      dataset.Scaling // of features; "": unit for pictures, standard for others

	Seed uint64 // of everything random
	// Ensemble is how many networks are trained beside each other, each from first
	// weights of its own; the model's is the mean of their outputs. 0 or 1: one.
	Ensemble int
	// Refit fits the last layer anew at the end, to the outputs of the others in a forward
	// pass, for methods whose layers lag behind it.
	Refit      bool
	Iterations int           // sweeps, or epochs of methods that take mini-batches; 0: what suits the method
	Budget     time.Duration // training time after which no iteration starts; 0: no bound
	Threads    int           // goroutines to compute on; 0: one for each processor
	MaxMemory  float64       // bytes that the process may take, training samples included; 0: what is available
	Certify    bool          // check the theory's promises at every iteration, and end with an error at a violation

	Folder     string // run folder, for the trace, the model, and the state to go on from; "": none. See Resume.
	Resume     bool   // go on with the run in Folder, if there is one; without it, a folder that holds a run is refused
	Force      bool   // take a Folder in which there are files that no run has made, and replace those that stand in its way
	Checkpoint *Every // how often the state is saved in Folder; nil: every minute
	// Grace is how long the epoch of mini-batches under way may take once the context
	// has ended, before it is given up, to be done again when the run goes on; 0: five
	// seconds with a Folder, and no bound without; below 0: none. Other iterations are done
	// to their end.
	Grace time.Duration

	Evaluate *int // measure scores every so many iterations; nil: each, 0: at the end only
	// Warn is told what goes wrong and need not end the run: a state that cannot be
	// saved, or a line of the trace that cannot be written for now, as on a full disk.
	// nil: it ends the run, as its error.
	Warn      func(error)
	Progress  func(dlam.Record)    // told of each iteration; its slices are valid until it returns. nil: nobody
	RateTried func(gradient.Trial) // told of each run that Settings.TryRates takes; nil: nobody
	L2Tried   func(L2Trial)        // told of each run that TryL2 takes; nil: nobody
	Recorders []dlam.Recorder      // told of each iteration; those that are Observers too look at the run between two
	Comm      comm.Comm            // processes that share the samples, or the layers (Settings.Parallel), each with the same Options; nil: one
}

// Every says how often something is done: after so many iterations, or so much
// time; never, if both are 0.
type Every struct {
	Iterations int
	Time       time.Duration
}

// minute is how often state is saved if nothing is said.
var minute = Every{Time: time.Minute}

// defaultTestSplit is the share held back for testing if nothing is said.
const defaultTestSplit = 0.2

// Validate reports every fault of the options that shows without data: values
// out of range, and settings that the method does not read.
func (o *Options) Validate() error { return (&Config{Options: *o}).Validate() }

// Validate is that of the options, and of the source as well.
func (c *Config) Validate() error {
	v, o := check.Of(""), &c.Options
	for _, e := range c.Entries() {
		e.check(v, e.Name)
	}
	v.That(o.Budget >= 0, "budget", o.Budget, "at least 0 (0: no bound)")
	if e := o.Checkpoint; e != nil {
		v.That(e.Iterations >= 0 && e.Time >= 0 && (e.Iterations == 0 || e.Time == 0), "checkpoint-every", *e, "a number of iterations or a time, not both, of at least 0")
	}
	v.That(o.MaxMemory >= 0, "max-memory", o.MaxMemory, "at least 0 (0: what is available)")
	v.That(!o.Resume || o.Folder != "", "resume", o.Resume, "a folder to go on in")
	v.That(o.Bins == 0 || o.pool() == 1, "bins", o.Bins, "none with pool, which is of pictures")
	v.That(o.Patience <= 0 || o.Validation != 0, "patience", o.Patience, "0 without validation samples to judge by (validation)")
	v.That(o.L1 <= 0 || orElse(o.L2, 0) <= 0, "l1", o.L1, "one regulariser, and l2 is given too")
	v.That(o.Layers == nil || o.Hidden == nil, "layers", nn.LayersText(o.Layers), "none, since hidden gives the layers already")
	v.That(o.Shape == nn.Shape{} || !nn.Flat(o.Layers), "shape", o.Shape, "none without layers that need one: conv, max, mean, rnn and gru")
	v.That(o.Layers == nil || len(o.Activation) <= 1, "activation", textOf(o.Activation), "one for all: with layers, a layer names its own, as dense 100 tanh")
	v.That(!o.TryL2 || o.L1 <= 0 && o.L2 == nil, "l2", Best, "no regulariser that is given too (l1, or a number for l2)")
	v.That(!o.TryL2 || !o.Settings.TryRates, "l2", Best, "a learning rate, since lr auto tries runs of its own: one of them at a time")
	if o.Start != nil {
		v.Also(o.Start.Validate())
		v.That(o.StartFile == "", "init-from", o.StartFile, "no file, since a network to start from is given")
	}
	o.checkMethod(v)
	return refuse(v.Err())
}

// checkMethod reports a method that is not there, and settings that it does not
// read.
func (o *Options) checkMethod(v *check.Violations) {
	v.That(o.ensemble() == 1 || o.Hidden == nil || len(o.Hidden) > 0, "ensemble", o.Ensemble, "1 without hidden layers: the mean of such networks is another one")
	v.That(o.ensemble() == 1 || nn.Flat(o.Layers), "ensemble", o.Ensemble, "1 with conv, max, mean, rnn or gru in layers: there is no form of the mean of such networks")
	v.That(o.ensemble() == 1 || o.Solver == nil, "ensemble", o.Ensemble, "1 with a solver of your own, which trains one network (ensemble.Solver trains several)")
	v.That(o.ensemble() == 1 || o.Start == nil && o.StartFile == "" && o.StartDigest == "", "ensemble", o.Ensemble, "1 with first weights that are given (init-from), which are those of one network")
	v.That(o.ensemble() == 1 || !o.Settings.TryRates, "ensemble", o.Ensemble, "1 with lr auto, which tries rates for one network: give the rate")
	v.That(o.ensemble() == 1 || !o.dividesLayers(), "ensemble", o.Ensemble, "1 with parallel layers, which divides the layers of one network")
	v.That(o.ensemble() == 1 || !o.Settings.binary(), "ensemble", o.Ensemble, "1 with binary-weights: the mean of such networks has none")
	v.That(o.ensemble() == 1 || !o.Certify, "ensemble", o.Ensemble, "1 with certify, which looks at the iterates of one network")
	o.checkRefit(v)
	if o.Solver == nil {
		m, err := Find(o.Method)
		v.Also(err)
		if err == nil {
			v.Also(m.accepts(o))
		}
		if v.Err() == nil { // what is wrong for this method alone
			v.Also(m.validate(o))
		}
		return
	}
	v.That(o.Method == "", "solver", o.Method, "no name, since a solver of your own is given")
	v.That(o.Iterations > 0, "iterations", o.Iterations, "at least 1: a solver of your own has no default")
	for _, e := range (&Config{Options: *o}).Entries() {
		v.That(e.Group != OfMethod || e.Get() == nil, e.Name, e.Text(), "nothing, since a solver of your own has its settings")
	}
}

// own is the operators of n and of the options that are no library's: files know them by
// their Specs alone, so that reading one needs them.
func (o *Options) own(n *dlam.Network) (own []spec.Operator) {
	for _, ly := range n.Layers {
		if !slices.Contains(spec.Kinds(activation.All), ly.H.Spec().Kind) {
			own = append(own, ly.H)
		}
		if u := ly.Linear(); !slices.Contains(spec.Kinds(nn.Maps), u.Spec().Kind) {
			own = append(own, u)
		}
	}
	if o.Loss != nil && !slices.Contains(spec.Kinds(loss.All), o.Loss.Spec().Kind) {
		own = append(own, o.Loss)
	}
	return own
}

// ThreadCount is how many goroutines a process computes on.
func (o *Options) ThreadCount() int {
	if o.Threads > 0 {
		return o.Threads
	}
	return max(1, runtime.GOMAXPROCS(0)/local(o.ranks()))
}

// ranks is the processes of the run.
func (o *Options) ranks() comm.Comm {
	if o.Comm == nil {
		return comm.Self{}
	}
	return o.Comm
}

// SamplesOf is those of a run's processes that share its samples: this one alone where
// they share the layers.
func (o *Options) SamplesOf(ranks comm.Comm) comm.Comm {
	if o.dividesLayers() {
		return apart{here: local(ranks)}
	}
	return ranks
}

// dividesLayers reports whether processes share the layers.
func (o *Options) dividesLayers() bool {
	p := o.Settings.Parallel
	return p != nil && *p == pdadmm.Layers
}

// apart is a process that has all samples, beside others on its machine that have them
// too.
type apart struct {
	comm.Self
	here int
}

// Local is the number of processes on this machine.
func (a apart) Local() int { return a.here }

// sharing is the processes that share the samples.
func (o *Options) sharing() comm.Comm { return o.SamplesOf(o.ranks()) }

// local is how many processes of a job run on this machine, if the job says so.
func local(c comm.Comm) int {
	if l, ok := c.(interface{ Local() int }); ok {
		return max(1, l.Local())
	}
	return 1
}

// testSplit is the share held back for testing.
func (o *Options) testSplit() float64 { return orElse(o.TestSplit, defaultTestSplit) }

// pool is the side of the squares that are averaged.
func (o *Options) pool() int { return max(1, o.Pool) }

// ensemble is how many networks are trained.
func (o *Options) ensemble() int { return max(1, o.Ensemble) }

// orElse is what p points to, or what suits if it is nil.
func orElse[T any](p *T, suits T) T {
	if p == nil {
		return suits
	}
	return *p
}
