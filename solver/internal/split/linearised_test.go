package split

import (
	"math"
	"slices"
	"testing"

	"github.com/dlam-go/dlam/internal/testprob"
)

// The b- and W-steps keep the sums of their residual up to date, and W's lowers φ + Ω.
func TestSumsFollowTheSteps(t *testing.T) {
	for _, it := range []*Iterate{start(t), startOf(t, testprob.Blobs(20, 60, 3, 1), 50)} { // the second: more inputs than samples
		for l := range it.Layers {
			ly := &it.Layers[l]
			f := it.NewLinearisedFit(ly, 1.5)
			if err := f.Sum(); err != nil {
				t.Fatal(err)
			}
			f.FitB()
			for i, e := range f.e {
				if math.Abs(e) > 1e-3 { // 250 residuals in float32
					t.Errorf("layer %d: after the b-step the residuals of output %d add up to %g", l+1, i, e)
				}
			}
			before := modelled(ly, 1.5)
			if trials, err := f.FitW(); err != nil || trials != 1 {
				t.Fatalf("%d trials, %v", trials, err)
			}
			if after := modelled(ly, 1.5); !(after < before) {
				t.Errorf("layer %d: the W-step took φ + Ω from %g to %g", l+1, before, after)
			}
			followed := slices.Clone(f.e)
			if err := f.Sum(); err != nil {
				t.Fatal(err)
			}
			for i, e := range f.e {
				if math.Abs(e-followed[i]) > 1e-3*(1+math.Abs(e)) {
					t.Errorf("layer %d, output %d: the residuals add up to %g, followed as %g", l+1, i, e, followed[i])
				}
			}
		}
	}
}

// modelled is φ + Ω of a layer, in float64.
func modelled(ly *Layer, nu float64) (sum float64) {
	for j := range ly.Net.W.Rows {
		for i := range ly.Z.Rows {
			e := residual(ly, i, j)
			sum += nu / 2 * e * e
		}
		for _, w := range ly.Net.W.Row(j) {
			sum += 0.7 / 2 * float64(w) * float64(w)
		}
	}
	return sum
}
