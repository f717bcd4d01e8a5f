package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/nlpodyssey/safetensors"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/loss"
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
