package multiconvex

import "github.com/dlam-go/dlam"

// updateB solves argmin φ_l over b_l, eq. 3. The Lipschitz constant for n
// samples, of so many places each, is that many times ρ, so the step is to the
// exact minimiser: b less the mean of E.
func (s *Blocks) updateB(ly *layer) error {
	if !ly.known.residual {
		if err := s.evaluateLayer(ly, true); err != nil {
			return err
		}
	}
	rows := s.n * ly.places
	var move, decrease float64
	for i, old := range ly.net.B {
		mean := ly.sums.e[i] / rows
		ly.net.B[i] = float32(float64(old) - mean)
		d := float64(ly.net.B[i]) - float64(old)
		ly.sums.e[i] += rows * d
		move += d * d
		decrease -= d * (2*mean + d)
	}
	ly.known.gradient, ly.known.e, ly.known.phi = false, false, false
	ly.did(ofB, dlam.Block{Move: rows * s.Rho / 2 * move, Decrease: rows * s.Rho / 2 * decrease})
	return nil
}
