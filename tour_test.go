package dlam_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/certify"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/solver/multiconvex"
	"github.com/dlam-go/dlam/solver/syncdlam"
	"github.com/dlam-go/dlam/spec"
	"github.com/dlam-go/dlam/trace"
)

// xor is four points that no linear model divides.
func xor() *dlam.Problem {
	x := mat.FromSlice(4, 2, []float32{0, 0, 0, 1, 1, 0, 1, 1})
	y := loss.Target{Class: []int32{0, 1, 1, 0}, Classes: 2}
	return dlam.NewProblem(x, y, loss.CrossEntropy{}, 1)
}

// Samples need not come from a file.
func Example_slices() {
	problem := xor()
	start := must(dlam.NewNetwork([]int{2, 16, 2}, activation.Tanh{}, dlam.Glorot, rand.New(rand.NewPCG(1, 1))))
	method := syncdlam.Solver{Settings: syncdlam.FullBatch()}
	result := must(dlam.Run(context.Background(), method, problem, start, dlam.Options{Iterations: 50}))
	fmt.Printf("%.0f %% right\n", 100*result.Last.Train.Accuracy)
	// Output: 100 % right
}

// printer is a Recorder: it is told of each iteration.
type printer struct{ best float64 }

func (p *printer) Record(r dlam.Record) error {
	if p.best == 0 || r.Objective < p.best {
		p.best = r.Objective
	}
	return nil // an error here ends the run
}

// Recorders follow a run, Observers also look at the solver between two
// iterations. A Certificate is both: it proves that the theory's promises held.
func Example_follow() {
	problem := xor()
	start := must(dlam.NewNetwork([]int{2, 16, 2}, activation.ReLU{}, dlam.He, rand.New(rand.NewPCG(1, 1))))
	var lines bytes.Buffer
	follow := &printer{}
	proof := &certify.Certificate{Problem: problem}
	method := multiconvex.Solver{Settings: multiconvex.DefaultSettings()}
	result := must(dlam.Run(context.Background(), method, problem, start, dlam.Options{
		Iterations: 30, Evaluate: 10,
		Recorders: []dlam.Recorder{follow, trace.NewWriter(&lines), proof},
		Observers: []dlam.Observer{proof},
	}))
	fmt.Println(result.Status, "with F at its least:", follow.best == result.Last.Objective)

	run := report.Run{Name: "xor", Records: must(trace.Read(&lines))}
	var page bytes.Buffer
	if err := report.RunPage(run).WriteHTML(&page); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(run.Records), "records on a page of HTML,", len(proof.Violations), "broken promises")
	// Output:
	// completed with F at its least: true
	// 30 records on a page of HTML, 0 broken promises
}

// A model file holds what predictions need: the network, the transform of raw
// samples, the names of classes.
func Example_model() {
	dir := must(os.MkdirTemp("", "tour"))
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, model.FileName)

	digits := must(dataset.Open(context.Background(), "digits", dataset.Options{}))
	scale := must(dataset.Fit(digits.Train, dataset.ScaleUnit, 1))
	train := must(scale.Apply(digits.Train))
	problem := dlam.NewProblem(train.X, train.Target(), loss.CrossEntropy{}, 2)
	start := must(dlam.NewNetwork([]int{64, 50, 10}, activation.ReLU{}, dlam.He, rand.New(rand.NewPCG(1, 1))))
	method := syncdlam.Solver{Settings: syncdlam.SettingsFor(train.Rows(), true, 10)}
	result := must(dlam.Run(context.Background(), method, problem, start, dlam.Options{Iterations: 10}))

	m := &model.Model{Network: result.Network, Loss: problem.Loss, Classes: train.Classes, Transform: scale}
	must(path, m.Save(path))

	m = must(model.Load(path))
	predictor := m.Predictor() // several goroutines may use it at once
	probabilities := must(predictor.Predict(digits.Test.X.RowRange(0, 3)))
	for i := range probabilities.Rows {
		p := probabilities.Row(i)
		fmt.Println("a", digits.Test.Class[i], "taken for a", m.Classes[slices.Index(p, slices.Max(p))])
	}
	// Output:
	// a 2 taken for a 2
	// a 3 taken for a 3
	// a 4 taken for a 4
}

// Every end of a run has a status; the network is there whatever it is.
func Example_status() {
	problem := xor()
	start := must(dlam.NewNetwork([]int{2, 4, 2}, activation.ReLU{}, dlam.He, rand.New(rand.NewPCG(1, 1))))
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // as Ctrl-C would
	result, err := dlam.Run(ctx, multiconvex.Solver{Settings: multiconvex.DefaultSettings()}, problem, start, dlam.Options{Iterations: 10})
	fmt.Println(result.Status, err)

	settings := multiconvex.DefaultSettings()
	settings.Rho = -1
	_, err = dlam.Run(context.Background(), multiconvex.Solver{Settings: settings}, problem, start, dlam.Options{Iterations: 10})
	fmt.Println(err)
	// Output:
	// interrupted <nil>
	// dlam settings: rho: got -1, want a finite number above 0
}

// swish is z/(1 + e⁻ᶻ), an activation of a user's own: it falls before it rises,
// and has a derivative but no projection.
type swish struct{}

func (swish) Apply(dst, z []float32) {
	for i, x := range z {
		dst[i] = float32(float64(x) / (1 + math.Exp(-float64(x))))
	}
}

func (swish) MulDeriv(dst, g, z []float32) { // for methods that use gradients
	for i, x := range z {
		p := 1 / (1 + math.Exp(-float64(x)))
		dst[i] = g[i] * float32(p*(1+float64(x)*(1-p)))
	}
}

func (swish) Spec() spec.Spec { return spec.Spec{Kind: "swish"} }

// An activation of one's own.
func Example_ownActivation() {
	dir := must(os.MkdirTemp("", "tour"))
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, model.FileName)

	problem := xor()
	start := must(dlam.NewNetwork([]int{2, 8, 2}, swish{}, dlam.He, rand.New(rand.NewPCG(1, 1))))
	method := gradient.Solver{Settings: gradient.DefaultSettings(gradient.Adam)}
	result := must(dlam.Run(context.Background(), method, problem, start, dlam.Options{Iterations: 100}))

	identity := dataset.Transform{Inputs: 2, Pool: 1, Shift: []float32{0}, Factor: []float32{1}}
	m := &model.Model{Network: result.Network, Loss: problem.Loss, Classes: []string{"same", "different"}, Transform: identity}
	must(path, m.Save(path))
	m = must(model.Load(path, swish{}))
	fmt.Println(m.Network.Layers[0].H.Spec(), result.Last.Train.Accuracy)
	// Output:
	// swish 1
}

// TestTourIsRun holds that every Go block of docs/api.md stands, line for
// line, in this file, example_test.go or that of recipe, which are compiled and run.
func TestTourIsRun(t *testing.T) {
	page, err := os.ReadFile("docs/api.md")
	if errors.Is(err, os.ErrNotExist) {
		t.Fatal("docs/api.md is gone")
	}
	var code strings.Builder
	for _, name := range []string{"tour_test.go", "example_test.go", "recipe/example_test.go"} {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code.WriteString(unindented(string(raw)))
	}
	blocks := strings.Split(string(page), "```go\n")[1:]
	if len(blocks) < 5 {
		t.Errorf("%d Go blocks found", len(blocks))
	}
	for _, b := range blocks {
		b, _, _ = strings.Cut(b, "```")
		if !strings.Contains(code.String(), unindented(b)) {
			t.Errorf("not in the examples:\n%s", b)
		}
	}
}

// unindented is text without indentation and empty lines.
func unindented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}
