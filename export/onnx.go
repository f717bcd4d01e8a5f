package export

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
)

const (
	onnxIR    = 7  // of ONNX 1.8, the first with the opset
	onnxOpset = 13 // the least in which each operator used has its present form
	onnxML    = 2  // of the domain ai.onnx.ml, for texts
	// onnxInput is the name of the graph's input.
	onnxInput = "features"
	// onnxMaxParameters keeps the file below protobuf's 2 GiB.
	onnxMaxParameters = 500 << 20
)

// ONNX is the model as an ONNX file (IR version 7, opset 13): input "features"
// of shape N × inputs, raw samples; of a table with texts, dates or gaps an input of
// shape N × 1 for each column, called as it: of texts, or of float64, with NaN for a
// missing number, 0 and 1 for truth values, and seconds since 1970 for times. Of sequences
// these are N × steps, the first step first, and an input "steps" (int32, N) says how many of
// a sequence's are there. Output "probabilities", "scores" or
// "values" of shape N × outputs. The metadata properties "classes" and
// "features" hold JSON lists of names, where there are names.
func ONNX(m *model.Model) ([]byte, error) {
	if p := m.Network.Parameters(); p > onnxMaxParameters {
		return nil, fmt.Errorf("ONNX: %d parameters, the format holds at most %d in one file", p, onnxMaxParameters)
	}
	g := &graph{value: onnxInput}
	if m.Transform.Columns != nil {
		g.columns(m.Transform, string(m.Meaning()))
	} else {
		g.inputs = appendMessage(nil, graphInput, matrixInfo(onnxInput, elementFloat, m.Transform.Inputs))
		g.transform(m.Transform)
	}
	for l, ly := range m.Network.Layers {
		if err := g.layer(l, ly); err != nil {
			return nil, fmt.Errorf("ONNX: layer %d: %w", l+1, err)
		}
	}
	g.flatten(len(m.Network.Layers))
	soft, err := softmax(m)
	if err != nil {
		return nil, fmt.Errorf("ONNX: %w", err)
	}
	if soft {
		g.node("Softmax", []string{g.value}, intAttribute("axis", -1))
	}
	g.restore(m.Transform)
	w := m.Network.Widths()
	return onnxModel(m, g.encode(string(m.Meaning()), w[len(w)-1]))
}

// onnxModel is the ModelProto.
func onnxModel(m *model.Model, graph []byte) ([]byte, error) {
	about, err := describe(m)
	if err != nil {
		return nil, fmt.Errorf("ONNX: %w", err)
	}
	b := appendString(appendInt(nil, modelIRVersion, onnxIR), modelProducer, "dlam")
	b = appendString(b, modelDoc, about)
	b = appendMessage(b, modelGraph, graph)
	b = appendMessage(b, modelOpset, appendInt(nil, opsetVersion, onnxOpset))
	if m.Transform.Columns != nil {
		b = appendMessage(b, modelOpset, appendInt(appendString(nil, opsetDomain, onnxMLDomain), opsetVersion, onnxML))
	}
	for _, e := range []struct {
		key   string
		names []string
	}{{"classes", m.Classes}, {"features", m.Features}} {
		if e.names == nil {
			continue
		}
		list, err := json.Marshal(e.names)
		if err != nil {
			return nil, err
		}
		b = appendMessage(b, modelMetadata, appendString(appendString(nil, entryKey, e.key), entryValue, string(list)))
	}
	return b, nil
}

// graph collects a chain of nodes, each of which takes the value of the one
// before it.
type graph struct {
	nodes        []node
	inputs       []byte          // encoded, ready for a GraphProto
	values       []byte          // types of values between nodes, encoded
	initializers []byte          // encoded, ready for a GraphProto
	value        string          // name of what the last node gives
	scalars      int             // constants named so far
	columnInputs map[string]bool // names of inputs that are called as columns, which may be any
	picture      nn.Shape        // of a sample of value, if that has axes of its own, channels first
	steps        int             // of sequences in long format, whose first steps come first in value; 0: the last come last
}

type node struct {
	op, output string
	inputs     []string
	attributes [][]byte
	domain     string // "" for ONNX's own
}

// free is a name for what is no input: that, with a _ behind it while an input is called so.
func (g *graph) free(name string) string {
	for g.columnInputs[name] {
		name += "_"
	}
	return name
}

