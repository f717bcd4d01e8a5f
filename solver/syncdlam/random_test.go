package syncdlam

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/prox"
)

// randomRun is a run on random data, with random settings.
type randomRun struct {
	p      *dlam.Problem
	hidden []int
	h      activation.Func
	set    Settings
	about  string
}

// draw draws a run with at most so many samples and hidden units a layer: half are
// regressions, a quarter of which have heavy tails, and one in twenty has more
// than 50 classes.
func draw(seed uint64, samples, widest int) randomRun {
	rng := rand.New(rand.NewPCG(seed, 42))
	logUniform := func(lo, hi int) int {
		return int(float64(lo) * math.Pow(float64(hi)/float64(lo), rng.Float64()))
	}
	n, features := logUniform(50, samples), logUniform(1, 60)
	epochs := 30 // as dlam train has it
	if n >= 20000 {
		epochs = 10
	}
	x := mat.New(n, features)
	testprob.Normal(x, 1, rng)
	if rng.IntN(4) == 0 { // heavy tails, and features that hardly vary
		for i, v := range x.Data {
			x.Data[i] = v * float32(math.Exp(rng.NormFloat64()))
		}
	}
	var r randomRun
	var kind string
	switch {
	case seed%2 == 1:
		r.p = testprob.New([]loss.Loss{loss.Squared{}, loss.Squared{}, loss.Huber{Delta: 1}}[rng.IntN(3)])
		tails := seed%8 == 1
		r.p.Y, kind = regression(x, 1+rng.IntN(2), tails, rng), "values"
		if tails {
			kind = "heavy values"
		}
	case seed%20 == 0:
		r.p = testprob.New(loss.CrossEntropy{})
		r.p.Y = classes(x, 51+rng.IntN(150), rng)
		kind = "many classes"
	default:
		r.p = testprob.New([]loss.Loss{loss.CrossEntropy{}, loss.CrossEntropy{}, loss.Hinge{}}[rng.IntN(3)])
		r.p.Y, kind = classes(x, logUniform(2, 50), rng), "classes"
	}
	r.p.X, r.p.TestX, r.p.Threads = x, mat.New(0, features), 1
	r.p.TestY = r.p.Y.RowRange(0, 0)
	cls := r.p.Y.Class != nil
	r.set = SettingsFor(n, cls, epochs)
	if rng.IntN(2) == 0 {
		r.set.Batch = 32 << rng.IntN(6)
	}
	r.set.Batch = min(r.set.Batch, max(32, n/4))
	if _, ok := r.p.Loss.(loss.CrossEntropy); ok && rng.IntN(2) == 0 {
		r.p.Y.Smoothing = 0.1
	}
	if rng.IntN(3) == 0 {
		r.p.Regularizer = prox.L2{Lambda: float64(n) * 1e-4 * math.Pow(10, 2*rng.Float64()-1)}
	}
	r.set.Seed = seed
	r.hidden = make([]int, 1+rng.IntN(10))
	for l := range r.hidden {
		r.hidden[l] = logUniform(16, widest)
	}
	all := []activation.Func{activation.ReLU{}, activation.ReLU{}, activation.LeakyReLU{Slope: 0.01}, activation.Tanh{}, activation.Sigmoid{}, activation.HardTanh{}}
	r.h = all[rng.IntN(len(all))]
	r.about = fmt.Sprintf("run %d: %s, %v, %d samples, %d features, %d outputs, hidden %v, %v, batch %d, %d epochs, Ω %v",
		seed, kind, r.p.Loss, n, features, r.p.Y.Width(), r.hidden, r.h.Spec(), r.set.Batch, epochs, r.p.Regularizer)
	return r
}

