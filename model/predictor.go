package model

import (
	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// Meaning is what a model's outputs are.
type Meaning string

// The meanings.
const (
	Probabilities Meaning = "probabilities" // of the classes
	Scores        Meaning = "scores"        // of the classes; the highest wins
	Values        Meaning = "values"        // of a regression, in the data's units
)

// Meaning is what m's outputs are.
func (m *Model) Meaning() Meaning {
	switch {
	case m.Classes == nil:
		return Values
	case m.probabilistic() == nil:
		return Scores
	}
	return Probabilities
}

// probabilistic is m's loss if it gives m's classes probabilities, else nil.
func (m *Model) probabilistic() loss.Probabilistic {
	if p, ok := m.Loss.(loss.Probabilistic); ok && m.Classes != nil {
		return p
	}
	return nil
}

// Finish turns outputs of the network, a sample a row, into what Meaning says,
// in place.
func (m *Model) Finish(out mat.Dense) {
	if p := m.probabilistic(); p != nil {
		p.Probabilities(out, out)
	}
	m.Transform.Restore(out)
}

// Predictor predicts for raw samples. Several goroutines may use one at the
// same time.
type Predictor struct {
	m   *Model
	net *dlam.Predictor
}

// Predictor makes m ready for many predictions; m must not change afterwards.
func (m *Model) Predictor() *Predictor { return &Predictor{m: m, net: m.Network.Predictor()} }

// Predict is, for each row of x with a column for each raw feature, the
// model's outputs: see Meaning. x stays as it is.
func (p *Predictor) Predict(x mat.Dense) (mat.Dense, error) {
	out := mat.New(x.Rows, p.m.Network.Outputs())
	return out, p.PredictInto(out, x.Clone())
}

// PredictInto writes to dst what Predict gives: a row for each row of x, a
// column for each output. x may be overwritten.
func (p *Predictor) PredictInto(dst, x mat.Dense) error {
	d, err := p.m.Transform.Move(dataset.Dataset{Name: "samples", X: x})
	if err != nil {
		return err
	}
	if err := p.net.Predict(dst, d.X); err != nil {
		return err
	}
	p.m.Finish(dst)
	return nil
}
