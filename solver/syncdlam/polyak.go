package syncdlam

import "math"

// polyakStep is the step length of mini-batches. For a gradient method in a metric
// Polyak's step (1969) is t = (F − F*)/ν, with ν = ⟨−gradient, move⟩ the square of the
// gradient's length: as far as F, followed along its slope, would have to go to be the
// least it can be. Where the metric is the curvature, twice that is Newton's step.
// Noise of the gradients makes ν larger, never smaller, so steps are shorter where
// batches disagree, and neither a learning rate nor the risk of a second batch is needed.
type polyakStep struct {
	excess float64 // average of the batches' risk above the least possible, a sample
	square float64 // average of ν
	least  float64 // least excess so far: a run that gets worse takes no longer steps

	sum, batches float64 // of the excess of the epoch's batches, and their number
	epoch        float64 // mean excess of the last epoch's batches; 0 before
}

const (
	polyakMemory  = 0.9 // of the averages
	polyakShare   = 4   // of t that is taken: chosen on held-back pictures (docs/sync.md)
	polyakOutlier = 4   // a batch counts as at most so many times the average
	longestMove   = 2   // times the usual length; a longer move is cut
)

// observe takes a batch's risk above the least possible, and its ν.
func (p *polyakStep) observe(excess, square float64) {
	p.sum += excess
	p.batches++
	if p.square == 0 {
		p.excess, p.square, p.least = excess, square, excess
		return
	}
	p.excess = average(p.excess, min(excess, polyakOutlier*p.excess))
	p.square = average(p.square, min(square, polyakOutlier*p.square))
	p.least = min(p.least, p.excess)
}

// endEpoch ends an epoch.
func (p *polyakStep) endEpoch() {
	p.epoch, p.sum, p.batches = p.sum/p.batches, 0, 0
}

// usual is what batches' excess is expected to be. Where an epoch has few batches, their
// average goes back several epochs, in which it was far higher.
func (p *polyakStep) usual() float64 {
	if p.epoch > 0 {
		return min(p.excess, p.epoch)
	}
	return p.excess
}

// average is a running average with one more value.
func average(before, value float64) float64 {
	return polyakMemory*before + (1-polyakMemory)*value
}

// length is the step along a gradient's own move; 0 where gradients are 0.
func (p *polyakStep) length() float64 {
	if !(p.square > 0) {
		return 0
	}
	return polyakShare * p.least / p.square
}

// kept is the share of a batch's move that is taken, given its ν: a move longer in
// the metric than twice the usual length is cut to that. A batch of heavy-tailed
// targets then counts as two others.
func (p *polyakStep) kept(square float64) float64 {
	if p.square == 0 || square <= longestMove*longestMove*p.square {
		return 1
	}
	return longestMove * math.Sqrt(p.square/square)
}
