package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/trace"
)

// TestExtreme trains every method on random data, networks and settings, most of
// them absurd, DLAM_EXTREME_RUNS times: whatever becomes of a run, a model that it
// leaves is finite in all that it has and gives, and so is its trace.
func TestExtreme(t *testing.T) {
	runs := 100
	if text := os.Getenv("DLAM_EXTREME_RUNS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("DLAM_EXTREME_RUNS: %v", err)
		}
		runs = n
	}
	ends := map[string]int{}
	methods := recipe.MethodNames()
	for i := range runs {
		rng := rand.New(rand.NewPCG(71, uint64(i)))
		ends[extremeRun(t, rng, methods[i%len(methods)], i)]++
	}
	t.Logf("ends: %v", ends)
	for _, end := range []dlam.Status{dlam.Completed, dlam.Diverged} {
		if ends[string(end)] == 0 {
			t.Errorf("no run ended as %s: the runs are not extreme, or all of them are", end)
		}
	}
}

// extremeRun does one run, and says how it ended.
func extremeRun(t *testing.T, rng *rand.Rand, method string, number int) string {
	t.Helper()
	o := extremeOptions(rng, method)
	o.Folder = filepath.Join(t.TempDir(), "run")
	samples, data := extremeData(rng, o.Loss)
	p, r, err := trainPlan(data, o)
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("run %d, %s: "+format, append([]any{number, method}, args...)...)
	}
	m, missing := model.Load(o.Folder)
	if r == nil {
		if missing == nil {
			fail("no result, and a model: %v", err)
		}
		if errors.Is(err, recipe.ErrRefused) {
			t.Logf("run %d, %s: refused: %v", number, method, err)
			return "refused"
		}
		t.Logf("run %d, %s: %v", number, method, err)
		return "failed at once"
	}
	if missing != nil {
		fail("%s, and no model: %v, %v", r.Status, missing, err)
		return string(r.Status)
	}
	if err != nil && r.Status != dlam.Diverged && r.Status != dlam.Useless {
		fail("%s: %v", r.Status, err)
	}
	if _, err := dlam.Evaluate(m.Network, p.Problem.X, p.Problem.Y, m.Loss, 1); err != nil {
		fail("%s, the model on its training samples: %v", r.Status, err)
	}
	if p.Problem.TestX.Rows > 0 {
		if _, err := dlam.Evaluate(m.Network, p.Problem.TestX, p.Problem.TestY, m.Loss, 1); err != nil {
			fail("%s, the model on its test samples: %v", r.Status, err)
		}
	}
	if p, err := m.Predict(samples); err == nil && model.Finite(p.Outputs) != nil {
		fail("%v, and no error", model.Finite(p.Outputs))
	}
	records, err := trace.ReadFile(filepath.Join(o.Folder, trace.FileName))
	if err != nil || len(records) != m.Training.Iterations && r.Best == 0 {
		fail("%s: %d records of %d iterations, %v", r.Status, len(records), m.Training.Iterations, err)
	}
	return string(r.Status)
}

// trainPlan is recipe.Train, which gives the plan too.
func trainPlan(data recipe.Data, o recipe.Options) (*recipe.Plan, *recipe.Result, error) {
	p, err := recipe.Prepare(data, o)
	if err != nil {
		return nil, nil, err
	}
	r, err := p.Start(context.Background())
	if err != nil {
		return p, nil, err
	}
	defer r.Close()
	res, err := r.Train(context.Background())
	return p, res, err
}

// power is a power of ten: often 1, else from 1e-30 to 1e30.
func power(rng *rand.Rand) float64 {
	if rng.IntN(2) == 0 {
		return 1
	}
	return math.Pow(10, 60*rng.Float64()-30)
}

// differentiable are the activations that every method takes.
var differentiable = slices.DeleteFunc(slices.Clone(activation.All), func(h activation.Func) bool {
	_, ok := h.(activation.Differentiable)
	return !ok
})

// extremeOptions are settings that the method takes.
func extremeOptions(rng *rand.Rand, method string) recipe.Options {
	pick := func(p **float64, x float64) {
		if rng.IntN(3) == 0 {
			*p = &x
		}
	}
	o := recipe.Options{
		Method: method, Seed: rng.Uint64(), Threads: 1, Iterations: 1 + rng.IntN(10), Hidden: []int{},
		Init: dlam.Initializers[rng.IntN(len(dlam.Initializers))], Evaluate: new(rng.IntN(4)), Loss: loss.All[rng.IntN(len(loss.All))],
		Checkpoint: &recipe.Every{Iterations: 1 + rng.IntN(3)},
	}
	depth, width := rng.IntN(4), 1+rng.IntN(20)
	if rng.IntN(4) == 0 { // where what grows from layer to layer overflows
		depth, width = 30+rng.IntN(30), 1+rng.IntN(8)
	}
	for range depth {
		o.Hidden = append(o.Hidden, width)
		o.Activation = append(o.Activation, differentiable[rng.IntN(len(differentiable))])
	}
	if rng.IntN(2) == 0 {
		o.Activation = nil
	}
	if rng.IntN(4) == 0 {
		o.Validation = 0.2
	}
	switch rng.IntN(6) {
	case 0:
		o.L1 = power(rng)
	case 1:
		o.L2 = new(power(rng))
	}
	s := &o.Settings
	if rng.IntN(3) == 0 {
		s.Batch = new(1 + rng.IntN(100))
	}
	pick(&s.Rho, power(rng))
	pick(&s.Rate, power(rng))
	pick(&s.Lambda, power(rng))
	pick(&s.Epsilon, power(rng))
	pick(&s.Nu, power(rng))
	pick(&s.Alpha, power(rng))
	switch method {
	case "admm":
		pick(&s.Beta, power(rng))
		pick(&s.Gamma, power(rng))
	case "bcd":
		pick(&s.Gamma, power(rng))
	}
	return readable(o, method)
}