func (g *graph) node(op string, inputs []string, attributes ...[]byte) {
	g.value = g.free(fmt.Sprintf("%s_%d", op, len(g.nodes)))
	g.nodes = append(g.nodes, node{op: op, output: g.value, inputs: inputs, attributes: attributes})
}

// floats adds a constant and is its name.
func (g *graph) floats(name string, v []float32, dims ...int) string {
	name = g.free(name)
	g.initializers = appendMessage(g.initializers, graphInitializer, tensor(name, elementFloat, rawFloats(nil, v), dims))
	return name
}

// scalar adds a single number and is its name.
func (g *graph) scalar(v float32) string {
	g.scalars++
	return g.floats(fmt.Sprintf("constant_%d", g.scalars), []float32{v})
}

// ints is floats for a list of integers.
func (g *graph) ints(name string, vs ...int) string {
	name = g.free(name)
	var raw []byte
	for _, v := range vs {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	g.initializers = appendMessage(g.initializers, graphInitializer, tensor(name, elementInt64, raw, []int{len(vs)}))
	return name
}

// transform adds what dataset.Transform.Apply does to samples. Squares are
// averaged over the two axes that a reshape makes of their sides; 0 in a shape
// keeps the number of samples.
func (g *graph) transform(t dataset.Transform) {
	if p, im := t.Pool, t.Image; p > 1 {
		g.node("Reshape", []string{g.value, g.ints("squares", 0, im.Height/p, p, im.Width/p, p, im.Channels)})
		g.node("ReduceMean", []string{g.value}, intsAttribute("axes", 2, 4), intAttribute("keepdims", 0))
		g.node("Reshape", []string{g.value, g.ints("pooled", 0, t.Outputs())})
	}
	g.node("Sub", []string{g.value, g.floats("shift", t.Shift, len(t.Shift))})
	g.node("Mul", []string{g.value, g.floats("factor", t.Factor, len(t.Factor))})
}

// activation adds h.
func (g *graph) activation(h activation.Func) error {
	switch h := h.(type) {
	case activation.ReLU:
		g.node("Relu", []string{g.value})
	case activation.LeakyReLU:
		g.node("LeakyRelu", []string{g.value}, floatAttribute("alpha", h.Slope))
	case activation.Tanh:
		g.node("Tanh", []string{g.value})
	case activation.Sigmoid:
		g.node("Sigmoid", []string{g.value})
	case activation.HardTanh:
		g.node("Clip", []string{g.value, g.scalar(-1), g.scalar(1)})
	case activation.Identity:
	case activation.Sign: // ONNX's Sign gives 0 for 0
		g.node("GreaterOrEqual", []string{g.value, g.scalar(0)})
		g.node("Where", []string{g.value, g.scalar(1), g.scalar(-1)})
	default:
		return fmt.Errorf("activation %v: there is no form of it", h.Spec())
	}
	return nil
}

// restore adds what dataset.Transform.Restore does to values.
func (g *graph) restore(t dataset.Transform) {
	if t.TargetFactor == nil {
		return
	}
	g.node("Div", []string{g.value, g.floats("target_factor", each(t.TargetFactor, len(t.TargetShift)), len(t.TargetShift))})
	g.node("Add", []string{g.value, g.floats("target_shift", t.TargetShift, len(t.TargetShift))})
	if n := len(t.TargetLow); n > 0 {
		g.node("Max", []string{g.value, g.floats("target_low", t.TargetLow, n)})
		g.node("Min", []string{g.value, g.floats("target_high", t.TargetHigh, n)})
	}
}

// encode is the GraphProto; what the last node gives is called output.
func (g *graph) encode(output string, outputs int) []byte {
	g.nodes[len(g.nodes)-1].output = output
	var b []byte
	for _, n := range g.nodes {
		var nb []byte
		for _, in := range n.inputs {
			nb = appendString(nb, nodeInput, in)
		}
		nb = appendString(appendString(nb, nodeOutput, n.output), nodeName, n.output)
		nb = appendString(nb, nodeOp, n.op)
		if n.domain != "" {
			nb = appendString(nb, nodeDomain, n.domain)
		}
		for _, a := range n.attributes {
			nb = appendMessage(nb, nodeAttribute, a)
		}
		b = appendMessage(b, graphNode, nb)
	}
	b = append(appendString(b, graphName, "dlam"), g.initializers...)
	b = append(append(b, g.inputs...), g.values...)
	return appendMessage(b, graphOutput, matrixInfo(output, elementFloat, outputs))
}
