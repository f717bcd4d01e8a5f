package loss

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// proxOmega solves eq. 5 for all rows; see kernel.Omega. Rows of dst are where
// it starts, work is scratch for kernel.OmegaWork rows and target for one.
func proxOmega(dst, v mat.Dense, y Target, rho float64, work []float64, target []float32) (value float64) {
	o := kernel.NewOmega(rho, v.Cols, work)
	for lo := 0; lo < v.Rows; lo += kernel.Group {
		hi := min(lo+kernel.Group, v.Rows)
		y.group(o.Target(), lo, hi, rho)
		z, at := dst.RowRange(lo, hi), v.RowRange(lo, hi)
		o.Solve(z.Data, z.Stride, at.Data, at.Stride, hi-lo)
		for i := range hi - lo {
			value += y.surprise(lo+i, z.Row(i), o.LogSumExp(i), target)
		}
	}
	return value
}

// group writes y/ρ of samples lo to hi-1 to b, [class][sample]; the last stands
// for those that a group lacks.
func (t Target) group(b []float64, lo, hi int, rho float64) {
	if t.Class != nil {
		off, on := t.mix()
		rest := float64(off) / rho
		for at := range b {
			b[at] = rest
		}
		for i := range kernel.Group {
			b[int(t.Class[min(lo+i, hi-1)])*kernel.Group+i] = float64(on) / rho
		}
		return
	}
	for i := range kernel.Group {
		for j, p := range t.Value.Row(min(lo+i, hi-1)) {
			b[j*kernel.Group+i] = float64(p) / rho
		}
	}
}
