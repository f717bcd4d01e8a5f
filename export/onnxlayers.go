package export

import (
	"fmt"
	"slices"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// layer adds a layer. What a convolution gives has the channels first in ONNX, so that a
// dense layer after it takes its columns in that order.
func (g *graph) layer(l int, ly nn.Layer) error {
	if !ly.Recurrent() && g.steps > 0 {
		g.stepsLast(l, ly)
	}
	switch u := ly.Linear().(type) {
	case nn.Dense:
		g.flatten(l)
		g.dense(l, ly, g.channelsFirst(ly.W))
	case nn.Last:
		g.channelsLast()
		g.flatten(l)
		first := (u.Steps - 1) * u.Inputs
		g.node("Slice", []string{g.value, g.ints(name(l, "first"), first), g.ints(name(l, "end"), first+u.Inputs), g.ints(name(l, "axis"), 1)})
		g.dense(l, ly, ly.W)
	case nn.Conv:
		g.convolution(l, ly, u)
	case nn.RNN: // with its activation
		return g.rnn(l, ly, u)
	case nn.GRU:
		g.gru(l, ly, u)
		return nil
	default:
		return fmt.Errorf("map %v: there is no form of it", u.Spec())
	}
	return g.activation(ly.H)
}

// name is that of a constant of a layer.
func name(l int, what string) string { return fmt.Sprintf("%d.%s", l, what) }

// dense adds a fully-connected layer with weights w.
func (g *graph) dense(l int, ly nn.Layer, w mat.Dense) {
	weight := g.floats(name(l, "weight"), w.Elements(), w.Rows, w.Cols)
	g.node("Gemm", []string{g.value, weight, g.floats(name(l, "bias"), ly.B, len(ly.B))}, intAttribute("transB", 1))
	g.picture = nn.Shape{}
}

// rnn adds a recurrent layer with its activation.
func (g *graph) rnn(l int, ly nn.Layer, u nn.RNN) error {
	h, err := recurrentActivation(ly.H)
	if err != nil {
		return err
	}
	part := func(lo, hi int) []float32 { return ly.W.ColRange(lo, hi).Clone().Elements() }
	bias := append(slices.Clone(ly.B), make([]float32, u.Units)...) // ONNX has another, of the state
	g.recurrent(l, u, "RNN", part(0, u.Inputs), part(u.Inputs, ly.W.Cols), bias, h...)
	return nil
}

// gru adds a gated recurrent layer. ONNX has the update gate first, then the reset gate and
// the new activations.
func (g *graph) gru(l int, ly nn.Layer, u nn.GRU) {
	var x, own, b, ownB []float32
	p := u.Gates(ly)
	for _, gate := range []nn.Gate{p.Update, p.Reset, p.New} {
		x, own = append(x, gate.Input.Elements()...), append(own, gate.Own.Elements()...)
		b, ownB = append(b, gate.B...), append(ownB, gate.OwnB...)
	}
	g.recurrent(l, nn.RNN(u), "GRU", x, own, append(b, ownB...), intAttribute("linear_before_reset", 1))
}

// recurrent adds a node with the weights of each step's inputs and of the activations before,
// and the intercepts of both. ONNX has steps before samples, and gives an axis of directions
// between.
func (g *graph) recurrent(l int, u nn.RNN, op string, x, own, bias []float32, attributes ...[]byte) {
	g.channelsLast()
	g.node("Reshape", []string{g.value, g.ints(name(l, "sequence"), 0, u.Steps, u.Inputs)})
	g.node("Transpose", []string{g.value}, intsAttribute("perm", 1, 0, 2))
	inputs := []string{
		g.value, g.floats(name(l, "weight"), x, 1, len(x)/u.Inputs, u.Inputs),
		g.floats(name(l, "recurrence"), own, 1, len(own)/u.Units, u.Units), g.floats(name(l, "bias"), bias, 1, len(bias)),
	}
	if g.steps > 0 {
		inputs = append(inputs, onnxSteps)
	}
	g.node(op, inputs, append(attributes, intAttribute("hidden_size", u.Units))...)
	g.node("Transpose", []string{g.value}, intsAttribute("perm", 2, 0, 1, 3))
	g.node("Reshape", []string{g.value, g.ints(name(l, "row"), 0, u.Steps*u.Units)})
	g.picture = nn.Shape{}
}

// stepsLast moves what a recurrent layer gives for sequences to the end, as the network has it,
// behind the 0 of the steps that are not there: the steps change their order, and then all do.
func (g *graph) stepsLast(l int, ly nn.Layer) {
	states := g.op("Reshape", g.value, g.ints(name(l, "states"), 0, g.steps, ly.Inputs()/g.steps))
	g.node("Cast", []string{onnxSteps}, intAttribute("to", elementInt64))
	g.node("ReverseSequence", []string{states, g.value}, intAttribute("batch_axis", 0), intAttribute("time_axis", 1))
	g.node("Slice", []string{g.value, g.ints(name(l, "from"), -1), g.ints(name(l, "down"), -g.steps-1), g.ints(name(l, "of"), 1), g.ints(name(l, "by"), -1)})
	g.node("Reshape", []string{g.value, g.ints(name(l, "late"), 0, ly.Inputs())})
	g.steps = 0
}

// recurrentActivation is h as attributes of an RNN, which knows some alone.
func recurrentActivation(h activation.Func) ([][]byte, error) {
	switch h := h.(type) {
	case activation.Tanh:
		return [][]byte{textsAttribute("activations", []string{"Tanh"})}, nil
	case activation.ReLU:
		return [][]byte{textsAttribute("activations", []string{"Relu"})}, nil
	case activation.Sigmoid:
		return [][]byte{textsAttribute("activations", []string{"Sigmoid"})}, nil
	case activation.LeakyReLU:
		return [][]byte{textsAttribute("activations", []string{"LeakyRelu"}), floatsAttribute("activation_alpha", h.Slope)}, nil
	case activation.Identity:
		return [][]byte{textsAttribute("activations", []string{"Affine"}), floatsAttribute("activation_alpha", 1), floatsAttribute("activation_beta", 0)}, nil
	}
	return nil, fmt.Errorf("activation %v of a recurrent layer: there is no form of it", h.Spec())
}

// convolution adds one, with its pooling.
func (g *graph) convolution(l int, ly nn.Layer, u nn.Conv) {
	g.unflatten(l, u.Sample)
	if u.Mean > 1 {
		g.node("AveragePool", []string{g.value}, intsAttribute("kernel_shape", u.Mean, u.Mean), intsAttribute("strides", u.Mean, u.Mean))
	}
	kernel := nn.Shape{Height: u.KernelHeight, Width: u.KernelWidth, Channels: u.Sample.Channels}
	w := g.floats(name(l, "weight"), transposed(ly.W, kernel).Elements(), ly.W.Rows, kernel.Channels, kernel.Height, kernel.Width)
	g.node("Conv", []string{g.value, w, g.floats(name(l, "bias"), ly.B, len(ly.B))},
		intsAttribute("kernel_shape", kernel.Height, kernel.Width), intsAttribute("strides", u.Stride, u.Stride),
		intsAttribute("pads", u.PadHeight, u.PadWidth, u.PadHeight, u.PadWidth))
	if ly.Max > 1 { // before the activation, as in nn.Layer
		g.node("MaxPool", []string{g.value}, intsAttribute("kernel_shape", ly.Max, ly.Max), intsAttribute("strides", ly.Max, ly.Max))
	}
	g.picture = ly.Out()
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

// channelsLast brings the channels of pictures back to where the network has them, for
// layers that take a part of a row.
func (g *graph) channelsLast() {
	if g.picture != (nn.Shape{}) {
		g.node("Transpose", []string{g.value}, intsAttribute("perm", 0, 2, 3, 1))
	}
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
