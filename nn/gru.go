package nn

import (
	"fmt"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/spec"
)

// GRU is the map of a gated recurrent layer (Cho et al., 2014) over the steps of a sequence.
// Its U is that of RNN, [x_t a_{t-1}], also in samples that are shorter. What is different is
// h: z_t = (c, ρ, υ, s) has four rows of W for each unit, in four blocks, and
//
//	r = σ(ρ),  u = σ(υ),  n = tanh(c + r∘s),  a_t = (1−u)∘n + u∘a_{t-1},
//
// as PyTorch has it, and ONNX with linear_before_reset=1. The rows of c take the step's inputs
// alone, and those of s the activations before: W's other entries there are 0 for good
// (Layer.Columns), and no product reads them.
type GRU struct{ Steps, Inputs, Units int }

var (
	_ Map             = GRU{}
	_ spec.Maker[Map] = GRU{}
)

// gateRows is how many rows of W a unit has: of c, ρ, υ and s.
const gateRows = 4

// Spec is of kind "gru", with all sizes.
func (g GRU) Spec() spec.Spec {
	return spec.Spec{Kind: "gru", Numbers: RNN(g).Spec().Numbers}
}

// Parameters are the sizes.
func (g GRU) Parameters() []spec.Parameter { return RNN(g).Parameters() }

// With is the map of these sizes.
func (g GRU) With(numbers map[string]float64) Map { return GRU(RNN{}.With(numbers).(RNN)) }

// In is a sequence.
func (g GRU) In() Shape { return RNN(g).In() }

// Out is a sequence of as many steps.
func (g GRU) Out(units int) Shape { return RNN(g).Out(units) }

// Columns is the number of inputs and of units.
func (g GRU) Columns() int { return RNN(g).Columns() }

// Rows has the inputs of each step, and 0 for the layer's own activations.
func (g GRU) Rows(dst, a mat.Dense) mat.Dense { return RNN(g).Rows(dst, a) }

// Adjoint has what comes back to the inputs.
func (g GRU) Adjoint(dst, rows mat.Dense) mat.Dense { return RNN(g).Adjoint(dst, rows) }

// Norm is 1.
func (g GRU) Norm() float64 { return RNN(g).Norm() }

// Rows of W of each unit come in blocks. C and S are the two that have 0 for good.
const (
	blockC = iota
	blockR
	blockU
	blockS
)

// block is the rows of W of c, ρ, υ or s, and their intercepts.
func (g GRU) block(ly Layer, k int) (w mat.Dense, b []float32) {
	return ly.W.RowRange(k*g.Units, (k+1)*g.Units), ly.B[k*g.Units : (k+1)*g.Units]
}

// columns is Layer.Columns.
func (g GRU) columns(row int) (lo, hi int) {
	switch row / g.Units {
	case blockC:
		return 0, g.Inputs
	case blockS:
		return g.Inputs, g.Columns()
	}
	return 0, g.Columns()
}

// draw makes R of each block a random rotation, and entries 0 that are for good.
func (g GRU) draw(w mat.Dense, rotate bool) {
	for i := range w.Rows {
		lo, hi := g.columns(i)
		clear(w.Row(i)[:lo])
		clear(w.Row(i)[hi:])
	}
	for k := blockR; rotate && k <= blockS; k++ {
		orthogonalize(w.RowRange(k*g.Units, (k+1)*g.Units).ColRange(g.Inputs, w.Cols))
	}
}

// fits reports what of a layer with this map does not fit it.
func (g GRU) fits(ly Layer) error {
	if ly.W.Rows != gateRows*g.Units || ly.W.Cols != g.Columns() {
		return fmt.Errorf("weights of %d×%d, its map has %d×%d: %d rows for each of %d units", ly.W.Rows, ly.W.Cols, gateRows*g.Units, g.Columns(), gateRows, g.Units)
	}
	if ly.H != nil && ly.H != activation.Func(activation.Tanh{}) {
		return fmt.Errorf("activation %v, want tanh, which a gru has beside the sigmoid of its gates", ly.H.Spec())
	}
	for i := range ly.W.Rows {
		lo, hi := g.columns(i)
		for j, v := range ly.W.Row(i) {
			if v != 0 && (j < lo || j >= hi) {
				return fmt.Errorf("weight W[%d,%d] is %v, want 0: row %d of a gru has weights in columns %d to %d alone", i, j, v, i, lo, hi-1)
			}
		}
	}
	return nil
}

// Gated reports whether the layer's h takes several entries of z for each that it gives.
func (ly Layer) Gated() bool {
	_, ok := ly.Map.(GRU)
	return ok
}

