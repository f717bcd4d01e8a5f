package nn_test

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/fixedseed"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// drawLayer is a convolution of any sizes, with averages before and maxima after it.
func drawLayer(t *rapid.T) nn.Layer {
	draw := func(name string, lo, hi int) int { return rapid.IntRange(lo, hi).Draw(t, name) }
	s := nn.LayerSpec{
		Kind: nn.KindConv, Units: draw("units", 1, 40), KernelHeight: draw("kernel rows", 1, 5), KernelWidth: draw("kernel columns", 1, 5),
		Stride: draw("stride", 1, 3), PadHeight: draw("pad rows", 0, 2), PadWidth: draw("pad columns", 0, 2),
	}
	list := []nn.LayerSpec{s}
	mean := draw("mean", 1, 3)
	if mean > 1 {
		list = append([]nn.LayerSpec{nn.MeanPool(mean)}, list...)
	}
	in := nn.Shape{Height: mean*s.KernelHeight + draw("rows", 0, 9), Width: mean*s.KernelWidth + draw("columns", 0, 9), Channels: draw("channels", 1, 9)}
	n, err := nn.NewNetworkFor(in, list, 1, activation.Identity{}, nn.Paper, testprob.Rng(uint64(draw("seed", 0, 99))))
	if err != nil {
		t.Fatal(err)
	}
	ly := n.Layers[0]
	if out := ly.Out(); min(out.Height, out.Width) > 1 && rapid.Bool().Draw(t, "max") {
		ly.Max = draw("window", 2, min(out.Height, out.Width, 3))
	}
	return ly
}

// text is what a layer is.
func text(ly nn.Layer) string { return (&nn.Network{Layers: []nn.Layer{ly}}).Text(0) }

// convolve is what the layer's places give for a sample, by its definition in float64.
func convolve(ly nn.Layer, x []float32) (z []float64, out nn.Shape) {
	u := ly.Map.(nn.Conv)
	in := u.Sample
	mean := func(y, x0 int, c int, a []float32) float64 { // of a window of averages; 0 in the border
		if y < 0 || x0 < 0 || y >= in.Height/u.Mean || x0 >= in.Width/u.Mean {
			return 0
		}
		var s float64
		for dy := range u.Mean {
			for dx := range u.Mean {
				s += float64(a[((y*u.Mean+dy)*in.Width+x0*u.Mean+dx)*in.Channels+c])
			}
		}
		return s / float64(u.Mean*u.Mean)
	}
	out = u.Out(ly.W.Rows)
	for y := range out.Height {
		for x0 := range out.Width {
			for k := range ly.W.Rows {
				s := float64(ly.B[k])
				for dy := range u.KernelHeight {
					for dx := range u.KernelWidth {
						for c := range in.Channels {
							s += float64(ly.W.At(k, (dy*u.KernelWidth+dx)*in.Channels+c)) * mean(y*u.Stride+dy-u.PadHeight, x0*u.Stride+dx-u.PadWidth, c, x)
						}
					}
				}
				z = append(z, s)
			}
		}
	}
	return z, out
}

// maximum is the largest in each window, and where it is.
func maximum(z []float64, s nn.Shape, side int) (v []float64, at []int) {
	for y := range s.Height / side {
		for x := range s.Width / side {
			for c := range s.Channels {
				best := -1
				for dy := range side {
					for dx := range side {
						if i := ((y*side+dy)*s.Width+x*side+dx)*s.Channels + c; best < 0 || z[i] > z[best] {
							best = i
						}
					}
				}
				v, at = append(v, z[best]), append(at, best)
			}
		}
	}
	return v, at
}

// TestConv: a layer's products against their definitions in float64, and U* against U:
// ⟨V, e⟩ = ⟨b, e⟩ + ⟨a, U*(eW)⟩ = ⟨b, e⟩ + ⟨W, eᵀU(a)⟩, at the winners.
func TestConv(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) { checkConv(t, drawLayer(t)) })
}

