package nn

import (
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/spec"
)

// RNN is the map of a recurrent layer (Elman, 1990) over the steps of a sequence: a row
// of U for each step, with the step's inputs and after them the layer's own activations of
// the step before, of which there are none before the first:
//
//	z_t = x_t·Wxᵀ + a_{t-1}·Rᵀ + b,   W = [Wx R],   a_t = h(z_t).
//
// U as a Map is its part in the inputs, with 0 in the other columns: Products adds the
// rest, step after step. The layer gives all its activations; what takes the last ones
// alone has the map Last.
//
// A sample may be shorter than Steps: the steps before its first one, of which each begins
// with NaN, are then not there. Products leave z, a, δ and U's rows of them at 0, so that
// the sample's first step has no state before it, as if there were none of them. The last
// step is always there. Only the first layer of a network meets NaN: those after it are told
// (Products.Firsts).
type RNN struct{ Steps, Inputs, Units int }

var (
	_ Map             = RNN{}
	_ spec.Maker[Map] = RNN{}
)

// Spec is of kind "rnn", with all sizes.
func (r RNN) Spec() spec.Spec {
	return spec.Spec{Kind: "rnn", Numbers: map[string]float64{"steps": float64(r.Steps), "inputs": float64(r.Inputs), "units": float64(r.Units)}}
}

// Parameters are the sizes.
func (RNN) Parameters() []spec.Parameter { return sizes("steps", "inputs", "units") }

// With is the map of these sizes.
func (RNN) With(numbers map[string]float64) Map {
	return RNN{Steps: int(numbers["steps"]), Inputs: int(numbers["inputs"]), Units: int(numbers["units"])}
}

// In is a sequence.
func (r RNN) In() Shape { return Shape{r.Steps, 1, r.Inputs} }

// Out is a sequence of as many steps.
func (r RNN) Out(units int) Shape { return Shape{r.Steps, 1, units} }

// Columns is the number of inputs and of units.
func (r RNN) Columns() int { return r.Inputs + r.Units }

// Rows has the inputs of each step, and 0 for the layer's own activations.
func (r RNN) Rows(dst, a mat.Dense) mat.Dense {
	for i := range a.Rows {
		for t := range r.Steps {
			row := dst.Row(i*r.Steps + t)
			copy(row, a.Row(i)[t*r.Inputs:][:r.Inputs])
			clear(row[r.Inputs:])
		}
	}
	return dst
}

// First is the first step of a sample that is there.
func (r RNN) First(sample []float32) int {
	t := 0
	for t < r.Steps-1 && sample[t*r.Inputs] != sample[t*r.Inputs] {
		t++
	}
	return t
}

// addStates makes the columns of Rows that are the layer's own activations, and clears the
// rows of steps that are not there.
func (r RNN) addStates(dst, a, own mat.Dense) {
	for i := range own.Rows {
		for t := range r.First(a.Row(i)) {
			clear(dst.Row(i*r.Steps + t))
		}
		for t := 1; t < r.Steps; t++ {
			copy(dst.Row(i*r.Steps + t)[r.Inputs:], own.Row(i)[(t-1)*r.Units:][:r.Units])
		}
	}
}

// Adjoint has what comes back to the inputs.
func (r RNN) Adjoint(dst, rows mat.Dense) mat.Dense {
	for i := range dst.Rows {
		for t := range r.Steps {
			copy(dst.Row(i)[t*r.Inputs:][:r.Inputs], rows.Row(i*r.Steps+t))
		}
	}
	return dst
}

// Norm is 1.
func (RNN) Norm() float64 { return 1 }

// recurrent is the sizes of a recurrent layer's map, if it is one.
func (ly Layer) recurrent() (u RNN, ok bool) {
	switch u := ly.Map.(type) {
	case RNN:
		return u, true
	case GRU:
		return RNN(u), true
	}
	return RNN{}, false
}

// Recurrent reports whether the layer takes its own activations of the step before.
func (ly Layer) Recurrent() bool {
	_, ok := ly.recurrent()
	return ok
}

// recurrence is what a recurrent layer does step after step. A step of a block of samples
// is a view of some columns: Units of a, and of z and δ rows, of which those from ownRow on
// take the layer's own activations.
type recurrence struct {
	RNN
	rows, ownRow  int
	gates         *gates    // nil: none
	forward, back mat.Panel // Rᵀ and R, packed
}

// newRecurrence is that of a layer, without its weights; nil of one that is not recurrent.
func newRecurrence(ly Layer) *recurrence {
	u, ok := ly.recurrent()
	if !ok {
		return nil
	}
	r := &recurrence{RNN: u, rows: u.Units}
	if ly.Gated() {
		r.rows, r.ownRow, r.gates = gateRows*u.Units, u.Units, newGates(u.Units)
	}
	r.forward.Size(u.Units, r.rows-r.ownRow)
	r.back.Size(r.rows-r.ownRow, u.Units)
	return r
}

// sample is the weights of a step's inputs, and own those of the activations before: R.
func (r *recurrence) sample(w mat.Dense) mat.Dense {
	return w.RowRange(0, r.rows-r.ownRow).ColRange(0, r.Inputs)
}

func (r *recurrence) own(w mat.Dense) mat.Dense {
	return w.RowRange(r.ownRow, r.rows).ColRange(r.Inputs, r.Columns())
}

// a is step t of a or what comes back to it, z of z or δ, and ofOwn the part of z or δ that
// takes the layer's own activations.
func (r *recurrence) a(v mat.Dense, t int) mat.Dense { return v.ColRange(t*r.Units, (t+1)*r.Units) }
func (r *recurrence) z(v mat.Dense, t int) mat.Dense { return v.ColRange(t*r.rows, (t+1)*r.rows) }
func (r *recurrence) ofOwn(v mat.Dense, t int) mat.Dense {
	return v.ColRange(t*r.rows+r.ownRow, (t+1)*r.rows)
}

