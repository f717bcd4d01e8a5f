package sync

import (
	"errors"
	"fmt"

	"github.com/dlam-go/dlam"
)

// State is V, the parameters where the network is their average, the metrics'
// averages, and the few numbers beside them.
func (s *stepper) State() dlam.State {
	st := dlam.State{Float32: map[string][]float32{}, Float64: map[string][]float64{
		"scalars": {float64(s.steps), float64(s.updates), s.slope, s.curve, s.gain, s.level, s.t, s.bound, s.trust, s.lowest, s.spread, s.least},
	}}
	for l := range s.layers {
		ly, m := &s.layers[l], &s.layers[l].metric
		st.Float32[fmt.Sprint("v.w.", l)], st.Float32[fmt.Sprint("v.b.", l)] = ly.v.W.Data, ly.v.B
		if s.Batch > 0 {
			st.Float32[fmt.Sprint("w.", l)], st.Float32[fmt.Sprint("b.", l)] = ly.w.Data, ly.b
			st.Float32[fmt.Sprint("safe.w.", l)], st.Float32[fmt.Sprint("safe.b.", l)] = s.safe.Layers[l].W.Data, s.safe.Layers[l].B
			st.Float64[fmt.Sprint("square.", l)], st.Float64[fmt.Sprint("mean.", l)] = m.square, m.mean
			if m.low != nil {
				st.Float32[fmt.Sprint("subspace.", l)] = m.low.u.Data
			}
		}
	}
	return st
}

// Restore puts a State back.
func (s *stepper) Restore(n *dlam.Network, st dlam.State) error {
	v := st.Float64["scalars"]
	if len(v) != 12 {
		return errors.New("sync state: scalars missing")
	}
	s.steps, s.updates, s.slope, s.curve, s.gain = int(v[0]), int(v[1]), v[2], v[3], v[4]
	s.level, s.t, s.bound, s.trust, s.lowest, s.spread, s.least = v[5], v[6], v[7], v[8], v[9], v[10], v[11]
	s.Network().CopyFrom(n)
	var errs []error
	for l := range s.layers {
		ly, m := &s.layers[l], &s.layers[l].metric
		put(&errs, st.Float32, fmt.Sprint("v.w.", l), ly.v.W.Data)
		put(&errs, st.Float32, fmt.Sprint("v.b.", l), ly.v.B)
		if s.Batch > 0 {
			put(&errs, st.Float32, fmt.Sprint("w.", l), ly.w.Data)
			put(&errs, st.Float32, fmt.Sprint("b.", l), ly.b)
			put(&errs, st.Float32, fmt.Sprint("safe.w.", l), s.safe.Layers[l].W.Data)
			put(&errs, st.Float32, fmt.Sprint("safe.b.", l), s.safe.Layers[l].B)
			put(&errs, st.Float64, fmt.Sprint("square.", l), m.square)
			put(&errs, st.Float64, fmt.Sprint("mean.", l), m.mean)
			if m.low != nil {
				put(&errs, st.Float32, fmt.Sprint("subspace.", l), m.low.u.Data)
			}
			m.seen = s.updates > 0
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if s.Batch > 0 && s.updates > 0 {
		if err := s.refresh(nil, 0, 0); err != nil {
			return err
		}
	}
	s.advance(0) // for the norms
	return s.evaluate()
}

// put copies a saved array into its place.
func put[T any](errs *[]error, from map[string][]T, key string, to []T) {
	if len(from[key]) != len(to) {
		*errs = append(*errs, fmt.Errorf("sync state: %s has %d elements, want %d", key, len(from[key]), len(to)))
		return
	}
	copy(to, from[key])
}
