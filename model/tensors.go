package model

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/nlpodyssey/safetensors"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/mat"
)

func addNetwork(views map[string]safetensors.TensorView, n *dlam.Network) error {
	for l, ly := range n.Layers {
		if err := addFloat32(views, fmt.Sprintf("%d.weight", l), ly.W.Elements(), ly.W.Rows, ly.W.Cols); err != nil {
			return err
		}
		if err := addFloat32(views, fmt.Sprintf("%d.bias", l), ly.B, len(ly.B)); err != nil {
			return err
		}
	}
	return nil
}

func addFloat32(views map[string]safetensors.TensorView, name string, v []float32, shape ...int) error {
	data := make([]byte, 0, 4*len(v))
	for _, x := range v {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return addTensor(views, name, safetensors.F32, data, shape)
}

func addTensor(views map[string]safetensors.TensorView, name string, kind safetensors.DType, data []byte, shape []int) error {
	dims := make([]uint64, len(shape))
	for i, d := range shape {
		dims[i] = uint64(d)
	}
	v, err := safetensors.NewTensorView(kind, dims, data)
	if err != nil {
		return err
	}
	views[name] = v
	return nil
}

// deserialize is safetensors.Deserialize without its panics on hostile input.
func deserialize(raw []byte) (t safetensors.SafeTensors, meta map[string]string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("malformed: %v", p)
		}
	}()
	const length = 8 // bytes of the header's length
	if len(raw) <= length || raw[length] != '{' {
		return t, nil, errors.New("it is no safetensors file")
	}
	_, head, err := safetensors.ReadMetadata(raw)
	if err != nil {
		return t, nil, err
	}
	t, err = safetensors.Deserialize(raw)
	return t, head.Metadata(), err
}

// SaveWeights writes n's parameters to path, whole or not at all, as Weights reads
// them: without maps and activations.
func SaveWeights(path string, n *dlam.Network) error {
	views := map[string]safetensors.TensorView{}
	if err := addNetwork(views, n); err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error { return safetensors.SerializeToWriter(views, nil, w) })
}

// Weights reads parameters from a safetensors file into a copy of n: those of a
// model of ours, or of the state of a PyTorch MLP, whose layers are taken in the
// order of the numbers in their names. The weights must be of n's shapes, and a
// model of ours have n's maps and activations too; a state does not say which it
// has.
func Weights(path string, n *dlam.Network) (*dlam.Network, error) {
	path = Locate(path)
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	got, err := weights(raw, n)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrModel, err)
	}
	return got, nil
}

func weights(raw []byte, n *dlam.Network) (*dlam.Network, error) {
	t, meta, err := deserialize(raw)
	if err != nil {
		return nil, err
	}
	got, err := network(t)
	if err != nil {
		return nil, err
	}
	if w, want := shapes(got), shapes(n); w != want {
		return nil, fmt.Errorf("weights of %s, want %s", w, want)
	}
	if text, ours := meta[metadataKey]; ours {
		d, err := readDescription(text)
		if err != nil {
			return nil, err
		}
		if len(d.Layers) != len(n.Layers) {
			return nil, fmt.Errorf("%d layers described, tensors of %d", len(d.Layers), len(n.Layers))
		}
		for l, ly := range n.Layers {
			if u := ly.Linear().Spec(); !d.Layers[l].Map.Equal(u) {
				return nil, fmt.Errorf("layer %d: trained with the map %v, want %v", l+1, d.Layers[l].Map, u)
			}
			if got := d.Layers[l].Max; max(got, 1) != max(ly.Max, 1) {
				return nil, fmt.Errorf("layer %d: trained with max pooling over windows of side %d, want %d", l+1, got, ly.Max)
			}
			if h := ly.H.Spec(); !d.Layers[l].Activation.Equal(h) {
				return nil, fmt.Errorf("layer %d: trained with activation %v, want %v", l+1, d.Layers[l].Activation, h)
			}
		}
	}
	for l, ly := range n.Layers {
		got.Layers[l].Map, got.Layers[l].Max, got.Layers[l].H = ly.Map, ly.Max, ly.H
	}
	return got, got.Validate()
}

