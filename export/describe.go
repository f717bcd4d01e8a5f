package export

import (
	"fmt"

	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
)

// describe is the model in a line. What came from a file is quoted: the line
// becomes a comment in a source.
func describe(m *model.Model) (string, error) {
	if m.Transform.Steps > 0 {
		if err := m.Network.AnyLength(); err != nil {
			return "", err
		}
	}
	d, err := m.Describe()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, loss %v, trained by %q on %q", d.Architecture(), d.Loss, d.Training.Solver, d.Training.Dataset), nil
}

// softmax reports whether m's outputs become probabilities by a softmax. It
// refuses losses that have them another way.
func softmax(m *model.Model) (bool, error) {
	if m.Meaning() != model.Probabilities {
		return false, nil
	}
	if _, ok := m.Loss.(loss.CrossEntropy); !ok {
		return false, fmt.Errorf("loss %v: there is no form of its probabilities", m.Loss.Spec())
	}
	return true, nil
}

// rows is m as a slice a row.
func rows(m mat.Dense) [][]float32 {
	r := make([][]float32, m.Rows)
	for i := range r {
		r[i] = m.Row(i)
	}
	return r
}

// packed is a bit for each weight, 1 where it is not negative: a row of bytes for each
// of w's, with the first bit in a byte the highest, and zeros after the last.
func packed(w mat.Dense) [][]uint8 {
	bits := make([][]uint8, w.Rows)
	for i := range bits {
		bits[i] = make([]uint8, (w.Cols+7)/8)
		for j, x := range w.Row(i) {
			if !(x < 0) {
				bits[i][j/8] |= 0x80 >> (j % 8)
			}
		}
	}
	return bits
}
