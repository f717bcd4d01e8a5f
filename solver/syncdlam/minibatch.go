package syncdlam

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// miniBatch is a run with mini-batches: a Step is an epoch.
type miniBatch struct {
	core
	bounded loss.Bounded // the loss, or nil
	batches *backprop.Batches
	mean    *dlam.Network // the network: an average of the parameters
	monitor *backprop.Monitor

	best     *dlam.Network // the network with the least risk: the first, or after an epoch of any attempt
	bestRisk float64       // of it
	start    *dlam.Network // what attempts begin with
	constant float64       // mean risk of the best outputs that are the same for all samples
	output   []float32     // these outputs; nil if the network was trained before
	attempt  int           // 0 for the first
	began    int           // epochs done when it began

	epochs    int     // done
	updates   int     // done
	step      float64 // the last one's length along V
	lookahead float64 // how far the parameters are ahead along V of where the step led, within an epoch
	stale     bool    // the metric is to be made anew before its time

	polyak    polyakStep
	stability stability
	target    targetLevel
	schedule  schedule
	average   parameterAverage
}

var _ dlam.Resumable = (*miniBatch)(nil)

func (s *miniBatch) begin() error {
	s.start = s.net.Clone() // of real weights, also where binary ones are trained
	if err := s.core.begin(); err != nil {
		return err
	}
	var err error
	if s.batches, err = backprop.NewBatches(s.e, s.p.X, s.p.Y, s.Batch, s.Seed, s.p.Jitter); err != nil {
		return err
	}
	s.bounded, _ = s.p.Loss.(loss.Bounded)
	if s.monitor, err = backprop.NewMonitor(s.e, s.back, s.net, s.p.X, s.p.Y, s.Seed); err != nil {
		return err
	}
	var output []float32
	if s.constant, output, err = dlam.BestConstant(s.p); err != nil {
		return err
	}
	if err := s.startAtConstant(output); err != nil {
		return err
	}
	for l, ly := range s.net.Layers { // which startAtConstant chooses
		copy(s.start.Layers[l].B, ly.B)
	}
	s.mean, s.best = s.net.Clone(), s.net.Clone()
	s.planAttempt()
	s.bestRisk, err = s.monitor.Risk(s.net)
	return err
}

// planAttempt lays an attempt out over the epochs that are left.
func (s *miniBatch) planAttempt() {
	total := float64((s.Epochs - s.began) * s.batches.Count)
	s.polyak, s.stability, s.target = polyakStep{}, stability{momentum: s.Momentum, limit: s.Edge, share: s.Start}, targetLevel{share: 1}
	s.schedule, s.average = schedule{total}, parameterAverage{total, s.batches.Count}
	if s.deep {
		s.stability.limit *= deepEdge
	}
}

// Step is an epoch: it takes every sample once.
func (s *miniBatch) Step(ctx context.Context) (dlam.Record, error) {
	attempt := s.attempt
	risk, err := s.epoch(ctx)
	s.epochs++
	if errors.Is(err, dlam.ErrDiverged) && s.mayRetry() {
		s.retry()
	} else if err != nil {
		return dlam.Record{}, err
	}
	r := dlam.Record{BatchRisk: risk / s.weight, Step: s.step}
	if r.Risk, err = s.monitor.Risk(s.mean); err != nil {
		return dlam.Record{}, err
	}
	r.Risk = s.keepBest(r.Risk)
	r.Regularization = s.regularization(s.mean)
	if s.attempt == attempt && s.mayRetry() && s.halfDone() && !(r.Risk <= hopeless*s.constant) {
		s.retry()
	}
	if s.attempt != attempt {
		r.Attempt = s.attempt + 1
	}
	if s.monitor.Samples < int(s.samples) {
		r.RiskSamples = s.monitor.Samples
	}
	r.Objective = s.weight*r.Risk + r.Regularization
	return r, nil
}

// clearlyWorse is the ratio of risks above which the last network gives way to the best.
const clearlyWorse = 1.1

// keepBest takes the risk of an epoch's network, and at the end of the run puts the best
// in the place of one that is clearly worse, or worse than a constant. It returns the
// risk of the network.
func (s *miniBatch) keepBest(risk float64) float64 {
	if risk < s.bestRisk {
		s.bestRisk = risk
		s.best.CopyFrom(s.mean)
	}
	worse := risk > min(clearlyWorse*s.bestRisk, max(s.bestRisk, s.constant)) // no number stays: the run says so
	if s.epochs < s.Epochs || !worse {
		return risk
	}
	s.mean.CopyFrom(s.best)
	return s.bestRisk
}

// epoch takes every sample once, and returns the sum of their risks, each before
// its batch's update.
func (s *miniBatch) epoch(ctx context.Context) (risk float64, err error) {
	if risk, err = s.batches.Epoch(ctx, s.epochs, s.update); err != nil {
		return 0, err
	}
	s.setLookahead(0)
	s.polyak.endEpoch()
	s.target.observe(risk/s.weight, s.batches.Count)
	return risk, nil
}

// update is one with a mini-batch. It returns the sum of the batch's risk before it.
func (s *miniBatch) update(x mat.Dense, y loss.Target) (risk float64, err error) {
	k := s.updates
	s.updates++
	g, err := s.gradient(k, x, y)
	if err != nil {
		return 0, err
	}
	share := g.Weight / g.N
	excess, err := s.excess(g.Risk/g.N, share, y)
	if err != nil {
		return 0, err
	}
	risk = g.Risk
	if k > 0 && !(excess <= s.unusual()*s.polyak.usual()) {
		if before, taken, err := s.takeBack(excess, share, x, y); err != nil || taken {
			return before, err
		}
	}
	square, slope := s.addMove(g)
	if !(square < math.Inf(1)) {
		return 0, fmt.Errorf("update %d: %w: the gradient's length is %v", k+1, dlam.ErrDiverged, math.Sqrt(square))
	}
	if kept := s.polyak.kept(square); kept < 1 {
		s.run(moveJob{g: g, momentum: 1, scale: float32(kept - 1)})
	}
	s.polyak.observe(excess, square)
	s.stability.observe(slope, s.polyak.square)
	s.advance(k)
	return risk, nil
}

