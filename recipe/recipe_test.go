package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/solver/bcd"
	"github.com/dlam-go/dlam/solver/syncdlam"
	"github.com/dlam-go/dlam/trace"
)

// TestMain holds that no test leaves a goroutine running.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// progress is o with a function that is told of each iteration.
func progress(o recipe.Options, tell func(k int)) recipe.Options {
	o.Progress = func(r dlam.Record) { tell(r.Iteration) }
	return o
}

// small is options that train in no time.
func small(method string) recipe.Options {
	return recipe.Options{Method: method, Hidden: []int{7}, Iterations: 6, Threads: 1, Seed: 3}
}

func train(t *testing.T, d recipe.Data, o recipe.Options) *recipe.Result {
	t.Helper()
	r, err := recipe.Train(context.Background(), d, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// weights are all parameters of a network.
func weights(n *dlam.Network) (all []float32) {
	for _, ly := range n.Layers {
		all = append(append(all, ly.W.Elements()...), ly.B...)
	}
	return all
}

// Samples that are sequences say of how many steps; a shape that is given counts more. A
// recurrent layer has tanh unless another activation is asked for.
func TestSequences(t *testing.T) {
	rows := make([][]float32, 60)
	labels := make([]string, len(rows))
	for i := range rows {
		rows[i] = []float32{1, -2, 3, 4, float32(i % 2), float32(i % 5)}
		labels[i] = fmt.Sprint("class ", i%2)
	}
	for _, c := range []struct {
		steps int
		shape nn.Shape
		h     []activation.Func
		want  nn.RNN
	}{
		{3, nn.Shape{}, nil, nn.RNN{Steps: 3, Inputs: 2, Units: 5}},
		{3, nn.Shape{Height: 2, Width: 3, Channels: 1}, []activation.Func{activation.Sigmoid{}}, nn.RNN{Steps: 2, Inputs: 3, Units: 5}},
	} {
		d, err := dataset.FromRows("sequences", rows, labels)
		if err != nil {
			t.Fatal(err)
		}
		d.Steps = c.steps
		o := small("adam")
		o.Hidden, o.Layers, o.Shape, o.Activation = nil, []nn.LayerSpec{nn.RNNLayer(5)}, c.shape, c.h
		first := train(t, recipe.From(dataset.Split{Train: d}), o).Network.Layers[0]
		want := activation.Func(activation.Tanh{})
		if c.h != nil {
			want = c.h[0]
		}
		if first.Map != nn.Map(c.want) || first.H != want {
			t.Errorf("got %v with %v, want %v with %v", first.Map.Spec(), first.H.Spec(), c.want.Spec(), want.Spec())
		}
	}
}

// Steps of sync are three quarters as long where all recurrent layers have gates, a quarter
// where some have none; a layer with gates has its own activations whatever is asked for.
func TestGates(t *testing.T) {
	rows := make([][]float32, 60)
	labels := make([]string, len(rows))
	for i := range rows {
		rows[i] = []float32{1, -2, 3, 4, float32(i % 2), float32(i % 5)}
		labels[i] = fmt.Sprint("class ", i%2)
	}
	d, err := dataset.FromRows("sequences", rows, labels)
	if err != nil {
		t.Fatal(err)
	}
	d.Steps = 3
	plan := func(text string, change func(*recipe.Options)) *recipe.Plan {
		o := small("sync")
		if o.Layers, err = nn.ParseLayers(text); err != nil {
			t.Fatal(err)
		}
		o.Hidden, o.Activation = nil, nil
		if change != nil {
			change(&o)
		}
		p, err := recipe.Prepare(recipe.From(dataset.Split{Train: d}), o)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	factor := func(p *recipe.Plan) float64 { return p.Solver.(syncdlam.Solver).Settings.Factor }
	plain := factor(plan("rnn 5", nil))
	for text, want := range map[string]float64{"gru 5": 3 * plain, "gru 5 all, gru 3": 3 * plain, "gru 5 all, rnn 3": plain, "dense 5": 4 * plain} {
		if got := factor(plan(text, nil)); got != want {
			t.Errorf("%s: factor %v, want %v", text, got, want)
		}
	}
	start := plan("gru 5", nil).Network
	p := plan("gru 5", func(o *recipe.Options) { o.Layers, o.Start = nil, start })
	if got := factor(p); got != 3*plain {
		t.Errorf("from a network: factor %v, want %v", got, 3*plain)
	}
	p = plan("gru 5", func(o *recipe.Options) { o.Activation = []activation.Func{activation.Sigmoid{}} })
	if h := p.Network.Layers[0].H; h != activation.Func(activation.Tanh{}) {
		t.Errorf("asked for sigmoid: %v", h.Spec())
	}
}

// TestDefaultNetwork: what is trained where nothing says what the network is.
func TestDefaultNetwork(t *testing.T) {
	for _, c := range []struct {
		side int
		set  func(*recipe.Options)
		want string
	}{
		{16, func(*recipe.Options) {}, "conv 16 5x5, max 2, conv 32 5x5, max 2, dense 128"},
		{15, func(*recipe.Options) {}, "dense 1000"},
		{16, func(o *recipe.Options) { o.Settings.Batch = new(int) }, "dense 100, dense 100"},
		{16, func(o *recipe.Options) { o.Method = "adam" }, "dense 100, dense 100"},
		{16, func(o *recipe.Options) { o.Ensemble = 2 }, "dense 1000"},
		{16, func(o *recipe.Options) { o.Hidden = []int{7} }, "dense 7"},
	} {
		rows, labels := make([][]float32, 60), make([]string, 60)
		for i := range rows {
			rows[i] = make([]float32, c.side*c.side)
			rows[i][i%7], labels[i] = 1, fmt.Sprint("class ", i%2)
		}
		d, err := dataset.FromRows("pictures", rows, labels)
		if err != nil {
			t.Fatal(err)
		}
		d.Image = picture.Image{Height: c.side, Width: c.side, Channels: 1}
		o := recipe.Options{Iterations: 1, Threads: 1}
		c.set(&o)
		p, err := recipe.Prepare(recipe.From(dataset.Split{Train: d}), o)
		if err != nil {
			t.Fatal(err)
		}
		got := nn.LayersText(p.Options.Layers)
		if p.Options.Layers == nil {
			var list []nn.LayerSpec
			for _, d := range p.Options.Hidden {
				list = append(list, nn.DenseLayer(d))
			}
			got = nn.LayersText(list)
		}
		if got != c.want {
			t.Errorf("pictures of %d pixels a side: %s, want %s", c.side, got, c.want)
		}
	}
}

// TestDataStays trains on the same Data twice: nothing of it is changed, whether
// samples are held back or not.
func TestDataStays(t *testing.T) {
	points, zones := circle(200)
	for _, share := range []float64{0, 0.25} {
		d, o := recipe.Rows(points, zones), small("bcd")
		o.TestSplit = &share
		if a, b := train(t, d, o), train(t, d, o); !slices.Equal(weights(a.Network), weights(b.Network)) {
			t.Errorf("test split %g: the second training gives another network", share)
		}
	}
	d := recipe.Rows(points, zones).Once()
	train(t, d, small("bcd"))
	if _, err := recipe.Train(context.Background(), d, small("bcd")); !errors.Is(err, recipe.ErrRefused) || !strings.Contains(err.Error(), "for one training") {
		t.Errorf("a second training on Data for one: %v", err)
	}
}

// TestLabels holds what is made of labels of each kind, and that predictions come
// in the labels' own form.
func TestLabels(t *testing.T) {
	points, zones := circle(200)
	var numbers []int
	var values []float64
	var wide [][]float64
	for i, z := range zones {
		numbers = append(numbers, 7)
		if z == "inside" {
			numbers[i] = 10
		}
		values = append(values, 1000+float64(points[i][0]))
		wide = append(wide, []float64{float64(points[i][0]), float64(points[i][1])})
	}
	byText, byNumber := train(t, recipe.Rows(points, zones), small("bcd")), train(t, recipe.Rows(wide, numbers), small("bcd"))
	if !slices.Equal(byText.Classes, []string{"inside", "outside"}) || !slices.Equal(byNumber.Classes, []string{"7", "10"}) {
		t.Errorf("classes %q and %q", byText.Classes, byNumber.Classes)
	}
	o := small("sync")
	o.Iterations = 60
	m := train(t, recipe.Rows(points, values), o)
	p, err := model.Predict(m.Model, wide[:3])
	if err != nil {
		t.Fatal(err)
	}
	if m.Classes != nil || p.Labels != nil || m.Last.Test.R2 < 0.9 {
		t.Errorf("values: classes %q, labels %q, R² %g", m.Classes, p.Labels, m.Last.Test.R2)
	}
	for i, want := range values[:3] {
		if got := float64(p.Outputs.At(i, 0)); math.Abs(got-want) > 0.5 {
			t.Errorf("value %d: got %g, want near %g", i, got, want)
		}
	}
	if _, err := m.Predict([][]float32{{1, 2, 3}}); err == nil || !strings.Contains(err.Error(), "3 features, want 2") {
		t.Errorf("a sample of three features: %v", err)
	}
}

// TestSamplesForTesting trains with test samples of one's own, and with pictures.
func TestSamplesForTesting(t *testing.T) {
	points, zones := circle(300)
	d := recipe.Rows(points[:200], zones[:200]).WithTest(recipe.Rows(points[200:], zones[200:]))
	p, err := recipe.Prepare(d, small("bcd"))
	if err != nil || p.Samples.Test.Rows() != 100 || p.Samples.Train.Rows() != 200 {
		t.Errorf("%v, %d test samples of 100", err, p.Samples.Test.Rows())
	}
	im := picture.Image{Height: 1, Width: 2, Channels: 1, Max: 4}
	p, err = recipe.Prepare(recipe.Rows(points, zones).Pictures(im), recipe.Options{Threads: 1})
	if err != nil || p.Samples.Transform.Scaling != dataset.ScaleUnit || p.Problem.Jitter.Deviation == 0 || !slices.Equal(p.Network.Widths(), []int{2, 1000, 2}) {
		t.Errorf("pictures: %v, %+v, widths %v", err, p.Samples.Transform.Scaling, p.Network.Widths())
	}
}

// TestMovesOfPictures holds when pictures are moved: always in dense networks, with
// convolutions in runs that take pictures more than once, and as is asked for.
func TestMovesOfPictures(t *testing.T) {
	x, y := make([][]float32, 40), make([]int, 40)
	for i := range x {
		x[i], y[i] = make([]float32, 36), i%2
		x[i][i%36] = 1
	}
	d := recipe.Rows(x, y).Pictures(picture.Image{Height: 6, Width: 6, Channels: 1, Max: 1})
	layers := []nn.LayerSpec{nn.ConvLayer(2, 3)}
	const suits = 6. / 32
	for _, c := range []struct {
		o    recipe.Options
		want float64
	}{
		{recipe.Options{Iterations: 1}, suits},
		{recipe.Options{Iterations: 1, Layers: layers}, 0},
		{recipe.Options{Iterations: 1, Layers: layers, Jitter: new(0.2)}, 0.2},
		{recipe.Options{Iterations: 2, Layers: layers}, suits},
	} {
		c.o.Threads = 1
		p, err := recipe.Prepare(d, c.o)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Problem.Jitter.Deviation; got != c.want {
			t.Errorf("%d epochs of layers %v, jitter %v: pictures move by %g, want %g", c.o.Iterations, c.o.Layers, c.o.Jitter, got, c.want)
		}
	}
}

// TestRefusesData holds that each fault of the data is told by its place.
func TestRefusesData(t *testing.T) {
	two := [][]float32{{1, 2}, {3, 4}}
	ab := []string{"a", "b"}
	for _, c := range []struct {
		d    recipe.Data
		want string
	}{
		{recipe.Rows([][]float32{}, ab), "no samples"},
		{recipe.Rows([][]float32{{1, 2}, {3}}, ab), "sample 2 has 1 features, want 2"},
		{recipe.Rows(two, []string{"a"}), "1 labels for 2 samples"},
		{recipe.Rows(two, ab, "x"), "1 names of columns, want 2"},
		{recipe.Rows([][]float64{{1, math.NaN()}, {3, 4}}, ab, "x", "y"), `sample 1, column "y": got NaN`},
		{recipe.Rows(two, []float64{1, math.Inf(1)}), "sample 2, label: got +Inf"},
		{recipe.Rows(two, []string{"a", " "}), "sample 2: the label is empty"},
		{recipe.Rows(two, []string{"a", "a"}), `every sample is of class "a"`},
		{recipe.Rows[float32, int](two, nil), "no labels"},
		{recipe.Data{}, "no samples"},
		{recipe.Rows(two, ab).WithTest(recipe.Rows([][]float32{{1}}, []string{"a"})), "test samples: samples: 1 features, and the training samples have 2"},
		{recipe.Rows(two, ab).WithTest(recipe.Rows(two, []string{"a", "c"})), `label "c" is none of the classes a, b`},
		{recipe.Rows(two, ab).WithTest(recipe.Rows(two, []float64{1, 2})), "no classes, want some of a, b"},
		{recipe.Rows(two, ab).Pictures(picture.Image{Height: 2, Width: 2, Channels: 1, Max: 1}), "2×2×1 pictures have 4 values each, and the samples 2"},
		{recipe.Rows(two, ab).Pictures(picture.Image{Height: 2, Width: 1}), "channels: got 0, want at least 1\nmax: got 0"},
	} {
		_, err := recipe.Train(context.Background(), c.d, small("bcd"))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		} else if !errors.Is(err, recipe.ErrRefused) && !errors.Is(err, dataset.ErrInput) {
			t.Errorf("%v: is no refusal", err)
		}
	}
}

// TestRefusesOptions holds that each fault of the options is told by the name of
// the setting, with its value and what is allowed.
func TestRefusesOptions(t *testing.T) {
	points, zones := circle(50)
	own := bcd.Solver{Settings: bcd.DefaultSettings()}
	start, err := dlam.NewNetwork([]int{2, 5, 2}, activation.Tanh{}, dlam.He, rng())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		o    recipe.Options
		want string
	}{
		{recipe.Options{Method: "newton"}, `unknown solver "newton" (choose one of sync, dlam,`},
		{recipe.Options{Iterations: -1}, "iterations: got -1, want at least 1"},
		{recipe.Options{Threads: -1}, "threads: got -1"},
		{recipe.Options{Hidden: []int{5, 0}}, "hidden: got [5 0], want widths of at least 1"},
		{recipe.Options{TestSplit: new(1.0)}, "test-split: got 1, want at least 0 and below 1"},
		{recipe.Options{Validation: -0.5}, "validation: got -0.5"},
		{recipe.Options{Patience: 3}, "patience: got 3, want 0 without validation"},
		{recipe.Options{L1: 1, L2: new(1.0)}, "l1: got 1, want one regulariser"},
		{recipe.Options{L2: new(-1.0)}, "l2: got -1, want a finite number of at least 0"},
		{recipe.Options{Smoothing: new(1.0)}, "label-smoothing: got 1"},
		{recipe.Options{Scale: "log"}, `scale: got "log", want one of none, unit, standard`},
		{recipe.Options{Init: "xavier"}, `init: got "xavier"`},
		{recipe.Options{Evaluate: new(-1)}, "evaluate-every: got -1"},
		{recipe.Options{Budget: -1}, "budget: got -1ns"},
		{recipe.Options{Resume: true}, "resume: got true, want a folder to go on in"},
		{recipe.Options{Checkpoint: &recipe.Every{Iterations: 1, Time: 1}}, "checkpoint-every: got {1 1ns}"},
		{recipe.Options{MaxMemory: -1}, "max-memory: got -1"},
		{recipe.Options{Certify: true}, "nothing to certify: sync with these settings"},
		{recipe.Options{Method: "adam", Settings: recipe.Settings{Rho: new(7.0)}}, "rho: adam does not read it; sync, dlam, mdlam, "},
		{recipe.Options{Method: "sync", Settings: recipe.Settings{Rho: new(7.0)}}, "rho: sync reads it with mode prox alone"},
		{recipe.Options{Method: "dlam", Settings: recipe.Settings{Rho: new(-1.0), Eta: new(0.5)}}, "rho: got -1, want a finite number above 0"},
		{recipe.Options{Method: "dlam", Settings: recipe.Settings{Eta: new(0.5)}}, "dlam settings: eta: got 0.5, want a finite number above 1"},
		{recipe.Options{Method: "dlam", Jitter: new(0.2)}, "jitter: dlam does not read it"},
		{recipe.Options{Method: "dlam", Moves: picture.Moves{Flip: true}}, "moves: dlam does not read it"},
		{recipe.Options{Moves: picture.Moves{Flip: true}}, "moves: got flip, and the samples are no pictures"},
		{recipe.Options{Method: "adam", Settings: recipe.Settings{TryRates: true}, Jitter: new(0.2)}, "jitter: adam reads it with mini-batches alone"},
		{recipe.Options{Method: "dlam", Settings: recipe.Settings{TryRates: true}}, "lr: dlam does not read it; onlineam, sgd"},
		{recipe.Options{Solver: own}, "iterations: got 0, want at least 1: a solver of your own has no default"},
		{recipe.Options{Solver: own, Method: "bcd", Iterations: 1}, `solver: got "bcd", want no name`},
		{recipe.Options{Solver: own, Iterations: 1, Settings: recipe.Settings{Rho: new(1.0)}}, `rho: got "1", want nothing`},
		{recipe.Options{Loss: loss.Squared{}, Smoothing: new(0.1)}, "label-smoothing: the loss squared does not read it"},
		{recipe.Options{Method: "dlam", Loss: loss.Squared{}, Settings: recipe.Settings{OutputSolver: new(loss.FISTA)}}, "output-solver: the loss squared does not read it"},
		{recipe.Options{Loss: loss.Huber{Delta: 1}}, "loss: huber:delta=1 needs values, and the labels of samples are classes"},
		{recipe.Options{Start: start, Hidden: []int{4}}, "the network to start from has widths [2 5 2]; data and hidden layers ask for [2 4 2]"},
		{recipe.Options{Start: start, Activation: []activation.Func{activation.ReLU{}}}, "activation: got relu, and layer 1 of the network to start from has tanh"},
		{recipe.Options{Start: start, StartFile: "x"}, `init-from: got "x", want no file`},
		{recipe.Options{Activation: []activation.Func{activation.LeakyReLU{Slope: 2}}}, "activation: leaky-relu: slope: got 2"},
		{recipe.Options{Activation: []activation.Func{activation.ReLU{}, activation.Tanh{}, activation.Tanh{}}}, "activation: got 3 activations for 2 hidden layers"},
		{recipe.Options{Hidden: []int{1 << 30}}, "training would take"},
		{recipe.Options{Ensemble: -1}, "ensemble: got -1, want at least 1"},
		{recipe.Options{Ensemble: 3, Hidden: []int{}}, "ensemble: got 3, want 1 without hidden layers"},
		{recipe.Options{Ensemble: 3, Solver: own, Iterations: 1}, "ensemble: got 3, want 1 with a solver of your own"},
		{recipe.Options{Ensemble: 3, Start: start}, "ensemble: got 3, want 1 with first weights that are given"},
		{recipe.Options{Ensemble: 3, Method: "sgd", Settings: recipe.Settings{TryRates: true}}, "ensemble: got 3, want 1 with lr auto"},
		{recipe.Options{Ensemble: 3, Method: "dlam", Certify: true}, "ensemble: got 3, want 1 with certify"},
	} {
		_, err := recipe.Train(context.Background(), recipe.Rows(points, zones), c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, recipe.ErrRefused) {
			t.Errorf("got %v, want a refusal that says %q", err, c.want)
		}
	}
}

// TestOwnSolver trains by a solver of the program's own, from a network of its
// own.
func TestOwnSolver(t *testing.T) {
	points, zones := circle(200)
	start, err := dlam.NewNetwork([]int{2, 5, 2}, activation.Tanh{}, dlam.He, rng())
	if err != nil {
		t.Fatal(err)
	}
	before := weights(start.Clone())
	set := bcd.DefaultSettings()
	set.Rho = 0.5
	m := train(t, recipe.Rows(points, zones), recipe.Options{Solver: bcd.Solver{Settings: set}, Iterations: 3, Start: start, Threads: 1})
	if m.Training.Solver != "bcd" || !slices.Equal(m.Network.Widths(), []int{2, 5, 2}) || m.Network.Layers[0].H != activation.Func(activation.Tanh{}) {
		t.Errorf("%s, %v, %v", m.Training.Solver, m.Network.Widths(), m.Network.Layers[0].H)
	}
	if !slices.Equal(weights(start), before) || slices.Equal(weights(m.Network), before) {
		t.Error("the network to start from was trained itself, or nothing was")
	}
	var c recipe.Config
	if _, err := c.Load(m.Training.Config, nil); err != nil {
		t.Error(err)
	}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), `unknown solver "a program's own: bcd"`) {
		t.Errorf("the settings of a program's own solver are taken for those of a method: %v", err)
	}
}

