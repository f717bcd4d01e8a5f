package dlam_test

import (
	"context"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// held makes validation samples on which a linear network gives its first
// weight, and 3 is right: the script's third step is best.
func held(u *setup, patience int) *dlam.Validation {
	v := &dlam.Validation{X: mat.New(1, 4), Y: loss.Target{Value: mat.New(1, 1)}, Patience: patience}
	v.X.Set(0, 0, 1)
	u.p.Y, u.p.TestY, u.p.Loss = loss.Target{Value: mat.New(20, 1)}, loss.Target{Value: mat.New(u.p.TestX.Rows, 1)}, loss.Squared{}
	u.n = &dlam.Network{Layers: []dlam.Layer{{W: mat.New(1, 4), B: make([]float32, 1), H: u.n.Layers[1].H}}}
	v.Y.Value.Set(0, 0, 3)
	u.o.Validation = v
	return v
}

// ended checks that the run is over as it should be, and gives the network of
// the third step.
func ended(t *testing.T, res *dlam.Result, status dlam.Status, last int) {
	t.Helper()
	if res.Status != status || res.Last.Iteration != last || first(res) != 3 {
		t.Errorf("%s after %d iterations with the network of %g, want %s after %d with that of 3",
			res.Status, res.Last.Iteration, first(res), status, last)
	}
}

// TestValidation: the network of the best score is the run's, with its scores,
// and the run ends when the score has not been better for as long as patience.
func TestValidation(t *testing.T) {
	u := newSetup(20)
	v := held(u, 4)
	res, err := u.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ended(t, res, dlam.Stopped, 7)
	if v.At != 3 {
		t.Errorf("the best iteration is %d, want 3", v.At)
	}
	if s := res.Last.Validation; s == nil || s.Risk != 0 {
		t.Errorf("the result's score is %+v, want a risk of 0", s)
	}
	if s := u.l.records[6].Validation; s == nil || s.Risk <= 0 {
		t.Errorf("iteration 7's score is %+v, want a risk above 0", s)
	}
}

// TestValidationPatient: without patience the run goes to its end, and gives
// the best network all the same.
func TestValidationPatient(t *testing.T) {
	u := newSetup(9)
	held(u, 0)
	res, err := u.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ended(t, res, dlam.Completed, 9)
}

// TestValidationGoesOn: a run that goes on with what the first part kept ends
// as if it had never stopped.
func TestValidationGoesOn(t *testing.T) {
	u := newSetup(20)
	v := held(u, 4)
	u.o.First = 5
	v.At, v.Best, v.Score = 3, u.n.Clone(), dlam.Score{}
	v.Best.Layers[0].W.Set(0, 0, 3)
	u.o.Resume = func(s dlam.Stepper) error { s.(*scripted).k = 5; return nil }
	res, err := u.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ended(t, res, dlam.Stopped, 7)
}

func TestValidationRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*dlam.Validation){
		"no samples":   func(v *dlam.Validation) { v.X = mat.New(0, 4) },
		"features":     func(v *dlam.Validation) { v.X = mat.New(1, 5) },
		"targets":      func(v *dlam.Validation) { v.Y.Value = mat.New(2, 1) },
		"target width": func(v *dlam.Validation) { v.Y.Value = mat.New(1, 2) },
		"patience":     func(v *dlam.Validation) { v.Patience = -1 },
	} {
		u := newSetup(2)
		spoil(held(u, 1))
		if _, err := u.run(context.Background()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