// shapes are those of all weights, outputs × inputs, as in 5×4, 3×5.
func shapes(n *dlam.Network) string {
	texts := make([]string, len(n.Layers))
	for l, ly := range n.Layers {
		texts[l] = fmt.Sprintf("%d×%d", ly.W.Rows, ly.W.Cols)
	}
	return strings.Join(texts, ", ")
}

// network is the layers PREFIX.weight, PREFIX.bias, …, without maps and
// activations, in the order of the numbers in their prefixes: 0, 1, … as we write
// them; 0, 2, … of a PyTorch Sequential with activations; fc1, fc2, … of a
// module. Prefixes that differ in more than numbers are refused: nothing else in
// the file says how the layers follow each other.
func network(t safetensors.SafeTensors) (*dlam.Network, error) {
	prefixes, err := layerPrefixes(t)
	if err != nil {
		return nil, err
	}
	n := &dlam.Network{Layers: make([]dlam.Layer, len(prefixes))}
	for l, prefix := range prefixes {
		w, _ := t.Tensor(prefix + weightSuffix)
		b, ok := t.Tensor(prefix + biasSuffix)
		if !ok {
			return nil, fmt.Errorf("tensor %q has no %q beside it", prefix+weightSuffix, prefix+biasSuffix)
		}
		if n.Layers[l], err = layer(w, b); err != nil {
			return nil, fmt.Errorf("layer %q: %w", prefix, err)
		}
	}
	return n, nil
}

// The ends of the names of a layer's tensors.
const (
	weightSuffix = ".weight"
	biasSuffix   = ".bias"
)

// layerPrefixes are the prefixes of tensors named PREFIX.weight, in order.
func layerPrefixes(t safetensors.SafeTensors) ([]string, error) {
	var prefixes []string
	for _, name := range slices.Sorted(slices.Values(t.Names())) {
		if prefix, ok := strings.CutSuffix(name, weightSuffix); ok {
			prefixes = append(prefixes, prefix)
			continue
		}
		prefix, bias := strings.CutSuffix(name, biasSuffix)
		if _, ok := t.Tensor(prefix + weightSuffix); !bias || !ok {
			return nil, fmt.Errorf("tensor %q is not of a layer: want pairs of PREFIX.weight and PREFIX.bias", name)
		}
	}
	if len(prefixes) == 0 {
		return nil, errors.New("no tensors")
	}
	slices.SortStableFunc(prefixes, comparePrefixes)
	for i, p := range prefixes[1:] {
		switch before := prefixes[i]; {
		case strings.Map(noDigit, p) != strings.Map(noDigit, before):
			return nil, fmt.Errorf("the order of layers %q and %q is not clear: want prefixes that differ in a number alone", before, p)
		case comparePrefixes(before, p) == 0:
			return nil, fmt.Errorf("layers %q and %q have the same number", before, p)
		}
	}
	return prefixes, nil
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// noDigit drops digits, for strings.Map.
func noDigit(r rune) rune {
	if isDigit(r) {
		return -1
	}
	return r
}

// comparePrefixes compares the numbers in a and b, of any length.
func comparePrefixes(a, b string) int {
	numbers := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return !isDigit(r) })
	}
	return slices.CompareFunc(numbers(a), numbers(b), func(a, b string) int {
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
}

func layer(w, b safetensors.TensorView) (dlam.Layer, error) {
	shape := w.Shape()
	if w.DType() != safetensors.F32 || b.DType() != safetensors.F32 || len(shape) != 2 || len(b.Shape()) != 1 || b.Shape()[0] != shape[0] || shape[0] == 0 || shape[1] == 0 {
		return dlam.Layer{}, fmt.Errorf("weight %v %v and bias %v %v, want float32 matrix and vector that fit", w.DType(), shape, b.DType(), b.Shape())
	}
	return dlam.Layer{W: mat.FromSlice(int(shape[0]), int(shape[1]), float32s(w.Data())), B: float32s(b.Data())}, nil
}

func float32s(b []byte) []float32 {
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}