// TestFolder holds that a run in a folder is there whole, that it is not written
// over, and that it goes on, whatever interrupted it, to the same bits.
func TestFolder(t *testing.T) {
	points, zones := circle(200)
	d, dir := recipe.Rows(points, zones), t.TempDir()
	o := small("mdlam")
	o.Validation, o.Folder = 0.2, filepath.Join(dir, "straight")
	straight := train(t, d, o)
	records, err := trace.ReadFile(filepath.Join(o.Folder, trace.FileName))
	if err != nil || len(records) != 6 {
		t.Errorf("%d records of 6, %v", len(records), err)
	}
	saved, err := model.Load(o.Folder)
	if err != nil || !slices.Equal(weights(saved.Network), weights(straight.Network)) {
		t.Errorf("the model in the folder is another: %v", err)
	}
	if _, err := recipe.Train(context.Background(), d, o); err == nil || !strings.Contains(err.Error(), "the folder holds a run already") {
		t.Errorf("a second run in the folder: %v", err)
	}
	o.Folder, o.Resume = filepath.Join(dir, "cut"), true
	for stop := 2; stop <= 4; stop += 2 {
		ctx, cancel := context.WithCancel(context.Background())
		part, err := recipe.Train(ctx, d, progress(o, func(k int) {
			if k == stop {
				cancel()
			}
		}))
		if err != nil || part.Status != dlam.Interrupted || part.Last.Iteration != stop {
			t.Fatalf("%v, %+v, want a run interrupted after %d", err, part, stop)
		}
	}
	other := o
	other.Seed++
	if _, err := recipe.Train(context.Background(), d, other); err == nil || !strings.Contains(err.Error(), "saved under other settings than this run's: seed is 4, and was 3") {
		t.Errorf("going on with another seed: %v", err)
	}
	points[0][0]++
	if _, err := recipe.Train(context.Background(), recipe.Rows(points, zones), o); err == nil || !strings.Contains(err.Error(), "other data") {
		t.Errorf("going on with other data: %v", err)
	}
	points[0][0]--
	end := train(t, d, o)
	if !slices.Equal(weights(end.Network), weights(straight.Network)) || end.Best != straight.Best || end.Best == 0 {
		t.Errorf("the run that was interrupted ends in another network, of iteration %d, want %d", end.Best, straight.Best)
	}
	if _, err := recipe.Train(context.Background(), d, o); err == nil || !strings.Contains(err.Error(), "the run has ended") {
		t.Errorf("going on with a run that has ended: %v", err)
	}
}

