package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/solver/admm"
	"github.com/dlam-go/dlam/solver/anderson"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/solver/lifted"
	"github.com/dlam-go/dlam/solver/multiconvex"
	"github.com/dlam-go/dlam/solver/onlineam"
	"github.com/dlam-go/dlam/solver/pdadmm"
	"github.com/dlam-go/dlam/solver/syncdlam"
	"github.com/dlam-go/dlam/spec"
)

// Config is what a run is told: where its samples are, and how to train on
// them. Its text is a run's config.toml.
type Config struct {
	Source  Source
	Options Options
}

// Entries are c's settings by name, in the order of help texts and files. It is
// the only place where names become fields.
func (c *Config) Entries() []Entry {
	s, o, m := &c.Source, &c.Options, &c.Options.Settings
	return slices.Concat([]Entry{
		{"data", OfData, strings.Join(dataset.Names, "|") + ", a file (CSV, IDX, NPY, NPZ, Parquet), or a folder of pictures", field(&s.Data, anyText, "")},
		{"data-dir", OfData, "where named data sets lie (default $DLAM_DATA_DIR)", field(&s.DataDir, anyText, "")},
		{"offline", OfData, "never download", field(&s.Offline, onOff, "false")},
		{"test-data", OfData, "file to test on", field(&s.TestData, anyText, "")},
	}, s.TableEntries(), s.ColumnEntries(), []Entry{
		{"limit", OfData, "train on the first so many samples; 0: all", field(&s.Limit, from(0, "0: all"), "0")},
		{"test-split", OfData, "share held back for testing where there is no test data; 0: none", maybe(&o.TestSplit, belowOne).by(defaultTestSplit)},
		{"validation", OfData, "share of the training samples held back to choose the best iteration's network; 0: none", field(&o.Validation, belowOne, "0")},
		{"patience", OfData, "with --validation: stop after so many iterations without a better network; 0: never", field(&o.Patience, from(0, "0: never"), "0")},
		{"pool", OfData, "average pictures over squares of this side: 2 makes 28×28 into 14×14", field(&o.Pool, counts(), "1")},
		{"bins", OfData, fmt.Sprintf("of each number of a table, 2 to %d: features beside it, how much of each bin lies below it, for classes and values that jump at some number (docs/tables.md); 0: none", dataset.MostBins), field(&o.Bins, binCounts, "0")},
		{"scale", OfData, "of features; auto: unit for pictures, standard for tables", field(&o.Scale, oneOf(dataset.Scalings...), Auto)},

		{"hidden", OfNetwork, `widths of the hidden layers, as 100,100; "" for none; auto: for sync's mini-batches of pictures convolutions (see layers) from 16x16 pixels on and 1000 below, else 100,100`, plain[[]int]{layerWidths, &o.Hidden, func(w []int) bool { return w == nil }, Auto}},
		{"layers", OfNetwork, `the hidden layers in place of --hidden, as "conv 16 5x5, max 2, conv 32 5x5 same tanh, mean 2, dense 128", or of sequences "gru 64" (docs/layers.md)`, plain[[]nn.LayerSpec]{layerList, &o.Layers, func(l []nn.LayerSpec) bool { return l == nil }, ""}},
		{"shape", OfNetwork, "with --layers, of samples that are no pictures to the program: rows x columns x channels, as 28x28x1, or steps x columns of a sequence, in this order in a sample", field(&o.Shape, sampleShape, "")},
		{"activation", OfNetwork, "of all hidden layers, or one for each, as relu,tanh", list(&o.Activation)},
		{"init", OfNetwork, "first weights; paper: N(0, 0.1²), auto: what suits the solver", field(&o.Init, oneOf(dlam.Initializers...), Auto)},
		{startEntry, OfNetwork, "SHA-256 of the first weights, where they were given: they are in start.safetensors", field(&o.StartDigest, anyText, "")},

		{"loss", OfTraining, "auto: cross-entropy for classes, squared for values", field(&o.Loss, kind[loss.Loss]{name: "string", choices: append([]string{Auto}, spec.Kinds(loss.All)...), usage: spec.Usage(loss.All), parse: loss.Parse, within: sound[loss.Loss]}, Auto)},
		{"l1", OfTraining, "λ of the regulariser λ‖W‖₁", field(&o.L1, notNegative, "0")},
		{"l2", OfTraining, fmt.Sprintf("λ of the regulariser (λ/2)‖W‖²; auto or -1: what suits, for sync's mini-batches %g a row of a table and at least %d, %g a sample of other classes, else 0; best: the best of %g to %g times that by training samples held back", tableDecay, leastDecay, syncdlam.WeightDecay, l2Times[0], l2Times[len(l2Times)-1]), orTried{maybe(&o.L2, notNegative).orMinusOne(), Best, &o.TryL2}},
		{"label-smoothing", OfTraining, fmt.Sprintf("cross-entropy: share of the uniform distribution in the targets; auto or -1: what suits, %g for sync (mini-batches of a table %g, from %d rows on 0), else 0", syncSmoothing, tableSmoothing, manyRows), maybe(&o.Smoothing, belowOne).orMinusOne()},
		{"class-weight", OfTraining, "balanced, or a weight above 0 for each class, as no=1,yes=9: how much its samples count, in training and in scores; balanced is n/(k·n_c), with n_c of the n training samples in one of k classes", plain[dataset.ClassWeights]{classWeights, &o.ClassWeight, dataset.ClassWeights.IsZero, ""}},
		{"clamp", OfTraining, "keep predicted values of a regression within those of the training samples", maybe(&o.Clamp, onOff).by(true)},
		{"jitter", OfTraining, "mini-batches of pictures: standard deviation of their random shifts, in pixels; auto or -1: what suits", maybe(&o.Jitter, notNegative).orMinusOne()},
		{"moves", OfTraining, "mini-batches of pictures: what else is done to them by chance, with commas between: flip (mirror half of them), crop (enlarge a part with sides of 80 to 100 %), brightness (times 0.8 to 1.2); dlam search tries some", field(&o.Moves, randomMoves, "none")},
		{"ensemble", OfTraining, "networks that are trained beside each other; the model's outputs are the mean of theirs, of classes before the softmax", field(&o.Ensemble, counts(), "1")},
		{"refit", OfTraining, "fit the last layer anew at the end, to the others' outputs in a forward pass; methods that split the network", field(&o.Refit, onOff, "false")},
		{"seed", OfTraining, "of everything random", field(&o.Seed, seeds, "0")},
		{"solver", OfTraining, "the training method", field(&o.Method, kind[string]{name: "string", choices: MethodNames(), parse: anyText.parse}, defaultMethod)},
		{"iterations", OfTraining, "sweeps, or epochs of methods that take mini-batches; 0: what suits the method", field(&o.Iterations, from(1, "0: what suits the method"), "0")},
		{"evaluate-every", OfTraining, "measure accuracies every so many iterations; 0: at the end only", maybe(&o.Evaluate, from(0, "0: at the end only")).by(1)},
		{"threads", OfTraining, "goroutines to compute on (default: one for each processor)", field(&o.Threads, counts(), "")},

		{"batch", OfMethod, "samples a mini-batch; 0: all at a time; auto or -1: what suits, for backpropagation and lifted all", maybe(&m.Batch, from(0, "0: all samples")).orMinusOne()},
		{"momentum", OfMethod, "in [0, 1); auto or -1: what suits", maybe(&m.Momentum, belowOne).orMinusOne()},
		{"lambda", OfMethod, "damping, relative to the inputs' variance; auto or -1: what suits", maybe(&m.Lambda, aboveZero).orMinusOne()},
		{"rank", OfMethod, "rank of the exact part of wide layers' metric in mini-batches; 0: exact; auto or -1: what suits", maybe(&m.Rank, from(0, "0: the exact inverse")).orMinusOne()},
		{"mode", OfMethod, "where the output layer's targets come from", maybe(&m.Mode, oneOf(syncdlam.Gradient, syncdlam.Prox))},
		{"lr", OfMethod, fmt.Sprintf("learning rate; -1: what suits; auto: the best of %g to %g by training accuracy", gradient.Grid[0], gradient.Grid[len(gradient.Grid)-1]), rateOf(m)},
		{"schedule", OfMethod, "how the learning rate changes over the run", maybe(&m.Schedule, oneOf(gradient.Schedules...))},
		{"warm-up", OfMethod, "share of the run's updates over which the learning rate grows, in [0, 1)", maybe(&m.WarmUp, belowOne)},
		{"decay", OfMethod, "decoupled decay of weights, not a part of the objective", maybe(&m.Decay, notNegative)},
		{"intercept-rate", OfMethod, "learning rate of intercepts, which move by adam", maybe(&m.InterceptRate, aboveZero)},
		{"binary-weights", OfMethod, "train networks whose weights are, in each unit of all layers, of one magnitude: signs and a number a unit (docs/family.md)", maybe(&m.BinaryWeights, onOff).by(false)},
		{"beta1", OfMethod, "memory of the gradient, in [0, 1)", maybe(&m.Beta1, belowOne)},
		{"beta", OfMethod, fmt.Sprintf("admm: weight of z = Wa + b, with form zeng of a = h(Wa + b) and by default %g; else the memory of squared gradients, in [0, 1)", admm.ZengSettings().Beta), maybe(&m.Beta, notNegative)},
		{"delta", OfMethod, "what keeps the divisor from 0", maybe(&m.Delta, aboveZero)},
		{"anderson", OfMethod, fmt.Sprintf("mix the last so many iterates, %d to %d, where that lowers the objective; 0: none", anderson.Least, anderson.Most), maybe(&m.Anderson, depths)},
		{"rho", OfMethod, "weight of z = Wa + b", maybe(&m.Rho, aboveZero)},
		{"epsilon", OfMethod, "first half-width of the band around h(z)", maybe(&m.Epsilon, aboveZero)},
		{"epsilon-rule", OfMethod, "how the band's half-width changes", maybe(&m.EpsilonRule, oneOf(multiconvex.EpsilonRules...))},
		{"line-search", OfMethod, "how step lengths are found", maybe(&m.LineSearch, oneOf(multiconvex.LineSearches...))},
		{"output-solver", OfMethod, "how cross-entropy's output step is solved", maybe(&m.OutputSolver, oneOf(loss.Omega, loss.FISTA))},
		{"inertia-centre", OfMethod, "how far the proximal centre is extrapolated, as a share of the point where the gradient is taken; 1: the same point", maybe(&m.InertiaCentre, notNegative)},
		{"inertia-result", OfMethod, "how far a step's result is extrapolated, as a share of the same; 0: not", maybe(&m.InertiaResult, notNegative)},
		{"alpha0", OfMethod, "where backtracking starts", maybe(&m.Alpha0, aboveZero)},
		{"gamma", OfMethod, "dlam: backtracking's factor in the W-step, above 1; admm, bcd, lifted: weight of a = h(z)", maybe(&m.Gamma, aboveZero)},
		{"eta", OfMethod, "factor of the a-step's search, above 1", maybe(&m.Eta, aboveZero)},
		{"alpha", OfMethod, fmt.Sprintf("weight of the proximal terms, in lifted's mini-batches by default %g; 0: none", lifted.MiniBatches().Alpha), maybe(&m.Alpha, notNegative)},
		{"nu", OfMethod, "weight of the hidden layers' equations", maybe(&m.Nu, aboveZero)},
		{"rounds", OfMethod, "updates of z and a before one of W and b", maybe(&m.Rounds, from(1, ""))},
		{"penalty", OfMethod, "what holds a to h(Wa + b)", maybe(&m.Penalty, oneOf(lifted.Penalties...))},
		{"theta", OfMethod, "share of each block's move that is taken, above 0 and at most 1", maybe(&m.Theta, shareOfMove)},
		{"mu", OfMethod, "mac: first weight of a = h(Wa + b), at most 1e12, beyond which it does not grow; onlineam: weight of z = Wa + b beside a sample's loss, with rule memory by default " + fmt.Sprint(onlineam.DefaultSettings(onlineam.Memory).Mu), maybe(&m.Mu, aboveZero)},
		{"mu-growth", OfMethod, "factor by which mu grows, at least 1", maybe(&m.MuGrowth, atLeastOne)},
		{"mu-every", OfMethod, "iterations after which mu grows", maybe(&m.MuEvery, from(1, ""))},
		{"warm", OfMethod, "iterations before the multiplier first moves", maybe(&m.Warm, from(0, ""))},
		{"form", OfMethod, "whose ADMM it is: of Taylor et al., or for smooth activations of Zeng, Lin & Yao", maybe(&m.Form, oneOf(admm.Forms...))},
		{"multipliers", OfMethod, "which equations have multipliers: the last layer's, or all", maybe(&m.Multipliers, oneOf(admm.AllMultipliers...))},
		{"bits", OfMethod, "of the values that layers give each other, 1 to 16; 0: not quantised", maybe(&m.Bits, bitCounts)},
		{"grid", OfMethod, fmt.Sprintf("largest absolute value of quantised values, in units of the root mean square of the layer's first activations; by default %g", pdadmm.DefaultSettings().Grid), maybe(&m.Grid, aboveZero)},
		{"parallel", OfMethod, "what MPI's ranks share", maybe(&m.Parallel, oneOf(pdadmm.Parallels...))},
		{"rule", OfMethod, "how weights move once a batch has its z", maybe(&m.Rule, oneOf(onlineam.Rules...))},
		{"code-steps", OfMethod, "gradient steps of a layer's z in a batch", maybe(&m.CodeSteps, from(1, ""))},
		{"recall", OfMethod, fmt.Sprintf("share of a new batch in the memory's averages, in (0, 1), by default %g", onlineam.DefaultSettings(onlineam.Memory).Recall), maybe(&m.Recall, withinOne)},
		{"ridge", OfMethod, "of the Gram matrix's mean diagonal; admm: what is taken for 0 in the pseudo-inverse, onlineam: damping, by default " + fmt.Sprint(onlineam.DefaultSettings(onlineam.Memory).Ridge), maybe(&m.Ridge, withinOne)},
	})
}

