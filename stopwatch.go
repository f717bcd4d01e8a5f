package dlam

import "time"

// stopwatch adds up how long the parts of a Step take.
type stopwatch struct {
	parts []Part // in the order in which they first ended
	last  time.Time
}

// start begins a Step.
func (w *stopwatch) start(now time.Time) { w.parts, w.last = w.parts[:0], now }

// ended adds the time since the last part ended.
func (w *stopwatch) ended(layer int, variables string) {
	now := time.Now()
	took := now.Sub(w.last).Seconds()
	w.last = now
	for i := range w.parts {
		if p := &w.parts[i]; p.Layer == layer && p.Variables == variables {
			p.Seconds += took
			return
		}
	}
	w.parts = append(w.parts, Part{Layer: layer, Variables: variables, Seconds: took})
}