// TestPlanStartsAgain holds that a plan can be started more than once, to the same
// end, and a run trained once.
func TestPlanStartsAgain(t *testing.T) {
	points, zones := circle(200)
	o := small("bcd")
	o.Validation = 0.2
	p, err := recipe.Prepare(recipe.Rows(points, zones), o)
	if err != nil {
		t.Fatal(err)
	}
	var ends []*recipe.Result
	for range 2 {
		run, err := p.Start(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		r, err := run.Train(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, r)
		if _, err := run.Train(context.Background()); !errors.Is(err, recipe.ErrRefused) {
			t.Errorf("a run that has trained: %v", err)
		}
		run.Close()
	}
	if !slices.Equal(weights(ends[0].Network), weights(ends[1].Network)) || ends[0].Best != ends[1].Best {
		t.Errorf("the plan ends in another network, of iteration %d and %d", ends[0].Best, ends[1].Best)
	}
}

// TestFolderOfRefused holds that what is refused leaves nothing behind.
func TestFolderOfRefused(t *testing.T) {
	points, zones := circle(50)
	o := recipe.Options{Folder: filepath.Join(t.TempDir(), "run"), Activation: []activation.Func{activation.Sign{}}} // sync needs a derivative
	if _, err := recipe.Train(context.Background(), recipe.Rows(points, zones), o); !errors.Is(err, recipe.ErrRefused) {
		t.Errorf("got %v, want a refusal", err)
	}
	if _, err := os.Stat(o.Folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a run that was refused left its folder: %v", err)
	}
}

// TestMethodsReadWhatTheySay holds the table of methods against what it makes: a
// setting that a method reads changes its solver or its problem, and any other is
// refused.
func TestMethodsReadWhatTheySay(t *testing.T) {
	im := picture.Image{Height: 1, Width: 2, Channels: 1, Max: 4}
	points, zones := circle(100)
	data := recipe.Rows(points, zones).Pictures(im)
	for _, m := range recipe.Methods() {
		for _, e := range new(recipe.Config).Entries() {
			if recipe.Readers(e.Name) == nil {
				continue
			}
			o := recipe.Options{Method: m.Name, Hidden: []int{3}, Threads: 1, Activation: []activation.Func{activation.Tanh{}}} // which all train
			if !slices.Contains(recipe.Readers(e.Name), m.Name) {
				if _, err := with(t, data, o, e.Name, other(m.Name, e.Name)); err == nil || !strings.Contains(err.Error(), e.Name+": "+m.Name+" does not read it; ") {
					t.Errorf("%s, %s: got %v, want a refusal", m.Name, e.Name, err)
				}
				continue
			}
			for name, text := range needs(m.Name, e.Name) {
				if _, err := with(t, data, o, e.Name, other(m.Name, e.Name)); err == nil || !strings.Contains(err.Error(), e.Name+": "+m.Name+" reads it with ") {
					t.Errorf("%s, %s without %s: got %v, want a refusal", m.Name, e.Name, name, err)
				}
				o = set(t, o, name, text)
			}
			before, err := recipe.Prepare(data, o)
			if err != nil {
				t.Fatal(err)
			}
			after, err := with(t, data, o, e.Name, other(m.Name, e.Name))
			if err != nil {
				t.Errorf("%s, %s: %v", m.Name, e.Name, err)
			} else if before.Settings() == after.Settings() && before.Problem.Loss == after.Problem.Loss {
				t.Errorf("%s: %s = %s changes nothing", m.Name, e.Name, other(m.Name, e.Name))
			}
		}
	}
}

// needs is what a method must be told to read a setting.
func needs(method, setting string) map[string]string {
	switch {
	case method == "sync" && (setting == "rho" || setting == "output-solver"):
		return map[string]string{"batch": "0", "mode": "prox"}
	case method == "onlineam" && (setting == "recall" || setting == "ridge"):
		return map[string]string{"rule": "memory"}
	case setting == "grid":
		return map[string]string{"bits": "8"}
	case setting == "mode" || setting == "anderson" && method == "sync":
		return map[string]string{"batch": "0"}
	case setting == "alpha0" || setting == "gamma" && method == "dlam":
		return map[string]string{"line-search": "backtracking"}
	case method == "lifted" && (setting == "alpha" || setting == "theta"):
		return map[string]string{"penalty": "quadratic"}
	case (setting == "jitter" || setting == "moves") && method != "sync" && method != "onlineam":
		return map[string]string{"batch": "20"}
	}
	return nil
}

// other is a value of a setting that the method has not got by default.
func other(method, setting string) string {
	switch setting {
	case "mode":
		return "prox"
	case "moves":
		return "flip"
	case "schedule":
		if method == "onlineam" {
			return "constant"
		}
		return "cosine"
	case "penalty":
		return "quadratic"
	case "epsilon-rule":
		return "fixed"
	case "line-search":
		return "backtracking"
	case "output-solver":
		return "fista"
	case "bits":
		return "7"
	case "binary-weights":
		return "true"
	case "parallel":
		return "layers"
	case "form":
		return "zeng"
	case "multipliers":
		return "all"
	case "rule":
		return "sgd"
	case "code-steps":
		return "17"
	case "batch", "rank", "rounds", "warm", "mu-every", "anderson":
		return "17"
	case "gamma", "eta", "mu-growth":
		return "1.75"
	}
	return "0.375"
}

func set(t *testing.T, o recipe.Options, name, text string) recipe.Options {
	t.Helper()
	c := recipe.Config{Options: o}
	e, ok := c.Entry(name)
	if !ok {
		t.Fatalf("no setting %q", name)
	}
	if err := e.Set(text); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c.Options
}

func with(t *testing.T, d recipe.Data, o recipe.Options, name, text string) (*recipe.Plan, error) {
	t.Helper()
	return recipe.Prepare(d, set(t, o, name, text))
}

// notOnTheCommandLine are the fields of solvers' settings that no setting is of,
// and why.
var notOnTheCommandLine = map[string]string{
	"Epochs": "those of iterations", "Seed": "the run's", "Rule": "the method's name",
	"multiconvex.Momentum": "the method's name",
	"syncdlam.Factor":      "a constant of the method", "syncdlam.Edge": "a constant of the method", "syncdlam.Start": "a constant of the method", "syncdlam.Lead": "a constant of the method", "syncdlam.Refresh": "a constant of the method", "syncdlam.OutputFactor": "a constant of the method",
	"syncdlam.Decay": "a constant of the method",
}

// TestSettingsAreWired finds the fields of solvers' settings that nothing on the
// command line is of.
func TestSettingsAreWired(t *testing.T) {
	points, zones := circle(100)
	data := recipe.Rows(points, zones)
	wired := map[string]bool{}
	fields := map[string]bool{}
	for _, m := range recipe.Methods() {
		for _, r := range m.Reads(&recipe.Options{}) {
			o := recipe.Options{Method: m.Name, Hidden: []int{3}, Threads: 1, Activation: []activation.Func{activation.Tanh{}}} // which all train
			for name, text := range needs(m.Name, r.Name) {
				o = set(t, o, name, text)
			}
			if r.Name == "output-solver" || r.Name == "jitter" || r.Name == "moves" || r.Name == "anderson" {
				continue // of the problem; of the solver around the method's
			}
			before, err := recipe.Prepare(data, o)
			if err != nil {
				t.Fatal(err)
			}
			after, err := with(t, data, o, r.Name, other(m.Name, r.Name))
			if err != nil {
				t.Fatal(err)
			}
			a, b := reflect.ValueOf(before.Solver).FieldByName("Settings"), reflect.ValueOf(after.Solver).FieldByName("Settings")
			family := strings.TrimSuffix(a.Type().String(), ".Settings") + "."
			for i := range a.NumField() {
				name := family + a.Type().Field(i).Name
				fields[name] = true
				wired[name] = wired[name] || !a.Field(i).Equal(b.Field(i))
			}
		}
	}
	for name := range fields {
		_, plain, _ := strings.Cut(name, ".")
		if why := notOnTheCommandLine[name] + notOnTheCommandLine[plain]; !wired[name] && why == "" {
			t.Errorf("%s can be given by no setting, and notOnTheCommandLine does not say why", name)
		}
	}
	if len(fields) < 30 {
		t.Errorf("%d fields of settings found", len(fields))
	}
}

// TestConfigText holds that what is written is read back, every setting.
func TestConfigText(t *testing.T) {
	for _, settings := range []map[string]string{
		{},
		{"data": "table.csv", "label": "a \"b\"\tc", "limit": "5", "no-header": "true", "seed": "18446744073709551615", "hidden": "3,4", "activation": "tanh,leaky-relu:slope=0.25"},
		{"hidden": "", "test-split": "0", "validation": "0.125", "patience": "3", "pool": "2", "scale": "none", "loss": "huber:delta=0.5", "l1": "1e-05"},
		{"solver": "adam", "lr": "0.0025", "batch": "64", "schedule": "cosine", "beta1": "0.5", "label-smoothing": "0", "jitter": "0.25", "moves": "flip,crop", "resize": "64x48", "grey": "true", "l2": "0"},
		{"solver": "sgd", "lr": "auto"},
		{"solver": "dlam", "rho": "1e-300", "epsilon-rule": "fixed", "line-search": "backtracking", "alpha0": "0.5", "output-solver": "fista", "iterations": "7", "threads": "3"},
	} {
		var c, again recipe.Config
		for name, text := range settings {
			e, ok := c.Entry(name)
			if !ok {
				t.Fatalf("no setting %q", name)
			}
			if err := e.Set(text); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		text, err := c.Text()
		if err != nil {
			t.Fatal(err)
		}
		if notes, err := again.Load(text, nil); err != nil || notes != nil {
			t.Errorf("%v %v, of\n%s", notes, err, text)
		}
		if d := cmp.Diff(c, again); d != "" {
			t.Errorf("read back is another: %s, of\n%s", d, text)
		}
	}
}

// earlier is a file that an earlier version wrote, with the settings of every
// method: of sync, and a ρ that it did not read.
const earlier = `# Repeat this run with: dlam train --config FILE
data = "digits"
data-dir = ""
offline = false
test-data = ""
label = ""
no-header = false
limit = 0
test-split = 0.2
validation = 0.0
patience = 0
pool = 1
scale = "auto"
hidden = [40, 30]
activation = "relu"
loss = "auto"
l1 = 0.0
l2 = -1.0
init = "he"
seed = 3
solver = "sync"
iterations = 4
threads = 1
rho = 7.0
epsilon = 10.0
epsilon-rule = "adaptive"
line-search = "exact"
output-solver = "omega"
alpha0 = 0.001
gamma = 2.0
eta = 2.0

[methods]
batch = -1
label-smoothing = -1.0
jitter = -1.0
lambda = 12.5
rank = -1
momentum = -1.0
mode = "gradient"
lr = "-1"
schedule = "constant"
`

// TestLoadsEarlierFiles reads a file of an earlier version: what the method reads
// is taken, and what it did not read is said.
func TestLoadsEarlierFiles(t *testing.T) {
	var c recipe.Config
	notes, err := c.Load(earlier, nil)
	if err != nil || !slices.Equal(notes, []string{"rho = 7: sync does not read it"}) {
		t.Errorf("notes %q, %v", notes, err)
	}
	want := recipe.Settings{Lambda: new(12.5)}
	if d := cmp.Diff(want, c.Options.Settings); d != "" {
		t.Error(d)
	}
	if o := c.Options; !slices.Equal(o.Hidden, []int{40, 30}) || o.Seed != 3 || o.Iterations != 4 || o.Init != dlam.He || o.L2 != nil || o.Method != "" {
		t.Errorf("got %+v", o)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	// Another method than the file's, as --solver says, takes what it reads.
	c = recipe.Config{Options: recipe.Options{Method: "adam"}}
	text := strings.Replace(earlier, "batch = -1", "batch = 64", 1)
	notes, err = c.Load(text, func(name string) bool { return name == "solver" })
	if err != nil || len(notes) != 2 || c.Options.Settings.Batch == nil || c.Validate() != nil {
		t.Errorf("notes %q, %v, %+v", notes, err, c.Options.Settings)
	}
}

// TestLoadRefuses holds that a file's faults are told.
func TestLoadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"roh = 1.0":                      `unknown setting "roh"`,
		"rho = ":                         "line 1",
		"[other]\nrho = 1.0":             `unknown setting "other"`,
		"iterations = \"many\"":          `iterations: got "many", want a whole number`,
		"hidden = \"10,,3\"":             `hidden: got "10,,3"`,
		"hidden = [10, 2.5]":             `hidden: got "10,2.5"`,
		"offline = \"perhaps\"":          `offline: got "perhaps", want true or false`,
		"seed = -1":                      `seed: got "-1", want a whole number of at least 0`,
		"activation = \"leaky-relu:x=\"": "want a number",
	} {
		if _, err := new(recipe.Config).Load(text, nil); err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, recipe.ErrRefused) {
			t.Errorf("%q: got %v, want a refusal that says %q", text, err, want)
		}
	}
	// What is read and cannot go together is told before anything is done.
	var c recipe.Config
	if _, err := c.Load("solver = \"adam\"\nrho = 7.0\n", nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "rho: adam does not read it") {
		t.Errorf("got %v", err)
	}
}

