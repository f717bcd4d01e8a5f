package syncdlam

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

// leastConstant is the least risk of outputs that are the same for all samples, by
// gradient descent on a convex function.
func leastConstant(p *dlam.Problem) float64 {
	z, least := mat.New(1, p.Y.Width()), math.Inf(1)
	g, out := mat.New(p.X.Rows, p.Y.Width()), mat.New(p.X.Rows, p.Y.Width())
	for step := 4.0; step > 1e-6; {
		for i := range out.Rows {
			copy(out.Row(i), z.Row(0))
		}
		if f := p.Loss.Value(out, p.Y) / float64(p.X.Rows); f < least-1e-9 {
			least = f
		} else {
			step /= 2
		}
		p.Loss.Grad(g, out, p.Y)
		for i := range g.Rows {
			for j, v := range g.Row(i) {
				z.Row(0)[j] -= float32(step) * v / float32(g.Rows)
			}
		}
	}
	return least
}

// TestConstantRisk: that of class frequencies, with smoothing too, and of means is
// the least there is.
func TestConstantRisk(t *testing.T) {
	smooth := testprob.Blobs(300, 3, 4, 1)
	smooth.Y.Smoothing = 0.1
	hinge := testprob.Blobs(300, 3, 4, 1)
	hinge.Loss = loss.Hinge{}
	for name, p := range map[string]*dlam.Problem{"classes": testprob.Blobs(300, 3, 4, 1), "smoothed": smooth, "values": testprob.Waves(300, 0.1, 1), "hinge": hinge} {
		got, _, err := dlam.BestConstant(p)
		if err != nil {
			t.Fatal(err)
		}
		if want := leastConstant(p); got < want*(1-1e-4) || got > want*(1+1e-3) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// demanding is sync for which any network is worse than a constant.
type demanding struct{ Solver }

func (d demanding) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	st, err := d.Solver.Init(p, n)
	if s, ok := st.(*miniBatch); ok {
		s.constant = 1e-12
	}
	return st, err
}

// records keeps all of them.
type records []dlam.Record

func (r *records) Record(rec dlam.Record) error {
	*r = append(*r, rec)
	return nil
}

// TestRetry: a run that is far worse than a constant after half of its epochs begins
// again from its start with a quarter of the step, and so once more; the trace says
// so, and the run does not end as completed.
func TestRetry(t *testing.T) {
	p := testprob.Waves(300, 0.1, 1)
	n := testprob.Network(p, []int{10}, activation.ReLU{}, dlam.He, 1)
	set := SettingsFor(300, false, 12)
	var all records
	res, err := dlam.Run(t.Context(), demanding{Solver{set}}, p, n, dlam.Options{Iterations: 12, Recorders: []dlam.Recorder{&all}})
	if err == nil || res.Status != dlam.Useless {
		t.Errorf("status %v, error %v; want %s and one", res.Status, err, dlam.Useless)
	}
	begins := map[int]int{}
	for _, r := range all {
		if r.Attempt > 0 {
			begins[r.Iteration] = r.Attempt
		}
	}
	if len(begins) != 2 || begins[6] != 2 || begins[9] != 3 {
		t.Errorf("iterations after which attempts begin: %v, want 6: 2, 9: 3", begins)
	}
	st, err := Solver{set}.Init(p, n)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s := st.(*miniBatch)
	s.net.Layers[0].W.Data[0], s.mean.Layers[0].W.Data[0], s.epochs = 7, 8, 6
	s.retry()
	want := n.Layers[0].W.Data[0]
	if s.net.Layers[0].W.Data[0] != want || s.mean.Layers[0].W.Data[0] != want || s.schedule.updates != float64(6*s.batches.Count) {
		t.Errorf("the second attempt begins from %v and %v, over %v updates; want %v, over those of six epochs",
			s.net.Layers[0].W.Data[0], s.mean.Layers[0].W.Data[0], s.schedule.updates, want)
	}
}

// TestKeepBest: the last network gives way to the best one, of the start and of all
// epochs, where it is worse by more than a tenth, and not before the run's end.
func TestKeepBest(t *testing.T) {
	for _, c := range []struct{ risks, want []float64 }{
		{[]float64{0.5, 0.2, 0.21}, []float64{0.5, 0.2, 0.21}},
		{[]float64{0.5, 0.2, 0.4}, []float64{0.5, 0.2, 0.2}},
		{[]float64{5, 4, 3}, []float64{5, 4, 1}},
		{[]float64{0.5, 0.2, math.NaN()}, []float64{0.5, 0.2, math.NaN()}},
	} {
		set := miniSettings(50)
		set.Epochs = len(c.risks)
		s := begun[*miniBatch](t, set, prox.None{})
		s.bestRisk = 1
		w := s.mean.Layers[0].W.Data
		w[0] = -1
		s.best.CopyFrom(s.mean)
		for k, risk := range c.risks {
			w[0] = float32(k)
			s.epochs++
			if got := s.keepBest(risk); got != c.want[k] && !math.IsNaN(c.want[k]) {
				t.Errorf("%v: after epoch %d the risk is %v, want %v", c.risks, k+1, got, c.want[k])
			}
		}
		end := map[float64]float32{0.21: 2, 0.2: 1, 1: -1}[c.want[2]]
		if math.IsNaN(c.want[2]) {
			end = 2
		}
		if w[0] != end {
			t.Errorf("%v: the last network is that of %v, want %v", c.risks, w[0], end)
		}
	}
}

// TestStepsTooLong: steps up to a million times too long are found out and shortened.
func TestStepsTooLong(t *testing.T) {
	for _, factor := range []float64{5, 1e3, 1e6} {
		p := testprob.Waves(300, 0.1, 1)
		set := SettingsFor(300, false, 12)
		set.Factor = factor
		_, last := train(t, set, p, testprob.Network(p, []int{10}, activation.ReLU{}, dlam.He, 1), 12)
		if last.Train.R2 <= 0 {
			t.Errorf("factor %v: R² %v, want more than a constant has", factor, last.Train.R2)
		}
	}
}