// TestConvOfManyWindows: TestConv where the places that max pooling lets through are more than
// are listed at once, with a border and without, and of a stacked picture.
func TestConvOfManyWindows(t *testing.T) {
	for _, c := range []struct{ channels, pad int }{{6, 0}, {6, 1}, {1, 0}} {
		conv := nn.ConvLayer(2, 3)
		conv.PadHeight, conv.PadWidth = c.pad, c.pad
		n, err := nn.NewNetworkFor(nn.Shape{Height: 40, Width: 38, Channels: c.channels}, []nn.LayerSpec{conv, nn.MaxPool(2)}, 1, activation.Identity{}, nn.Paper, testprob.Rng(3))
		if err != nil {
			t.Fatal(err)
		}
		checkConv(t, n.Layers[0])
	}
}

func checkConv(t rapid.TB, ly nn.Layer) {
	p := nn.NewProducts(ly)
	p.Pack()
	const samples = 3
	rng := testprob.Rng(7)
	a, e := mat.New(samples, ly.Inputs()), mat.New(samples, ly.Units())
	testprob.Normal(a, 1, rng)
	testprob.Normal(e, 1, rng)
	for i := range e.Data { // as behind ReLU
		if rng.IntN(3) == 0 {
			e.Data[i] = 0
		}
	}
	fill := func(n int) []float32 { // what was in memory that is written to is gone
		x := make([]float32, n)
		for i := range x {
			x[i] = 1e9
		}
		return x
	}
	scratch, winners := fill(p.Room()), make([]int32, samples*p.Winners())
	v := mat.FromSlice(samples, ly.Units(), fill(samples*ly.Units()))
	p.AffineWinners(v, a, winners, scratch)
	again := mat.New(samples, ly.Units())
	p.AffineAt(again, a, mat.Dense{}, winners, scratch)
	var left, bias float64
	for i := range samples {
		want, shape := convolve(ly, a.Row(i))
		if ly.Max > 1 {
			want, _ = maximum(want, shape, ly.Max)
		}
		for j, w := range want {
			if got := float64(v.At(i, j)); math.Abs(got-w) > 1e-5*(1+math.Abs(w)) {
				t.Fatalf("%s: entry %d of sample %d is %v, want %v", text(ly), j, i, got, w)
			}
			if x := float64(v.At(i, j)); math.Abs(float64(again.At(i, j))-x) > 1e-5*(1+math.Abs(x)) {
				t.Fatalf("%s: entry %d of sample %d at its winner is %v, want %v", text(ly), j, i, again.At(i, j), v.At(i, j))
			}
			left += w * float64(e.At(i, j))
			bias += float64(ly.B[j%ly.W.Rows]) * float64(e.At(i, j))
		}
	}
	back := mat.FromSlice(samples, ly.Inputs(), fill(samples*ly.Inputs()))
	p.Back(back, e, winners, scratch)
	g := mat.New(ly.W.Rows, ly.W.Cols)
	p.AddGradient(g, e, a, mat.Dense{}, winners, scratch, new(mat.Packing))
	size := 1 + math.Sqrt(dot(v, v)*dot(e, e))
	for what, right := range map[string]float64{"⟨a, U*(eW)⟩": dot(a, back), "⟨W, eᵀU(a)⟩": dot(ly.W, g)} {
		if math.Abs(left-bias-right) > 1e-5*size {
			t.Fatalf("%s: ⟨U(a)Wᵀ, e⟩ = %v, %s = %v", text(ly), left-bias, what, right)
		}
	}
}

// Of equal ones the first counts, and no product takes memory.
func TestMaximumOfEqualOnes(t *testing.T) {
	n, err := nn.NewNetworkFor(nn.Shape{Height: 4, Width: 4, Channels: 1}, []nn.LayerSpec{nn.ConvLayer(2, 1), nn.MaxPool(2)}, 1, activation.ReLU{}, nn.He, testprob.Rng(1))
	if err != nil {
		t.Fatal(err)
	}
	p := nn.NewProducts(n.Layers[0])
	p.Pack()
	a, v := mat.New(1, 16), mat.New(1, 8)
	for i := range a.Data {
		a.Data[i] = 1
	}
	winners, scratch := []int32{9, 9, 9, 9, 9, 9, 9, 9}, make([]float32, p.Room())
	if allocs := testing.AllocsPerRun(5, func() {
		p.AffineWinners(v, a, winners, scratch)
		p.AddImage(v, a, winners, scratch)
		p.Back(a, v, winners, scratch)
	}); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
	if fmt.Sprint(winners) != "[0 0 0 0 0 0 0 0]" {
		t.Errorf("winners %v", winners)
	}
}
