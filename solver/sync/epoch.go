package sync

import (
	"context"
	"math"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

const (
	warmUp     = 10    // updates over which the step grows to its length
	unknown    = 20    // first updates that are all measured
	enough     = 128   // samples of a batch that are measured
	memory     = 0.7   // of the averages of the model
	levelDecay = 0.9   // of the average risk
	doubt      = 5     // standard errors by which that average may rise
	alarm      = 3     // a batch's risk above this many times the average is a divergence
	rise       = 1.05  // an epoch's risk above this many times the least is of too long steps
	floor      = 0.2   // share of the step that is left at the end
	window     = 0.125 // updates that are averaged, of all
	stride     = 4     // updates between two that are averaged
	growth     = 16    // bounds the model's step by this many times its length after the warm-up
)

// epoch takes every sample once.
func (s *stepper) epoch(ctx context.Context) (dlam.Record, error) {
	s.batches.Shuffle(s.steps)
	var risk, n float64
	for k := range s.batches.Count {
		if err := ctx.Err(); err != nil {
			return dlam.Record{}, err
		}
		x, y := s.batches.Take(k)
		r, m, err := s.mini(x, y)
		if err != nil {
			return dlam.Record{}, err
		}
		risk += r
		n += m
	}
	s.ahead(0)
	s.judge(risk / n)
	r := dlam.Record{Risk: risk / n, Regularization: s.regularization(), Step: s.t}
	r.Objective = risk + r.Regularization
	return r, nil
}

// judge looks at an epoch's mean risk, each batch's before its own step. A
// batch's model along V knows the noise that V has from that batch as a slope,
// and where noise is most of it the steps grow too long; the risk of the
// samples to come then rises, and the steps are halved for good.
func (s *stepper) judge(risk float64) {
	rises := s.lowest > 0 && !(risk <= rise*s.lowest)
	if rises {
		s.trust /= 2
	}
	if rises || s.lowest == 0 || risk < s.lowest {
		s.lowest = risk
	}
}

// mini is one update with a mini-batch. It returns the batch's risk before it,
// and its number of samples.
func (s *stepper) mini(x mat.Dense, y loss.Target) (risk, n float64, err error) {
	k := s.updates
	s.updates++
	measured := k < unknown || k%s.Measure == 0 || s.curve == 0
	switch {
	case measured: // of the point itself
		s.ahead(0)
	case s.lead == 0:
		s.ahead(s.reach())
	}
	g, gram, err := s.gradient(k, x, y)
	if err != nil {
		return 0, 0, err
	}
	risk, n = g.Risk, g.N // a measurement shares their memory
	mean := risk / n
	if s.level > 0 && !(mean <= alarm*s.level+1) { // NaN too
		s.retreat()
		s.mean.CopyFrom(s.safe)
		s.slope, s.curve = 0, 0 // what led here is no guide
		return risk, n, nil
	}
	if gram != nil {
		if err := s.refresh(gram, 0, s.Decay); err != nil {
			return 0, 0, err
		}
	}
	s.follow(k, mean)
	if !measured {
		s.t = s.length(k)
		s.turn(g, s.Momentum, s.t, s.reach(), s.weight(k))
		return risk, n, nil
	}
	s.direct(g, s.Momentum)
	rows := min(x.Rows, (x.Rows*enough+s.Batch-1)/s.Batch)
	err = s.careful(k, g, x.RowRange(0, rows), y.RowRange(0, rows))
	if share := s.weight(k); share > 0 && err == nil {
		s.average(share)
	}
	return risk, n, err
}

// follow takes a batch's mean risk into the averages.
func (s *stepper) follow(k int, mean float64) {
	if k == 0 {
		s.level, s.least = mean, mean
	}
	d := mean - s.level
	s.level += (1 - levelDecay) * d
	if d < 0 { // of what lies above, some is a rise
		s.spread = levelDecay*s.spread + (1-levelDecay)*d*d
	}
}

// watch halves the steps where the average risk has risen beyond doubt.
func (s *stepper) watch() {
	// The average of the last batches, an AR(1) filter, has this variance.
	se := math.Sqrt(s.spread * (1 - levelDecay) / (1 + levelDecay))
	if s.level > s.least+doubt*se {
		s.gain /= 2
		s.least = s.level
	}
	s.least = min(s.least, s.level)
}

// reach is how far ahead along V a batch's gradient is taken: steps that go by
// the gradient beyond the point they start from seek flat regions, which
// generalise better (momentum-SAM, Becker et al. 2024).
func (s *stepper) reach() float64 {
	var w, v float64
	for l := range s.layers {
		for _, n := range s.layers[l].norms {
			w += n.w
			v += n.v
		}
	}
	if !(v > 0) {
		return 0
	}
	return s.Lead * math.Sqrt(w/v)
}

// ahead puts the parameters t along V ahead of where the steps have led.
func (s *stepper) ahead(t float64) {
	if t != s.lead {
		s.advance(t - s.lead)
		s.lead = t
	}
}

// weight is that of the parameters after update k in their average, 0 for most
// updates. An average over the last ones has less of the batches' noise, and so
// the steps need not become short to lose it.
func (s *stepper) weight(k int) float64 {
	since := min(k%stride, k%s.batches.Count) + 1 // since the last that was averaged
	if since < stride && (k+1)%s.batches.Count != 0 {
		return 0
	}
	forget := 1 - math.Pow(max(0, 1-1/(window*s.total())), float64(since))
	return max(forget, float64(since)/float64(k+1))
}

// gradient is the batch's, with the moments where the metric is due.
func (s *stepper) gradient(k int, x mat.Dense, y loss.Target) (*backprop.Gradient, *backprop.Gram, error) {
	// The first batches make a poor metric, so it is made anew more often.
	if due := k%s.Refresh == 0 || k < s.Refresh && k&(k-1) == 0; !due {
		g, err := s.back.Gradient(x, y)
		return g, nil, err
	}
	return s.back.GradientAndGram(x, y, 0)
}

// careful is update k with the samples x of its batch measured: the model
// along V before the step, and the risk after it.
func (s *stepper) careful(k int, g *backprop.Gradient, x mat.Dense, y loss.Target) error {
	before, err := s.model(g, x, y)
	if err != nil {
		return err
	}
	s.safe.CopyFrom(s.net)
	s.t = s.length(k)
	s.advance(s.t)
	return s.guard(before, x, y)
}

// model measures the model along V, and returns the risk. Where V leads up, it
// is the batch's move alone again.
func (s *stepper) model(g *backprop.Gradient, x mat.Dense, y loss.Target) (risk float64, err error) {
	risk, slope, curve, err := s.measure(x, y)
	if err == nil && !(slope > 0) {
		s.direct(g, 0)
		_, slope, curve, err = s.measure(x, y)
	}
	if err != nil {
		return 0, err
	}
	if s.curve == 0 {
		s.slope, s.curve = slope, curve
	} else {
		s.slope, s.curve = memory*s.slope+(1-memory)*slope, memory*s.curve+(1-memory)*curve
	}
	return risk, nil
}

// length is the step of update k: the model's best, warmed up and annealed.
func (s *stepper) length(k int) float64 {
	if !(s.slope > 0) || !(s.curve > 0) {
		return 0
	}
	warm := min(1, float64(k+1)/min(warmUp, max(1, s.total()/10)))
	best := s.slope / s.curve
	switch { // where the risk is all but 0 its curvature vanishes, and the model with it
	case warm < 1:
	case s.bound == 0:
		s.bound = growth * best
	default:
		best = min(best, s.bound)
	}
	return s.Factor * s.gain * s.trust * best * s.anneal(k) * warm
}

// anneal is the share of the model's step that update k takes, from 1 down.
func (s *stepper) anneal(k int) float64 {
	return floor + (1-floor)*(1+math.Cos(math.Pi*min(1, float64(k)/s.total())))/2
}

// total is the number of updates of the run.
func (s *stepper) total() float64 { return float64(s.Epochs * s.batches.Count) }

// guard looks at what a measured step did to its samples: where their risk
// rose, the step is taken back, and the next ones are half as long; else they
// grow again.
func (s *stepper) guard(before float64, x mat.Dense, y loss.Target) error {
	after, _, err := s.back.Risk(x, y)
	if err != nil {
		return err
	}
	if !(after <= before) {
		s.retreat()
		return nil
	}
	s.gain = min(1, 1.2*s.gain)
	s.watch()
	return nil
}

// retreat goes back to the last safe parameters, at rest, with half the step.
func (s *stepper) retreat() {
	s.net.CopyFrom(s.safe)
	s.lead = 0
	s.stop()
	s.gain /= 2
}