// gradient is the batch's, and brings the metric up to date where that is due. The
// first batches make a poor metric, so it is made anew more often.
func (s *miniBatch) gradient(k int, x mat.Dense, y loss.Target) (*backprop.Gradient, error) {
	if due := s.stale || k%s.Refresh == 0 || k < s.Refresh && k&(k-1) == 0; !due {
		return s.back.Gradient(x, y)
	}
	s.stale = false
	g, gram, err := s.back.GradientAndMoments(x, y, s.moments)
	if err != nil {
		return nil, err
	}
	if s.sketch != nil {
		if err := s.sketch.average(x, y, s.Decay); err != nil {
			return nil, err
		}
	}
	return g, s.refreshMetrics(gram, 0, s.Decay)
}

// excess is how far a batch's mean risk is above the least possible. share is the sum of
// the batch's weights over what the sums were divided by to give the mean.
func (s *miniBatch) excess(risk, share float64, y loss.Target) (float64, error) {
	least := 0.0
	if s.bounded != nil {
		least = share * loss.Least(s.bounded, y)
	}
	const rounding = 1e-5
	if excess := risk - least; !(excess < -rounding*(1+math.Abs(least))) {
		return max(0, excess), nil
	}
	return 0, fmt.Errorf("sync: a batch's mean loss is %v, less than %v, the least that loss %v says it can be (loss.Bounded)",
		risk, least, s.p.Loss.Spec())
}

const (
	unusual  = 2   // times the usual excess of batches: such a batch is looked at
	odd      = 1.5 // the same in an epoch of at most so
	few      = 30  // many batches, of which chance makes fewer unusual
	worsened = 1.1 // times its own excess before the last step: the step is the reason
)

// unusual is how many times the usual excess a batch has that is looked at.
func (s *miniBatch) unusual() float64 {
	if s.batches.Count <= few {
		return odd
	}
	return unusual
}

// takeBack looks at a batch whose excess is unusual: what it is without the last step
// says whether it comes from that step or from the batch's samples. A step that is to
// blame is taken back, and the run goes on from rest, with shorter steps and another
// metric. It returns the sum of the batch's risk without the step, and whether that is
// where it has left the parameters.
func (s *miniBatch) takeBack(excess, share float64, x mat.Dense, y loss.Target) (risk float64, taken bool, err error) {
	last := s.lookahead + s.step
	s.moveAlong(-last)
	risk, n, err := s.back.Risk(x, y)
	if err != nil {
		return 0, false, err
	}
	before, err := s.excess(risk/n, share, y)
	if err != nil || excess <= worsened*before || !(before < math.Inf(1)) { // then there is nothing to go back to
		s.moveAlong(last)
		return risk, false, err
	}
	for l := range s.layers {
		clear(s.layers[l].v.W.Data)
		clear(s.layers[l].v.B)
	}
	s.step, s.lookahead, s.stale = 0, 0, true
	s.stability.reject()
	return risk, true, nil
}

// addMove goes back to where the last step has led, and adds the batch's move to what V
// remembers. It returns ν, the square of the gradient's length in the metric, and the
// slope along the V before.
func (s *miniBatch) addMove(g *backprop.Gradient) (square, slope float64) {
	s.run(moveJob{step: -float32(s.lookahead), g: g, momentum: float32(s.Momentum), scale: 1, sums: true})
	s.lookahead = 0
	for l := range s.layers {
		for _, r := range s.layers[l].rows {
			square += r.move
			slope += r.slope
		}
	}
	return square, slope
}

// advance takes update k's step along V, takes where it leads into the average, and
// looks ahead for the next gradient.
func (s *miniBatch) advance(k int) {
	factor := s.Factor * math.Pow(retryFactor, float64(s.attempt))
	if s.deep {
		factor *= deepStretch
	}
	s.step = factor * (1 - s.Momentum) * s.polyak.length() * s.stability.share * s.target.share * s.schedule.share(k)
	ahead := s.lookaheadDistance(k)
	j := moveJob{step: float32(s.step + ahead), lookahead: float32(ahead)}
	if share := s.average.share(k); share > 0 {
		j.mean, j.share = s.mean, float32(share)
	}
	s.run(j)
	s.lookahead = ahead
}

// farthest is how many steps ahead a gradient is taken at most.
const farthest = 4

// lookaheadDistance is how far along V beyond the step of update k the next gradient is taken:
// steps that go by the gradient beyond the point they start from seek flat regions,
// which generalise better (momentum-SAM, Becker et al. 2024).
func (s *miniBatch) lookaheadDistance(k int) float64 {
	if s.Lead == 0 || !s.schedule.warm(k) {
		return 0
	}
	var w, v float64
	for l := range s.layers {
		for _, r := range s.layers[l].rows {
			w += r.w
			v += r.v
		}
	}
	if !(v > 0) {
		return 0
	}
	return min(s.Lead*math.Sqrt(w/v), farthest*s.step)
}

// setLookahead puts the parameters a distance along V ahead of where the step has led.
func (s *miniBatch) setLookahead(distance float64) {
	if distance != s.lookahead {
		s.moveAlong(distance - s.lookahead)
		s.lookahead = distance
	}
}

// Network is the average of the parameters.
func (s *miniBatch) Network() *dlam.Network { return s.mean }
