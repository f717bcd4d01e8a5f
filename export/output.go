package export

import (
	"fmt"

	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
)

// output is what a model's numbers are.
type output string

const (
	probabilities output = "probabilities" // one a class; they add up to 1
	scores        output = "scores"        // one a class; the greatest wins
	values        output = "values"        // in the units of the data
)

func outputOf(m *model.Model) (output, error) {
	l, err := loss.Parse(m.Loss)
	if err != nil {
		return "", err
	}
	if m.Classes == nil {
		return values, nil
	}
	if _, ok := l.(loss.Probabilistic); ok {
		return probabilities, nil
	}
	return scores, nil
}

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
