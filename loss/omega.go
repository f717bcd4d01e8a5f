package loss

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// proxOmega solves eq. 5 for all rows; see kernel.Omega. Rows of dst are where
// it starts, work is scratch for kernel.OmegaWork rows and target for one.
func proxOmega(dst, v mat.Dense, y Target, rho float64, work []float64, target []float32) (value float64) {
	o := kernel.NewOmega(rho, v.Cols, work)
	var logSumExp [kernel.Group]float64
	for lo := 0; lo < v.Rows; lo += kernel.Group {
		hi := min(lo+kernel.Group, v.Rows)
		z, at, t := dst.RowRange(lo, hi), v.RowRange(lo, hi), y.RowRange(lo, hi)
		t.group(o.Target(), rho)
		o.Solve(z.Data, z.Stride, at.Data, at.Stride, hi-lo)
		o.LogSumExp(&logSumExp)
		value += t.crossEntropy(z, logSumExp[:], target)
	}
	return value
}

// group writes y/ρ of a group's samples to b, [class][sample]; the last stands
// for those that it lacks.
func (t Target) group(b []float64, rho float64) {
	last := t.Rows() - 1
	if t.Class == nil {
		for i := range kernel.Group {
			for j, p := range t.Value.Row(min(i, last)) {
				b[j*kernel.Group+i] = float64(p) / rho
			}
		}
		return
	}
	off, on := t.mix()
	other, own := float64(off)/rho, float64(on)/rho
	for at := range b {
		b[at] = other
	}
	for i := range kernel.Group {
		b[int(t.Class[min(i, last)])*kernel.Group+i] = own
	}
}