// methodRow is a method's row in the table of docs/choosing.md.
func methodRow(m recipe.Method) string {
	var settings []string
	for _, r := range m.Reads(&recipe.Options{}) {
		text := "`" + r.Name + "`"
		if e, _ := new(recipe.Config).Entry(r.Name); e.Fixed() && r.Value != nil {
			text += fmt.Sprintf(" %v", r.Value)
		}
		if r.Needs != "" {
			text += " (with " + r.Needs + ")"
		}
		settings = append(settings, text)
	}
	return fmt.Sprintf("| `%s` | %s | %s |\n", m.Name, m.About, strings.Join(settings, ", "))
}

// TestMethodsDocumented holds that docs/choosing.md says of each method what it
// reads, by default.
func TestMethodsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/choosing.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range recipe.Methods() {
		if row := methodRow(m); !strings.Contains(string(page), row) {
			t.Errorf("docs/choosing.md has no row\n%s", row)
		}
	}
}

// TestDocumented holds that every Go block of the README stands, line for line, in
// example_test.go.
func TestDocumented(t *testing.T) {
	plain := func(path string) string {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for line := range strings.Lines(string(raw)) {
			if line = strings.TrimSpace(line); line != "" {
				b.WriteString(line + "\n")
			}
		}
		return b.String()
	}
	code := plain("example_test.go")
	blocks := strings.Split(plain("../README.md"), "```go\n")[1:]
	if len(blocks) == 0 {
		t.Error("the README has no Go program")
	}
	for _, b := range blocks {
		if b, _, _ = strings.Cut(b, "```"); !strings.Contains(code, b) {
			t.Errorf("not in example_test.go:\n%s", b)
		}
	}
}

