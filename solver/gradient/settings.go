package gradient

import (
	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/nn"
)

// Rule is how a parameter moves by its gradient; see the package's comment.
type Rule string

// The rules.
const (
	SGD      Rule = "sgd"
	Momentum Rule = "momentum"
	Nesterov Rule = "nesterov"
	Adagrad  Rule = "adagrad"
	Adadelta Rule = "adadelta"
	RMSProp  Rule = "rmsprop"
	Adam     Rule = "adam"
	AMSGrad  Rule = "amsgrad"
	AdamW    Rule = "adamw"
	Muon     Rule = "muon"
	// ScheduleFree is schedule-free AdamW. Its network is an average.
	ScheduleFree Rule = "schedule-free"
)

// Rules lists the choices.
var Rules = []Rule{SGD, Momentum, Nesterov, Adagrad, Adadelta, RMSProp, Adam, AMSGrad, AdamW, Muon, ScheduleFree}

// Schedule is how the rate changes over the run.
type Schedule string

// The schedules.
const (
	Constant Schedule = "constant"
	// Cosine lets the rate fall as (1 + cos(π·k/K))/2 over the K updates of
	// Settings.Epochs (Loshchilov & Hutter 2017, without restarts).
	Cosine Schedule = "cosine"
)

// Schedules lists the choices.
var Schedules = []Schedule{Constant, Cosine}

// Settings are a rule's. A rule ignores the constants that it does not have.
type Settings struct {
	Rule Rule
	Rate float64 // η > 0, learning rate
	// Batch is the number of samples a mini-batch, over all ranks: a Step is
	// then an epoch, every sample once in an order drawn anew, in equal
	// batches of at most this many; Record's Risk is the mean over the epoch,
	// each sample's before its update. 0 means all samples: a Step is one
	// update, and Record's Risk is the network's after it.
	Batch    int
	Schedule Schedule
	// WarmUp in [0, 1) is the share of the run's updates over which the rate
	// grows in proportion to their number.
	WarmUp float64
	Epochs int    // Steps of the run, which Cosine and WarmUp spread over; at least 1 there
	Seed   uint64 // of the order of the samples

	Mu    float64 // μ in [0, 1) of momentum, nesterov and muon
	Beta1 float64 // β₁ in [0, 1): memory of the gradient, of adam, amsgrad, adamw and muon's intercepts; weight of the average in y, of schedule-free
	Beta  float64 // β in [0, 1): memory of its square, of adadelta, rmsprop, adam, amsgrad, adamw, schedule-free and muon's intercepts
	// Decay is λ ≥ 0, the decoupled decay of weights, of adamw, muon and
	// schedule-free: not a part of the objective, as a regulariser is.
	Decay float64
	// InterceptRate is η > 0 of muon's intercepts, which move by adam.
	InterceptRate float64
	Delta         float64 // δ > 0, what keeps the divisor of the adaptive rules from 0
	// BinaryWeights makes each row of all layers' weights g_i·H·sign(W_i): W real, within
	// ±H = nn.BinaryLimit, and moved by the gradient at the binary ones; g_i a trained gain,
	// which alone a regulariser and Decay are of. Intercepts stay real.
	BinaryWeights bool
}

// DefaultSettings are full-batch settings for the rule, with a rate that works
// on MNIST and the constants of the rule's authors.
func DefaultSettings(rule Rule) Settings {
	s := Settings{Rule: rule, Rate: 1, Schedule: Constant, Epochs: 1, Mu: 0.9, Beta1: 0.9, Beta: 0.999, Delta: 1e-8, InterceptRate: 0.002}
	switch rule {
	case Momentum, Nesterov:
		s.Rate = 0.3
	case Adagrad:
		s.Rate, s.Delta = 0.1, 1e-10
	case Adadelta:
		s.Beta, s.Delta = 0.9, 1e-6
	case RMSProp:
		s.Rate, s.Beta = 0.003, 0.99
	case Adam, AMSGrad, ScheduleFree:
		s.Rate = 0.03
	case AdamW:
		s.Rate, s.Decay = 0.03, 0.01
	case Muon:
		s.Rate = 0.02
	}
	return s
}

// Validate reports every setting outside its range.
func (s Settings) Validate() error {
	v := check.Of("gradient settings")
	check.OneOf(v, "rule", s.Rule, Rules...)
	v.Above(0, "rate", s.Rate)
	v.AtLeast(0, "batch", s.Batch, "0: all samples")
	check.OneOf(v, "schedule", s.Schedule, Schedules...)
	v.BelowOne("warm-up", s.WarmUp)
	if s.Schedule == Cosine || s.WarmUp > 0 {
		v.AtLeast(1, "epochs", s.Epochs, "")
	}
	if s.Rule == ScheduleFree {
		check.OneOf(v, "schedule of the schedule-free rule", s.Schedule, Constant)
	}
	v.NotNegative("decay", s.Decay)
	v.Above(0, "intercept rate", s.InterceptRate)
	v.BelowOne("mu", s.Mu)
	v.BelowOne("beta1", s.Beta1)
	v.BelowOne("beta", s.Beta)
	v.Above(0, "delta", s.Delta)
	return v.Err()
}

// Memory is about how many bytes a run takes beside the samples.
func (s Solver) Memory(widths []int, samples, threads int) float64 {
	var parameters, units, longest, batch, real float64
	for l, d := range widths[1:] {
		parameters += float64(d * (widths[l] + 1))
		units += float64(d)
		longest += float64(d * widths[l])
	}
	if rows := float64(min(s.Settings.Batch, samples)); rows > 0 {
		batch = rows*(float64(widths[0])+2*units) + 2*float64(samples) // and their order
		if samples > backprop.Monitored {
			batch += backprop.Monitored*float64(widths[0]) + 2*float64(samples)
		}
	}
	perWorker := 2*parameters + longest + pass.Block*3*units
	if s.Settings.BinaryWeights {
		real = parameters
	}
	return 4 * (parameters*float64(4+s.Settings.Rule.moments()) + real + batch + float64(threads)*perWorker)
}

// MemoryFor is Memory for a network in which some layer shares its weights; its
// parameters may be missing.
func (s Solver) MemoryFor(n *dlam.Network, samples, threads int) float64 {
	worker, sample := nn.PassMemory(n.Layers)
	parameters := float64(n.Numbers())
	floats := parameters * float64(6+s.Settings.Rule.moments())
	if s.Settings.BinaryWeights {
		floats += parameters
	}
	if b := min(s.Settings.Batch, samples); b > 0 {
		inputs := float64(n.Layers[0].Inputs())
		floats += float64(b)*(inputs+sample) + float64(min(backprop.Monitored, samples))*inputs + 4*float64(samples)
	}
	return 4 * (floats + float64(threads)*(3*parameters+worker))
}
