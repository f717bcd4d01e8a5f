package solvertest

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/nn"
)

// namesDivergence starts where float32 overflows: the run must end as diverged
// in the iteration where that shows, say where it does, and give back the last
// good network, which is the start.
func (c Config) namesDivergence(t *testing.T) {
	p, n := c.problem()
	for _, ly := range n.Layers {
		for i := range ly.W.Data {
			ly.W.Data[i] *= 1e38
		}
	}
	r, err := dlam.Run(context.Background(), c.Solver, p, n, dlam.Options{Iterations: 10})
	if err == nil || r.Status != dlam.Diverged {
		t.Fatalf("weights of 1e38: got %+v, %v, want diverged", r, err)
	}
	if s := err.Error(); !strings.HasPrefix(s, "iteration ") || !strings.Contains(s, "layer ") && !strings.Contains(s, "objective") && !strings.Contains(s, "outputs") {
		t.Errorf("the error names neither iteration nor place: %v", err)
	}
	if r.Last.Iteration == 0 {
		if c.Binary {
			c.nearestBinary(t, r.Network, n)
		} else {
			sameNetwork(t, r.Network, n)
		}
	}
	if err := r.Network.Validate(); err != nil {
		t.Errorf("not the last good network: %v", err)
	}
}

// nearestBinary holds that b is n with binary weights, but for the rounding of magnitudes.
func (c Config) nearestBinary(t *testing.T, b, n *dlam.Network) {
	t.Helper()
	for l, ly := range n.Layers {
		for i := range ly.W.Rows {
			want := make([]float32, ly.W.Cols)
			nn.Binarize(want, nn.Magnitude(ly.W.Row(i)), ly.W.Row(i))
			for j, x := range b.Layers[l].W.Row(i) {
				if math.Abs(float64(x/want[j]-1)) > 1e-6 {
					t.Fatalf("layer %d: W[%d,%d] is %v, want %v", l+1, i, j, x, want[j])
				}
			}
		}
	}
}

// survivesSingular trains on a constant column, one that is 0, two that are
// equal, and with units that are dead: every Gram matrix is singular.
func (c Config) survivesSingular(t *testing.T) {
	p, n := c.problem()
	for i := range p.X.Rows {
		x := p.X.Row(i)
		x[0], x[1], x[2] = 1, 0, x[3]
	}
	for l := range n.Layers[:len(n.Layers)-1] {
		b := n.Layers[l].B
		b[0], b[1] = -1e6, -1e6
	}
	r, err := dlam.Run(context.Background(), c.Solver, p, n, dlam.Options{Iterations: 5})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Network.Validate(); err != nil {
		t.Error(err)
	}
}
