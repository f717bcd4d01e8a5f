package syncdlam

import "github.com/dlam-go/dlam/internal/check"

// Mode says where the output layer's targets come from.
type Mode string

// The modes.
const (
	// Gradient takes one proximal-gradient step: D_L = −∇R.
	Gradient Mode = "gradient"
	// Prox takes the whole proximal step of eq. 5 with Settings.Rho, where
	// that gives a direction of descent, and Gradient elsewhere.
	Prox Mode = "prox"
)

// Settings are sync's parameters; all must be set (see DefaultSettings).
type Settings struct {
	// Batch is the number of samples a mini-batch, over all ranks: a Step is
	// then an epoch. 0 means all samples: a Step is one monotone update.
	Batch  int
	Epochs int     // Steps that the schedule spreads over, with mini-batches
	Lambda float64 // λ > 0: damping, relative to the inputs' mean variance
	// Momentum μ in [0, 1): V ← μV + (ΔW, Δb), and the step is along V.
	Momentum float64
	Factor   float64 // > 0: of the step: the Gauss–Newton model's best, with mini-batches Polyak's
	Lead     float64 // how far ahead along V mini-batches' gradients are taken, of the weights' norm; 0: not at all
	// Edge in (0, 1] is how near to the edge of stability mini-batches' steps may be.
	Edge float64
	// Start in (0, 1] is the share of the step that mini-batches begin with; it grows
	// until steps have been too long once.
	Start   float64
	Mode    Mode
	Rho     float64 // ρ > 0 of mode Prox
	Refresh int     // mini-batches between two updates of the metric
	Decay   float64 // in [0, 1): memory of the metric's averages
	// Rank is that of the metric's exact part, in mini-batches and layers of
	// more than four times as many inputs; 0: exact everywhere, which takes a matrix
	// of the inputs' square. All samples at a time, an update is worth the exact inverse.
	Rank int
	// OutputFactor is from how many hidden layers on a dense network's moves have the other
	// factor of the curvature in mini-batches (outputMetric), of layers with at most 1024
	// outputs and real weights; 0: never.
	OutputFactor int
	Seed         uint64 // of the order of the samples
	// BinaryWeights makes each row of all layers' weights s_i·sign(W_i): W real, within
	// ±30 nn.BinaryLimit, moves along V by gradients at the binary ones, and s_i by V's mean
	// along the row's signs. With mini-batches alone, whose network has the signs of the
	// average of W, and with a lead of 0.
	BinaryWeights bool
}

// DefaultSettings are mini-batch settings for classes, many samples, and a run
// of so many epochs; the evidence is in docs/sync.md. SettingsFor are those for
// other data, FullBatch those for all samples at a time.
func DefaultSettings(epochs int) Settings {
	return Settings{
		Batch: 500, Epochs: epochs, Lambda: LambdaFor(epochs), Momentum: 0.8, Factor: 1, Lead: 0.01, Edge: 0.6, Start: 1,
		Mode: Gradient, Rho: 0.1, Refresh: 20, Decay: 0.8, Rank: 32, OutputFactor: 5,
	}
}

// SettingsFor are mini-batch settings for so many samples, of classes or of
// values, and so many epochs. Small data are divided into some forty batches an
// epoch, whose moves are averaged over more updates; runs of few updates take
// smaller batches too. The damping regularises what labels there are of classes;
// values want the curvature, however long the run. Steps of values and of small data
// are shorter, farther from the edge of stability, and without the other factor.
func SettingsFor(samples int, classes bool, epochs int) Settings {
	s := DefaultSettings(epochs)
	small := max(32, samples/40)
	if !classes || small < s.Batch/2 {
		s.Momentum, s.Factor, s.Edge, s.Start, s.OutputFactor = 0.9, 0.75, 0.4, 0.25, 0
	}
	if !classes {
		s.Lambda, s.Lead = 1, 0
	}
	s.Batch = min(max(s.Batch/2, samples*epochs/updates), s.Batch, small)
	return s
}

// updates are few below this number, and batches smaller, by half at most.
const updates = 480

// WeightDecay is the λ of prox.L2, a sample, that goes with mini-batch settings
// for classes (docs/sync.md).
const WeightDecay = 1e-4

