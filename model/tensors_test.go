package model

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nlpodyssey/safetensors"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
)

// state writes a safetensors file of a layer of w outputs for each name, its
// weights numbered from 1 in the order of the names, and the tensors of extra.
func state(t *testing.T, names []string, widths []int, extra map[string][]int) string {
	t.Helper()
	views := map[string]safetensors.TensorView{}
	add := func(name string, first float32, shape ...int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		v := make([]float32, n)
		v[0] = first
		if err := addFloat32(views, name, v, shape...); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range names {
		add(name+".weight", float32(i+1), widths[i+1], widths[i])
		add(name+".bias", float32(-i-1), widths[i+1])
	}
	for name, shape := range extra {
		add(name, 0, shape...)
	}
	raw, err := safetensors.Serialize(views, map[string]string{"format": "pt"})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "state.safetensors")
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// like is a network of these widths, with ReLUs.
func like(t *testing.T, widths ...int) *dlam.Network {
	t.Helper()
	n, err := dlam.NewNetwork(widths, activation.ReLU{}, dlam.He, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestForeignWeights reads states as PyTorch names them, in the order of the
// layers and not of the alphabet.
func TestForeignWeights(t *testing.T) {
	widths := []int{3, 5, 4, 2}
	for _, names := range [][]string{
		{"0", "1", "2"}, {"0", "2", "4"}, {"2", "10", "100"}, {"fc1", "fc2", "fc3"}, {"fc9", "fc10", "fc11"},
		{"net.0", "net.2", "net.4"}, {"layers.0.linear", "layers.3.linear", "layers.12.linear"},
		{"block0.fc2", "block1.fc1", "block1.fc2"}, {"99999999999999999999", "100000000000000000000", "100000000000000000001"},
	} {
		n, err := Weights(state(t, names, widths, nil), like(t, widths...))
		if err != nil {
			t.Errorf("%q: %v", names, err)
			continue
		}
		if !slices.Equal(n.Widths(), widths) {
			t.Errorf("%q: widths %v, want %v", names, n.Widths(), widths)
		}
		for l, ly := range n.Layers {
			h := activation.Func(activation.ReLU{})
			if l == 2 {
				h = activation.Identity{}
			}
			if ly.W.At(0, 0) != float32(l+1) || ly.B[0] != float32(-l-1) || ly.H != h {
				t.Errorf("%q: layer %d has weight %g, intercept %g, activation %v", names, l, ly.W.At(0, 0), ly.B[0], ly.H)
			}
		}
	}
	n, err := Weights(state(t, []string{"linear"}, []int{3, 2}, nil), like(t, 3, 2))
	if err != nil || len(n.Layers) != 1 {
		t.Errorf("one layer without a number: %v", err)
	}
}

func TestForeignWeightsRefused(t *testing.T) {
	for _, c := range []struct {
		want   string
		names  []string
		widths []int
		extra  map[string][]int
	}{
		{"no tensors", nil, nil, nil},
		{`the order of layers "hidden" and "out" is not clear`, []string{"hidden", "out"}, []int{3, 4, 2}, nil},
		{`the order of layers "out" and "fc1" is not clear`, []string{"fc1", "out"}, []int{3, 4, 2}, nil},
		{`layers "fc01" and "fc1" have the same number`, []string{"fc01", "fc1"}, []int{3, 4, 2}, nil},
		{`tensor "fc2.weight" has no "fc2.bias" beside it`, []string{"fc1"}, []int{3, 4}, map[string][]int{"fc2.weight": {2, 4}}},
		{`tensor "fc2.bias" is not of a layer`, []string{"fc1"}, []int{3, 4}, map[string][]int{"fc2.bias": {2}}},
		{`tensor "1.running_mean" is not of a layer`, []string{"0"}, []int{3, 4}, map[string][]int{"1.running_mean": {4}}},
		{`tensor "1.weight": got 4, want 2x4 of layer 2 (dense 2)`, []string{"0"}, []int{3, 4}, map[string][]int{"1.weight": {4}, "1.bias": {4}}},
		{`tensor "0.bias": got 5, want 4 of layer 1 (dense 4)`, nil, nil, map[string][]int{"0.weight": {4, 3}, "0.bias": {5}, "1.weight": {2, 4}, "1.bias": {2}}},
		{`tensor "1.weight": got 2x5, want 2x4`, []string{"0"}, []int{3, 4}, map[string][]int{"1.weight": {2, 5}, "1.bias": {2}}},
		{"1 layers (0.weight), want 2: dense 4, dense 2", []string{"0"}, []int{3, 4}, nil},
	} {
		path := state(t, c.names, c.widths, c.extra)
		_, err := Weights(path, like(t, 3, 4, 2))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want %s and the path", err, c.want)
		}
	}
}
