package backprop_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/picture"
)

func TestGradientAgainstFiniteDifferences(t *testing.T) {
	for _, h := range activation.All {
		if _, ok := h.(activation.Differentiable); !ok {
			continue
		}
		for _, l := range loss.All {
			if _, ok := l.(loss.Curved); !ok {
				continue // at the kinks of one without any curvature differences say little
			}
			t.Run(fmt.Sprint(h, "/", l), func(t *testing.T) {
				p := testprob.Blobs(230, 6, 3, 5)
				differences(t, p, l, testprob.Network(p, []int{8, 7}, h, dlam.He, 2))
			})
		}
	}
}

// The same for a layer with shared weights.
func TestConvolutionAgainstFiniteDifferences(t *testing.T) {
	p := testprob.Blobs(230, 72, 3, 5)
	differences(t, p, p.Loss, testprob.Convolutional(3, activation.Tanh{}, 1))
	p = testprob.Blobs(1700, 72, 3, 5) // more than is stored at a time
	differences(t, p, p.Loss, testprob.Convolutional(3, activation.Tanh{}, 1))
}

// The same for convolutions between averages and maxima.
func TestPoolingAgainstFiniteDifferences(t *testing.T) {
	for _, samples := range []int{230, 1700} { // stored, and more than that
		p := testprob.Blobs(samples, 128, 3, 5)
		differences(t, p, p.Loss, testprob.Pooled(3, activation.Tanh{}, 1))
	}
}

// The same for recurrent layers, whose steps follow from each other.
func TestRecurrenceAgainstFiniteDifferences(t *testing.T) {
	for _, samples := range []int{230, 1700} { // stored, and more than that
		p := testprob.Blobs(samples, 128, 3, 5)
		differences(t, p, p.Loss, testprob.Recurrent(3, activation.Tanh{}, 1))
		differences(t, p, p.Loss, testprob.Gated(3, activation.Tanh{}, 1))
	}
}

// differences compares, for each layer's weights and intercepts, the gradient
// along a random direction with a central difference.
func differences(t *testing.T, p *dlam.Problem, l loss.Loss, n *dlam.Network) {
	e := pass.New(3, nil)
	defer e.Close()
	ls := n.Layers
	b, err := backprop.New(e, ls, l)
	if err != nil {
		t.Fatal(err)
	}
	g, err := b.Gradient(p.X, p.Y)
	if err != nil {
		t.Fatal(err)
	}
	if g.N != float64(p.X.Rows) {
		t.Errorf("samples: got %v, want %d", g.N, p.X.Rows)
	}
	risk := func() float64 {
		s, err := dlam.Evaluate(n, p.X, p.Y, l, 3)
		if err != nil {
			t.Fatal(err)
		}
		return s.Risk * g.N
	}
	if r := risk(); !(math.Abs(r-g.Risk) <= 1e-5*r) {
		t.Errorf("risk: got %v, Score says %v", g.Risk, r)
	}
	rng := testprob.Rng(11)
	for i, ly := range ls {
		for name, v := range map[string]struct {
			w []float32
			g *pass.Sum
		}{"W": {ly.W.Elements(), &g.W[i]}, "b": {ly.B, &g.B[i]}} {
			old, d := append([]float32(nil), v.w...), make([]float64, len(v.w))
			var along, gg, dd float64
			for j := range d {
				d[j] = rng.NormFloat64()
				along += v.g.At(j) * d[j]
				gg += v.g.At(j) * v.g.At(j)
				dd += d[j] * d[j]
			}
			const step = 1e-3
			var f [2]float64
			for side, sign := range []float64{1, -1} {
				for j := range d {
					v.w[j] = float32(float64(old[j]) + sign*step*d[j])
				}
				f[side] = risk()
			}
			copy(v.w, old)
			want := (f[0] - f[1]) / (2 * step)
			// A few of 230 samples cross a kink within the step; float32
			// outputs leave about 1e-5 of ‖g‖‖d‖.
			if !(math.Abs(along-want) <= 5e-3*math.Sqrt(gg*dd)+1e-3) {
				t.Errorf("layer %d, %s: gradient along a direction is %v, differences give %v", i+1, name, along, want)
			}
		}
	}
}

// Pictures move by as much on any number of threads, and otherwise in each
// epoch.
func TestJitter(t *testing.T) {
	p := testprob.Blobs(200, 64, 3, 5)
	first := func(threads, epoch int, jitter picture.Jitter) []float32 {
		e := pass.New(threads, nil)
		defer e.Close()
		b, err := backprop.NewBatches(e, p.X, p.Y, 150, 3, jitter)
		if err != nil {
			t.Fatal(err)
		}
		b.Shuffle(epoch)
		b.Take(0)
		x, _ := b.Take(1)
		return x.Elements()
	}
	jitter := picture.JitterFor(picture.Image{Height: 8, Width: 8, Channels: 1})
	still, moved := first(1, 4, picture.Jitter{}), first(1, 4, jitter)
	if slices.Equal(still, moved) {
		t.Error("nothing moved")
	}
	if !slices.Equal(moved, first(3, 4, jitter)) {
		t.Error("three threads move pictures otherwise than one")
	}
	all := jitter
	all.Moves = picture.Moves{Flip: true, Crop: true, Brightness: true}
	if x := first(1, 4, all); slices.Equal(x, moved) || !slices.Equal(x, first(3, 4, all)) {
		t.Error("moves beside shifts: none, or others on three threads")
	}
	e := pass.New(1, nil)
	defer e.Close()
	b, err := backprop.NewBatches(e, p.X, p.Y, 150, 3, all)
	if err != nil {
		t.Fatal(err)
	}
	b.Shuffle(1)
	b.Take(0)
	if n := testing.AllocsPerRun(5, func() { b.Take(0) }); n != 0 {
		t.Errorf("a batch of changed pictures allocates %v times", n)
	}
	still5, moved5 := first(1, 5, picture.Jitter{}), first(1, 5, jitter)
	if slices.Equal(still, still5) || slices.Equal(moved, moved5) {
		t.Error("two epochs are alike")
	}
}

