package syncdlam

// stability shortens steps that are so long that they overshoot. A batch that V has
// not seen says whether V has gone too far: its slope ⟨−gradient, V⟩, at the end of a
// step along V, is negative beyond the least point of the line. Where steps neither
// gain nor lose, the slope's mean over batches is −½tκ, with κ the curvature along V;
// and for one direction of curvature h, with momentum μ and gradients of noise ν,
//
//	slope/ν = −½th / (1 − μ² + μth),
//
// which is −1/(1+μ) where th = 2(1+μ) and the iteration is no longer stable. So
// −(1+μ)·slope/ν says how near to that edge the steps are, and no curvature has to be
// measured. (That successive gradients disagree where steps are too long for the noise
// is Pflug's test, 1990.)
type stability struct {
	momentum float64
	limit    float64 // Settings.Edge
	slope    float64 // average over batches
	share    float64 // in (0, 1]: of Polyak's step
	found    bool    // steps have been too long once
}

const (
	shorter       = 0.1  // by which share falls in an update, at most
	faster        = 0.05 // by which share grows in an update until steps have been too long
	longer        = 0.01 // by which it grows then: what was too long a while ago is soon too long again
	leastShare    = 0.1  // batches of few samples disagree for other reasons too: no shorter for that alone
	rejectedShare = 0.5  // is left of share after a step that was taken back
)

// observe takes a batch's slope along the V before it; square is ν's average.
func (s *stability) observe(slope, square float64) {
	bound := polyakOutlier * square
	s.slope = average(s.slope, max(-bound, min(slope, bound)))
	edge := -(1 + s.momentum) * s.slope / square
	switch {
	case edge <= s.limit && s.found:
		s.share = min(1, (1+longer)*s.share)
	case edge <= s.limit:
		s.share = min(1, (1+faster)*s.share)
	case s.share > leastShare:
		s.found = true
		s.share *= 1 - shorter*min(1, (edge-s.limit)/s.limit)
	}
}

// reject is called for a step that is taken back.
func (s *stability) reject() {
	s.share *= rejectedShare
	s.slope, s.found = 0, true
}
