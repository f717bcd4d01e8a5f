package model

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/nlpodyssey/safetensors"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/half"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// Import is what the state of a PyTorch module, a safetensors file of its state_dict,
// does not say of a model: which layers its parameters are of, and what goes in and
// comes out.
type Import struct {
	// Shape is that of a sample, channels last; the zero Shape is a vector of as many
	// numbers as the first layer takes.
	Shape nn.Shape
	// Layers are the hidden layers and what pools between them; none of a module that is
	// one layer. The output layer follows from the state.
	Layers     []nn.LayerSpec
	Activation activation.Func // of hidden layers that name none; nil: ReLU
	Regression bool            // outputs are values and no classes
	Classes    []string        // names, in the order of the outputs; nil: 0, 1, …
	Features   []string        // names of the columns of a sample; nil for none
	// Shift and Factor are what the module's inputs are made with: (x − Shift)·Factor. One
	// entry is for all numbers of a sample, one for each channel or one for each number;
	// nil are 0 and 1.
	Shift, Factor []float32
}

// Fault is a part of an Import that does not fit the state, or is out of its range.
type Fault struct {
	Part string // as dlam import calls it: layers, shape, features, …
	Err  error
}

// Error says which part, and what is wrong with it.
func (f Fault) Error() string { return f.Part + ": " + f.Err.Error() }

// Unwrap is what is wrong.
func (f Fault) Unwrap() error { return f.Err }

func fault(part, format string, args ...any) error { return Fault{part, fmt.Errorf(format, args...)} }

// Read reads the state at path. Convolutions have weights (channels, channels before,
// rows, columns) there, and a dense layer after one takes its inputs channels first, as
// PyTorch's Flatten gives them: both are put in this library's order, channels last. So
// is a dense first layer of a Shape with channels. Errors name the tensor, its shape and
// the one that the layer has, or are a Fault of i.
func (i Import) Read(path string) (*Model, error) {
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	m, err := i.parse(raw)
	if err != nil {
		return nil, faultOf(path, err)
	}
	return m, nil
}

func (i Import) parse(raw []byte) (*Model, error) {
	t, meta, err := deserialize(raw)
	if err != nil {
		return nil, err
	}
	if _, ours := meta[metadataKey]; ours {
		return nil, errors.New("it is a model of this program already, and needs no import")
	}
	layers, err := stateLayers(t)
	if err != nil {
		return nil, err
	}
	first, _ := t.Tensor(layers[0].name(0))
	last, _ := t.Tensor(layers[len(layers)-1].name(0))
	sample := i.Shape
	if sample == (nn.Shape{}) {
		if !nn.Flat(i.Layers) {
			return nil, fault("shape", "layers other than dense need the shape of a sample, as 28x28x1")
		}
		sample = nn.Vector(size(first, 1))
	}
	h := i.Activation
	if h == nil {
		h = activation.ReLU{}
	}
	outline, err := nn.Outline(sample, i.Layers, size(last, 0), h)
	if err != nil {
		return nil, fault("layers", "%w", err)
	}
	m := &Model{Loss: loss.CrossEntropy{}, Classes: i.Classes, Features: i.Features, Training: Training{Solver: "pytorch", Status: "imported"}}
	if m.Network, err = fromState(t, outline, sample); err != nil {
		return nil, err
	}
	if err := i.meaning(m); err != nil {
		return nil, err
	}
	m.Transform = dataset.Transform{Inputs: sample.Size(), Pool: 1, Scaling: dataset.ScaleNone}
	if m.Transform.Shift, err = spread("shift", i.Shift, 0, sample); err != nil {
		return nil, err
	}
	if m.Transform.Factor, err = spread("factor", i.Factor, 1, sample); err != nil {
		return nil, err
	}
	if a, b := len(m.Transform.Shift), len(m.Transform.Factor); a != b {
		m.Transform.Shift, m.Transform.Factor = each(m.Transform.Shift, max(a, b)), each(m.Transform.Factor, max(a, b))
	}
	if n := len(i.Features); i.Features != nil && n != m.Transform.Inputs {
		return nil, fault("features", "got %d names, and a sample has %d numbers", n, m.Transform.Inputs)
	}
	if err := distinct("features", i.Features); err != nil {
		return nil, err
	}
	if err := distinct("classes", i.Classes); err != nil {
		return nil, err
	}
	return m, m.validate()
}

// meaning sets what the outputs of m are.
func (i Import) meaning(m *Model) error {
	outputs := m.Network.Outputs()
	switch {
	case i.Regression && i.Classes != nil:
		return fault("classes", "got some, want none of a regression")
	case i.Regression:
		m.Loss = loss.Squared{}
		return nil
	case outputs == 1:
		return fault("task", "one output is no probability of classes here: want two outputs or more, or a regression")
	case i.Classes == nil:
		for k := range outputs {
			m.Classes = append(m.Classes, strconv.Itoa(k))
		}
	case len(i.Classes) != outputs:
		return fault("classes", "got %d names, and the network has %d outputs", len(i.Classes), outputs)
	}
	return nil
}

