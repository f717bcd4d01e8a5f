package certify

import (
	"math"

	"github.com/dlam-go/dlam/mat"
)

// signs is the share of its terms that a flip's change of F must be for the W-step to take it.
const signs = 2e-6

// binary checks what a binary W-step promises beside that F does not rise: each row of W has
// one magnitude, no change of a single sign lowers F, and no other magnitude of a row does.
// With g = EᵀA, a flip of w changes F by 2ρw(wS_jj − g) and the best magnitude lowers it by
// (ρ/2)⟨sign, g⟩²/‖A sign‖². v1 is WA + b before the step of b; size is that of its terms.
func (c *checker) binary(l int, in mat.Dense, v1 wide, size float64) error {
	net, z, rho := c.now.Network.Layers[l], c.now.Network.Layers[l].ByPlace(c.old.Z[l]), c.now.Rho
	b := c.old.Network.Layers[l].B
	all := make([]float64, v1.cols*in.Cols+v1.cols+in.Cols)
	g, image, square := wide{v1.cols, in.Cols, all[:v1.cols*in.Cols]}, all[v1.cols*in.Cols:][:v1.cols], all[v1.cols*(in.Cols+1):]
	weights := c.weigh(in.Rows)
	for i := range in.Rows {
		weight, a := weights.at(i), in.Row(i)
		for j, v := range v1.row(i) {
			e, gj := weight*(v-float64(z.At(i, j))), g.row(j)
			for k, x := range a {
				gj[k] += e * float64(x)
			}
			image[j] += weight * (v - float64(b[j])) * (v - float64(b[j]))
		}
		for k, x := range a {
			square[k] += weight * float64(x) * float64(x)
		}
	}
	if err := c.p.Comm.Sum(all); err != nil {
		return err
	}
	flip := Inequality{c.Iteration, l + 1, noFlip, math.Inf(1), 0, 0}
	scale := Inequality{c.Iteration, l + 1, noScale, 0, 0, 0}
	uneven := 0.0
	for j := range v1.cols {
		w := net.W.Row(j)
		s := math.Abs(float64(w[0]))
		var slope float64 // in the row's magnitude
		for k, x := range w {
			x := float64(x)
			uneven = math.Max(uneven, math.Abs(math.Abs(x)-s))
			slope += math.Copysign(1, x) * g.row(j)[k]
			own, cross := x*x*square[k], x*g.row(j)[k]
			change := 2 * rho * (own - cross)
			slack := 2 * rho * (2*rounding*size*s*math.Sqrt(square[k]) + signs*(own+math.Abs(cross)))
			if change+slack < flip.Left+flip.Slack {
				flip.Left, flip.Slack = change, slack
			}
		}
		// The slope is of float32 sums, whose rounding is at most that of ‖A sign‖ = ‖Aw‖/s.
		if s == 0 || image[j] == 0 {
			continue
		}
		length := math.Sqrt(image[j]) / s
		within := 8*rounding*size + 2*signs*s*length // well beyond what thousands of random steps needed
		gain, slack := rho/2*slope*slope/(length*length), rho/2*within*within
		if slack-gain < scale.Slack-scale.Right || scale.Slack == 0 {
			scale.Right, scale.Slack = gain, slack
		}
	}
	c.Checks = append(c.Checks, Inequality{c.Iteration, l + 1, oneSize, 0, uneven, 0}, flip, scale)
	return nil
}
