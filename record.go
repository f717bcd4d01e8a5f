package dlam

import (
	"fmt"

	"github.com/dlam-go/dlam/comm"
)

// Record is what one iteration did.
type Record struct {
	Iteration int `json:"iteration"` // 1 for the first

	// Objective is F, the method's own objective after the iteration:
	// Risk·n + Regularization + Σ Penalty.
	Objective float64 `json:"objective"`
	Risk      float64 `json:"risk"` // mean of R over samples, at the method's own output variables
	// RiskSamples is the number of training samples that Risk is the mean of, if it
	// is not all of them, and the risk in Objective too.
	RiskSamples int `json:"risk_samples,omitempty"`
	// BatchRisk is the mean of R over the iteration's mini-batches, each before its
	// own step; 0 without mini-batches.
	BatchRisk      float64   `json:"batch_risk,omitempty"`
	Regularization float64   `json:"regularization"`
	Penalty        []float64 `json:"penalty,omitempty"` // φ_l of each layer

	// Attempt is the number of the attempt that begins after this iteration, from the
	// first weights and with a safer setting, if one does; the first one is 1.
	Attempt int `json:"attempt,omitempty"`

	Epsilon float64 `json:"epsilon,omitempty"` // band half-width in this iteration
	// EpsilonChanged marks that the band, or mac's μ, had changed before this
	// iteration, so that Objective does not compare with the one before.
	EpsilonChanged bool `json:"epsilon_changed,omitempty"`

	Blocks []Block `json:"blocks,omitempty"` // what each block update did
	C      float64 `json:"c,omitempty"`      // c_k of Theorem 2: the least sum of moves so far

	// Mixed is how many iterates this one is a mixture of, if it is one (package anderson).
	// Blocks then are what the iteration did before it, and Objective is the mixture's.
	Mixed int `json:"mixed,omitempty"`

	Step   float64 `json:"step,omitempty"`   // step length, of methods that have one
	Trials int     `json:"trials,omitempty"` // line-search trials in this iteration

	// Gap is the root mean square of a_l − h(z_l) in each hidden layer, for
	// methods that keep both; measured by Run together with the scores.
	Gap []float64 `json:"gap,omitempty"`

	// WeightNorm is ‖W_l‖ of each layer, and FromStart ‖W_l − W_l⁰‖ with the first
	// weights W⁰; measured by Run together with the scores.
	WeightNorm []float64 `json:"weight_norm,omitempty"`
	FromStart  []float64 `json:"from_start,omitempty"`

	Train *Score `json:"train,omitempty"` // the network's, measured by Run
	Test  *Score `json:"test,omitempty"`

	Validation *Score `json:"validation,omitempty"` // on Options.Validation

	Seconds float64 `json:"seconds"`         // of Step alone, measured by Run
	Elapsed float64 `json:"elapsed"`         // of all Steps so far
	Parts   []Part  `json:"parts,omitempty"` // where Seconds went, for methods that are Timed
	// Traffic is what Step alone summed over ranks; nil in one process.
	Traffic *comm.Traffic `json:"traffic,omitempty"`
}

// unbounded is an error that wraps ErrDiverged without saying so.
type unbounded struct{ error }

func (unbounded) Is(target error) bool { return target == ErrDiverged }
func (u unbounded) Unwrap() error      { return u.error }

func notFinite(format string, args ...any) error { return unbounded{fmt.Errorf(format, args...)} }

// finite reports a number of the record that is not finite.
func (r *Record) finite() error {
	for _, b := range r.Blocks {
		if d := b.Move + b.Decrease; d-d != 0 {
			return notFinite("layer %d, block %s: F falls by %v for a move of %v", b.Layer, b.Variable, b.Decrease, b.Move)
		}
	}
	for l, phi := range r.Penalty {
		if phi-phi != 0 {
			return notFinite("layer %d: the penalty is %v", l+1, phi)
		}
	}
	for _, n := range []struct {
		what  string
		value float64
	}{
		{"objective", r.Objective}, {"risk", r.Risk}, {"batches' risk", r.BatchRisk}, {"regularization", r.Regularization},
		{"band's half-width", r.Epsilon}, {"sum of moves", r.C}, {"step", r.Step},
	} {
		if n.value-n.value != 0 {
			return notFinite("the %s is %v", n.what, n.value)
		}
	}
	return nil
}

// Block is one block update: Lemma 1 promises Decrease ≥ Move.
type Block struct {
	Layer    int     `json:"layer"`    // 1 for the first
	Variable string  `json:"variable"` // "W", "b", "z" or "a"
	Move     float64 `json:"move"`     // ½Σθ∘ΔW², (nρ/2)‖Δb‖², (ρ/2)‖Δz‖² or ½Σ τ‖Δa‖²
	Decrease float64 `json:"decrease"` // of F, in float64
	Trials   int     `json:"trials,omitempty"`
	Unmoved  int     `json:"unmoved,omitempty"` // rows that kept their old point for want of a better one
}

// Part is the time that Step spent on one kind of update.
type Part struct {
	Layer     int     `json:"layer"`     // 1 for the first; 0 for all
	Variables string  `json:"variables"` // what it updated, as "W" or "za"
	Seconds   float64 `json:"seconds"`
}