// absent clears step t of the samples that begin later; firsts nil: all are there.
func absent(step mat.Dense, t int, firsts []int32) {
	for i := range firsts[:min(step.Rows, len(firsts))] {
		if t < int(firsts[i]) {
			clear(step.Row(i))
		}
	}
}

// run adds the states before to z, and makes the states a = h(z), which may take z's place
// where there are no gates.
func (r *recurrence) run(z, a mat.Dense, h activation.Func, firsts []int32) {
	for t := range r.Steps {
		zt, at := r.z(z, t), r.a(a, t)
		if t > 0 {
			r.forward.AddMul(r.ofOwn(z, t), r.a(a, t-1))
		}
		for i := range zt.Rows {
			if r.gates != nil {
				r.gates.apply(at.Row(i), zt.Row(i), r.before(a, t, i))
			} else {
				h.Apply(at.Row(i), zt.Row(i))
			}
		}
		absent(zt, t, firsts)
		absent(at, t, firsts)
	}
}

// before is row i of step t-1 of a, of which there is none before the first.
func (r *recurrence) before(a mat.Dense, t, i int) []float32 {
	if t == 0 {
		return r.gates.none
	}
	return r.a(a, t-1).Row(i)
}

// delta makes δ in z's place of the states a and of d, what comes back to them from the layer
// after, and adds to d what comes back from the step after: δ_t = (d_t + δ_{t+1}·R) ∘ h'(z_t).
func (r *recurrence) delta(z, a, d mat.Dense, h activation.Differentiable, firsts []int32) {
	for t := r.Steps - 1; t >= 0; t-- {
		zt, dt := r.z(z, t), r.a(d, t)
		if t < r.Steps-1 {
			r.back.AddMul(dt, r.ofOwn(z, t+1))
		}
		for i := range zt.Rows {
			switch {
			case r.gates == nil:
				h.MulDeriv(zt.Row(i), dt.Row(i), zt.Row(i))
			case t == 0: // what goes back from here goes nowhere
				r.gates.delta(zt.Row(i), dt.Row(i), r.gates.none, dt.Row(i))
			default:
				r.gates.delta(zt.Row(i), dt.Row(i), r.before(a, t, i), r.a(d, t-1).Row(i))
			}
		}
		absent(zt, t, firsts)
	}
}

// tangent makes da, which may take dz's place where there are no gates, of dz, which has all
// but what comes from the states before: dz_t + da_{t-1}·Rᵀ.
func (r *recurrence) tangent(da, dz, z, a mat.Dense, h activation.Differentiable, firsts []int32) {
	for t := range r.Steps {
		to, dt, zt := r.a(da, t), r.z(dz, t), r.z(z, t)
		if t > 0 {
			r.forward.AddMul(r.ofOwn(dz, t), r.a(da, t-1))
		}
		for i := range dt.Rows {
			if r.gates != nil {
				r.gates.tangent(to.Row(i), dt.Row(i), zt.Row(i), r.before(a, t, i), r.before(da, t, i))
			} else {
				h.MulDeriv(to.Row(i), dt.Row(i), zt.Row(i))
			}
		}
		absent(to, t, firsts)
	}
}

// addOwn computes v_t += a_{t-1}·Rᵀ for known states a.
func (r *recurrence) addOwn(v, a mat.Dense) {
	for t := 1; t < r.Steps; t++ {
		r.forward.AddMul(r.ofOwn(v, t), r.a(a, t-1))
	}
}

// addOwnBack computes a_{t-1} += e_t·R, the adjoint of addOwn.
func (r *recurrence) addOwnBack(a, e mat.Dense) {
	for t := 1; t < r.Steps; t++ {
		r.back.AddMul(r.a(a, t-1), r.ofOwn(e, t))
	}
}

// Last is the map that takes the last step of a sequence alone.
type Last struct{ Steps, Inputs int }

var (
	_ Map             = Last{}
	_ spec.Maker[Map] = Last{}
)

// Spec is of kind "last", with all sizes.
func (u Last) Spec() spec.Spec {
	return spec.Spec{Kind: "last", Numbers: map[string]float64{"steps": float64(u.Steps), "inputs": float64(u.Inputs)}}
}

// Parameters are the sizes.
func (Last) Parameters() []spec.Parameter { return sizes("steps", "inputs") }

// With is the map of these sizes.
func (Last) With(numbers map[string]float64) Map {
	return Last{Steps: int(numbers["steps"]), Inputs: int(numbers["inputs"])}
}

// In is a sequence.
func (u Last) In() Shape { return Shape{u.Steps, 1, u.Inputs} }

// Out is a vector of the units.
func (Last) Out(units int) Shape { return Vector(units) }

// Columns is the number of inputs of a step.
func (u Last) Columns() int { return u.Inputs }

// first is the first entry of a sample that is taken.
func (u Last) first() int { return (u.Steps - 1) * u.Inputs }

// Rows copies the last steps.
func (u Last) Rows(dst, a mat.Dense) mat.Dense {
	dst.CopyFrom(a.ColRange(u.first(), a.Cols))
	return dst
}

// Adjoint is 0 but for the last steps.
func (u Last) Adjoint(dst, rows mat.Dense) mat.Dense {
	for i := range dst.Rows {
		clear(dst.Row(i)[:u.first()])
	}
	dst.ColRange(u.first(), dst.Cols).CopyFrom(rows)
	return dst
}

// Norm is 1.
func (Last) Norm() float64 { return 1 }