// readable is o without what its method does not read.
func readable(o recipe.Options, method string) recipe.Options {
	m, err := recipe.Find(method)
	if err != nil {
		panic(err)
	}
	c := recipe.Config{Options: o}
	reads := map[string]bool{}
	for _, r := range m.Reads(&c.Options) {
		reads[r.Name] = r.Needs == ""
	}
	for _, e := range c.Entries() {
		if recipe.Readers(e.Name) != nil && !reads[e.Name] {
			e.Clear()
		}
	}
	return c.Options
}

// extremeData is samples whose features and values are of all sizes, some of them
// constant or equal.
func extremeData(rng *rand.Rand, l loss.Loss) (rows [][]float32, data recipe.Data) {
	n, d := 8+rng.IntN(80), 1+rng.IntN(10)
	if rng.IntN(5) == 0 { // mostly more than samples
		d *= 15
	}
	scale := make([]float64, d)
	for j := range scale {
		scale[j] = power(rng)
		if rng.IntN(8) == 0 {
			scale[j] = 0
		}
	}
	tail := float64(rng.IntN(2)) * 3
	for range n {
		row := make([]float32, d)
		for j := range row {
			row[j] = float32(scale[j] * rng.NormFloat64() * math.Exp(tail*rng.NormFloat64()))
			if row[j]-row[j] != 0 {
				row[j] = math.MaxFloat32
			}
		}
		rows = append(rows, row)
	}
	if !loss.IsFor(l, loss.Classes) || rng.IntN(2) == 0 && loss.IsFor(l, loss.Values) {
		unit := power(rng)
		y := make([]float32, n)
		for i := range y {
			y[i] = float32(unit * rng.NormFloat64())
		}
		return rows, recipe.Rows(rows, y)
	}
	y := make([]int, n)
	for i := range y {
		y[i] = rng.IntN(2 + number(rng))
	}
	y[0], y[1] = 0, 1
	return rows, recipe.Rows(rows, y)
}

func number(rng *rand.Rand) int { return rng.IntN(1 + rng.IntN(5)) }

// TestConfigRepeats holds that the settings which a run writes repeat it, whatever
// it was told: model, settings and trace are the same to the last bit.
func TestConfigRepeats(t *testing.T) {
	compared := 0
	for i, method := range slices.Repeat(recipe.MethodNames(), 3) {
		rng := rand.New(rand.NewPCG(72, uint64(i)))
		o := extremeOptions(rng, method)
		o.Folder = filepath.Join(t.TempDir(), "run")
		_, data := extremeData(rng, o.Loss)
		p, _, err := trainPlan(data, o)
		if _, missing := model.Load(o.Folder); missing != nil {
			continue // refused, or failed at once
		}
		if i%2 == 0 { // the same with first weights that are given
			o.Start, o.StartDigest, o.Folder = p.Network, "", o.Folder+"-given"
			o.Start.Layers[0].W.Elements()[0]++
			_, _, err = trainPlan(data, o)
			if _, missing := model.Load(o.Folder); missing != nil {
				continue
			}
		}
		text, fault := os.ReadFile(filepath.Join(o.Folder, recipe.ConfigName))
		if fault != nil {
			t.Fatal(fault)
		}
		var c recipe.Config
		if notes, fault := c.Load(string(text), nil); fault != nil || notes != nil {
			t.Fatalf("run %d, %s: %v %v", i, method, notes, fault)
		}
		c.Options.Folder = o.Folder + "-again"
		if c.Options.StartDigest != "" {
			c.Options.StartFile = filepath.Join(o.Folder, recipe.StartName)
		}
		_, _, again := trainPlan(data, c.Options)
		if fmt.Sprint(err) != fmt.Sprint(again) {
			t.Errorf("run %d, %s: ended with %v, repeated with %v", i, method, err, again)
		}
		for _, name := range []string{model.FileName, recipe.ConfigName, trace.FileName} {
			if a, b := content(t, o.Folder, name), content(t, c.Options.Folder, name); a != b {
				t.Errorf("run %d, %s: %s is\n%s\nrepeated\n%s", i, method, name, a, b)
			}
		}
		compared++
	}
	if compared < 30 {
		t.Errorf("%d runs compared, want 30 at least", compared)
	}
}

// content is a file of a run's folder; of a trace without its times.
func content(t *testing.T, folder, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	if name != trace.FileName {
		return string(raw)
	}
	return regexp.MustCompile(`,"seconds":[^,}]*(,"elapsed":[^,}]*)?`).ReplaceAllString(string(raw), "")
}
