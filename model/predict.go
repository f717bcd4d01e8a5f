package model

import (
	"fmt"
	"runtime"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/mat"
)

// Prediction is what a model says of samples.
type Prediction struct {
	Labels  []string  // the most likely class of each sample; nil for a regression
	Outputs mat.Dense // a row for each sample: probabilities or scores of the classes, or values; Model.Meaning says which
}

// Finite reports the first row of a model's outputs that has an entry which is not
// finite: its samples, or the network's weights, are too large.
func Finite(out mat.Dense) error {
	for i := range out.Rows {
		for _, v := range out.Row(i) {
			if v-v != 0 {
				return fmt.Errorf("the model gives %v for sample %d: its values are too large for this network", v, i+1)
			}
		}
	}
	return nil
}

// Predict predicts for raw samples, a row each with a value for each raw feature,
// as they were trained on. Outputs that are not finite are an error. It computes on all processors; for a few samples at a
// time and often, use a Predictor.
func (m *Model) Predict(rows [][]float32) (*Prediction, error) { return Predict(m, rows) }

// Predict is Model.Predict of rows of float32 or of float64.
func Predict[T dataset.Number](m *Model, rows [][]T) (*Prediction, error) {
	d, err := dataset.FromRows[T, string]("samples", rows, nil)
	if err != nil {
		return nil, err
	}
	if d, err = m.Transform.Move(d); err != nil {
		return nil, err
	}
	out, err := m.Network.Predict(d.X, runtime.GOMAXPROCS(0))
	if err != nil {
		return nil, err
	}
	m.Finish(out)
	if err := Finite(out); err != nil {
		return nil, err
	}
	p := &Prediction{Outputs: out}
	if m.Classes == nil {
		return p, nil
	}
	p.Labels = make([]string, out.Rows)
	for i := range p.Labels {
		p.Labels[i] = m.Classes[mat.ArgMax(out.Row(i))]
	}
	return p, nil
}
