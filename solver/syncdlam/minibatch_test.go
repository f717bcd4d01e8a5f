package syncdlam

import (
	"math"
	"slices"
	"testing"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

// miniSettings are settings for 200 samples in batches of so many.
func miniSettings(batch int) Settings {
	set := DefaultSettings(4)
	set.Batch = batch
	return set
}

// led are the parameters where the steps have led, not where gradients are taken.
func (s *miniBatch) led() []float64 {
	var all []float64
	add := func(x, v []float32) {
		for i, p := range x {
			all = append(all, float64(p)-s.lookahead*float64(v[i]))
		}
	}
	for l := range s.layers {
		ly := &s.layers[l]
		add(ly.w.Data, ly.v.W.Data)
		add(ly.b, ly.v.B)
	}
	return all
}

// TestAverage: the network is the average of where the steps have led, not of
// where gradients are taken; at first it is where they have led.
func TestAverage(t *testing.T) {
	s := begun[*miniBatch](t, miniSettings(20), prox.L2{Lambda: 1}) // 10 updates an epoch
	mean, ahead := s.led(), 0
	for k := range 40 {
		if k%10 == 0 {
			s.setLookahead(0)
			s.batches.Shuffle(k / 10)
		}
		if _, err := s.update(s.batches.Take(k % 10)); err != nil {
			t.Fatal(err)
		}
		if s.lookahead > 0 {
			ahead++
		}
		share := s.average.share(k)
		if k == 3 && share != 1 {
			t.Errorf("the first parameters that are averaged have weight %v, want 1", share)
		}
		for i, v := range s.led() {
			mean[i] += share * (v - mean[i])
		}
	}
	if ahead < 10 {
		t.Errorf("only %d gradients are taken ahead", ahead)
	}
	i := 0
	for l, ly := range s.Network().Layers {
		for _, got := range append(ly.W.Clone().Data, ly.B...) {
			if math.Abs(float64(got)-mean[i]) > 1e-5*(1+math.Abs(mean[i])) {
				t.Fatalf("layer %d: parameter %v, want %v", l+1, got, mean[i])
			}
			i++
		}
	}
}

// TestAhead: gradients are taken Lead of the weights' norm ahead of where the step
// has led, or four steps if that is less; and from there the parameters go back.
func TestAhead(t *testing.T) {
	for _, lead := range []float64{1e-4, 5} {
		set := miniSettings(20)
		set.Lead = lead
		s := begun[*miniBatch](t, set, prox.None{})
		s.batches.Shuffle(0)
		for k := range 6 { // until steps have their full length
			if _, err := s.update(s.batches.Take(k)); err != nil {
				t.Fatal(err)
			}
		}
		led := s.led()
		ahead, step := s.lookahead, s.step
		s.setLookahead(-step) // where the last step came from
		var w, v float64
		for l := range s.layers {
			w += kernel.SumSquares(s.layers[l].w.Data)
			v += kernel.SumSquares(s.layers[l].v.W.Data)
		}
		s.setLookahead(ahead)
		want, bound := lead*math.Sqrt(w/v), 4*step
		if bounded := want > bound; bounded != (lead == 5) {
			t.Fatalf("lead %v: without a bound gradients would be taken %v ahead, and a step is %v", lead, want, step)
		}
		want = min(want, bound)
		if math.Abs(s.lookahead-want) > 1e-3*want {
			t.Errorf("lead %v: gradients are taken %v ahead, want %v (a step is %v)", lead, s.lookahead, want, s.step)
		}
		s.setLookahead(0)
		for i, got := range s.led() {
			if math.Abs(got-led[i]) > 1e-6*(1+math.Abs(led[i])) {
				t.Fatalf("lead %v: parameter %d is %v, want %v", lead, i, got, led[i])
			}
		}
	}
}

// TestSlopeAndSquare: ν is the slope along a batch's own move, and the slope that a
// batch has along the V before is the derivative of its risk.
func TestSlopeAndSquare(t *testing.T) {
	slopeAndSquare(t, begun[*miniBatch](t, miniSettings(50), prox.L2{Lambda: 3}))
}

func slopeAndSquare(t *testing.T, s *miniBatch) {
	s.batches.Shuffle(0)
	for k := range 2 {
		if _, err := s.update(s.batches.Take(k)); err != nil {
			t.Fatal(err)
		}
	}
	x, y := s.batches.Take(2)
	risk := func(along float64) float64 {
		s.moveAlong(along)
		r, n, err := s.back.Risk(x, y)
		if err != nil {
			t.Fatal(err)
		}
		f := r/n + s.regularization(s.net)/s.samples
		s.moveAlong(-along)
		return f
	}
	slopeOf := func(step float64) float64 { return (risk(-step) - risk(step)) / (2 * step) }
	want := slopeOf(1e-3)
	g, err := s.back.Gradient(x, y)
	if err != nil {
		t.Fatal(err)
	}
	s.Momentum, s.lookahead = 0, 0 // V becomes the batch's move alone
	before := s.led()
	s.Momentum = 0.8
	square, slope := s.addMove(g)
	if math.Abs(slope-want) > 1e-2*math.Abs(want) {
		t.Errorf("the slope along V is %v, differences give %v", slope, want)
	}
	if !slices.Equal(before, s.led()) {
		t.Error("the parameters have moved")
	}
	s.run(moveJob{g: g, scale: 1})
	if want := slopeOf(1e-3); math.Abs(square-want) > 1e-2*want {
		t.Errorf("ν is %v, differences give %v", square, want)
	}
}

// TestTakeBack: a step that doubles the excess of the batch after it is taken back,
// and the run rests there; a batch that had the excess before the step is none of it.
func TestTakeBack(t *testing.T) {
	for _, guilty := range []bool{true, false} {
		s := begun[*miniBatch](t, miniSettings(50), prox.None{})
		s.batches.Shuffle(0)
		if _, err := s.update(s.batches.Take(0)); err != nil {
			t.Fatal(err)
		}
		s.setLookahead(0)
		start := s.led()
		x, y := s.batches.Take(1)
		if guilty { // uphill
			s.step = -500
		} else {
			s.step = 0.01
		}
		s.moveAlong(s.step)
		after := s.led()
		r, n, err := s.back.Risk(x, y)
		if err != nil {
			t.Fatal(err)
		}
		share := s.stability.share
		before, taken, err := s.takeBack(r/n, 1, x, y)
		if err != nil {
			t.Fatal(err)
		}
		want := after
		if guilty {
			want, share = start, share/2
		}
		if taken != guilty || taken != (before < r/worsened) || s.stability.share != share || s.stale != guilty {
			t.Errorf("guilty %v: taken %v, risk %v of %v, share %v, stale %v", guilty, taken, before, r, s.stability.share, s.stale)
		}
		for i, v := range s.led() {
			if math.Abs(v-want[i]) > 1e-3*(1+math.Abs(want[i])) {
				t.Fatalf("guilty %v: parameter %d is %v, want %v", guilty, i, v, want[i])
			}
		}
	}
}

// TestTakeBackFromInfinity: a step to where the risk is no number any more is taken back
// too, unless there was none before it.
func TestTakeBackFromInfinity(t *testing.T) {
	for _, excess := range []float64{math.Inf(1), math.NaN()} {
		s := begun[*miniBatch](t, miniSettings(50), prox.None{})
		s.batches.Shuffle(0)
		x, y := s.batches.Take(0)
		if risk, taken, err := s.takeBack(excess, 1, x, y); err != nil || !taken || !(risk < math.Inf(1)) {
			t.Errorf("%v: risk %v, taken %v, %v", excess, risk, taken, err)
		}
		s.net.Layers[0].B[0] = float32(math.NaN())
		if risk, taken, err := s.takeBack(excess, 1, x, y); err != nil || taken {
			t.Errorf("%v without a risk before: risk %v, taken %v, %v", excess, risk, taken, err)
		}
	}
}

// TestMetricForgets: moments that are no numbers leave nothing in a metric that begins again.
func TestMetricForgets(t *testing.T) {
	var m inputMetric
	m.allocate(2, 1, 0)
	m.energy = make([]float64, 1)
	take := func(v float64) {
		m.averageEnergy(v, 0.8)
		m.average([]float64{v, v, v, v}, []float64{v, v}, 1, 0.8)
	}
	take(math.Inf(1))
	if m.seen = true; m.invert(1, 0) {
		t.Error("moments that are no numbers have an inverse")
	}
	m.forget()
	if take(0.5); !m.invert(1, 0) || m.energy[0] != 0.5 {
		t.Errorf("after forgetting: moments %v, energy %v", m.square, m.energy)
	}
}

// TestAverageShares: within an epoch each fourth update's parameters are averaged, and
// those of its last, each for the updates since the one before.
func TestAverageShares(t *testing.T) {
	for _, epoch := range []int{3, 4, 6, 9} {
		a, since := parameterAverage{updates: 1e9, epoch: epoch}, 0
		for k := range 5 * epoch {
			since++
			in := k % epoch
			due := (in+1)%averageStride == 0 || in == epoch-1
			if want := float64(since) / float64(k+1); due && a.share(k) != want || !due && a.share(k) != 0 {
				t.Errorf("%d updates an epoch, update %d: share %v, want %v (due %v)", epoch, k, a.share(k), want, due)
			}
			if due {
				since = 0
			}
		}
	}
}

// TestPolyakStep: the step is the excess over the gradient's squared length; it does
// not grow while the risk rises, and outliers count as four of the average.
func TestPolyakStep(t *testing.T) {
	var p polyakStep
	p.observe(2, 0.5)
	if got := p.length(); got != polyakShare*4 {
		t.Errorf("first length %v, want %v", got, polyakShare*4)
	}
	first := p.length()
	for range 100 {
		p.observe(4, 0.5)
		if p.length() > first {
			t.Fatalf("the step grows to %v while the risk rises", p.length())
		}
	}
	p.observe(1e30, 1e30)
	if p.excess > 1.31*4 || p.square > 1.31*0.5 {
		t.Errorf("an outlier makes the averages %v and %v", p.excess, p.square)
	}
	p = polyakStep{}
	for _, excess := range []float64{8, 3, 1} { // an epoch each
		p.observe(excess, 1)
		p.endEpoch()
	}
	if got := p.usual(); got != 1 {
		t.Errorf("after an epoch of excess 1 the usual one is %v, and the average %v", got, p.excess)
	}
	p = polyakStep{excess: 1, square: 1, least: 1}
	for _, c := range []struct{ square, want float64 }{{0.1, 1}, {4, 1}, {16, 0.5}, {400, 0.1}} {
		if got := p.kept(c.square); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("of a move with ν = %v is kept %v, want %v", c.square, got, c.want)
		}
	}
	p = polyakStep{}
	p.observe(0, 0)
	if p.length() != 0 {
		t.Errorf("without a gradient the step is %v, want 0", p.length())
	}
}

