package dlam_test

import (
	"context"
	"math"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/solver/multiconvex"
)

// byHand measures a − h(z) after each iteration, its own way.
type byHand struct {
	h    activation.Func
	want []float64
}

func (b *byHand) Observe(_ int, s dlam.Stepper) error {
	it := s.(dlam.Splitting).Iterate()
	b.want = nil
	for l, a := range it.A {
		z := it.Z[l].Clone()
		b.h.Apply(z.Elements(), z.Elements())
		var sum float64
		for i, v := range a.Elements() {
			d := float64(v) - float64(z.Elements()[i])
			sum += d * d
		}
		b.want = append(b.want, math.Sqrt(sum/float64(len(a.Elements()))))
	}
	return nil
}

// TestGap holds the recorded residual of a = h(z) against the iterates, and
// that it stays within the band.
func TestGap(t *testing.T) {
	p := testprob.Blobs(700, 6, 3, 1)
	p.Threads = 3
	n := testprob.Network(p, []int{9, 7}, activation.Tanh{}, dlam.Paper, 1)
	hand := &byHand{h: activation.Tanh{}}
	var last dlam.Record
	_, err := dlam.Run(context.Background(), multiconvex.Solver{Settings: multiconvex.DefaultSettings()}, p, n, dlam.Options{
		Iterations: 7, Evaluate: 1, Observers: []dlam.Observer{hand},
		Recorders: []dlam.Recorder{recorder(func(r dlam.Record) error { last = r; return nil })},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(last.Gap) != 2 || len(last.Parts) == 0 {
		t.Fatalf("gap %v of two hidden layers, parts %v", last.Gap, last.Parts)
	}
	moved := false
	for l, want := range hand.want {
		if got := last.Gap[l]; math.Abs(got-want) > 1e-12 || got > last.Epsilon {
			t.Errorf("layer %d: got %g, want %g, within ε = %g", l+1, got, want, last.Epsilon)
		}
		moved = moved || want > 0
	}
	if !moved {
		t.Error("no layer left a = h(z): nothing was measured")
	}
}
