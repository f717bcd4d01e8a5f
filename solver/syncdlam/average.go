package syncdlam

import "math"

// parameterAverage says how the parameters are averaged over the last updates of
// a run (Polyak & Juditsky, 1992): the average has less of the batches' noise, and
// so the steps need not become short to lose it.
type parameterAverage struct {
	updates float64 // of the run
	epoch   int     // updates of an epoch
}

const (
	averageWindow = 0.125 // updates that are averaged, of all of them
	averageStride = 4     // updates between two that are averaged
)

// share is the weight of the parameters after update k in their average, 0 for most
// updates. The last one of an epoch is always averaged.
func (a parameterAverage) share(k int) float64 {
	since := k%a.epoch%averageStride + 1 // updates since the last that was averaged
	if since < averageStride && (k+1)%a.epoch != 0 {
		return 0
	}
	forget := 1 - math.Pow(max(0, 1-1/(averageWindow*a.updates)), float64(since))
	return max(forget, float64(since)/float64(k+1))
}
