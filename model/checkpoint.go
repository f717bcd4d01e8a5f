package model

import (
	"bytes"
	"crypto/sha256"
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
	"github.com/dlam-go/dlam/spec"
)

// CheckpointName is a checkpoint's name in a run folder.
const CheckpointName = "checkpoint.dlam"

// checkpointMagic starts a checkpoint; its last byte is the format version.
var checkpointMagic = []byte("DLAMCKP\x02")

// Checkpoint is a run between two iterations: a header, the SHA-256 of what
// follows, then a safetensors file with the network and the solver's state.
type Checkpoint struct {
	Network *dlam.Network `json:"-"`
	State   dlam.State    `json:"-"`

	Iteration int     `json:"iteration"`  // iterations done
	Elapsed   float64 `json:"elapsed"`    // seconds of training
	Config    string  `json:"config"`     // fingerprint of the settings it goes on with
	Data      string  `json:"data"`       // fingerprint of the training data
	Ranks     int     `json:"ranks"`      // processes that share the samples, each with a checkpoint of its own
	OfSamples bool    `json:"of_samples"` // State's
}

// checkpointHead is a checkpoint's metadata.
type checkpointHead struct {
	*Checkpoint
	Layers []Layer `json:"layers"`
}

// Save writes the checkpoint to path, whole or not at all. Its activations are
// written as Model.Save writes them.
func (c *Checkpoint) Save(path string) error {
	kept := *c
	kept.OfSamples = c.State.OfSamples
	layers, err := describeLayers(c.Network)
	if err != nil {
		return err
	}
	meta, err := json.Marshal(checkpointHead{&kept, layers})
	if err != nil {
		return err
	}
	views := map[string]safetensors.TensorView{}
	if err := addNetwork(views, c.Network); err != nil {
		return err
	}
	for name, v := range c.State.Float32 {
		if err := addFloat32(views, "f32/"+name, v, len(v)); err != nil {
			return err
		}
	}
	for name, v := range c.State.Float64 {
		data := make([]byte, 0, 8*len(v))
		for _, x := range v {
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(x))
		}
		if err := addTensor(views, "f64/"+name, safetensors.F64, data, []int{len(v)}); err != nil {
			return err
		}
	}
	payload, err := safetensors.Serialize(views, map[string]string{"checkpoint": string(meta)})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(payload)
	return atomicfile.Write(path, func(w io.Writer) error {
		for _, part := range [][]byte{checkpointMagic, sum[:], payload} {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
		return nil
	})
}

// LoadCheckpoint reads a checkpoint. Activations of the user's own are handed
// in, as to Load.
func LoadCheckpoint(path string, own ...spec.Operator) (*Checkpoint, error) {
	if err := operators(own).validate(); err != nil {
		return nil, err
	}
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	c, err := parseCheckpoint(raw, own)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrModel, err)
	}
	return c, nil
}

func parseCheckpoint(raw []byte, own operators) (*Checkpoint, error) {
	start := len(checkpointMagic) + sha256.Size
	if len(raw) < start || !bytes.Equal(raw[:len(checkpointMagic)-1], checkpointMagic[:len(checkpointMagic)-1]) {
		return nil, errors.New("not a checkpoint")
	}
	if v := raw[len(checkpointMagic)-1]; v != checkpointMagic[len(checkpointMagic)-1] {
		return nil, fmt.Errorf("checkpoint format %d, this program reads %d", v, checkpointMagic[len(checkpointMagic)-1])
	}
	payload := raw[start:]
	if sum := sha256.Sum256(payload); !bytes.Equal(sum[:], raw[len(checkpointMagic):start]) {
		return nil, errors.New("damaged: the checksum does not match")
	}
	t, meta, err := deserialize(payload)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{State: dlam.State{Float32: map[string][]float32{}, Float64: map[string][]float64{}}}
	head := checkpointHead{Checkpoint: c}
	if err := json.Unmarshal([]byte(meta["checkpoint"]), &head); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	c.State.OfSamples = c.OfSamples
	layers := map[string]safetensors.TensorView{}
	for _, v := range t.Tensors() {
		if name, ok := strings.CutPrefix(v.Name, "f32/"); ok {
			c.State.Float32[name] = float32s(v.TensorView.Data())
		} else if name, ok := strings.CutPrefix(v.Name, "f64/"); ok {
			c.State.Float64[name] = float64s(v.TensorView.Data())
		} else {
			layers[v.Name] = v.TensorView
		}
	}
	if c.Network, err = checkpointNetwork(layers); err != nil {
		return nil, err
	}
	return c, equip(c.Network, head.Layers, own)
}

// checkpointNetwork is the network among a checkpoint's tensors.
func checkpointNetwork(layers map[string]safetensors.TensorView) (*dlam.Network, error) {
	raw, err := safetensors.Serialize(layers, nil)
	if err != nil {
		return nil, err
	}
	t, _, err := deserialize(raw)
	if err != nil {
		return nil, err
	}
	return network(t)
}

func float64s(b []byte) []float64 {
	v := make([]float64, len(b)/8)
	for i := range v {
		v[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return v
}
