package certify

import (
	"math"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

// Bound is Lemma 3 in one layer: some subgradient of F in W_l is at most as long
// as a limit that the sweep's moves give, and ∇F in b_l as another.
type Bound struct {
	Layer int
	W, B  Inequality // the limit, and the length of the shortest subgradient
	// Unbound marks that nothing is promised of W: its step was optimal for another point
	// (extrapolated), or among binary weights, which have no gradient.
	Unbound bool
	Moves   float64 // ‖ΔW_l‖ + ‖Δb_l‖ + ‖Δz_l‖ of the sweep
}

// Promises are the inequalities that the lemma promises.
func (b Bound) Promises() []Inequality {
	if b.Unbound {
		return []Inequality{b.B}
	}
	return []Inequality{b.W, b.B}
}

// bound checks Lemma 3 for layer l. By the optimality of the W-step,
// −∇φ(W_old) − θ∘ΔW is a subgradient of Ω at the new W, so that F has one of
// ρ(AΔWᵀ + 1Δbᵀ − ΔZ)ᵀA − θ∘ΔW, with
//
//	‖·‖ ≤ (ρ‖A‖² + max θ)‖ΔW‖ + ρ‖A‖(√n‖Δb‖ + ‖ΔZ‖);
//
// and ∇_b F = −ρΣΔz, since b_l had made Σ(Wa + b − z_old) 0. An extrapolated
// W-step is optimal for another point: nothing is promised of it.
//
// A recurrent layer's own A_l moves after W_l, b_l and z_l. From U to U', with ΔA_l in some
// columns of some rows, E becomes E' = E + ΔA_lRᵀ: EᵀU changes by (ΔA_lRᵀ)ᵀU + E'ᵀ(U' − U), and ΣE
// by ΣΔA_lRᵀ. So ‖ΔZ‖ + ‖R‖‖ΔA_l‖ stands in the place of ‖ΔZ‖, and ρ‖E'‖‖ΔA_l‖ is added.
func (c *checker) bound(l int, before, in mat.Dense, v1 wide, shift []float64, scale float64) error {
	is, was := c.now.Network.Layers[l], in
	if is.Recurrent() {
		in = is.Rows(before, c.now.A[l])
		v1 = linear(in, is.W, c.old.Network.Layers[l].B, c.p.Threads)
	}
	g, gb, sums, err := c.gradient(l, in, was, v1, shift)
	if err != nil {
		return err
	}
	n, dz, a := sums[0], math.Sqrt(sums[1]), math.Sqrt(sums[2])
	moved, added := dz, 0.0
	if is.Recurrent() {
		da := math.Sqrt(sums[4])
		moved += math.Sqrt(squares(is.W.ColRange(is.W.Cols-is.W.Rows, is.W.Cols), nil)) * da
		added = c.now.Rho * math.Sqrt(sums[3]) * da
	}
	w, old, rho := c.now.Network.Layers[l].W, c.old.Network.Layers[l].W, c.now.Rho
	var theta float64
	for i, t := range c.now.Theta[l] {
		for j := range w.Row(i) {
			theta = math.Max(theta, t*c.scale(l, j))
		}
	}
	dw, db, curve := math.Sqrt(norm2(w, old, nil)), length(shift), rho*a*a+theta
	// What rounding residuals, and W and b themselves, does to a gradient.
	residual, size := rho*rounding*scale, math.Sqrt(squares(w, nil))+math.Sqrt(squares(old, nil))
	b := Bound{Layer: l + 1, Moves: dw + db + dz, Unbound: c.now.Extrapolated || c.now.Binary}
	b.W = Inequality{
		c.Iteration, l + 1, lemma3W, curve*dw + rho*a*(math.Sqrt(n)*db+moved) + added, steepness(c.p.Regularizer, g, w),
		2*a*residual + curve*unit*size,
	}
	b.B = Inequality{
		c.Iteration, l + 1, lemma3B, rho * math.Sqrt(n) * moved, length(gb),
		2*math.Sqrt(n)*residual + rho*n*unit*norm32(c.now.Network.Layers[l].B),
	}
	c.Bounds = append(c.Bounds, b)
	c.Checks = append(c.Checks, b.Promises()...)
	return nil
}

// gradient is ∇φ in W_l and b_l after the sweep, and n, ‖ΔZ‖², ‖U‖² where W_l moved, ‖E‖² and
// ‖ΔA‖² of a recurrent layer, all over all samples and weighted by them.
func (c *checker) gradient(l int, in, was mat.Dense, v1 wide, shift []float64) (g wide, gb, sums []float64, err error) {
	ly := c.now.Network.Layers[l]
	z0, z1 := ly.ByPlace(c.old.Z[l]), ly.ByPlace(c.now.Z[l])
	size := v1.cols * in.Cols
	all := make([]float64, size+v1.cols+5)
	g, gb, sums = wide{v1.cols, in.Cols, all[:size]}, all[size:size+v1.cols], all[size+v1.cols:]
	weights := c.weigh(in.Rows)
	for i := range in.Rows {
		ai, v, old, now, weight := in.Row(i), v1.row(i), z0.Row(i), z1.Row(i), weights.at(i)
		for j := range gb {
			x := v[j] + shift[j] - float64(now[j])
			e := weight * (c.now.Rho * x)
			gb[j] += e
			sums[3] += weight * (x * x)
			gj := g.row(j)
			for k, a := range ai {
				gj[k] += e * float64(a)
			}
			d := float64(now[j]) - float64(old[j])
			sums[1] += weight * (d * d)
		}
		for _, a := range was.Row(i) {
			sums[2] += weight * (float64(a) * float64(a))
		}
	}
	if ly.Recurrent() {
		sums[4] = norm2(c.now.A[l], c.old.A[l], c.weigh(c.now.A[l].Rows))
	}
	sums[0] = c.p.Y.TotalWeight() * float64(ly.Places())
	return g, gb, sums, c.p.Comm.Sum(all)
}

// steepness is the distance of 0 from g + ∂Ω(w).
func steepness(omega prox.Regularizer, g wide, w mat.Dense) float64 {
	var s float64
	for i := range w.Rows {
		gi := g.row(i)
		for j, x := range w.Row(i) {
			d := gi[j]
			switch o := omega.(type) {
			case prox.L1:
				switch {
				case x > 0:
					d += o.Lambda
				case x < 0:
					d -= o.Lambda
				default:
					d = math.Max(0, math.Abs(d)-o.Lambda)
				}
			case prox.Smooth:
				d += o.Strong() * float64(x)
			}
			s += d * d
		}
	}
	return math.Sqrt(s)
}

func length(x []float64) float64 {
	var s float64
	for _, v := range x {
		s += v * v
	}
	return math.Sqrt(s)
}

func norm32(x []float32) float64 { return math.Sqrt(squares(mat.FromSlice(1, len(x), x), nil)) }
