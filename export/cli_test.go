package export_test

import (
	"context"
	"encoding/csv"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
)

// TestAgreesWithPredict trains with the program, exports with it, and holds
// what others make of the files against dlam predict, on all test rows.
func TestAgreesWithPredict(t *testing.T) {
	script, interpreter := onnxRuntime(t), python(t, "numpy")
	program := filepath.Join(t.TempDir(), "dlam")
	command(t, "go", "build", "-o", program, "github.com/dlam-go/dlam/cmd/dlam")
	// Of the Go source, which adds in float64, the program's float32 sums of 64
	// products differ by less than 1e-6, those of 784 and those that tanh rounds may
	// just exceed it.
	for _, c := range []struct {
		data, network, is, activation string
		rounding                      float64
	}{
		{"digits", "--hidden", "100,100", "relu", 1e-6}, {"digits", "--hidden", "100,100", "leaky-relu:slope=0.5,tanh", 2e-6}, {"mnist", "--hidden", "100,100", "relu", 2e-6},
		{"digits", "--layers", "conv 8 3x3 same, max 2, conv 9 2x2 tanh, mean 2, dense 30", "relu", 1e-6},
	} {
		t.Run(c.data+" "+c.is+" "+c.activation, func(t *testing.T) {
			data, rounding := c.data, c.rounding
			options := dataset.Options{DataDir: os.Getenv("DLAM_DATA_DIR"), Offline: true}
			split, err := dataset.Open(context.Background(), data, options)
			if err != nil {
				t.Skipf("no data: %v", err)
			}
			path := filepath.Join(t.TempDir(), "model")
			command(t, program, "train", "--data", data, "--limit", "1437", c.network, c.is, "--activation", c.activation, "--iterations", "8", "--quiet", "--run", path)
			command(t, program, "export", path, "--onnx", path+".onnx", "--npz", path+".npz")
			command(t, program, "predict", path, data, "--output", path+".csv")
			m, err := model.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			s := sample{name: "model", model: m, x: split.Test.X, want: readCSV(t, path+".csv")}
			s.write(t, filepath.Dir(path))
			onnx := answers[answer](t, "node", script, path)[0].Numbers
			s.agree(t, onnx, 1e-5)
			s.agree(t, answers[answer](t, interpreter, "testdata/predict.py", path)[0].Numbers, 1e-5)
			source := answers[answer](t, compileGo(t, []sample{s}), filepath.Dir(path))[0].Numbers
			s.agree(t, source, rounding)
			t.Logf("%d rows; farthest from dlam predict: ONNX Runtime %.1e, Go source %.1e", s.x.Rows, s.farthest(onnx), s.farthest(source))
		})
	}
}

// command runs a program that must succeed.
func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// readCSV is the probabilities that dlam predict wrote.
func readCSV(t *testing.T, path string) mat.Dense {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	m := mat.New(len(all)-1, len(all[0])-1)
	for i, row := range all[1:] {
		for j, text := range row[1:] {
			v, err := strconv.ParseFloat(text, 32)
			if err != nil {
				t.Fatal(err)
			}
			m.Row(i)[j] = float32(v)
		}
	}
	return m
}

// farthest is the greatest difference from what is wanted.
func (s sample) farthest(got []float64) float64 {
	var top float64
	for i, v := range s.want.Elements() {
		top = math.Max(top, math.Abs(got[i]-float64(v)))
	}
	return top
}