// distinct reports a name that comes twice.
func distinct(what string, names []string) error {
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			return fault(what, "got %q twice, want names that differ", name)
		}
		seen[name] = true
	}
	return nil
}

// spread is numbers of the channels of a sample as numbers of its entries; one, or one an
// entry, stays.
func spread(what string, list []float32, none float32, sample nn.Shape) ([]float32, error) {
	for _, v := range list {
		if v-v != 0 || none == 1 && v == 0 {
			return nil, fault(what, "got %v, want finite numbers, and factors other than 0", v)
		}
	}
	switch n := len(list); {
	case n == 0:
		return []float32{none}, nil
	case n == 1 || n == sample.Size():
		return list, nil
	case n == sample.Channels:
		return slices.Repeat(list, sample.Height*sample.Width), nil
	}
	return nil, fault(what, "got %d numbers, want 1, or one for each of %d channels or of %d numbers of a sample", len(list), sample.Channels, sample.Size())
}

// each is v for n numbers, where one stands for all.
func each(v []float32, n int) []float32 {
	if len(v) == n {
		return v
	}
	return slices.Repeat(v[:1], n)
}

// size is that of a dimension of a tensor; 0 if it has none such or is far too large.
func size(v safetensors.TensorView, dimension int) int {
	if s := v.Shape(); dimension < len(s) && s[dimension] <= math.MaxInt32 {
		return int(s[dimension])
	}
	return 0
}

// stateLayer is the tensors of a layer in a file.
type stateLayer struct {
	prefix string   // of their names, as 0 or fc1
	ends   []string // what comes after it
	number string   // of the layer in its module; "" but for a recurrent one
}

// name is that of tensor k.
func (s stateLayer) name(k int) string { return s.prefix + s.ends[k] }

func (s stateLayer) recurrent() bool { return s.number != "" }

// order is what has the numbers by which layers are ordered.
func (s stateLayer) order() string { return s.prefix + " " + s.number }

// The ends of the names of a layer's tensors, the weights first; those of a recurrent one
// are followed by its number in its module.
var (
	layerEnds     = []string{".weight", ".bias"}
	recurrentEnds = []string{".weight_ih_l", ".weight_hh_l", ".bias_ih_l", ".bias_hh_l"}
)

// splitName is the layer of a tensor by its name, if it is one.
func splitName(name string) (s stateLayer, ok bool) {
	for _, end := range layerEnds {
		if prefix, ok := strings.CutSuffix(name, end); ok {
			return stateLayer{prefix: prefix, ends: layerEnds}, true
		}
	}
	stem := strings.TrimRight(name, "0123456789")
	number := name[len(stem):]
	for _, end := range recurrentEnds {
		if prefix, ok := strings.CutSuffix(stem, end); ok && number != "" {
			s = stateLayer{prefix: prefix, number: number}
			for _, end := range recurrentEnds {
				s.ends = append(s.ends, end+number)
			}
			return s, true
		}
	}
	return s, false
}

