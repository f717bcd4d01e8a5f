package backprop_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
)

// foreign is a line of testdata/pytorch.py, which says what the fields are.
type foreign struct {
	Layers, Shape    string
	X, Outputs       [][]float32
	Y                []int32
	Risk             float64
	State, Gradients []byte
}

// Six networks compute what PyTorch 1.13 does: testdata/pytorch.py 22 6.
func TestAgainstPyTorch(t *testing.T) {
	f, err := os.Open("testdata/pytorch.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	againstPyTorch(t, r, 6)
}

// Fifty more are drawn where PyTorch is. docs/layers.md has the largest deviation.
func TestAgainstPyTorchHere(t *testing.T) {
	c := exec.Command("/usr/bin/python3", "testdata/pytorch.py", "1", "50") // Debian's packages belong to Debian's
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	switch missing := errors.Is(err, os.ErrNotExist) || strings.Contains(said.String(), "No module named 'torch'"); {
	case missing && os.Getenv("DLAM_REQUIRE_PEERS") != "1":
		t.Skip("no PyTorch (apt-get install python3-torch)")
	case err != nil:
		t.Fatalf("%v: %s", err, said.String())
	}
	againstPyTorch(t, bytes.NewReader(out), 50)
}

// againstPyTorch imports so many networks, and compares outputs, risk and gradients. Sums in
// float32 differ from PyTorch's in float64 by some 1e-6 of the largest entry.
func againstPyTorch(t *testing.T, r io.Reader, want int) {
	t.Helper()
	const tolerance = 1e-5
	var outputs, risks, gradients float64
	count := 0
	for d := json.NewDecoder(bufio.NewReader(r)); ; count++ {
		var f foreign
		if err := d.Decode(&f); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		n, g := f.imported(t, f.State), f.imported(t, f.Gradients)
		x := mat.New(len(f.X), len(f.X[0]))
		for i, row := range f.X {
			copy(x.Row(i), row)
		}
		z, err := n.Predict(x, 1)
		if err != nil {
			t.Fatal(err)
		}
		var here deviation
		for i, row := range f.Outputs {
			here.of(z.Row(i), row)
		}
		got, risk := f.gradient(t, n, x)
		var gradient, ofRisk deviation
		for l, ly := range g.Layers {
			var one deviation // the scale is a tensor's own
			one.of(got.Layers[l].W.Elements(), ly.W.Elements())
			gradient.most = max(gradient.most, one.relative())
			one = deviation{}
			one.of(got.Layers[l].B, ly.B)
			gradient.most = max(gradient.most, one.relative())
		}
		ofRisk.of([]float32{float32(risk)}, []float32{float32(f.Risk)})
		if worst := max(here.relative(), ofRisk.relative(), gradient.most); !(worst <= tolerance) {
			t.Errorf("%s of %s: outputs differ by %.2g, the risk by %.2g, gradients by %.2g, want at most %g",
				f.Layers, f.Shape, here.relative(), ofRisk.relative(), gradient.most, tolerance)
		}
		outputs, risks, gradients = max(outputs, here.relative()), max(risks, ofRisk.relative()), max(gradients, gradient.most)
	}
	if count != want {
		t.Errorf("%d networks, want %d", count, want)
	}
	t.Logf("%d networks: outputs differ by at most %.2g, the risk by %.2g, gradients by %.2g", count, outputs, risks, gradients)
}

// deviation is the largest difference between numbers, and the largest of those wanted.
type deviation struct{ most, scale float64 }

func (d *deviation) of(got, want []float32) {
	for i, w := range want {
		d.most = max(d.most, math.Abs(float64(got[i])-float64(w))) // NaN stays
		d.scale = max(d.scale, math.Abs(float64(w)))
	}
}

// relative is the difference as a share of the largest, if that is above 1.
func (d *deviation) relative() float64 { return d.most / max(1, d.scale) }

// imported is a network with the parameters, or what else has their shapes, of a state.
func (f *foreign) imported(t *testing.T, state []byte) *nn.Network {
	t.Helper()
	layers, err := nn.ParseLayers(f.Layers)
	if err != nil {
		t.Fatal(err)
	}
	shape, err := nn.ParseShape(f.Shape)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "state.safetensors")
	if err := os.WriteFile(path, state, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := model.Import{Shape: shape, Layers: layers}.Read(path)
	if err != nil {
		t.Fatal(fmt.Errorf("%s of %s: %w", f.Layers, f.Shape, err))
	}
	return m.Network
}

// gradient is the gradient of the summed cross-entropy, as a network, and that sum.
func (f *foreign) gradient(t *testing.T, n *nn.Network, x mat.Dense) (*nn.Network, float64) {
	t.Helper()
	e := pass.New(1, nil)
	defer e.Close()
	b, err := backprop.New(e, n.Layers, loss.CrossEntropy{})
	if err != nil {
		t.Fatal(err)
	}
	g, err := b.Gradient(x, loss.Target{Class: f.Y, Classes: n.Outputs()})
	if err != nil {
		t.Fatal(err)
	}
	got := n.Clone()
	for l, ly := range got.Layers {
		g.W[l].CopyTo(ly.W)
		g.B[l].CopyTo(mat.FromSlice(1, len(ly.B), ly.B))
	}
	return got, g.Risk
}
