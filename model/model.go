package model

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"github.com/nlpodyssey/safetensors"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

const (
	// Format is the version of the description that this package writes.
	Format = 1
	// FileName is a model's name in a run folder.
	FileName = "model.safetensors"
	// maxFile bounds what is read as a model.
	maxFile = 8 << 30
)

// ErrModel is what every error about a model file's content wraps.
var ErrModel = errors.New("bad model file")

// Model is a trained network and what its use needs.
type Model struct {
	Network *dlam.Network `json:"-"`

	Format     int               `json:"format"`
	Widths     []int             `json:"widths"`     // from features to outputs
	Activation string            `json:"activation"` // of the hidden layers
	Loss       string            `json:"loss"`
	Classes    []string          `json:"classes,omitempty"`  // names, in the order of the outputs
	Features   []string          `json:"features,omitempty"` // names of the raw columns
	Transform  dataset.Transform `json:"transform"`          // from raw samples to inputs
	Training   Training          `json:"training"`
}

// Training is how a model came about.
type Training struct {
	Solver     string `json:"solver"`
	Dataset    string `json:"dataset"`
	Samples    int    `json:"samples"`
	Data       string `json:"data"` // SHA-256 of the transformed training samples and targets
	Seed       uint64 `json:"seed"`
	Iterations int    `json:"iterations"`
	Config     string `json:"config"` // config.toml of the run
	Status     string `json:"status"` // a dlam.Status: why the run ended
}

// Locate is the model file that path means: itself, or the one in the run
// folder path.
func Locate(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return filepath.Join(path, FileName)
	}
	return path
}

// Save writes the model to path, whole or not at all.
func (m *Model) Save(path string) error {
	if err := m.Network.Validate(); err != nil {
		return fmt.Errorf("not saving %s: %w", path, err)
	}
	m.Format, m.Widths = Format, m.Network.Widths()
	m.Activation = m.Network.Layers[0].H.String()
	meta, err := json.Marshal(m)
	if err != nil {
		return err
	}
	views := map[string]safetensors.TensorView{}
	if err := addNetwork(views, m.Network); err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		return safetensors.SerializeToWriter(views, map[string]string{"dlam": string(meta)}, w)
	})
}

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

// Load reads a model, or the model in a run folder.
func Load(path string) (*Model, error) {
	path = Locate(path)
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	m, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrModel, err)
	}
	return m, nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s: %w: not a file of at most %d bytes", path, ErrModel, int64(maxFile))
	}
	return os.ReadFile(path)
}

// parse reads a model from the bytes of its file.
func parse(raw []byte) (*Model, error) {
	tensors, meta, err := deserialize(raw)
	if err != nil {
		return nil, err
	}
	text, ok := meta["dlam"]
	if !ok {
		return nil, errors.New(`no metadata "dlam": not written by dlam (weights alone can be imported with train --init-from)`)
	}
	m := new(Model)
	if err := json.Unmarshal([]byte(text), m); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if m.Format != Format {
		return nil, fmt.Errorf("format %d, this program reads %d", m.Format, Format)
	}
	h, err := activation.Parse(m.Activation)
	if err != nil {
		return nil, err
	}
	if m.Network, err = network(tensors, h); err != nil {
		return nil, err
	}
	return m, m.validate()
}

// deserialize is safetensors.Deserialize without its panics on hostile input.
func deserialize(raw []byte) (t safetensors.SafeTensors, meta map[string]string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("malformed: %v", p)
		}
	}()
	_, head, err := safetensors.ReadMetadata(raw)
	if err != nil {
		return t, nil, err
	}
	t, err = safetensors.Deserialize(raw)
	return t, head.Metadata(), err
}

// network is the layers 0.weight, 0.bias, … with h between them. Names with
// gaps between the numbers, as those of a PyTorch Sequential with activations,
// are taken in order.
func network(t safetensors.SafeTensors, h activation.Func) (*dlam.Network, error) {
	n := new(dlam.Network)
	for i := 0; 2*len(n.Layers) < t.Len(); i++ {
		if i > 2*t.Len() {
			return nil, fmt.Errorf("%d tensors are not pairs of I.weight and I.bias", t.Len())
		}
		w, ok := t.Tensor(strconv.Itoa(i) + ".weight")
		if !ok {
			continue
		}
		b, ok := t.Tensor(strconv.Itoa(i) + ".bias")
		if !ok {
			return nil, fmt.Errorf("tensor %d.weight has no %d.bias", i, i)
		}
		ly, err := layer(w, b)
		if err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
		ly.H = h
		n.Layers = append(n.Layers, ly)
	}
	if len(n.Layers) > 0 {
		n.Layers[len(n.Layers)-1].H = activation.Identity{}
	}
	return n, n.Validate()
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

// validate reports a description that does not fit the network.
func (m *Model) validate() error {
	w := m.Network.Widths()
	if _, err := loss.Parse(m.Loss); err != nil {
		return err
	}
	if m.Classes != nil && len(m.Classes) != w[len(w)-1] {
		return fmt.Errorf("%d class names for %d outputs", len(m.Classes), w[len(w)-1])
	}
	if err := m.Transform.Validate(); err != nil {
		return err
	}
	if t := m.Transform; t.Outputs() != w[0] || t.TargetFactor != 0 && len(t.TargetShift) != w[len(w)-1] {
		return fmt.Errorf("transform to %d features with %d values, the network takes %d and gives %d", t.Outputs(), len(t.TargetShift), w[0], w[len(w)-1])
	}
	return nil
}

// Weights reads the network of a safetensors file, of ours or with PyTorch's
// names of an MLP, with h between its layers.
func Weights(path string, h activation.Func) (*dlam.Network, error) {
	path = Locate(path)
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	t, _, err := deserialize(raw)
	if err == nil {
		var n *dlam.Network
		if n, err = network(t, h); err == nil {
			return n, nil
		}
	}
	return nil, fmt.Errorf("%s: %w: %w", path, ErrModel, err)
}
