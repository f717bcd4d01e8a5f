package onlineam

import (
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/internal/pass"
)

// Rule is how weights move once a batch has its codes.
type Rule string

// The rules.
const (
	Adam   Rule = "adam"   // AM-Adam
	SGD    Rule = "sgd"    // AM-SGD
	Memory Rule = "memory" // AM-mem; the last layer by Adam
)

// Rules lists the choices.
var Rules = []Rule{Adam, SGD, Memory}

// Settings are the method's.
type Settings struct {
	Rule Rule
	Rate float64 // η > 0 of Adam and SGD
	// Cosine lets the rate fall as (1 + cos(π·k/K))/2 over the K batches of Epochs.
	Cosine bool
	Epochs int // Steps of the run; at least 1 with Cosine
	// Batch is the number of samples a mini-batch, over all ranks: a Step is then an
	// epoch. 0 means all samples at a time: a Step is one update.
	Batch     int
	Mu        float64 // μ > 0, weight of Z_l = V_l
	CodeSteps int     // ≥ 1, gradient steps of a layer's codes
	Recall    float64 // in (0, 1), share of a new batch in the memory's averages
	Ridge     float64 // δ in (0, 1) of the memory's least squares, relative to s̄
	Seed      uint64  // of the order of the samples
}

// DefaultSettings are for mini-batches; docs/family.md has how they were chosen.
func DefaultSettings(rule Rule) Settings {
	s := Settings{Rule: rule, Rate: 0.008, Cosine: true, Epochs: 1, Batch: 200, Mu: 5, CodeSteps: 5, Recall: 0.5, Ridge: 0.1}
	switch rule {
	case SGD:
		s.Rate = 1
	case Memory:
		s.Rate, s.Mu = 0.003, 0.05
	}
	return s
}

// Validate reports every setting outside its range.
func (s Settings) Validate() error {
	v := check.Of("onlineam settings")
	check.OneOf(v, "rule", s.Rule, Rules...)
	v.Above(0, "rate", s.Rate)
	if s.Cosine {
		v.AtLeast(1, "epochs", s.Epochs, "")
	}
	v.AtLeast(0, "batch", s.Batch, "0: all samples")
	v.Above(0, "mu", s.Mu)
	v.AtLeast(1, "code-steps", s.CodeSteps, "")
	v.Within("recall", s.Recall)
	v.Within("ridge", s.Ridge)
	return v.Err()
}

// Solver is online alternating minimisation with its settings.
type Solver struct{ Settings Settings }

func (Solver) String() string { return "onlineam" }

// Validate reports every setting outside its range.
func (s Solver) Validate() error { return s.Settings.Validate() }

// Epochs is over how many iterations the rate falls; 0 if it is constant.
func (s Solver) Epochs() int {
	if !s.Settings.Cosine {
		return 0
	}
	return s.Settings.Epochs
}

// Memory is about how many bytes a run takes beside the samples.
func (s Solver) Memory(widths []int, samples, threads int) float64 {
	var parameters, units, longest, squares, widest float64
	for l, d := range widths[1:] {
		out, in := float64(d), float64(widths[l])
		parameters += out * (in + 1)
		units += out
		longest = max(longest, out*in)
		widest = max(widest, out)
		if s.Settings.Rule == Memory && l < len(widths)-2 {
			squares += (in + 1) * (2*in + 3*out)
			longest = max(longest, in*in)
		}
	}
	floats := 7*parameters + 2*squares // float64: S, its factor, Q and the right side
	if rows := float64(min(s.Settings.Batch, samples)); rows > 0 {
		floats += rows*float64(widths[0]) + 2*float64(samples)
	}
	floats += float64(min(backprop.Monitored, samples)) * float64(widths[0])
	perWorker := 4*parameters + 2*squares + longest + pass.Block*(6*units+4*widest)
	return 4 * (floats + float64(threads)*perWorker)
}