// regression is smooth functions of x with noise, standardised; with heavy tails its
// values are what those of a t distribution with 1.5 degrees of freedom are.
func regression(x mat.Dense, outputs int, tails bool, rng *rand.Rand) loss.Target {
	y := mat.New(x.Rows, outputs)
	a := mat.New(2*outputs, x.Cols)
	testprob.Normal(a, 1/math.Sqrt(float64(x.Cols)), rng)
	noise := 0.5 * rng.Float64()
	for j := range outputs {
		var mean, square float64
		for i := range x.Rows {
			u, v := dot(x.Row(i), a.Row(2*j)), dot(x.Row(i), a.Row(2*j+1))
			f := math.Sin(2*u) + u*v/2
			if tails {
				f *= math.Exp(1.5 * rng.NormFloat64())
				f += noise * rng.NormFloat64() / math.Pow(rng.Float64()+1e-6, 1/1.5)
			} else {
				f += noise * rng.NormFloat64()
			}
			y.Set(i, j, float32(f))
			mean += f / float64(x.Rows)
			square += f * f / float64(x.Rows)
		}
		sd := math.Sqrt(square - mean*mean)
		for i := range x.Rows {
			y.Set(i, j, float32((float64(y.At(i, j))-mean)/sd))
		}
	}
	return loss.Target{Value: y}
}

// classes are the nearest of random centres, a few for each class, with some labels
// wrong in some draws.
func classes(x mat.Dense, count int, rng *rand.Rand) loss.Target {
	c := mat.New(2*count, x.Cols)
	testprob.Normal(c, 1, rng)
	wrong := max(0, 0.4*rng.Float64()-0.2)
	y := loss.Target{Class: make([]int32, x.Rows), Classes: count}
	for i := range x.Rows {
		best := math.Inf(1)
		for k := range c.Rows {
			var d float64
			for j, v := range x.Row(i) {
				d += math.Pow(float64(v-c.At(k, j)), 2)
			}
			if d < best {
				best, y.Class[i] = d, int32(k%count)
			}
		}
		if rng.Float64() < wrong {
			y.Class[i] = int32(rng.IntN(count))
		}
	}
	return y
}

func dot(x, y []float32) (s float64) {
	for i, v := range x {
		s += float64(v) * float64(y[i])
	}
	return s
}

// batchRisks keeps the mean risk of each epoch's batches, of the last attempt.
type batchRisks []float64

func (b *batchRisks) Record(r dlam.Record) error {
	*b = append(*b, r.BatchRisk)
	if r.Attempt > 0 {
		*b = nil
	}
	return nil
}

// rises is the largest ratio of an epoch's mean batch risk to the least one before
// it, after the first tenth of the epochs; risks below negligible are one.
func (b batchRisks) rises(negligible float64) float64 {
	largest, least := 0.0, math.Inf(1)
	for k, r := range b {
		r = max(r, negligible)
		if 10*k >= len(b) {
			largest = max(largest, r/least)
		}
		least = min(least, r)
	}
	return largest
}

// TestRandomRuns: on random data, shapes, losses, activations, batches and seeds no
// run fails, none ends worse than the best constant output, and after the first
// tenth of a run no epoch's batches have twice the mean risk of an earlier epoch's, where that
// is more than a hundredth of the constant's.
// DLAM_RANDOM_RUNS=100,1000,60000,2000 in the environment tries the runs from 100 on,
// 1,000 of them, with up to 60,000 samples and layers up to 2,000 wide.
func TestRandomRuns(t *testing.T) {
	first, count, samples, widest := 0, 60, 1500, 80
	if testing.Short() { // under the race detector
		count = 12
	}
	if text := os.Getenv("DLAM_RANDOM_RUNS"); text != "" {
		if _, err := fmt.Sscanf(text, "%d,%d,%d,%d", &first, &count, &samples, &widest); err != nil {
			t.Fatalf("DLAM_RANDOM_RUNS: %q: %v", text, err)
		}
	}
	for i := first; i < first+count; i++ {
		r := draw(uint64(i), samples, widest)
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			var risks batchRisks
			n := testprob.Network(r.p, r.hidden, r.h, dlam.He, uint64(i))
			res, err := dlam.Run(t.Context(), Solver{r.set}, r.p, n, dlam.Options{Iterations: r.set.Epochs, Recorders: []dlam.Recorder{&risks}})
			if err != nil && res.Status != dlam.Useless {
				t.Fatalf("%s: %v", r.about, err)
			}
			constant, last := leastConstant(r.p), res.Last.Train.Risk
			rise := risks.rises(constant / 100)
			verdict := "fine"
			if !(last <= dlam.ConstantSlack*constant) { // some do not learn, as with nine layers of sigmoids
				verdict = "WORSE than a constant"
			} else if rise > 2 {
				verdict = "RISES"
			}
			text := fmt.Sprintf("%s: %s: risk %.4g, constant %.4g, rise %.2f", r.about, verdict, last, constant, rise)
			if verdict != "fine" {
				t.Error(text)
			} else if testing.Verbose() {
				t.Log(text)
			}
		})
	}
}

