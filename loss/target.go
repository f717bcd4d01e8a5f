package loss

import (
	"fmt"

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
	return t
}

// Validate reports a target that is no target.
func (t Target) Validate() error {
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
