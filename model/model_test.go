package model

import (
	"encoding/binary"
	"errors"
	"math"
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
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/spec"
)

func sample() *Model {
	p := testprob.Blobs(10, 4, 3, 1)
	return &Model{
		Network: testprob.Network(p, []int{5}, activation.Tanh{}, dlam.He, 1),
		Loss:    loss.CrossEntropy{}, Classes: []string{"a", "b", "c"}, Features: []string{"w", "x", "y", "z"},
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
		if !reflect.DeepEqual(got, m) {
			t.Errorf("got %+v, want %+v", *got, *m)
		}
	}
	into := m.Network.Clone()
	into.Layers[0].W.Data[0]++
	w, err := Weights(path, into)
	if err != nil {
		t.Fatal(err)
	}
	same(t, m.Network, w)
}

// Parameters of operators, and a different activation in each layer, come back
// as they were.
func TestOperatorsComeBack(t *testing.T) {
	m, path := sample(), filepath.Join(t.TempDir(), FileName)
	m.Network = testprob.Network(testprob.Blobs(10, 4, 3, 1), []int{5, 6, 4, 3}, activation.Tanh{}, dlam.He, 1)
	for l, h := range []activation.Func{activation.LeakyReLU{Slope: 0.5}, activation.Tanh{}, activation.LeakyReLU{Slope: 0.1}} {
		m.Network.Layers[l].H = h
	}
	m.Loss, m.Classes = loss.Huber{Delta: 0.25}, nil
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("got %+v, %v, want %+v", got, err, m)
	}
}

// TestFormat1 reads a file of the version before activations and losses had
// parameters in it, and predicts what that version printed.
func TestFormat1(t *testing.T) {
	m, err := Load("testdata/format1.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for l, want := range []activation.Func{activation.LeakyReLU{Slope: 0.01}, activation.LeakyReLU{Slope: 0.01}, activation.Identity{}} {
		if got := m.Network.Layers[l].H; got != want {
			t.Errorf("layer %d: activation %v, want %v", l+1, got, want)
		}
	}
	if m.Loss != loss.Loss(loss.Hinge{}) || !slices.Equal(m.Classes, []string{"a", "b", "c"}) || !slices.Equal(m.Features, []string{"u", "v"}) ||
		m.Training.Solver != "adam" || m.Training.Iterations != 60 || m.Training.Samples != 24 {
		t.Errorf("got %+v", m)
	}
	got, err := m.Predictor().Predict(mat.FromSlice(3, 2, []float32{0.64, 0.72, 1.03, -1.38, 1.45, -1.98}))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float32{1.0166326, -1.0118302, -3.4852633, -1.3710757, 1.1792649, -1.2940547, -4.4781675, -2.0706005, 2.4879022} {
		// Sums of at most three products, in another order on other processors.
		if d := math.Abs(float64(got.Data[i] - want)); d > 1e-5 {
			t.Errorf("output %d: got %v, want %v", i, got.Data[i], want)
		}
	}
	path := filepath.Join(t.TempDir(), FileName)
	if err := m.Save(path); err != nil { // in today's format
		t.Fatal(err)
	}
	if again, err := Load(path); err != nil || !reflect.DeepEqual(again, m) {
		t.Errorf("saved again: got %+v, %v, want %+v", again, err, m)
	}
}

// swish and logCosh are an activation and a loss of a user's own.
type swish struct{ beta float64 }

func (s swish) Apply(dst, z []float32) {
	for i, x := range z {
		dst[i] = float32(float64(x) / (1 + math.Exp(-s.beta*float64(x))))
	}
}

func (s swish) Spec() spec.Spec {
	return spec.Spec{Kind: "swish", Numbers: map[string]float64{"beta": s.beta}}
}

type logCosh struct{}

func (logCosh) Value(mat.Dense, loss.Target) float64   { return 0 }
func (logCosh) Grad(mat.Dense, mat.Dense, loss.Target) {}
func (logCosh) Spec() spec.Spec                        { return spec.Spec{Kind: "example.org/log-cosh"} }