// FullBatch are settings for all samples at a time.
func FullBatch() Settings {
	s := DefaultSettings(1)
	s.Batch, s.Lambda, s.Momentum = 0, 3, 0.9
	return s
}

// LambdaFor is the damping for a run of so many epochs: it regularises, and
// the more so the longer the run.
func LambdaFor(epochs int) float64 {
	e := float64(epochs)
	return min(max(10, 0.45*e*e), 30)
}

// rank is Rank where it is less than exact, in a layer of so many inputs, and
// else 0.
func (s Settings) rank(in int) int {
	if s.Batch == 0 || 4*s.Rank >= in {
		return 0
	}
	return s.Rank
}

// exactShared is how many inputs a layer has at most whose inverse is exact in a network in
// which some layer shares its weights: their damping is smaller than that of dense
// layers, and so directions beyond the leading ones differ (docs/layers.md).
const exactShared = 1024

// sharedRank is rank in such a network.
func (s Settings) sharedRank(in int) int {
	if in <= exactShared {
		return 0
	}
	return s.rank(in)
}

// ForShared is s, mini-batch settings for so many samples and epochs, as suits a network
// in which some layer shares its weights: batches are at most half as large as those of
// dense networks, but in runs of very many updates, and moves are averaged over more of
// them where there are enough (docs/layers.md).
func (s Settings) ForShared(samples, epochs int, classes bool) Settings {
	if classes {
		s.Lambda = SharedLambda
	}
	whole, all := DefaultSettings(epochs).Batch, samples*epochs
	s.Batch = min(s.Batch, max(whole/4, min(whole/2, all/updates), all/(2*updates)))
	if 2*all >= 3*updates*s.Batch {
		s.Momentum = max(s.Momentum, 0.9)
	}
	return s
}

// ForRecurrent is s, mini-batch settings as ForShared gives them, as suits a network with
// recurrent layers: their gradients go through many steps and explode now and then, so that
// steps are a quarter as long, of batches half as large, and the damping for classes is 0.3
// (docs/layers.md).
func (s Settings) ForRecurrent(classes bool) Settings {
	if classes {
		s.Lambda = 0.3
	}
	s.Batch = (s.Batch + 1) / 2
	s.Factor /= 4
	return s
}

// ForGated is ForRecurrent for a network whose recurrent layers all have gates: they let
// gradients pass, and steps are three quarters as long as without recurrence (docs/layers.md).
func (s Settings) ForGated(classes bool) Settings {
	s.Factor *= 3
	return s.ForRecurrent(classes)
}

// SharedLambda is the damping for mini-batches of classes and a network in which some
// layer shares its weights (docs/layers.md).
const SharedLambda = 3

// Validate reports every setting outside its range.
func (s Settings) Validate() error {
	v := check.Of("sync settings")
	v.AtLeast(0, "batch", s.Batch, "0: all samples")
	v.That(s.Batch == 0 || s.Epochs >= 1, "epochs", s.Epochs, "at least 1")
	v.Above(0, "lambda", s.Lambda)
	v.BelowOne("momentum", s.Momentum)
	v.Above(0, "factor", s.Factor)
	v.That(s.Edge > 0 && s.Edge <= 1, "edge", s.Edge, "above 0 and at most 1")
	v.NotNegative("lead", s.Lead)
	v.That(s.Start > 0 && s.Start <= 1, "start", s.Start, "above 0 and at most 1")
	check.OneOf(v, "mode", s.Mode, Gradient, Prox)
	v.That(s.Mode != Prox || s.Batch == 0, "mode", s.Mode, "gradient with mini-batches: prox is for all samples at a time")
	v.Above(0, "rho", s.Rho)
	v.AtLeast(1, "refresh", s.Refresh, "")
	v.BelowOne("decay", s.Decay)
	v.That(!s.BinaryWeights || s.Batch > 0, "binary weights", s.BinaryWeights, "false with all samples: no step along real weights promises that F falls at their signs")
	v.That(!s.BinaryWeights || s.Lead == 0, "lead", s.Lead, "0 with binary weights: their gradient does not change along V but where signs do")
	v.AtLeast(0, "output factor", s.OutputFactor, "0: none")
	v.AtLeast(0, "rank", s.Rank, "0: the exact inverse")
	return v.Err()
}
