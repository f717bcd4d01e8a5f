package solvertest

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// WeighsSamples holds that a weight of 2 is the row twice: a few iterations lead from the
// same network to the same one, with the same objectives and scores. They differ by the
// rounding of float32 sums, whose terms are others, and by what a method makes of it:
// the difference of the parameters is held against the way that they have gone, and
// against their size, which rounds it.
func (c Config) WeighsSamples(t *testing.T) {
	p, n := c.problem()
	if c.Whole != nil {
		c.Solver = cut{c.Whole}
	}
	tolerance := c.WeightTolerance
	if tolerance == 0 {
		tolerance = 1e-3
	}
	weighted, twice := *p, *p
	weighted.Y.Weight = make([]float32, p.X.Rows)
	var rows []int
	for i := range p.X.Rows {
		rows, weighted.Y.Weight[i] = append(rows, i), 1
		if i%8 == 1 { // so few that samples stay fewer than features, where they are
			rows, weighted.Y.Weight[i] = append(rows, i), 2
		}
	}
	twice.X, twice.Y = take(p.X, p.Y, rows)
	const iterations = 3
	a, fa := c.run(t, &weighted, n, iterations)
	b, fb := c.run(t, &twice, n, iterations)
	plain, _ := c.run(t, p, n, iterations)
	told := false // from no weights at all
	for l := range n.Layers {
		way, size := apart(b.Network.Layers[l], n.Layers[l]), apart(n.Layers[l], dlam.Layer{})
		bound := tolerance*way + 2e-5*size
		if got := apart(a.Network.Layers[l], b.Network.Layers[l]); !(got <= bound) {
			t.Errorf("layer %d: weights of 2 and rows twice are %g apart, want at most %g after a way of %g", l+1, got, bound, way)
		}
		told = told || apart(plain.Network.Layers[l], b.Network.Layers[l]) > 5*bound
	}
	if !told {
		t.Error("the weights change nothing that could be told from rounding")
	}
	for k := range fa {
		if math.Abs(fa[k]-fb[k]) > tolerance*math.Abs(fb[k]) {
			t.Errorf("iteration %d: objective with weights of 2 %v, with rows twice %v", k+1, fa[k], fb[k])
		}
	}
	if got, want := a.Last.Train, b.Last.Train; math.Abs(got.Risk-want.Risk) > tolerance*want.Risk || math.Abs(got.Accuracy-want.Accuracy) > 1e-12 {
		t.Errorf("scores with weights of 2 %+v, with rows twice %+v", *got, *want)
	}
}

// weightsFor are weights of p's samples that differ.
func weightsFor(p *dlam.Problem) []float32 {
	w := make([]float32, p.X.Rows)
	for i := range w {
		w[i] = 0.5 + float32(i%7)/4
	}
	return w
}

// take is some rows, in order.
func take(x mat.Dense, y loss.Target, rows []int) (mat.Dense, loss.Target) {
	taken := mat.New(len(rows), x.Cols)
	class := make([]int32, len(rows))
	for i, r := range rows {
		copy(taken.Row(i), x.Row(r))
		class[i] = y.Class[r]
	}
	y.Class = class
	return taken, y
}

// apart is the Euclidean distance of two layers' parameters; those of no layer are 0.
func apart(a, b dlam.Layer) float64 {
	var sum float64
	add := func(a, b []float32) {
		for i, x := range a {
			d := float64(x)
			if b != nil {
				d -= float64(b[i])
			}
			sum += d * d
		}
	}
	add(a.W.Elements(), b.W.Elements())
	add(a.B, b.B)
	return math.Sqrt(sum)
}
