package multiconvex

import (
	"errors"

	"github.com/dlam-go/dlam/internal/check"
)

// EpsilonRule says how the band's half-width ε changes.
type EpsilonRule string

// The rules for ε.
const (
	// Adaptive is section 4.1.2, with R the mean risk of a sample: if
	// R > 10ε then ε ← max(2ε, 1), else if ε > 10R then ε ← min(ε/2, 0.01).
	Adaptive EpsilonRule = "adaptive"
	// Fixed keeps ε.
	Fixed EpsilonRule = "fixed"
)

// EpsilonRules lists the choices.
var EpsilonRules = []EpsilonRule{Adaptive, Fixed}

// LineSearch says how the curvatures θ of the W-step and τ of the a-step are
// found.
type LineSearch string

// The line searches.
const (
	// Exact takes the smallest curvature that passes the acceptance test, by
	// a closed form: an α for each row of W and a τ for each sample.
	Exact LineSearch = "exact"
	// Backtracking is Algorithms 2 and 3 to the letter: one α for a layer's
	// weights and one t for its activations, from Alpha0 upwards.
	Backtracking LineSearch = "backtracking"
)

// LineSearches lists the choices.
var LineSearches = []LineSearch{Exact, Backtracking}

// Settings are DLAM's parameters; all must be set (see DefaultSettings).
type Settings struct {
	Rho         float64     // ρ > 0, weight of the penalty
	Epsilon     float64     // ε₀ > 0, first half-width of the band
	EpsilonRule EpsilonRule // Adaptive or Fixed
	LineSearch  LineSearch  // Exact or Backtracking
	Alpha0      float64     // > 0, where Backtracking starts
	Gamma       float64     // > 1, its factor in the W-step (Algorithm 2's γ)
	Eta         float64     // > 1, the factor in the a-step (Algorithm 3's η)
	// Momentum makes it mDLAM: each W- and a-step starts from its Nesterov
	// extrapolation where that lowers F more than none.
	Momentum bool
	// Centre and Result are TIAM's further weights, as shares of Nesterov's ω: the proximal
	// centre is at Centre·ω times the last move beyond the last point, where the gradient is
	// taken at ω times it, and what the step finds is gone beyond by Result·ω times the way to
	// it. Both are ≥ 0; 1 and 0 are mDLAM, and DLAM has no others.
	Centre, Result float64
	// BinaryWeights holds each row of every W_l to one magnitude: Ω is the indicator of
	// W_i ∈ {−s_i, s_i}^{d_{l-1}} with s_i free, in place of a regulariser, and the W-step a
	// search by single flips. With the exact line search and without Momentum.
	BinaryWeights bool
}

// DefaultSettings are the paper's (section 4.1.2) with the exact line search.
func DefaultSettings() Settings {
	return Settings{
		Rho: 1e-4, Epsilon: 10, EpsilonRule: Adaptive,
		LineSearch: Exact, Alpha0: 1e-3, Gamma: 2, Eta: 2, Centre: 1,
	}
}

// Validate reports every setting outside its range.
func (s Settings) Validate() error {
	v := check.Of("dlam settings")
	v.Above(0, "rho", s.Rho)
	v.Above(0, "epsilon", s.Epsilon)
	v.Above(0, "alpha0", s.Alpha0)
	v.Above(1, "gamma", s.Gamma)
	v.Above(1, "eta", s.Eta)
	check.OneOf(v, "epsilon rule", s.EpsilonRule, EpsilonRules...)
	check.OneOf(v, "line search", s.LineSearch, LineSearches...)
	v.NotNegative("inertia-centre", s.Centre)
	v.NotNegative("inertia-result", s.Result)
	v.That(s.Momentum || s.Centre == 1, "inertia-centre", s.Centre, "1 without momentum, which it is a share of")
	v.That(s.Momentum || s.Result == 0, "inertia-result", s.Result, "0 without momentum, which it is a share of")
	if s.Momentum && s.LineSearch == Backtracking {
		v.Also(errors.New("momentum: needs the exact line search"))
	}
	if s.BinaryWeights && s.LineSearch == Backtracking {
		v.Also(errors.New("binary weights: need the exact line search: their W-step has no curvature to search for"))
	}
	if s.BinaryWeights && s.Momentum {
		v.Also(errors.New("binary weights: have no form with momentum: extrapolated weights are not binary"))
	}
	return v.Err()
}
