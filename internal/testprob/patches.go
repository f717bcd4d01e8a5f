package testprob

import (
	"math"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/spec"
)

// Patches is the linear map of a convolution, in its simplest form, for tests of
// what must hold of any map: its rows are all patches of Side×Side pixels,
// Stride apart.
type Patches struct {
	Sample       nn.Shape
	Side, Stride int
}

var _ nn.Map = Patches{}

// Spec is of kind "patches".
func (p Patches) Spec() spec.Spec {
	return spec.Spec{Kind: "patches", Numbers: map[string]float64{"side": float64(p.Side), "stride": float64(p.Stride)}}
}

// In is the shape of a sample.
func (p Patches) In() nn.Shape { return p.Sample }

// Out has a place for each patch.
func (p Patches) Out(units int) nn.Shape {
	return nn.Shape{Height: (p.Sample.Height-p.Side)/p.Stride + 1, Width: (p.Sample.Width-p.Side)/p.Stride + 1, Channels: units}
}

// Columns is the number of entries of a patch.
func (p Patches) Columns() int { return p.Side * p.Side * p.Sample.Channels }

// Norm is the number of patches that a pixel may be in.
func (p Patches) Norm() float64 {
	return math.Pow(math.Ceil(float64(p.Side)/float64(p.Stride)), 2)
}

// each calls f with every entry of row r of U and its entry of the sample.
func (p Patches) each(f func(row, column, entry int)) {
	out, row := p.Out(1), 0
	for y := range out.Height {
		for x := range out.Width {
			column := 0
			for dy := range p.Side {
				for dx := range p.Side {
					for c := range p.Sample.Channels {
						f(row, column, ((y*p.Stride+dy)*p.Sample.Width+x*p.Stride+dx)*p.Sample.Channels+c)
						column++
					}
				}
			}
			row++
		}
	}
}

// Rows copies patches.
func (p Patches) Rows(dst, a mat.Dense) mat.Dense {
	places := p.Out(1).Size()
	for i := range a.Rows {
		p.each(func(row, column, entry int) { dst.Set(i*places+row, column, a.At(i, entry)) })
	}
	return dst
}

// Adjoint adds patches up.
func (p Patches) Adjoint(dst, rows mat.Dense) mat.Dense {
	places := p.Out(1).Size()
	for i := range dst.Rows {
		clear(dst.Row(i))
		p.each(func(row, column, entry int) { dst.Row(i)[entry] += rows.At(i*places+row, column) })
	}
	return dst
}

// Convolutional is a network for pictures of 6×6 pixels in two channels: a
// convolution, another with a stride, and a dense layer with so many outputs.
func Convolutional(outputs int, h activation.Func, seed uint64) *nn.Network {
	rng := Rng(seed)
	n := &nn.Network{}
	layer := func(u nn.Map, columns, units int, h activation.Func) {
		ly := nn.Layer{Map: u, W: mat.New(units, columns), B: make([]float32, units), H: h}
		Normal(ly.W, math.Sqrt(2/float64(columns)), rng)
		n.Layers = append(n.Layers, ly)
	}
	first := Patches{Sample: nn.Shape{Height: 6, Width: 6, Channels: 2}, Side: 3, Stride: 1}
	layer(first, first.Columns(), 4, h)
	second := Patches{Sample: first.Out(4), Side: 2, Stride: 2}
	layer(second, second.Columns(), 5, h)
	layer(nil, second.Out(5).Size(), outputs, activation.Identity{})
	return n
}

// Pooled is a network for pictures of 8×8 pixels in two channels: a convolution with
// maxima, one of averages, and a dense layer with so many outputs.
func Pooled(outputs int, h activation.Func, seed uint64) *nn.Network {
	return layers("conv 8 3x3 same, max 2, mean 2, conv 9 2x1", outputs, h, seed)
}

// Recurrent is a network for the same, as sequences of 8 steps: two recurrent layers, and
// a dense layer with so many outputs of the last step.
func Recurrent(outputs int, h activation.Func, seed uint64) *nn.Network {
	return layers("rnn 7 all, rnn 9", outputs, h, seed)
}

// Gated is the same with gates.
func Gated(outputs int, h activation.Func, seed uint64) *nn.Network {
	return layers("gru 6 all, gru 9", outputs, h, seed)
}

func layers(text string, outputs int, h activation.Func, seed uint64) *nn.Network {
	list, err := nn.ParseLayers(text)
	if err != nil {
		panic(err)
	}
	n, err := nn.NewNetworkFor(nn.Shape{Height: 8, Width: 8, Channels: 2}, list, outputs, h, nn.He, Rng(seed))
	if err != nil {
		panic(err)
	}
	return n
}
