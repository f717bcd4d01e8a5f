package objective

import (
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// Batch is a copy of some samples, its memory used again.
type Batch struct {
	x, value []float32
	class    []int32
}

// Take copies the samples of x and y with the given indices.
func (b *Batch) Take(x mat.Dense, y loss.Target, index []int) (mat.Dense, loss.Target) {
	bx := gather(&b.x, x, index)
	if y.Class == nil {
		y.Value = gather(&b.value, y.Value, index)
		return bx, y
	}
	b.class = b.class[:0]
	for _, i := range index {
		b.class = append(b.class, y.Class[i])
	}
	y.Class = b.class
	return bx, y
}

func gather(buf *[]float32, m mat.Dense, index []int) mat.Dense {
	if n := len(index) * m.Cols; cap(*buf) < n {
		*buf = make([]float32, n)
	}
	g := mat.FromSlice(len(index), m.Cols, (*buf)[:len(index)*m.Cols])
	for i, from := range index {
		copy(g.Row(i), m.Row(from))
	}
	return g
}
