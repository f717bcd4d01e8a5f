package dlam

import (
	"math"
	"slices"

	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// BestConstant is the least mean risk, over all ranks' samples, of a network that gives
// the same outputs for all, and these: the mean of the values, or the best of the
// classes' log frequencies, a code of the most frequent class and one of none.
func BestConstant(p *Problem) (risk float64, output []float32, err error) {
	width := p.Y.Width()
	sums := make([]float64, width+1) // of the targets, and of the samples' weights
	target := make([]float32, width)
	for i := range p.Y.Rows() {
		weight := p.Y.WeightOf(i)
		if p.Y.Class != nil {
			p.Y.Distribution(target, i)
		} else {
			p.Y.Code(target, i, 0, 0)
		}
		for j, v := range target {
			sums[j] += weight * float64(v)
		}
	}
	sums[width] = p.Y.TotalWeight()
	if err := p.Comm.Sum(sums); err != nil {
		return 0, nil, err
	}
	n := sums[width]
	var outputs mat.Dense // a row for each
	if p.Y.Class == nil {
		outputs = mat.New(1, width)
		for j, sum := range sums[:width] {
			outputs.Set(0, j, float32(sum/n))
		}
	} else {
		outputs = mat.New(3, width)
		most := 0
		for j, sum := range sums[:width] {
			outputs.Set(0, j, float32(math.Log(max(sum/n, 1e-12))))
			outputs.Set(1, j, -1)
			outputs.Set(2, j, -1)
			if sum > sums[most] {
				most = j
			}
		}
		outputs.Set(1, most, 1)
	}
	risks := make([]float64, outputs.Rows)
	z := mat.New(min(pass.Block, p.Y.Rows()), width)
	for r := range risks {
		for i := range z.Rows {
			copy(z.Row(i), outputs.Row(r))
		}
		for lo := 0; lo < p.Y.Rows(); lo += pass.Block {
			hi := min(lo+pass.Block, p.Y.Rows())
			risks[r] += loss.Weighted(p.Loss, z.RowRange(0, hi-lo), p.Y.RowRange(lo, hi))
		}
	}
	if err := p.Comm.Sum(risks); err != nil {
		return 0, nil, err
	}
	least := slices.Min(risks)
	return least / n, outputs.Row(slices.Index(risks, least)), nil
}
