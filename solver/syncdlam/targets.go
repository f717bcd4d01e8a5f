package syncdlam

import (
	"sync"

	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// targets is a loss whose gradient is that of mode Prox: z − z⁺ with z⁺ the
// proximal step of eq. 5.
type targets struct {
	loss.Proximal
	rho  float64
	pool *sync.Pool // of *[]float32, scratch
}

// Grad computes dst = z − z⁺.
func (t targets) Grad(dst, z mat.Dense, y loss.Target) {
	n := z.Rows * z.Cols
	buf, ok := t.pool.Get().(*[]float32)
	if !ok || len(*buf) < n {
		fresh := make([]float32, n)
		buf = &fresh
	}
	defer t.pool.Put(buf)
	next := mat.FromSlice(z.Rows, z.Cols, (*buf)[:n])
	next.CopyFrom(z)
	t.Prox(next, z, y, t.rho)
	for i := range z.Rows {
		d, x := dst.Row(i), next.Row(i)
		for j, v := range z.Row(i) {
			d[j] = v - x[j]
		}
	}
}
