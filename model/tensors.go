package model

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/nlpodyssey/safetensors"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
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
	if err := distinctKeys(raw[length : length+binary.LittleEndian.Uint64(raw)]); err != nil {
		return t, nil, err
	}
	t, err = safetensors.Deserialize(raw)
	return t, head.Metadata(), err
}

// distinctKeys reports a key that comes twice in an object of a header that is JSON: one
// of the two would be left out in silence.
func distinctKeys(header []byte) error {
	d := json.NewDecoder(bytes.NewReader(header))
	var objects []map[string]bool // open ones, nil for arrays
	key := false                  // the next token is a key
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("header: %w", err)
		}
		inside := func() bool { return len(objects) > 0 && objects[len(objects)-1] != nil }
		switch token {
		case json.Delim('{'):
			objects, key = append(objects, map[string]bool{}), true
			continue
		case json.Delim('['):
			objects = append(objects, nil)
		case json.Delim('}'), json.Delim(']'):
			objects = objects[:len(objects)-1]
			key = inside()
			continue
		}
		if !inside() {
			continue
		}
		if name, ok := token.(string); ok && key {
			if objects[len(objects)-1][name] {
				return fmt.Errorf("header: %q comes twice", name)
			}
			objects[len(objects)-1][name] = true
		}
		key = !key
	}
}

// SaveWeights writes n's parameters to path, whole or not at all, as Weights reads
// them, with what their layers are.
func SaveWeights(path string, n *dlam.Network) error {
	layers, err := describeLayers(n)
	if err != nil {
		return fmt.Errorf("not saving %s: %w", path, err)
	}
	meta, err := json.Marshal(map[string]any{"format": Format, "layers": layers})
	if err != nil {
		return err
	}
	views := map[string]safetensors.TensorView{}
	if err := addNetwork(views, n); err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		return safetensors.SerializeToWriter(views, map[string]string{metadataKey: string(meta)}, w)
	})
}

// Weights reads parameters from a safetensors file into a copy of n: those of a
// model of ours, or of the state of a PyTorch module, whose layers are taken in the
// order of the numbers in their names. They must be of n's shapes, and a model of ours
// have n's maps and activations too; a state does not say which it has. A dense first
// layer takes its inputs in the order that the state has them in.
func Weights(path string, n *dlam.Network) (*dlam.Network, error) {
	path = Locate(path)
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	got, err := weights(raw, n)
	if err != nil {
		return nil, faultOf(path, err)
	}
	return got, nil
}

// ErrOther is what errors wrap, beside ErrModel, about a file with which nothing is wrong but
// that its network is not the one that is wanted.
var ErrOther = errors.New("another network")

// otherNetwork wraps them without saying so.
type otherNetwork struct{ error }

func (otherNetwork) Is(target error) bool { return target == ErrModel || target == ErrOther }

func otherf(format string, args ...any) error { return otherNetwork{fmt.Errorf(format, args...)} }

// faultOf says of which file err is, and that the file is bad if it is.
func faultOf(path string, err error) error {
	if errors.Is(err, ErrOther) || errors.As(err, new(Fault)) {
		return fmt.Errorf("%s: %w", path, err)
	}
	return fmt.Errorf("%s: %w: %w", path, ErrModel, err)
}

func weights(raw []byte, n *dlam.Network) (*dlam.Network, error) {
	t, meta, err := deserialize(raw)
	if err != nil {
		return nil, err
	}
	text, ours := meta[metadataKey]
	if !ours {
		return fromState(t, n, nn.Shape{})
	}
	got, err := network(t)
	if err != nil {
		return nil, err
	}
	if w, want := shapes(got), shapes(n); w != want {
		return nil, otherf("its network has weights of %s (outputs×inputs), want %s", w, want)
	}
	d, err := readDescription(text)
	if err != nil {
		return nil, err
	}
	if len(d.Layers) != len(n.Layers) {
		return nil, fmt.Errorf("%d layers described, tensors of %d", len(d.Layers), len(n.Layers))
	}
	for l, ly := range n.Layers {
		if u := ly.Linear().Spec(); !d.Layers[l].Map.Equal(u) {
			return nil, otherf("layer %d: trained with the map %v, want %v", l+1, d.Layers[l].Map, u)
		}
		if got := d.Layers[l].Max; max(got, 1) != max(ly.Max, 1) {
			return nil, otherf("layer %d: trained with max pooling over windows of side %d, want %d", l+1, got, ly.Max)
		}
		if h := ly.H.Spec(); !d.Layers[l].Activation.Equal(h) {
			return nil, otherf("layer %d: trained with activation %v, want %v", l+1, d.Layers[l].Activation, h)
		}
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

// network is the layers N.weight, N.bias, …, as we write them, without maps and
// activations.
func network(t safetensors.SafeTensors) (*dlam.Network, error) {
	layers, err := stateLayers(t)
	if err != nil {
		return nil, err
	}
	n := &dlam.Network{Layers: make([]dlam.Layer, len(layers))}
	for l, s := range layers {
		if s.recurrent() {
			return nil, fmt.Errorf("tensor %q: no model has such a one", s.name(0))
		}
		w, _ := t.Tensor(s.name(0))
		b, _ := t.Tensor(s.name(1))
		if n.Layers[l], err = layer(w, b); err != nil {
			return nil, fmt.Errorf("layer %q: %w", s.prefix, err)
		}
	}
	return n, nil
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