func TestBackpropRefusesSign(t *testing.T) {
	p := testprob.Blobs(20, 6, 3, 5)
	e := pass.New(1, nil)
	defer e.Close()
	n := testprob.Network(p, []int{4}, activation.Sign{}, dlam.He, 1)
	if _, err := backprop.New(e, n.Layers, p.Loss); err == nil {
		t.Error("an activation without a derivative was accepted")
	}
}

// The moments of what comes back are the same of a batch that is stored, twice, as of
// twice its samples, which are not; and their trace is that of the output's gradient.
func TestOutputMoments(t *testing.T) {
	p := testprob.Blobs(2*pass.FlushRows, 6, 3, 5)
	half := pass.FlushRows
	p.Y.Weight = make([]float32, 2*half)
	for i := range half {
		copy(p.X.Row(half+i), p.X.Row(i))
		p.Y.Class[half+i] = p.Y.Class[i]
		p.Y.Weight[i] = float32(1+i%9) / 4
		p.Y.Weight[half+i] = p.Y.Weight[i]
	}
	e := pass.New(2, nil)
	defer e.Close()
	n := testprob.Network(p, []int{8, 7}, activation.Tanh{}, dlam.He, 2)
	b, err := backprop.New(e, n.Layers, p.Loss)
	if err != nil {
		t.Fatal(err)
	}
	b.Outputs = true
	var traces [3]float64
	var sums [][]float64
	for _, rows := range []int{half, 2 * half} {
		_, m, err := b.GradientAndMoments(p.X.RowRange(0, rows), p.Y.RowRange(0, rows), 1)
		if err != nil {
			t.Fatal(err)
		}
		for l, square := range m.Output {
			sums = append(sums, slices.Clone(square))
			if rows == half {
				for i := range n.Layers[l].W.Rows {
					traces[l] += square[i*n.Layers[l].W.Rows+i]
				}
			}
		}
	}
	for l, once := range sums[:3] {
		side := n.Layers[l].W.Rows
		for i := range side {
			for j := i; j < side; j++ {
				if k := i*side + j; math.Abs(2*once[k]-sums[3+l][k]) > 1e-4*traces[l] { // float32 products
					t.Errorf("layer %d, element %d, %d: %v, of twice the samples %v", l+1, i, j, once[k], sums[3+l][k])
				}
			}
		}
	}
	z, err := n.Predict(p.X.RowRange(0, half), 1)
	if err != nil {
		t.Fatal(err)
	}
	p.Loss.Grad(z, z, p.Y.RowRange(0, half))
	var want float64
	for i := range half {
		for _, d := range z.Row(i) {
			want += float64(p.Y.Weight[i]) * float64(d) * float64(d)
		}
	}
	if math.Abs(traces[2]-want) > 1e-4*want {
		t.Errorf("the trace of the outputs' moments is %v, want %v", traces[2], want)
	}
}

// Any split of the samples gives the same sums up to rounding, and what divides them, with
// weights and without.
func TestGradientAddsOverBatches(t *testing.T) {
	p := testprob.Blobs(500, 6, 3, 5)
	addsOverBatches(t, p)
	p.Y.Weight = make([]float32, 500)
	for i := range p.Y.Weight {
		p.Y.Weight[i] = float32(1+i%9) / 4
	}
	addsOverBatches(t, p)
}

func addsOverBatches(t *testing.T, p *dlam.Problem) {
	t.Helper()
	e := pass.New(2, nil)
	defer e.Close()
	b, err := backprop.New(e, testprob.Network(p, []int{8}, activation.Tanh{}, dlam.He, 2).Layers, p.Loss)
	if err != nil {
		t.Fatal(err)
	}
	batches, err := backprop.NewBatches(e, p.X, p.Y, 70, 3, picture.Jitter{})
	if err != nil {
		t.Fatal(err)
	}
	b.MeanWeight = batches.Weight / batches.N
	batches.Shuffle(0)
	var sum, n, weight float64
	for k := range batches.Count {
		x, y := batches.Take(k)
		g, err := b.Gradient(x, y)
		if err != nil {
			t.Fatal(err)
		}
		sum, n, weight = sum+g.W[0].At(3), n+g.N, weight+g.Weight
	}
	g, err := b.Gradient(p.X, p.Y)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(sum-g.W[0].At(3)) > 1e-4*(1+math.Abs(sum)) { // float32 products
		t.Errorf("sum over batches %v, whole %v", sum, g.W[0].At(3))
	}
	if total := p.Y.TotalWeight(); math.Abs(n-total) > 1e-9*total || math.Abs(weight-total) > 1e-9*total || math.Abs(g.N-total) > 1e-9*total || g.Weight != total {
		t.Errorf("batches have %v samples by number and %v by weight, the whole %v and %v, want %v", n, weight, g.N, g.Weight, total)
	}
}
