package model

import (
	"fmt"
	"runtime"
	"slices"

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
// as they were trained on; NaN is a missing one. A column of texts is refused: PredictRecords
// takes them. Outputs that are not finite are an error. It computes on all processors; for a few samples at a
// time and often, use a Predictor.
func (m *Model) Predict(rows [][]float32) (*Prediction, error) { return Predict(m, rows) }

// Predict is Model.Predict of rows of float32 or of float64.
func Predict[T dataset.Number](m *Model, rows [][]T) (*Prediction, error) {
	if columns := m.Transform.Columns; columns != nil {
		if slices.ContainsFunc(columns, func(c dataset.Column) bool { return c.Kind == dataset.KindCategory }) {
			_, err := m.Transform.Move(dataset.Dataset{Name: "samples", X: mat.New(0, len(columns))}) // which names the column
			return nil, err
		}
		return PredictRecords(m, m.Features, rows)
	}
	d, err := dataset.FromRows[T, string]("samples", rows, nil)
	if err != nil {
		return nil, err
	}
	return m.predict(d)
}

// PredictRecords predicts for raw rows as those of a file: a value for each of the
// named columns, in any order, which is a number, a bool, a time.Time, a text that is
// read as the field of a CSV file is, or nil for none. Columns that the model does not
// know are left out.
func PredictRecords[V any](m *Model, columns []string, rows [][]V) (*Prediction, error) {
	d, err := m.Records(columns, rowsOf(rows))
	if err != nil {
		return nil, err
	}
	return m.predict(d)
}

// PredictRecords is PredictRecords of rows of any values.
func (m *Model) PredictRecords(columns []string, rows [][]any) (*Prediction, error) {
	return PredictRecords(m, columns, rows)
}

// rowsOf is rows as rows of any values.
func rowsOf[V any](rows [][]V) [][]any {
	if same, ok := any(rows).([][]any); ok {
		return same
	}
	all := make([][]any, len(rows))
	for i, row := range rows {
		all[i] = make([]any, len(row))
		for j, v := range row {
			all[i][j] = v
		}
	}
	return all
}

// Records is raw rows as the model takes them, with no labels; see PredictRecords.
func (m *Model) Records(columns []string, rows [][]any) (dataset.Dataset, error) {
	features := m.Features
	if features == nil { // they are called by their numbers
		if len(columns) != m.Transform.Inputs {
			return dataset.Dataset{}, fmt.Errorf("%d columns, and the model has no names for its %d", len(columns), m.Transform.Inputs)
		}
		features = columns
	}
	return dataset.FromRecords("records", columns, rows, dataset.Options{
		NoLabel: true, Features: features, Model: &m.Transform, Missing: m.Transform.Missing,
	})
}

// predict predicts for raw samples.
func (m *Model) predict(d dataset.Dataset) (*Prediction, error) {
	d, err := m.Transform.Move(d)
	if err != nil {
		return nil, err
	}
	out, err := m.Outputs(d.X, runtime.GOMAXPROCS(0))
	if err != nil {
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