// stateLayers are the layers of a file, in the order of the numbers in their prefixes: 0,
// 1, … as we write them; 0, 2, … of a PyTorch Sequential with activations; fc1, fc2, … of
// a module. Prefixes that differ in more than numbers are refused: nothing else in the
// file says how the layers follow each other. So is a tensor that is of no layer, and a
// layer without one of its tensors.
func stateLayers(t safetensors.SafeTensors) ([]stateLayer, error) {
	var layers []stateLayer
	for _, name := range slices.Sorted(slices.Values(t.Names())) {
		s, ok := splitName(name)
		if ok && name != s.name(0) {
			if _, ok = t.Tensor(s.name(0)); ok {
				continue
			}
		}
		if !ok {
			return nil, fmt.Errorf("tensor %q is not of a layer: want PREFIX.weight and PREFIX.bias, or PREFIX.weight_ih_l0, weight_hh_l0, bias_ih_l0 and bias_hh_l0", name)
		}
		for k := range s.ends {
			if _, ok := t.Tensor(s.name(k)); !ok {
				return nil, fmt.Errorf("tensor %q has no %q beside it", name, s.name(k))
			}
		}
		layers = append(layers, s)
	}
	if len(layers) == 0 {
		return nil, errors.New("no tensors")
	}
	slices.SortStableFunc(layers, compareLayers)
	for i, s := range layers[1:] {
		switch before := layers[i]; {
		case strings.Map(noDigit, s.prefix) != strings.Map(noDigit, before.prefix):
			return nil, fmt.Errorf("the order of layers %q and %q is not clear: want prefixes that differ in a number alone", before.prefix, s.prefix)
		case compareLayers(before, s) == 0 || s.prefix == before.prefix && s.recurrent() != before.recurrent():
			return nil, fmt.Errorf("layers %q and %q have the same number", before.prefix, s.prefix)
		}
	}
	return layers, nil
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// noDigit drops digits, for strings.Map.
func noDigit(r rune) rune {
	if isDigit(r) {
		return -1
	}
	return r
}

// compareLayers compares the numbers of a and b, of any length.
func compareLayers(a, b stateLayer) int {
	numbers := func(s stateLayer) []string {
		return strings.FieldsFunc(s.order(), func(r rune) bool { return !isDigit(r) })
	}
	return slices.CompareFunc(numbers(a), numbers(b), func(a, b string) int {
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
}

// fromState is a network with n's layers and the parameters of a PyTorch module. sample is
// the shape of what goes in, for a dense first layer; the zero Shape is a vector.
func fromState(t safetensors.SafeTensors, n *dlam.Network, sample nn.Shape) (*dlam.Network, error) {
	layers, err := stateLayers(t)
	if err != nil {
		return nil, err
	}
	if len(layers) != len(n.Layers) {
		names, want := make([]string, len(layers)), make([]string, len(n.Layers))
		for l, s := range layers {
			names[l] = s.name(0)
		}
		for l := range n.Layers {
			want[l] = n.Text(l)
		}
		return nil, otherf("%d layers (%s), want %d: %s", len(layers), strings.Join(names, ", "), len(n.Layers), strings.Join(want, ", "))
	}
	got := &dlam.Network{Layers: slices.Clone(n.Layers)}
	seen := sample
	for l := range got.Layers {
		ly := &got.Layers[l]
		r := stateReader{t: t, stateLayer: layers[l], what: fmt.Sprintf("layer %d (%s)", l+1, n.Text(l)), gates: ly.Gated()}
		switch u := ly.Linear().(type) {
		case nn.RNN:
			r.oneOrder(seen)
			r.recurrence(ly, u)
		case nn.GRU:
			r.oneOrder(seen)
			r.gated(ly, u)
		case nn.Conv:
			kernel := nn.Shape{Height: u.KernelHeight, Width: u.KernelWidth, Channels: u.Sample.Channels}
			forms := [][]int{{ly.W.Rows, kernel.Channels, kernel.Height, kernel.Width}}
			if ly.Places() == 1 { // a dense layer may be said as one
				forms = append(forms, []int{ly.W.Rows, kernel.Size()})
			}
			r.linear(ly, kernel, forms...)
		default:
			order := nn.Vector(ly.W.Cols)
			if seen.Size() == ly.W.Cols {
				order = seen
			}
			r.linear(ly, order, []int{ly.W.Rows, ly.W.Cols})
		}
		if r.err != nil {
			return nil, r.err
		}
		seen = nn.Vector(ly.Units()) // steps come one after another in PyTorch too
		if _, conv := ly.Map.(nn.Conv); conv {
			seen = ly.Out()
		}
	}
	return got, got.Validate()
}

// stateReader reads the tensors of a layer; err is the first fault. Memory is taken only
// for layers of which the file has all numbers.
type stateReader struct {
	stateLayer
	t     safetensors.SafeTensors
	what  string // the layer, for errors
	gates bool   // it is a GRU
	err   error
}

// linear reads the weights and intercepts of a layer whose columns are those of a shape,
// channels first in the file. The tensor of weights has one of several forms.
func (r *stateReader) linear(ly *dlam.Layer, columns nn.Shape, forms ...[]int) {
	if r.recurrent() {
		r.err = fmt.Errorf("tensor %q is of a recurrent layer, want %s", r.name(0), r.what)
		return
	}
	w, b := r.take(0, forms...), r.take(1, []int{ly.W.Rows})
	if r.err != nil {
		return
	}
	ly.W, ly.B = mat.New(ly.W.Rows, ly.W.Cols), b
	pixels := columns.Height * columns.Width
	for i := range ly.W.Rows {
		from, to := w[i*ly.W.Cols:(i+1)*ly.W.Cols], ly.W.Row(i)
		for c := range columns.Channels {
			for p := range pixels {
				to[p*columns.Channels+c] = from[c*pixels+p]
			}
		}
	}
}

// oneOrder refuses steps that are rows of columns and channels.
func (r *stateReader) oneOrder(seen nn.Shape) {
	if seen.Width > 1 && seen.Channels > 1 {
		r.err = fmt.Errorf("%s: its steps are the rows of %v, and PyTorch has no order of columns and channels in one step", r.what, seen)
	}
}

// parts reads the tensors of a recurrent layer with so many rows.
func (r *stateReader) parts(rows int, u nn.RNN) (x, own, first, second []float32) {
	if r.err == nil && !r.recurrent() {
		r.err = fmt.Errorf("tensor %q is not of a recurrent layer, want %s", r.name(0), r.what)
	}
	if r.err != nil {
		return nil, nil, nil, nil
	}
	return r.take(0, []int{rows, u.Inputs}), r.take(1, []int{rows, u.Units}), r.take(2, []int{rows}), r.take(3, []int{rows})
}

// gated reads the parameters of a GRU: the rows of the reset gate, the update gate and the
// new activations.
func (r *stateReader) gated(ly *dlam.Layer, u nn.GRU) {
	x, own, first, second := r.parts(3*u.Units, nn.RNN(u))
	if r.err != nil {
		return
	}
	ly.W, ly.B = mat.New(ly.W.Rows, ly.W.Cols), make([]float32, ly.W.Rows)
	gate := func(k int) nn.Gate {
		lo, hi := k*u.Units, (k+1)*u.Units
		return nn.Gate{
			Input: mat.FromSlice(u.Units, u.Inputs, x[lo*u.Inputs:hi*u.Inputs]), Own: mat.FromSlice(u.Units, u.Units, own[lo*u.Units:hi*u.Units]),
			B: first[lo:hi], OwnB: second[lo:hi],
		}
	}
	u.SetGates(*ly, nn.GateWeights{Reset: gate(0), Update: gate(1), New: gate(2)})
}

// recurrence reads W = [Wx R] and b, of which PyTorch has two, which are added.
func (r *stateReader) recurrence(ly *dlam.Layer, u nn.RNN) {
	x, own, first, second := r.parts(u.Units, u)
	if r.err != nil {
		return
	}
	ly.W, ly.B = mat.New(ly.W.Rows, ly.W.Cols), make([]float32, ly.W.Rows)
	for i := range u.Units {
		row := ly.W.Row(i)
		copy(row[copy(row, x[i*u.Inputs:(i+1)*u.Inputs]):], own[i*u.Units:])
		ly.B[i] = first[i] + second[i]
	}
}

// take is the elements of tensor k, which has one of some forms.
func (r *stateReader) take(k int, forms ...[]int) []float32 {
	if r.err != nil {
		return nil
	}
	v, _ := r.t.Tensor(r.name(k))
	fits := func(form []int) bool {
		return slices.EqualFunc(form, v.Shape(), func(a int, b uint64) bool { return uint64(a) == b })
	}
	if !slices.ContainsFunc(forms, fits) {
		r.err = otherf("tensor %q: got %s, want %s of %s%s", r.name(k), sizesText(v.Shape()), sizesText(forms[0]), r.what, r.other(size(v, 0), forms[0][0]))
		return nil
	}
	list, ok := floats(v)
	if !ok {
		r.err = fmt.Errorf("tensor %q: got %v, want F64, F32, F16 or BF16", r.name(k), v.DType())
	}
	return list
}

// other says what recurrent layer a tensor of so many rows may be of, where another number is
// wanted.
func (r *stateReader) other(rows, want int) string {
	kinds := []struct {
		rows int
		text string
	}{{1, "an RNN (1 a unit)"}, {3, "a GRU (3 a unit)"}, {4, "an LSTM (4 a unit), which there is not here"}}
	units := want
	if r.gates {
		units /= 3
	}
	for _, k := range kinds {
		if r.recurrent() && rows == k.rows*units && rows != want {
			return ": it has the rows of " + k.text
		}
	}
	return ""
}

// sizesText is as 16x1x5x5.
func sizesText[T int | uint64](sizes []T) string {
	texts := make([]string, len(sizes))
	for i, s := range sizes {
		texts[i] = fmt.Sprint(s)
	}
	if len(texts) == 0 {
		return "one number"
	}
	return strings.Join(texts, "x")
}

// floats are the elements of a tensor of floating-point numbers, each rounded to float32.
func floats(v safetensors.TensorView) (list []float32, ok bool) {
	b := v.Data()
	switch v.DType() {
	case safetensors.F64:
		for ; len(b) > 0; b = b[8:] {
			list = append(list, float32(math.Float64frombits(binary.LittleEndian.Uint64(b))))
		}
	case safetensors.F32:
		list = float32s(b)
	case safetensors.BF16: // the upper half of a float32
		for ; len(b) > 0; b = b[2:] {
			list = append(list, math.Float32frombits(uint32(binary.LittleEndian.Uint16(b))<<16))
		}
	case safetensors.F16:
		for ; len(b) > 0; b = b[2:] {
			list = append(list, float32(half.Float(binary.LittleEndian.Uint16(b))))
		}
	default:
		return nil, false
	}
	return list, true
}
