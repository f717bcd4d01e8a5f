package multiconvex

import (
	"math"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// pool is a layer's max pooling, whose z-step is not a projection to a box: the z of a
// window that |max h(z_i) − a| ≤ ε allows are those which are all at most B₂ and one
// of which is at least B₁, a union of boxes, one for each place that may be the winner. Its
// nearest point to v is v clipped to B₂ from above, with the largest v_i raised to B₁ if none
// reaches it. But that point may lie in another box than the old z, and φ fall by less than
// (ρ/2)‖Δz‖² on the way there, against eq. 12. Hence the rule of the sticky winner: the old
// z's largest keeps its box, which is convex and has the old z in it, unless φ falls by
// (ρ/2)‖Δz‖² in the window when the winner is another.
type pool struct {
	*nn.Windows
	first, offsets []int // the windows' first places, and places from there
}

// newPool is nil for a layer without max pooling.
func newPool(ly *dlam.Layer) *pool {
	w := ly.Windows()
	if w == nil {
		return nil
	}
	return &pool{w, w.First(), w.Offsets()}
}

// window is a window of a sample: z before, V, the z proposed, and where the places are.
type window struct {
	old, v, z []float32
	offsets   []int
}

// projectWindows writes to z what updateZ moves to: V projected window by window. What no
// window takes has no band, and goes to V.
func (b *block) projectWindows(z mat.Dense) {
	lo, hi := b.scratch(b.h, b.A.Cols), b.scratch(b.grad, b.A.Cols)
	b.ends(lo, math.Inf(-1))
	b.ends(hi, math.Inf(1))
	z.CopyFrom(b.E)
	for i := range z.Rows {
		lo, hi, old, v, z := lo.Row(i), hi.Row(i), b.Z.Row(i), b.E.Row(i), z.Row(i)
		for j, at := range b.ly.pool.first {
			window{old[at:], v[at:], z[at:], b.ly.pool.offsets}.project(lo[j], hi[j])
		}
	}
}

// ends writes the lower ends B₁ of the bands, or the upper ones B₂: where ∓∞ is projected to.
func (b *block) ends(dst mat.Dense, infinity float64) {
	e := dst.Elements()
	for i := range e {
		e[i] = float32(infinity)
	}
	b.ly.h.ProjectBand(e, e, b.A.Elements(), float32(b.s.epsilon))
}

// project is the z-step of one window whose band has the ends lo and hi.
func (w window) project(lo, hi float32) {
	winner, best := 0, 0 // where the old z is largest, and where V is
	for _, k := range w.offsets {
		if w.old[k] > w.old[winner] {
			winner = k
		}
		if w.v[k] > w.v[best] {
			best = k
		}
		w.z[k] = min(w.v[k], hi)
	}
	if w.v[winner] < lo {
		if w.v[best] > w.v[winner] && w.falls(best, lo) {
			w.z[best] = max(w.z[best], lo)
			return
		}
		w.z[winner] = lo
	}
	for _, k := range w.offsets { // between the old z and V; see updateZ
		old, v := w.old[k], w.v[k]
		w.z[k] = min(max(w.z[k], min(old, v)), max(old, v))
	}
}

// falls reports whether φ falls by at least (ρ/2)‖Δz‖² with another winner, raised to lo:
// ‖v − z_old‖² − ‖v − z‖² − ‖z − z_old‖² = 2⟨z − z_old, v − z⟩.
func (w window) falls(winner int, lo float32) bool {
	var sum float64
	for _, k := range w.offsets {
		z := w.z[k]
		if k == winner {
			z = max(z, lo)
		}
		sum += (float64(z) - float64(w.old[k])) * (float64(w.v[k]) - float64(z))
	}
	return sum >= 0
}