// A model with operators of the user's own is read by a program that hands them
// in, and by no other.
// A layer's map of a user's own comes back where it is handed in.
func TestOwnMap(t *testing.T) {
	m, path := sample(), filepath.Join(t.TempDir(), FileName)
	m.Network = testprob.Convolutional(3, activation.Tanh{}, 1)
	m.Transform = dataset.Transform{Inputs: 72, Pool: 1, Scaling: dataset.ScaleNone, Shift: []float32{0}, Factor: []float32{1}}
	m.Features, m.Classes = nil, []string{"a", "b", "c"}
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), `layer 1: unknown map "patches:side=3,stride=1": not one of `+strings.Join(spec.Kinds(nn.Maps), ", ")) {
		t.Errorf("not handed in: %v", err)
	}
	first, second := m.Network.Layers[0].Map, m.Network.Layers[1].Map
	if got, err := Load(path, first, second); err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("got %+v, %v, want %+v", got, err, m)
	}
}

func TestOwnOperators(t *testing.T) {
	m, path := sample(), filepath.Join(t.TempDir(), FileName)
	m.Network.Layers[0].H, m.Loss = swish{1.5}, logCosh{}
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path, logCosh{}, swish{7}, swish{1.5})
	if err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("got %+v, %v, want %+v", got, err, m)
	}
	for _, c := range []struct {
		own  []spec.Operator
		want string
	}{
		{nil, `unknown loss "example.org/log-cosh": not one of ` + strings.Join(spec.Kinds(loss.All), ", ") + "; a program that has one of its own hands it to model.Load"},
		{[]spec.Operator{logCosh{}}, `layer 1: unknown activation "swish:beta=1.5"`},
		{[]spec.Operator{logCosh{}, swish{2}}, "activation swish:beta=1.5: handed in was swish:beta=2"},
		{[]spec.Operator{logCosh{}, swish{math.NaN()}}, "beta: got NaN"},
		{[]spec.Operator{prox.None{}}, "neither an activation nor a loss"},
		{[]spec.Operator{activation.Tanh{}}, "the kind is one of this library's"},
	} {
		if _, err := Load(path, c.own...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %s", c.own, err, c.want)
		}
	}
	c := &Checkpoint{Network: m.Network}
	path = filepath.Join(t.TempDir(), CheckpointName)
	if err := c.Save(path); err != nil {
		t.Fatal(err)
	}
	if got, err := LoadCheckpoint(path, swish{1.5}); err != nil || !reflect.DeepEqual(got.Network, m.Network) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := LoadCheckpoint(path); err == nil || !strings.Contains(err.Error(), "swish:beta=1.5") {
		t.Errorf("a checkpoint with an unknown activation: %v", err)
	}
}

// borrowed is an activation with the Spec of another.
type borrowed struct{ activation.Tanh }

func (borrowed) Apply(dst, z []float32) { copy(dst, z) }