// TestStabilityEdge: for gradient steps with momentum on a quadratic with noise, of
// one dimension, slope/ν is as the type says for stable steps of any length, and only
// those that are near the edge shorten the steps.
func TestStabilityEdge(t *testing.T) {
	for _, momentum := range []float64{0, 0.5, 0.9} {
		for _, part := range []float64{0.05, 0.3, 0.6, 0.95} {
			th := part * 2 * (1 + momentum)
			rng := testprob.Rng(uint64(1000 * part))
			var x, v, slope, square float64
			s := stability{momentum: momentum, limit: 0.6, share: 1}
			const updates = 200000
			for range updates {
				g := x + rng.NormFloat64() // of x²/2: h = 1
				slope += -g * v
				square += g * g
				v = momentum*v - g
				x += th * v
			}
			r := slope / square
			edge := -(1 + momentum) * r
			want := th / 2 * (1 + momentum) / (1 - momentum*momentum + momentum*th)
			// ν has the noise and the mean gradient's square.
			if noise := square / updates; math.Abs(edge-want/1) > 0.6*want || noise < 1 {
				t.Errorf("μ %v, th %v: edge %v, want about %v", momentum, th, edge, want)
			}
			for range 200 {
				s.observe(r, 1)
			}
			if short := s.share < 1; short != (edge > s.limit) {
				t.Errorf("μ %v, th %v: edge %v, share %v", momentum, th, edge, s.share)
			}
		}
	}
}

