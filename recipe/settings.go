package recipe

import (
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/solver/admm"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/solver/lifted"
	"github.com/dlam-go/dlam/solver/multiconvex"
	"github.com/dlam-go/dlam/solver/onlineam"
	"github.com/dlam-go/dlam/solver/pdadmm"
	"github.com/dlam-go/dlam/solver/syncdlam"
)

// Settings are those of the methods. nil is what suits the method and the data.
// A setting is read by some of the methods, which Readers lists, and refused if
// it is given with another.
type Settings struct {
	Batch        *int               // samples a mini-batch; 0: all samples at a time
	Momentum     *float64           // in [0, 1)
	Lambda       *float64           // sync: damping, relative to the inputs' variance
	Rank         *int               // sync: rank of the exact part of wide layers' metric in mini-batches; 0: exact
	Mode         *syncdlam.Mode     // sync: where the output layer's targets come from
	OutputSolver *loss.OutputSolver // how cross-entropy's output step is solved

	Rate     *float64           // backpropagation, onlineam: learning rate
	TryRates bool               // backpropagation: take the best rate of gradient.Grid by training accuracy
	Schedule *gradient.Schedule // backpropagation: how the rate changes
	WarmUp   *float64           // backpropagation: share of the updates over which the rate grows, in [0, 1)
	Beta1    *float64           // β₁ in [0, 1) of adam, amsgrad, adamw, muon and schedule-free
	// Decay λ ≥ 0 is adamw's, muon's and schedule-free's decoupled decay of weights.
	Decay         *float64
	InterceptRate *float64 // muon: rate > 0 of intercepts
	BinaryWeights *bool    // backpropagation, sync's mini-batches, dlam: whether each row of weights has one magnitude
	Delta         *float64 // δ > 0, what keeps the divisors of backpropagation's adaptive rules from 0

	Anderson    *int                     // methods with all samples at a time: last iterates that are mixed, anderson.Least to anderson.Most; 0: none
	Rho         *float64                 // weight ρ > 0 of a penalty
	Epsilon     *float64                 // dlam, cdlam: first half-width ε > 0 of the band
	EpsilonRule *multiconvex.EpsilonRule // dlam: how ε changes
	LineSearch  *multiconvex.LineSearch  // dlam: how step lengths are found
	// InertiaCentre and InertiaResult, at least 0, are mdlam's: TIAM's weights of the proximal
	// centre and of the result, as shares of the gradient point's.
	InertiaCentre, InertiaResult *float64

	Alpha0      *float64          // dlam: where backtracking starts, > 0
	Eta         *float64          // dlam: factor of the a-step's search, > 1
	Gamma       *float64          // dlam: backtracking's factor in the W-step, > 1; admm, bcd, lifted: weight γ > 0 of a = h(z)
	Alpha       *float64          // bcd, lifted: weight α ≥ 0 of the proximal terms
	Beta        *float64          // admm: weight β > 0 of its penalty; backpropagation: memory of squared gradients, in [0, 1)
	Nu          *float64          // dladmm: weight ν > 0 of the hidden layers' equations
	Rounds      *int              // cdlam, lifted, mac: updates ≥ 1 of z and a before one of W and b
	Penalty     *lifted.Penalty   // lifted: what holds a to h(Wa + b)
	Theta       *float64          // lifted: share of a block's move that is taken, in (0, 1]
	Mu          *float64          // mac: first weight μ > 0 of a = h(Wa + b); onlineam: weight of z = Wa + b
	MuGrowth    *float64          // mac: factor ≥ 1 by which μ grows
	MuEvery     *int              // mac: iterations ≥ 1 after which it does
	Warm        *int              // admm: iterations before the multiplier first moves
	Form        *admm.Form        // admm: whose
	Multipliers *admm.Multipliers // admm: which equations have multipliers
	Bits        *int              // pdadmm: of p's and q's values, 1 to 16; 0: not quantised
	Grid        *float64          // pdadmm: largest absolute value > 0 of quantised p and q, in units of the first activations' root mean square
	Parallel    *pdadmm.Parallel  // pdadmm: whether ranks share the samples or the layers
	Rule        *onlineam.Rule    // onlineam: how weights move
	CodeSteps   *int              // onlineam: gradient steps ≥ 1 of a layer's z
	Recall      *float64          // onlineam: share of a new batch in the memory's averages, in (0, 1)
	Ridge       *float64          // admm: what is taken for 0 in the pseudo-inverse, in (0, 1); onlineam: damping of the memory's least squares
}

// binary reports whether binary weights are asked for.
func (s Settings) binary() bool { return s.BinaryWeights != nil && *s.BinaryWeights }