// Save refuses what Load could not give back.
func TestSaveRefuses(t *testing.T) {
	for _, c := range []struct {
		h    activation.Func
		l    loss.Loss
		want string
	}{
		{borrowed{}, loss.Squared{}, "layer 1: activation of type model.borrowed: its Spec is tanh, which stands for a activation.Tanh"},
		{activation.LeakyReLU{Slope: 2}, loss.Squared{}, "layer 1: activation leaky-relu: slope: got 2, want 0 < slope ≤ 1"},
		{swish{math.Inf(1)}, loss.Squared{}, "beta: got +Inf"},
		{activation.Tanh{}, loss.Huber{}, "loss huber: delta: got 0, want 0 < delta"},
		{activation.Tanh{}, nil, "no loss"},
	} {
		m, path := sample(), filepath.Join(t.TempDir(), FileName)
		m.Network.Layers[0].H, m.Loss = c.h, c.l
		if err := m.Save(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a file was left", c.want)
		}
	}
	for want, spoil := range map[string]func(m *Model){
		"transform: inputs: got 0":      func(m *Model) { m.Transform = dataset.Transform{} },
		"2 class names for 3 outputs":   func(m *Model) { m.Classes = m.Classes[:2] },
		"2 weights of classes for 3 cl": func(m *Model) { m.Training.ClassWeights = []float64{1, 2} },
	} {
		m := sample()
		spoil(m)
		if err := m.Save(filepath.Join(t.TempDir(), FileName)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A description that does not fit the tensors, or that is not exact, is refused.
func TestDescriptionRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if err := sample().Save(path); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"format\":2`, `"format\":3`, "format 3, this program reads 1 to 2"},
		{`\"kind\":\"dense\"`, `\"kind\":\"cubic\"`, `layer 1: unknown map "cubic"`},
		{`\"inputs\":4`, `\"inputs\":5`, "layer 1: described with 5 inputs and 5 outputs, its weights have 4 and 5"},
		{`{\"kind\":\"tanh\"}`, `{\"kind\":\"relu6\"}`, `layer 1: unknown activation "relu6"`},
		{`{\"kind\":\"tanh\"}`, `{\"kind\":\"leaky-relu\"}`, "want a number for each parameter, as exact as it is kept: leaky-relu:slope=0.01"},
		{`{\"kind\":\"tanh\"}`, `{}`, `an operator without "kind"`},
		{`{\"kind\":\"tanh\"}`, `{\"kind\":\"tanh\",\"x\":1}`, `unknown parameter "x"`},
		{`,\"loss\"`, `,\"lost\"`, `unknown loss ""`},
	} {
		bad := rewrite(t, raw, c.old, c.new)
		if _, err := parse(bad, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.new, err, c.want)
		}
	}
}

// rewrite replaces the first old in a safetensors file's header by text.
func rewrite(t *testing.T, raw []byte, old, text string) []byte {
	t.Helper()
	n := 8 + binary.LittleEndian.Uint64(raw)
	head := string(raw[8:n])
	if !strings.Contains(head, old) {
		t.Fatalf("no %s in %s", old, head)
	}
	head = strings.Replace(head, old, text, 1)
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...), raw[n:]...)
}

// Weights of a model of ours are taken by a network with its activations alone.
func TestWeightsOfAnotherNetwork(t *testing.T) {
	m, path := sample(), filepath.Join(t.TempDir(), FileName)
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	p := testprob.Blobs(10, 4, 3, 1)
	for want, n := range map[string]*dlam.Network{
		"layer 1: trained with activation tanh, want relu":         testprob.Network(p, []int{5}, activation.ReLU{}, dlam.He, 1),
		"weights of 5×4, 3×5 (outputs×inputs), want 6×4, 3×6":      testprob.Network(p, []int{6}, activation.Tanh{}, dlam.He, 1),
		"weights of 5×4, 3×5 (outputs×inputs), want 5×4, 5×5, 3×5": testprob.Network(p, []int{5, 5}, activation.Tanh{}, dlam.He, 1),
	} {
		if _, err := Weights(path, n); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want %s and the path", err, want)
		} else if !errors.Is(err, ErrModel) || !errors.Is(err, ErrOther) || strings.Contains(err.Error(), ErrModel.Error()) {
			t.Errorf("got %v, want ErrOther, and no word of a bad file", err)
		}
	}
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
	got, err := LoadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Network, c.Network) {
		t.Errorf("got the network %+v, want %+v", got.Network, c.Network)
	}
	if !reflect.DeepEqual(got.State, c.State) || got.Iteration != 7 || got.Elapsed != 1.5 {
		t.Errorf("got %+v", got)
	}
	raw, _ := os.ReadFile(path)
	for _, i := range []int{0, 7, 20, len(raw) / 2, len(raw) - 1} { // any damage is seen
		bad := slices.Clone(raw)
		bad[i] ^= 4
		if _, err := parseCheckpoint(bad, nil); err == nil {
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
	old, err := os.ReadFile("testdata/format1.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(old)
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parse(raw, nil)
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
		c, err := parseCheckpoint(raw, nil)
		if err == nil && c.Network.Validate() != nil {
			t.Fatal("an invalid network was accepted")
		}
	})
}