// TestStabilityBounds: disagreement alone leaves a tenth; agreement restores it all.
func TestStabilityBounds(t *testing.T) {
	s := stability{momentum: 0.8, limit: 0.6, share: 1}
	for range 1000 {
		s.observe(-1, 1)
	}
	if s.share > leastShare || s.share < leastShare*(1-shorter) {
		t.Errorf("share %v, want about %v", s.share, leastShare)
	}
	s.reject()
	if s.share > leastShare/2 {
		t.Errorf("share %v after a rejected step, want a half", s.share)
	}
	for range 1000 {
		s.observe(0.1, 1)
	}
	if s.share != 1 {
		t.Errorf("share %v, want 1", s.share)
	}
}

// TestTargetLevel: passes that do not bring the risk down halve the share; a pass is
// at least twenty updates.
func TestTargetLevel(t *testing.T) {
	level := targetLevel{share: 1}
	for _, c := range []struct {
		risk    float64
		updates int
		want    float64
	}{{5, 20, 1}, {4, 20, 1}, {4.1, 20, 0.5}, {3, 20, 0.55}, {9, 10, 0.55}, {1, 10, 0.275}, {2, 30, 0.3025}} {
		level.observe(c.risk, c.updates)
		if math.Abs(level.share-c.want) > 1e-12 {
			t.Errorf("risk %v: share %v, want %v", c.risk, level.share, c.want)
		}
	}
}