// GateWeights are the parameters of a GRU as PyTorch and ONNX have them: of the reset gate,
// the update gate and the new activations, each the weights and intercepts that go with a
// step's inputs, and those that go with the activations before.
type GateWeights struct {
	Reset, Update, New Gate
}

// Gate is a part of GateWeights.
type Gate struct {
	Input, Own mat.Dense // Units × Inputs, Units × Units
	B, OwnB    []float32 // OwnB is 0 of the two gates, where only the sum counts
}

// Gates are the parameters of the layer, which has the map g.
func (g GRU) Gates(ly Layer) GateWeights {
	part := func(x, own int) Gate {
		w, b := g.block(ly, x)
		r, ownB := g.block(ly, own)
		p := Gate{Input: w.ColRange(0, g.Inputs).Clone(), Own: r.ColRange(g.Inputs, r.Cols).Clone(), B: b, OwnB: ownB}
		if x == own {
			p.OwnB = make([]float32, g.Units)
		}
		return p
	}
	return GateWeights{Reset: part(blockR, blockR), Update: part(blockU, blockU), New: part(blockC, blockS)}
}

// SetGates makes the layer's parameters those of p.
func (g GRU) SetGates(ly Layer, p GateWeights) {
	set := func(gate Gate, x, own int) {
		w, b := g.block(ly, x)
		r, ownB := g.block(ly, own)
		w.ColRange(0, g.Inputs).CopyFrom(gate.Input)
		r.ColRange(g.Inputs, r.Cols).CopyFrom(gate.Own)
		copy(b, gate.B)
		if x != own {
			copy(ownB, gate.OwnB)
			return
		}
		for i, v := range gate.OwnB {
			b[i] += v
		}
	}
	set(p.Reset, blockR, blockR)
	set(p.Update, blockU, blockU)
	set(p.New, blockC, blockS)
}

// gates is h of a GRU, a step of a sample at a time. Once h is done, z has n, r, u and s,
// of which all that follows is made.
type gates struct {
	units int
	none  []float32 // the activations before the first step
}

func newGates(units int) *gates { return &gates{units, make([]float32, units)} }

// blocks are the four parts of a step of z or δ.
func (g *gates) blocks(z []float32) (c, r, u, s []float32) {
	d := g.units
	return z[:d:d], z[d : 2*d : 2*d], z[2*d : 3*d : 3*d], z[3*d : 4*d : 4*d]
}

// apply makes a of z and of the activations before.
func (g *gates) apply(a, z, before []float32) {
	n, r, _, s := g.blocks(z)
	sigmoids(z[g.units : 3*g.units])
	r, s = r[:len(n)], s[:len(n)]
	for i := range n {
		n[i] += r[i] * s[i]
	}
	activation.Tanh{}.Apply(n, n)
	_, _, u, _ := g.blocks(z)
	a, u, before = a[:len(n)], u[:len(n)], before[:len(n)]
	for i, v := range n {
		a[i] = v + u[i]*(before[i]-v)
	}
}

// sigmoids replaces z by σ(z) = ½ + ½ tanh(z/2).
func sigmoids(z []float32) {
	kernel.Axpby(z, 0, 0.5, z)
	activation.Tanh{}.Apply(z, z)
	for i, v := range z {
		z[i] = 0.5 + 0.5*v
	}
}

// delta makes δ in z's place of d, what comes back to a, and adds to back what goes by the
// gate u to the activations before; back may be d.
func (g *gates) delta(z, d, before, back []float32) {
	n, r, u, s := g.blocks(z)
	k := len(n)
	r, u, s, d, before, back = r[:k], u[:k], s[:k], d[:k], before[:k], back[:k]
	for i, d := range d {
		ni, ri, ui := n[i], r[i], u[i]
		dn := d * (1 - ui) * (1 - ni*ni)
		back[i] += d * ui
		n[i], r[i], u[i], s[i] = dn, dn*s[i]*ri*(1-ri), d*(before[i]-ni)*ui*(1-ui), dn*ri
	}
}

// tangent makes da of dz and of da before, at z and the activations before.
func (g *gates) tangent(da, dz, z, before, dBefore []float32) {
	n, r, u, s := g.blocks(z)
	dc, dr, du, ds := g.blocks(dz)
	for i, ni := range n {
		ri, ui := r[i], u[i]
		dn := (1 - ni*ni) * (dc[i] + ri*(1-ri)*dr[i]*s[i] + ri*ds[i])
		da[i] = (1-ui)*dn + ui*(1-ui)*du[i]*(before[i]-ni) + ui*dBefore[i]
	}
}
