package syncdlam

import (
	"errors"
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// State is V: all else follows from the parameters.
func (s *monotone) State() dlam.State {
	st := dlam.State{Float32: map[string][]float32{}, Float64: map[string][]float64{"step": {s.step}}}
	s.saveMoves(st)
	return st
}

// Restore puts a State back.
func (s *monotone) Restore(n *dlam.Network, st dlam.State) error {
	s.net.CopyFrom(n)
	r := restorer{st: st}
	r.numbers("step", &s.step)
	s.restoreMoves(&r)
	if err := r.err(); err != nil {
		return err
	}
	return s.evaluate()
}

// Variables are the parameters and V.
func (s *monotone) Variables() (samples, shared []mat.Dense, err error) {
	for l := range s.layers {
		ly := &s.layers[l]
		shared = append(shared, ly.w, mat.FromSlice(1, len(ly.b), ly.b), ly.v.W, mat.FromSlice(1, len(ly.v.B), ly.v.B))
	}
	return nil, shared, nil
}

// Moved takes the variables as they have been changed.
func (s *monotone) Moved() (dlam.Record, error) {
	err := s.evaluate()
	return s.record(), err
}

// State is V, the parameters beside their average, the metrics' averages, and the
// few numbers beside them.
func (s *miniBatch) State() dlam.State {
	st := dlam.State{Float32: map[string][]float32{}, Float64: map[string][]float64{
		"epochs": {float64(s.epochs)}, "updates": {float64(s.updates)}, "step": {s.step}, "stale": {truth(s.stale)},
		"attempt": {float64(s.attempt), float64(s.began)}, "best": {s.bestRisk},
		"polyak": {s.polyak.excess, s.polyak.square, s.polyak.least, s.polyak.epoch}, "stability": {s.stability.slope, s.stability.share, truth(s.stability.found)},
		"target": {s.target.share, s.target.lowest, s.target.risk, float64(s.target.epochs), float64(s.target.updates)},
	}}
	s.saveMoves(st)
	for l := range s.layers {
		ly, m := &s.layers[l], &s.layers[l].metric
		st.Float32[fmt.Sprint("w.", l)], st.Float32[fmt.Sprint("b.", l)] = ly.w.Data, ly.b
		st.Float32[fmt.Sprint("best.w.", l)], st.Float32[fmt.Sprint("best.b.", l)] = s.best.Layers[l].W.Data, s.best.Layers[l].B
		st.Float64[fmt.Sprint("square.", l)], st.Float64[fmt.Sprint("mean.", l)] = m.square, m.mean
		if b := ly.binary; b != nil {
			st.Float32[fmt.Sprint("s.", l)], st.Float32[fmt.Sprint("mean.w.", l)], st.Float32[fmt.Sprint("mean.s.", l)] = b.s, b.meanW.Data, b.meanS
		}
		if m.low != nil {
			st.Float32[fmt.Sprint("subspace.", l)] = m.low.u.Data
		}
		if m.energy != nil {
			st.Float64[fmt.Sprint("energy.", l)] = m.energy
		}
		if ly.output != nil {
			st.Float64[fmt.Sprint("output.", l)] = ly.output.square
		}
	}
	return st
}

// Restore puts a State back.
func (s *miniBatch) Restore(n *dlam.Network, st dlam.State) error {
	s.mean.CopyFrom(n)
	r := restorer{st: st}
	var epochs, updates, stale, passEpochs, passUpdates, attempt, began, found float64
	r.numbers("epochs", &epochs)
	r.numbers("updates", &updates)
	r.numbers("step", &s.step)
	r.numbers("stale", &stale)
	r.numbers("attempt", &attempt, &began)
	r.numbers("best", &s.bestRisk)
	s.attempt, s.began = int(attempt), int(began)
	s.planAttempt()
	r.numbers("polyak", &s.polyak.excess, &s.polyak.square, &s.polyak.least, &s.polyak.epoch)
	r.numbers("stability", &s.stability.slope, &s.stability.share, &found)
	r.numbers("target", &s.target.share, &s.target.lowest, &s.target.risk, &passEpochs, &passUpdates)
	s.epochs, s.updates, s.stale, s.stability.found = int(epochs), int(updates), stale == 1, found == 1
	s.target.epochs, s.target.updates = int(passEpochs), int(passUpdates)
	s.restoreMoves(&r)
	for l := range s.layers {
		ly, m := &s.layers[l], &s.layers[l].metric
		restore(&r, st.Float32, fmt.Sprint("w.", l), ly.w.Data)
		restore(&r, st.Float32, fmt.Sprint("b.", l), ly.b)
		restore(&r, st.Float32, fmt.Sprint("best.w.", l), s.best.Layers[l].W.Data)
		restore(&r, st.Float32, fmt.Sprint("best.b.", l), s.best.Layers[l].B)
		restore(&r, st.Float64, fmt.Sprint("square.", l), m.square)
		restore(&r, st.Float64, fmt.Sprint("mean.", l), m.mean)
		if b := ly.binary; b != nil {
			restore(&r, st.Float32, fmt.Sprint("s.", l), b.s)
			restore(&r, st.Float32, fmt.Sprint("mean.w.", l), b.meanW.Data)
			restore(&r, st.Float32, fmt.Sprint("mean.s.", l), b.meanS)
			for i := range b.s {
				nn.Binarize(s.net.Layers[l].W.Row(i), b.s[i], ly.w.Row(i))
			}
		}
		if m.low != nil {
			restore(&r, st.Float32, fmt.Sprint("subspace.", l), m.low.u.Data)
		}
		if m.energy != nil {
			restore(&r, st.Float64, fmt.Sprint("energy.", l), m.energy)
		}
		if ly.output != nil {
			restore(&r, st.Float64, fmt.Sprint("output.", l), ly.output.square)
		}
		m.seen = s.updates > 0
	}
	if err := r.err(); err != nil || s.updates == 0 {
		return err
	}
	return s.refreshMetrics(nil, 0, 0)
}

// truth is 1 for true.
func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (c *core) saveMoves(st dlam.State) {
	for l := range c.layers {
		v := c.layers[l].v
		st.Float32[fmt.Sprint("v.w.", l)], st.Float32[fmt.Sprint("v.b.", l)] = v.W.Data, v.B
	}
}

func (c *core) restoreMoves(r *restorer) {
	for l := range c.layers {
		v := c.layers[l].v
		restore(r, r.st.Float32, fmt.Sprint("v.w.", l), v.W.Data)
		restore(r, r.st.Float32, fmt.Sprint("v.b.", l), v.B)
	}
}

// restorer copies what a State has into its place, and collects an error for each
// array that it lacks.
type restorer struct {
	st   dlam.State
	errs []error
}

func (r *restorer) err() error { return errors.Join(r.errs...) }

// numbers restores some numbers.
func (r *restorer) numbers(key string, to ...*float64) {
	v := make([]float64, len(to))
	restore(r, r.st.Float64, key, v)
	for i := range to {
		*to[i] = v[i]
	}
}

// restore restores an array.
func restore[T any](r *restorer, from map[string][]T, key string, to []T) {
	if len(from[key]) != len(to) {
		r.errs = append(r.errs, fmt.Errorf("sync state: %s has %d elements, want %d", key, len(from[key]), len(to)))
		return
	}
	copy(to, from[key])
}
