package testprob

import "runtime"

// Allocated is how many bytes a run of do allocates, the least of three runs. What other
// goroutines of the process take meanwhile, such as a server that an earlier test left to
// end, is counted too: it can only add, so that the least is nearest to do's own.
func Allocated(do func()) float64 {
	var least uint64
	for k := range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; k == 0 || took < least {
			least = took
		}
	}
	return float64(least)
}
