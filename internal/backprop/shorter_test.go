package backprop_test

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// sequences are samples of at most so many steps of three numbers, and a network of them.
func sequences(t *testing.T, samples, steps int, text string) (*dlam.Problem, *nn.Network) {
	t.Helper()
	p := testprob.Blobs(samples, 3*steps, 3, 5)
	layers, err := nn.ParseLayers(text)
	if err != nil {
		t.Fatal(err)
	}
	n, err := nn.NewNetworkFor(nn.Shape{Height: steps, Width: 3, Channels: 1}, layers, 3, activation.Tanh{}, nn.He, testprob.Rng(4))
	if err != nil {
		t.Fatal(err)
	}
	for _, ly := range n.Layers { // states that are not there would be h(b)
		testprob.Normal(mat.FromSlice(1, len(ly.B), ly.B), 0.5, testprob.Rng(5))
	}
	return p, n
}

// cut takes the first steps of a sample away.
func cut(sample []float32, steps int) {
	for j := range 3 * steps {
		sample[j] = float32(math.NaN())
	}
}

// Gradients of samples of several lengths, against differences.
func TestShorterAgainstFiniteDifferences(t *testing.T) {
	for _, text := range []string{"rnn 5 all, rnn 4", "rnn 6 all", "gru 5 all, gru 4", "gru 3 all, rnn 4 all"} {
		for _, samples := range []int{230, 1700} { // stored, and more than that
			p, n := sequences(t, samples, 6, text)
			for i := range p.X.Rows {
				cut(p.X.Row(i), i%6)
			}
			differences(t, p, p.Loss, n)
		}
	}
}

// Samples whose first steps are not there have the gradient, the moments and the model along
// a direction that they have in a network of as many steps as there are.
func TestShorterIsShort(t *testing.T) {
	const steps, there = 7, 4
	for _, c := range []struct {
		samples int
		text    string
	}{{40, "rnn 5 all, rnn 4"}, {1500, "rnn 5 all, rnn 4"}, {40, "gru 5 all, gru 4"}, {1500, "gru 5 all, rnn 4"}} {
		samples := c.samples
		p, long := sequences(t, samples, steps, c.text)
		_, short := sequences(t, samples, there, c.text)
		short.CopyFrom(long)
		x := p.X.ColRange(3*(steps-there), 3*steps).Clone()
		for i := range p.X.Rows {
			cut(p.X.Row(i), steps-there)
		}
		got, want := figures(t, long, p.X, p.Y), figures(t, short, x, p.Y)
		if len(got) != len(want) {
			t.Fatalf("%d figures, want %d", len(got), len(want))
		}
		for i, w := range want {
			if !(math.Abs(got[i]-w) <= 1e-5*(1+math.Abs(w))) { // nor NaN; float32 sums in other blocks
				t.Fatalf("%s, %d samples, figure %d of %d: got %v, want %v", c.text, samples, i, len(want), got[i], w)
			}
		}
	}
}

// figures are all that backpropagation gives for samples.
func figures(t *testing.T, n *nn.Network, x mat.Dense, y loss.Target) (list []float64) {
	t.Helper()
	e := pass.New(2, nil)
	defer e.Close()
	b, err := backprop.New(e, n.Layers, loss.CrossEntropy{})
	if err != nil {
		t.Fatal(err)
	}
	g, m, err := b.GradientAndMoments(x, y, 0)
	if err != nil {
		t.Fatal(err)
	}
	list = append(list, g.N, g.Risk)
	direction := make([]backprop.Direction, len(n.Layers))
	for l, ly := range n.Layers {
		for _, s := range []struct {
			sum *pass.Sum
			n   int
		}{{&g.W[l], len(ly.W.Elements())}, {&g.B[l], len(ly.B)}} {
			for k := range s.n {
				list = append(list, s.sum.At(k)/g.N)
			}
		}
		list = append(list, m.Rows[l], m.Energy[l])
		for i := range ly.W.Cols {
			list = append(list, m.Sum[l][i]/m.Rows[l])
			for j := i; j < ly.W.Cols; j++ {
				list = append(list, m.Square[l][i*ly.W.Cols+j]/m.Rows[l])
			}
		}
		d := backprop.Direction{W: mat.New(ly.W.Rows, ly.W.Cols), B: make([]float32, len(ly.B))}
		testprob.Normal(d.W, 1, testprob.Rng(8))
		testprob.Normal(mat.FromSlice(1, len(d.B), d.B), 1, testprob.Rng(9))
		direction[l] = d
	}
	line, err := b.NewGaussNewton(direction, loss.CrossEntropy{}).Measure(x, y)
	if err != nil {
		t.Fatal(err)
	}
	return append(list, line.Risk, line.Slope/line.N, line.Curvature/line.N)
}
