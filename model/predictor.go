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

// Outputs are m's for transformed samples, on so many threads, at least 1: see Meaning. Those
// that are not finite are an error.
func (m *Model) Outputs(x mat.Dense, threads int) (mat.Dense, error) {
	out, err := m.Network.Predict(x, threads)
	if err != nil {
		return out, err
	}
	m.Finish(out)
	return out, Finite(out)
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
// model's outputs: see Meaning. x stays as it is. Outputs that are not finite are
// given as they are; Finite tells of them.
func (p *Predictor) Predict(x mat.Dense) (mat.Dense, error) {
	inputs, err := p.Inputs(x.Clone())
	if err != nil {
		return mat.Dense{}, err
	}
	out := mat.New(x.Rows, p.m.Network.Outputs())
	return out, p.Outputs(out, inputs)
}

// Inputs is raw samples as the network takes them: Outputs goes on from there, with
// all of them or some. An error is about the samples. x may be overwritten.
func (p *Predictor) Inputs(x mat.Dense) (mat.Dense, error) {
	d, err := p.m.Transform.Move(dataset.Dataset{Name: "samples", X: x, Features: p.m.Features})
	return d.X, err
}

// Outputs writes to dst the model's outputs for inputs, which are of Inputs: a row
// for each of them, a column for each output.
func (p *Predictor) Outputs(dst, inputs mat.Dense) error {
	if err := p.net.Predict(dst, inputs); err != nil {
		return err
	}
	p.m.Finish(dst)
	return nil
}