// TestRandomRecurrentRuns: the same data as sequences, and recurrent networks of one to three
// layers, half of them with gates in each or some: no run fails or meets a number that is not finite, and none ends worse than the best
// constant output. DLAM_RANDOM_RECURRENT_RUNS=8,200 in the environment tries 200 from 8 on.
func TestRandomRecurrentRuns(t *testing.T) {
	first, count := 0, 8
	if testing.Short() { // under the race detector
		count = 3
	}
	if text := os.Getenv("DLAM_RANDOM_RECURRENT_RUNS"); text != "" {
		if _, err := fmt.Sscanf(text, "%d,%d", &first, &count); err != nil {
			t.Fatalf("DLAM_RANDOM_RECURRENT_RUNS: %q: %v", text, err)
		}
	}
	tried := 0
	for i := first; i < first+count; i++ {
		r := draw(uint64(i), 600, 40)
		rng := testprob.Rng(uint64(i))
		inputs := 1 + rng.IntN(4)
		for r.p.X.Cols%inputs > 0 {
			inputs--
		}
		in := nn.Shape{Height: r.p.X.Cols / inputs, Width: inputs, Channels: 1}
		if in.Height < 2 {
			continue
		}
		tried++
		var layers []nn.LayerSpec
		for range 1 + rng.IntN(3) {
			layers = append(layers, nn.LayerSpec{Kind: nn.KindRNN, Units: 2 + rng.IntN(40), All: true})
		}
		layers[len(layers)-1].All = rng.IntN(4) == 0
		for l := range layers {
			if i%2 == 1 && (i%4 == 1 || l%2 == 0) {
				layers[l].Kind = nn.KindGRU
			}
		}
		classes := r.p.Y.Class != nil
		r.set = r.set.ForShared(r.p.X.Rows, r.set.Epochs, classes)
		if slices.ContainsFunc(layers, func(s nn.LayerSpec) bool { return s.Kind == nn.KindRNN }) {
			r.set = r.set.ForRecurrent(classes)
		} else {
			r.set = r.set.ForGated(classes)
		}
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			n, err := nn.NewNetworkFor(in, layers, r.p.Y.Width(), r.h, nn.He, rng)
			if err != nil {
				t.Fatal(err)
			}
			about := fmt.Sprintf("%s: as %v, %s", r.about, in, nn.LayersText(layers))
			res, err := dlam.Run(t.Context(), Solver{r.set}, r.p, n, dlam.Options{Iterations: r.set.Epochs})
			if err != nil && res.Status != dlam.Useless {
				t.Fatalf("%s: %v", about, err)
			}
			if err := res.Network.Validate(); err != nil {
				t.Fatalf("%s: %v", about, err)
			}
			if constant, last := leastConstant(r.p), res.Last.Train.Risk; !(last <= dlam.ConstantSlack*constant) {
				t.Errorf("%s: risk %.4g, of a constant %.4g", about, last, constant)
			}
		})
	}
	if tried == 0 {
		t.Errorf("none of %d draws is of sequences of 2 steps", count)
	}
}
