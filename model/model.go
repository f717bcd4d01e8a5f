package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/nlpodyssey/safetensors"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/spec"
)

const (
	// Format is the version of the description that this package writes. It
	// reads format 1 too.
	Format = 2
	// FileName is a model's name in a run folder.
	FileName = "model.safetensors"
	// maxFile bounds what is read as a model.
	maxFile = 8 << 30
)

// ErrModel is what every error about a model file's content wraps.
var ErrModel = errors.New("bad model file")

// Model is a trained network and what its use needs.
type Model struct {
	Network   *dlam.Network
	Loss      loss.Loss         // that the network was trained with
	Classes   []string          // names, in the order of the outputs; nil for a regression
	Features  []string          // names of the raw columns; nil where they have none
	Transform dataset.Transform // from raw samples to inputs
	Training  Training
}

// Training is how a model came about.
type Training struct {
	Solver     string `json:"solver"`
	Dataset    string `json:"dataset"`
	Samples    int    `json:"samples"`
	Data       string `json:"data"` // SHA-256 of the transformed training samples and targets
	Seed       uint64 `json:"seed"`
	Iterations int    `json:"iterations"`
	Kept       int    `json:"kept_iteration,omitempty"` // the one whose network it is, where validation samples chose it
	Config     string `json:"config"`                   // config.toml of the run
	Status     string `json:"status"`                   // a dlam.Status: why the run ended
	// ClassWeights are the factors of the classes in the weights of their samples; nil
	// for none. Scores of the model have them too.
	ClassWeights []float64 `json:"class_weights,omitempty"`
}

// Locate is the model file that path means: itself, or the one in the run
// folder path.
func Locate(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return filepath.Join(path, FileName)
	}
	return path
}

// Save writes the model to path, whole or not at all. Operators are written by
// their Specs, those of the user's own too; it refuses one whose Spec stands for
// another operator, and what Load would refuse, as a Transform that is none.
func (m *Model) Save(path string) error {
	write, err := m.writer()
	if err != nil {
		return fmt.Errorf("not saving %s: %w", path, err)
	}
	return atomicfile.Write(path, write)
}

// Write writes the model to w, as Save does to a file.
func (m *Model) Write(w io.Writer) error {
	write, err := m.writer()
	if err != nil {
		return err
	}
	return write(w)
}

// writer is what writes the model, of which nothing is wrong.
func (m *Model) writer() (func(io.Writer) error, error) {
	if err := m.Network.Validate(); err != nil {
		return nil, err
	}
	if err := m.validate(); err != nil {
		return nil, err
	}
	d, err := m.Describe()
	if err != nil {
		return nil, err
	}
	meta, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	views := map[string]safetensors.TensorView{}
	if err := addNetwork(views, m.Network); err != nil {
		return nil, err
	}
	return func(w io.Writer) error {
		return safetensors.SerializeToWriter(views, map[string]string{metadataKey: string(meta)}, w)
	}, nil
}

// Load reads a model, or the model in a run folder. A model with activations or
// a loss of the user's own needs them handed in: for each of their Specs in the
// file an operator that has that Spec. Others may be among them.
func Load(path string, own ...spec.Operator) (*Model, error) {
	if err := operators(own).validate(); err != nil {
		return nil, err
	}
	path = Locate(path)
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	m, err := parse(raw, own)
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
func parse(raw []byte, own operators) (*Model, error) {
	tensors, meta, err := deserialize(raw)
	if err != nil {
		return nil, err
	}
	text, ok := meta[metadataKey]
	if !ok {
		return nil, errors.New(`no metadata "dlam": not written by dlam (dlam import reads parameters of PyTorch, and train --init-from starts from them)`)
	}
	d, err := readDescription(text)
	if err != nil {
		return nil, err
	}
	m := &Model{Classes: d.Classes, Features: d.Features, Transform: d.Transform, Training: d.Training}
	if m.Loss, err = restore("loss", d.Loss, loss.All, own); err != nil {
		return nil, err
	}
	if m.Network, err = network(tensors); err != nil {
		return nil, err
	}
	if err := equip(m.Network, d.Layers, own); err != nil {
		return nil, err
	}
	return m, m.validate()
}

// metadataKey is the key of the description in a model file's metadata.
const metadataKey = "dlam"

// readDescription reads a description of any format.
func readDescription(text string) (d Description, err error) {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal([]byte(text), &head); err != nil {
		return d, fmt.Errorf("metadata: %w", err)
	}
	switch head.Format {
	case 1:
		d, err = readFormat1(text)
	case Format:
		err = json.Unmarshal([]byte(text), &d)
	default:
		return d, fmt.Errorf("format %d, this program reads 1 to %d", head.Format, Format)
	}
	if err != nil {
		return d, fmt.Errorf("metadata: %w", err)
	}
	return d, nil
}

// validate reports a description that does not fit the network.
func (m *Model) validate() error {
	w := m.Network.Widths()
	if c := m.Training.ClassWeights; c != nil && len(c) != len(m.Classes) {
		return fmt.Errorf("%d weights of classes for %d classes", len(c), len(m.Classes))
	} else if slices.ContainsFunc(c, func(w float64) bool { return !(w > 0) }) {
		return fmt.Errorf("weights of classes: got %v, want numbers above 0", c)
	}
	if m.Classes != nil && len(m.Classes) != w[len(w)-1] {
		return fmt.Errorf("%d class names for %d outputs", len(m.Classes), w[len(w)-1])
	}
	if err := m.Transform.Validate(); err != nil {
		return err
	}
	if names := m.Transform.ColumnNames(); names != nil && !slices.Equal(names, m.Features) {
		return fmt.Errorf("transform of columns %q, features %q", names, m.Features)
	}
	if t := m.Transform; t.Outputs() != w[0] || t.TargetFactor != nil && len(t.TargetShift) != w[len(w)-1] {
		return fmt.Errorf("transform to %d features with %d values, the network takes %d and gives %d", t.Outputs(), len(t.TargetShift), w[0], w[len(w)-1])
	}
	return nil
}
