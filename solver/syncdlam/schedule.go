package syncdlam

import "math"

// schedule is how the steps' length goes over a run of so many updates: it grows to
// its full length over the first ones, and then falls as a cosine.
type schedule struct{ updates float64 }

const (
	warmUp   = 10  // updates over which the step grows to its length, or a tenth of them all
	endShare = 0.2 // of the full length, in the last update
)

// share is that of the full length which update k takes; 0 is the first.
func (s schedule) share(k int) float64 {
	warm := min(1, float64(k+1)/min(warmUp, max(1, s.updates/10)))
	cosine := (1 + math.Cos(math.Pi*min(1, float64(k)/s.updates))) / 2
	return warm * (endShare + (1-endShare)*cosine)
}

// warm reports whether update k takes the full length for the first time or later.
func (s schedule) warm(k int) bool { return float64(k+1) >= min(warmUp, max(1, s.updates/10)) }
