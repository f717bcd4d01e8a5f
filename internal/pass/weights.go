package pass

import (
	"math"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// power says what a row is multiplied by.
type power int

const (
	whole power = iota // its sample's weight
	root               // the root of that, as both factors of a square are
)

// weighted is m with each row multiplied by what follows from its sample's weight: m
// itself without weights, else a copy that lasts until the next. A sample has
// m.Rows/len(weights) rows, one after another.
func (w *Worker) weighted(m mat.Dense, weights []float32, p power) mat.Dense {
	if weights == nil || m.Rows == 0 {
		return m
	}
	n := m.Rows * m.Cols
	if cap(w.scaled) < n {
		w.scaled = make([]float32, n)
	}
	c := mat.FromSlice(m.Rows, m.Cols, w.scaled[:n])
	places := m.Rows / len(weights)
	for i := range m.Rows {
		scale := weights[i/places]
		if p == root {
			scale = float32(math.Sqrt(float64(scale)))
		}
		row := c.Row(i)
		copy(row, m.Row(i))
		kernel.Axpby(row, scale, 0, row)
	}
	return c
}