// TestMoreFeaturesThanSamples trains on 50 samples of 20,000 features in under 200 MB,
// the program's own included, where the square of the features alone takes 3.2 GB.
func TestMoreFeaturesThanSamples(t *testing.T) {
	const most = 180e6 // beside which the program takes some 20 MB
	rng := rng()
	rows, y := make([][]float32, 50), make([]int, 50)
	for i := range rows {
		rows[i], y[i] = make([]float32, 20000), i%2
		for j := range rows[i] {
			rows[i][j] = rng.Float32()
			if j < 200 {
				rows[i][j] += float32(y[i])
			}
		}
	}
	for _, method := range []string{"dlam", "mdlam", "admm", "bcd", "dladmm", "lifted", "adam", "sync", "sync of all samples"} {
		name, _, all := strings.Cut(method, " of ")
		o := small(name)
		if all {
			o.Settings.Batch = new(0)
		}
		o.MaxMemory, o.TestSplit, o.Iterations = most, new(0.0), 10
		if r := train(t, recipe.Rows(rows, y), o); r.Last.Train.Accuracy < 0.6 { // ten iterations are few, and half of the samples are of each class
			t.Errorf("%s: accuracy %g", method, r.Last.Train.Accuracy)
		}
	}
}

// TestPastOfKept: a run is remembered by the scores of the network that it saved, which
// validation samples chose, though its trace measures every seventh iteration alone.
func TestPastOfKept(t *testing.T) {
	points, zones := circle(200)
	o := small("bcd")
	o.Folder, o.Validation, o.Evaluate = filepath.Join(t.TempDir(), "run"), 0.2, new(7)
	r := train(t, recipe.Rows(points, zones), o)
	p, err := recipe.ReadPast(o.Folder)
	if err != nil {
		t.Fatal(err)
	}
	for part, of := range map[string][2]*dlam.Score{"train": {p.Train, r.Last.Train}, "test": {p.Test, r.Last.Test}, "validation": {p.Validation, r.Last.Validation}} {
		if of[0] == nil || of[1] == nil || *of[0] != *of[1] {
			t.Errorf("%s: got %+v, want %+v", part, of[0], of[1])
		}
	}
	if about, err := trace.ReadAbout(filepath.Join(o.Folder, trace.AboutName)); err != nil || about.Kept != r.Best || r.Best == 0 {
		t.Errorf("kept iteration %d, %v; the result has %d", about.Kept, err, r.Best)
	}
}

// TestOtherIterations: a run whose steps follow from how many iterations it was to have goes on
// with as many, and what it is refused for is said.
func TestOtherIterations(t *testing.T) {
	points, zones := circle(200)
	o := small("sync")
	o.Folder = filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := recipe.Train(ctx, recipe.Rows(points, zones), progress(o, func(int) { cancel() })); err != nil {
		t.Fatal(err)
	}
	o.Resume, o.Iterations = true, o.Iterations+3
	_, err := recipe.Train(context.Background(), recipe.Rows(points, zones), o)
	if want := fmt.Sprintf("iterations is %d, and was %d, by which the method's settings go", o.Iterations, o.Iterations-3); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
