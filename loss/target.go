package loss

import (
	"fmt"
	"math"

	"github.com/dlam-go/dlam/mat"
)

// Target is what each sample should give: a class, or a row of values (soft
// labels, or the values of a regression). Exactly one of Class and Value is
// set.
type Target struct {
	Class   []int32   // class of each sample, in [0, Classes)
	Classes int       // number of classes
	Value   mat.Dense // one row a sample
	// Smoothing mixes Class with the uniform distribution (label smoothing,
	// Szegedy et al. 2016): 0 ≤ Smoothing < 1. Only cross-entropy uses it.
	Smoothing float32
	// Low and High are bounds of each value within which predictions are kept, and
	// scores measure them so; nil for none. No loss heeds them.
	Low, High []float32
	// Weight is how much each sample counts, a finite number > 0: a weight of 2 is the
	// sample twice. It multiplies all that the sample adds to an objective or a score;
	// nil: all are 1. No loss heeds it: whoever adds up over samples does (Run).
	Weight []float32
}

// Rows is the number of samples.
func (t Target) Rows() int {
	if t.Class != nil {
		return len(t.Class)
	}
	return t.Value.Rows
}

// Width is the number of outputs that a network needs.
func (t Target) Width() int {
	if t.Class != nil {
		return t.Classes
	}
	return t.Value.Cols
}

// RowRange is the view of samples lo to hi-1.
func (t Target) RowRange(lo, hi int) Target {
	if t.Class != nil {
		t.Class = t.Class[lo:hi]
	} else {
		t.Value = t.Value.RowRange(lo, hi)
	}
	if t.Weight != nil {
		t.Weight = t.Weight[lo:hi]
	}
	return t
}

// Run is the samples from lo on that have the same weight, lo to hi-1, and that
// weight: without weights, all of them and 1. A sum over samples is one of runs.
func (t Target) Run(lo int) (hi int, weight float64) {
	if t.Weight == nil {
		return t.Rows(), 1
	}
	hi = lo + 1
	for hi < len(t.Weight) && t.Weight[hi] == t.Weight[lo] {
		hi++
	}
	return hi, float64(t.Weight[lo])
}

// WeightOf is sample i's weight.
func (t Target) WeightOf(i int) float64 {
	if t.Weight == nil {
		return 1
	}
	return float64(t.Weight[i])
}

// TotalWeight is the sum of the samples' weights: without any, their number.
func (t Target) TotalWeight() (sum float64) {
	for lo := 0; lo < t.Rows(); {
		hi, weight := t.Run(lo)
		sum += float64(hi-lo) * weight
		lo = hi
	}
	return sum
}

// Least is l's least mean over samples with targets y, each as often as its weight says.
func Least(l Bounded, y Target) float64 {
	if y.Weight == nil {
		return l.Least(y)
	}
	var sum, total float64
	for lo := 0; lo < y.Rows(); {
		hi, weight := y.Run(lo)
		weight *= float64(hi - lo)
		sum += weight * l.Least(y.RowRange(lo, hi))
		total += weight
		lo = hi
	}
	return sum / max(total, math.SmallestNonzeroFloat64)
}

// Weighted is Σ_i w_i R(z_i; y_i) with the weights of y.
func Weighted(l Loss, z mat.Dense, y Target) (sum float64) {
	for lo := 0; lo < z.Rows; {
		hi, weight := y.Run(lo)
		sum += weight * l.Value(z.RowRange(lo, hi), y.RowRange(lo, hi))
		lo = hi
	}
	return sum
}

// Validate reports a target that is no target.
func (t Target) Validate() error {
	if t.Weight != nil && len(t.Weight) != t.Rows() {
		return fmt.Errorf("weights: got %d for %d samples", len(t.Weight), t.Rows())
	}
	for i, w := range t.Weight {
		if !(w > 0) || math.IsInf(float64(w), 0) {
			return fmt.Errorf("weight of sample %d: got %v, want a finite number > 0", i, w)
		}
	}
	if t.Class == nil {
		return nil
	}
	for i, c := range t.Class {
		if c < 0 || int(c) >= t.Classes {
			return fmt.Errorf("class of sample %d: got %d, want 0 to %d", i, c, t.Classes-1)
		}
	}
	if !(t.Smoothing >= 0 && t.Smoothing < 1) {
		return fmt.Errorf("label smoothing: got %g, want 0 ≤ s < 1", t.Smoothing)
	}
	return nil
}

// Code writes sample i's target to dst: off for every class but on for the
// true one, or the row of values.
func (t Target) Code(dst []float32, i int, off, on float32) {
	if t.Class == nil {
		copy(dst, t.Value.Row(i))
		return
	}
	for j := range dst {
		dst[j] = off
	}
	dst[t.Class[i]] = on
}

// Distribution writes sample i's target as a distribution over classes, with
// smoothing.
func (t Target) Distribution(dst []float32, i int) {
	off, on := t.mix()
	t.Code(dst, i, off, on)
}

// mix is what a class has that is not the true one, and what the true one has,
// with smoothing.
func (t Target) mix() (off, on float32) {
	off = t.Smoothing / float32(max(t.Classes, 1))
	return off, 1 - t.Smoothing + off
}
