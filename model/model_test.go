package model

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/testprob"
)

func sample() *Model {
	p := testprob.Blobs(10, 4, 3, 1)
	return &Model{
		Network: testprob.Network(p, []int{5}, activation.Tanh{}, dlam.He, 1),
		Loss:    "cross-entropy", Classes: []string{"a", "b", "c"}, Features: []string{"w", "x", "y", "z"},
		Transform: dataset.Transform{Inputs: 4, Pool: 1, Scaling: dataset.ScaleStandard, Shift: []float32{1, 2, 3, 4}, Factor: []float32{1, 1, 2, 2}},
		Training:  Training{Solver: "dlam", Dataset: "d", Samples: 10, Iterations: 3},
	}
}

func same(t *testing.T, a, b *dlam.Network) {
	t.Helper()
	for l := range a.Layers {
		if !slices.Equal(a.Layers[l].W.Elements(), b.Layers[l].W.Elements()) || !slices.Equal(a.Layers[l].B, b.Layers[l].B) {
			t.Errorf("layer %d differs", l)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	m, path := sample(), filepath.Join(t.TempDir(), FileName)
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, filepath.Dir(path)} {
		got, err := Load(p)
		if err != nil {
			t.Fatal(err)
		}
		same(t, m.Network, got.Network)
		got.Network = nil
		want := *m
		want.Network = nil
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("got %+v, want %+v", *got, want)
		}
	}
	w, err := Weights(path, activation.Tanh{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, m.Network, w)
}

func TestRefusesNaN(t *testing.T) {
	m, path := sample(), filepath.Join(t.TempDir(), FileName)
	m.Network.Layers[0].W.Data[2] /= 0 * m.Network.Layers[0].W.Data[2]
	if err := m.Save(path); err == nil {
		t.Error("a network with an infinite weight was saved")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was left")
	}
}

func TestCheckpointRoundTrip(t *testing.T) {
	c := &Checkpoint{Network: sample().Network, Iteration: 7, Elapsed: 1.5, Config: "x", State: dlam.State{
		Float32: map[string][]float32{"z.1": {1, 2, 3}, "a.1": {}}, Float64: map[string][]float64{"scalars": {0.1, 1e300}},
	}}
	path := filepath.Join(t.TempDir(), CheckpointName)
	if err := c.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := LoadCheckpoint(path, activation.Tanh{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, c.Network, got.Network)
	if !reflect.DeepEqual(got.State, c.State) || got.Iteration != 7 || got.Elapsed != 1.5 {
		t.Errorf("got %+v", got)
	}
	raw, _ := os.ReadFile(path)
	for _, i := range []int{0, 7, 20, len(raw) / 2, len(raw) - 1} { // any damage is seen
		bad := slices.Clone(raw)
		bad[i] ^= 4
		if _, err := parseCheckpoint(bad, activation.Tanh{}); err == nil {
			t.Errorf("a checkpoint with byte %d changed was accepted", i)
		}
	}
}

func TestDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m")
	if err := os.WriteFile(path, []byte("hello, this is no model"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want ErrModel with the path", err)
	}
}

func FuzzModel(f *testing.F) {
	path := filepath.Join(f.TempDir(), FileName)
	if err := sample().Save(path); err != nil {
		f.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(raw[:len(raw)-1])
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parse(raw)
		if err == nil && m.Network.Validate() != nil {
			t.Fatal("an invalid network was accepted")
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	path := filepath.Join(f.TempDir(), CheckpointName)
	if err := (&Checkpoint{Network: sample().Network}).Save(path); err != nil {
		f.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := parseCheckpoint(raw, activation.Tanh{})
		if err == nil && c.Network.Validate() != nil {
			t.Fatal("an invalid network was accepted")
		}
	})
}