// TestSchedule: steps grow to their length, and then fall to a fifth.
func TestSchedule(t *testing.T) {
	s := schedule{1000}
	for k, want := range map[int]float64{0: 0.1, 4: 0.5, 9: 1, 500: 0.6, 1000: 0.2} {
		if got := s.share(k); math.Abs(got-want) > 3e-3 {
			t.Errorf("update %d: share %v, want %v", k, got, want)
		}
	}
	if short := (schedule{5}); short.share(0) != 1 {
		t.Errorf("the first of five updates takes %v of the step, want all", short.share(0))
	}
}

// TestMonitor: the risk is the network's, on all samples where there are few.
func TestMonitor(t *testing.T) {
	s := begun[*miniBatch](t, miniSettings(50), prox.None{})
	at := s.net.Clone()
	testprob.Normal(s.mean.Layers[0].W, 1, testprob.Rng(4))
	got, err := s.monitor.Risk(s.mean)
	if err != nil {
		t.Fatal(err)
	}
	s.net.CopyFrom(s.mean)
	want, n, err := s.back.Risk(s.p.X, s.p.Y)
	if err != nil {
		t.Fatal(err)
	}
	if got != want/n || s.monitor.Samples != 200 {
		t.Errorf("risk %v on %d samples, want %v on 200", got, s.monitor.Samples, want/n)
	}
	s.net.CopyFrom(at)
	if _, err := s.monitor.Risk(s.mean); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(mat.FromSlice(1, len(at.Layers[0].W.Data), at.Layers[0].W.Data).Data, s.net.Layers[0].W.Data) {
		t.Error("measuring has moved the parameters")
	}
}
