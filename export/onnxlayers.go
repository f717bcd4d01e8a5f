package export

import (
	"fmt"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// layer adds a layer but for its activation. What a convolution gives has the channels
// first in ONNX, so that a dense layer after it takes its columns in that order.
func (g *graph) layer(l int, ly nn.Layer) error {
	name := func(what string) string { return fmt.Sprintf("%d.%s", l, what) }
	u, ok := ly.Linear().(nn.Conv)
	if !ok {
		if _, dense := ly.Linear().(nn.Dense); !dense {
			return fmt.Errorf("map %v: there is no form of it", ly.Linear().Spec())
		}
		g.flatten(l)
		w := g.floats(name("weight"), g.channelsFirst(ly.W).Elements(), ly.W.Rows, ly.W.Cols)
		g.node("Gemm", []string{g.value, w, g.floats(name("bias"), ly.B, len(ly.B))}, intAttribute("transB", 1))
		g.picture = nn.Shape{}
		return nil
	}
	g.unflatten(l, u.Sample)
	if u.Mean > 1 {
		g.node("AveragePool", []string{g.value}, intsAttribute("kernel_shape", u.Mean, u.Mean), intsAttribute("strides", u.Mean, u.Mean))
	}
	kernel := nn.Shape{Height: u.KernelHeight, Width: u.KernelWidth, Channels: u.Sample.Channels}
	w := g.floats(name("weight"), transposed(ly.W, kernel).Elements(), ly.W.Rows, kernel.Channels, kernel.Height, kernel.Width)
	g.node("Conv", []string{g.value, w, g.floats(name("bias"), ly.B, len(ly.B))},
		intsAttribute("kernel_shape", kernel.Height, kernel.Width), intsAttribute("strides", u.Stride, u.Stride),
		intsAttribute("pads", u.PadHeight, u.PadWidth, u.PadHeight, u.PadWidth))
	if ly.Max > 1 { // before the activation, as in nn.Layer
		g.node("MaxPool", []string{g.value}, intsAttribute("kernel_shape", ly.Max, ly.Max), intsAttribute("strides", ly.Max, ly.Max))
	}
	g.picture = ly.Out()
	return nil
}

// unflatten makes pictures of rows that have the channels last, unless they are.
func (g *graph) unflatten(l int, s nn.Shape) {
	if g.picture != (nn.Shape{}) {
		return
	}
	if s.Channels == 1 || s.Height*s.Width == 1 {
		g.node("Reshape", []string{g.value, g.ints(fmt.Sprintf("picture_%d", l), 0, s.Channels, s.Height, s.Width)})
		return
	}
	g.node("Reshape", []string{g.value, g.ints(fmt.Sprintf("picture_%d", l), 0, s.Height, s.Width, s.Channels)})
	g.node("Transpose", []string{g.value}, intsAttribute("perm", 0, 3, 1, 2))
}

// flatten makes rows of pictures, channels first.
func (g *graph) flatten(l int) {
	if s := g.picture; s != (nn.Shape{}) {
		g.node("Reshape", []string{g.value, g.ints(fmt.Sprintf("row_%d", l), 0, s.Size())})
	}
}

// channelsFirst is the weights of a dense layer in the order of what it takes.
func (g *graph) channelsFirst(w mat.Dense) mat.Dense {
	if g.picture == (nn.Shape{}) {
		return w
	}
	return transposed(w, g.picture)
}

// transposed has for each row of w, which is in the order of s, the same with the channels
// first.
func transposed(w mat.Dense, s nn.Shape) mat.Dense {
	t := mat.New(w.Rows, w.Cols)
	pixels := s.Height * s.Width
	for i := range w.Rows {
		row, to := w.Row(i), t.Row(i)
		for p := range pixels {
			for c := range s.Channels {
				to[c*pixels+p] = row[p*s.Channels+c]
			}
		}
	}
	return t
}
