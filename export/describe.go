package export

import (
	"fmt"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
)

// describe is the model in a line. What came from a file is quoted: the line
// becomes a comment in a source.
func describe(m *model.Model) string {
	t := m.Training
	return fmt.Sprintf("%v network %v, loss %s, trained by %q on %q", m.Network.Layers[0].H, m.Network.Widths(), m.Loss, t.Solver, t.Dataset)
}

// rows is m as a slice a row.
func rows(m mat.Dense) [][]float32 {
	r := make([][]float32, m.Rows)
	for i := range r {
		r[i] = m.Row(i)
	}
	return r
}