// startEntry is the name of the digest of given first weights.
const startEntry = "start"

// ofSource are the names of Source's entries.
var ofSource = []string{"data", "data-dir", "offline", "test-data", "label", "drop", "header", "no-header", "separator", "decimal", "encoding", "missing-values", "task", "weight-column", "features", "column", "sequence-column", "time-column", "resize", "grey", "limit"}

// Entry is the setting called name.
func (c *Config) Entry(name string) (e Entry, ok bool) {
	entries := c.Entries()
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == name })
	if i < 0 {
		return Entry{}, false
	}
	return entries[i], true
}

// StandardActivation is that of hidden layers if nothing is said.
func StandardActivation() activation.Func { return activation.ReLU{} }

// list is the field p of activations.
func list(p *[]activation.Func) plain[[]activation.Func] {
	return plain[[]activation.Func]{
		kind: kind[[]activation.Func]{
			name: "string", choices: spec.Kinds(activation.All), usage: spec.Usage(activation.All), parse: activation.ParseList,
			within: func(v *check.Violations, name string, list []activation.Func) {
				for _, h := range list {
					sound(v, name, h)
				}
			},
		},
		p: p, isZero: func(l []activation.Func) bool { return len(l) == 0 }, suits: StandardActivation().Spec().String(),
	}
}

// sound reports an operator with parameters outside their ranges.
func sound[T spec.Operator](v *check.Violations, name string, o T) {
	if err := spec.Check(o); err != nil {
		v.Also(fmt.Errorf("%s: %w", name, err))
	}
}

// rateOf is the learning rate: -1 for what suits, auto for a search.
func rateOf(m *Settings) value {
	return rate{orTried{maybe(&m.Rate, aboveZero).orMinusOne(), Auto, &m.TryRates}}
}

// orTried is a number, or a word that asks for some to be tried.
type orTried struct {
	optional[float64]
	word string
	try  *bool
}

func (t orTried) Set(text string) error {
	if *t.try = text == t.word; *t.try {
		t.optional.Clear()
		return nil
	}
	return t.optional.Set(text)
}

func (t orTried) Get() any {
	if *t.try {
		return t.word
	}
	return t.optional.Get()
}

func (t orTried) Clear() {
	t.optional.Clear()
	*t.try = false
}

// rate is a learning rate, for which auto is a search and not what suits.
type rate struct{ orTried }

func (r rate) Set(text string) error {
	if text != Auto {
		if x, err := r.parse(text); err != nil || !(x > 0 || isMinusOne(text)) {
			*r.try = false
			return fmt.Errorf("got %q, want a number above 0, auto, or -1 for what suits", text)
		}
	}
	return r.orTried.Set(text)
}

func (rate) Default() string { return "-1" }

// Best asks for a weight decay that is tried.
const Best = "best"
