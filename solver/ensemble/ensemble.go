// Package ensemble trains several networks beside each other, each by a solver of its
// own, and takes the mean of their outputs: of values, or of what probabilities are
// made of (the softmax of a mean is the geometric mean of probabilities, up to a
// factor). That mean is a network too, whose hidden layers have all their units and
// whose last layer divides by their number, so that whatever takes a network takes an
// ensemble.
package ensemble

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/mat"
)

// Solver trains as many networks as it has members.
type Solver struct{ Members []dlam.Solver }

var (
	_ dlam.Solver    = Solver{}
	_ dlam.Scheduled = Solver{}
)

func (s Solver) String() string {
	if len(s.Members) == 0 {
		return "ensemble"
	}
	return s.Members[0].String()
}

// Epochs is that of the members.
func (s Solver) Epochs() int {
	for _, m := range s.Members {
		if sch, ok := m.(dlam.Scheduled); ok && sch.Epochs() != 0 {
			return sch.Epochs()
		}
	}
	return 0
}

// Join is the network whose outputs are the mean of those of networks of the same
// shape, with hidden layers.
func Join(networks []*dlam.Network) *dlam.Network {
	widths := networks[0].Widths()
	for l := 1; l < len(widths)-1; l++ {
		widths[l] *= len(networks)
	}
	n := networks[0].Clone()
	for l := range n.Layers {
		n.Layers[l].W, n.Layers[l].B = mat.New(widths[l+1], widths[l]), make([]float32, widths[l+1])
	}
	join(n, networks)
	return n
}

// join is Join into n.
func join(n *dlam.Network, networks []*dlam.Network) {
	last, count := len(n.Layers)-1, float32(len(networks))
	clear(n.Layers[last].B)
	for k, m := range networks {
		for l := range m.Layers {
			to := block(n, l, k, len(networks))
			if l < last {
				to.W.CopyFrom(m.Layers[l].W)
				copy(to.B, m.Layers[l].B)
				continue
			}
			for i := range to.W.Rows {
				for j, w := range m.Layers[l].W.Row(i) {
					to.W.Row(i)[j] = w / count
				}
				to.B[i] += m.Layers[l].B[i] / count
			}
		}
	}
}

// block is what network k of count has of layer l of n: views.
func block(n *dlam.Network, l, k, count int) dlam.Layer {
	ly := n.Layers[l]
	if l < len(n.Layers)-1 {
		d := ly.W.Rows / count
		ly.W, ly.B = ly.W.RowRange(k*d, (k+1)*d), ly.B[k*d:(k+1)*d]
	}
	if l > 0 {
		d := ly.W.Cols / count
		ly.W = ly.W.ColRange(k*d, (k+1)*d)
	}
	return ly
}

// split is network k of count of which n is the mean. What n has between two of them
// is left out.
func split(n *dlam.Network, k, count int) *dlam.Network {
	m := &dlam.Network{}
	for l := range n.Layers {
		ly := block(n, l, k, count)
		ly.W, ly.B = ly.W.Clone(), append([]float32(nil), ly.B...)
		if l == len(n.Layers)-1 {
			for i, w := range ly.W.Data {
				ly.W.Data[i] = w * float32(count)
			}
		}
		m.Layers = append(m.Layers, ly)
	}
	return m
}

// fits reports a network that is not the mean of so many.
func fits(n *dlam.Network, count int) error {
	switch {
	case count < 2:
		return fmt.Errorf("ensemble: got %d members, want at least 2", count)
	case len(n.Layers) < 2:
		return errors.New("ensemble: the network has no hidden layers, and the mean of several without any is one without any: train one")
	}
	if err := n.FullyConnected(); err != nil {
		return fmt.Errorf("ensemble: %w", err)
	}
	for l, ly := range n.Layers {
		if l < len(n.Layers)-1 && ly.W.Rows%count != 0 {
			return fmt.Errorf("ensemble: layer %d has %d units, want a multiple of the %d members", l+1, ly.W.Rows, count)
		}
	}
	return nil
}

// Memory is about how many bytes a run takes beside the samples.
func (s Solver) Memory(widths []int, samples, threads int) float64 {
	own, count := append([]int(nil), widths...), max(1, len(s.Members))
	for l := 1; l < len(own)-1; l++ {
		own[l] /= count
	}
	var bytes float64
	for l, d := range widths[1:] { // the mean, and what is copied of it
		bytes += 2 * 4 * float64(d) * float64(widths[l]+1)
	}
	for _, m := range s.Members {
		if e, ok := m.(interface {
			Memory(widths []int, samples, threads int) float64
		}); ok {
			bytes += e.Memory(own, samples, threads)
		}
	}
	return bytes
}

// Init prepares a run from n, each member's from its own part of n's units.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := fits(n, len(s.Members)); err != nil {
		return nil, err
	}
	st := &stepper{mean: n.Clone()}
	for k, m := range s.Members {
		member, err := m.Init(p, split(n, k, len(s.Members)))
		if err != nil {
			st.Close()
			return nil, err
		}
		r, ok := member.(dlam.Resumable)
		if !ok {
			member.Close()
			st.Close()
			return nil, fmt.Errorf("ensemble: runs of %v cannot be resumed (dlam.Resumable), which those of a member must", m)
		}
		st.members = append(st.members, r)
		st.networks = append(st.networks, r.Network())
	}
	st.ended = make([]float64, len(st.members))
	st.join()
	return st, nil
}

// stepper is a run under way.
type stepper struct {
	members  []dlam.Resumable
	networks []*dlam.Network // the members', after the last step
	ended    []float64       // 1 for a member that found nothing left to do
	mean     *dlam.Network
	penalty  []float64
}

var (
	_ dlam.Resumable  = (*stepper)(nil)
	_ dlam.Comparable = (*stepper)(nil)
)

func (s *stepper) join() {
	for k, m := range s.members {
		s.networks[k] = m.Network()
	}
	join(s.mean, s.networks)
}

// Step is one of each member that has something to do. Its record is the mean of
// theirs.
func (s *stepper) Step(ctx context.Context) (dlam.Record, error) {
	var sum dlam.Record
	s.penalty = s.penalty[:0]
	steps := 0
	for k, m := range s.members {
		if s.ended[k] == 1 {
			continue
		}
		r, err := m.Step(ctx)
		if errors.Is(err, dlam.ErrStop) {
			s.ended[k] = 1
		} else if err != nil {
			return dlam.Record{}, fmt.Errorf("member %d of %d: %w", k+1, len(s.members), err)
		}
		s.add(&sum, r)
		steps++
	}
	s.join()
	if steps == 0 {
		return sum, dlam.ErrStop
	}
	share := 1 / float64(steps)
	for _, v := range []*float64{&sum.Objective, &sum.Risk, &sum.BatchRisk, &sum.Regularization, &sum.Epsilon, &sum.Step} {
		*v *= share
	}
	for l := range s.penalty {
		s.penalty[l] *= share
	}
	if sum.Penalty = s.penalty; len(s.penalty) == 0 {
		sum.Penalty = nil
	}
	for _, done := range s.ended {
		if done == 0 {
			return sum, nil
		}
	}
	return sum, dlam.ErrStop
}

// add adds a member's record to the sum of them.
func (s *stepper) add(sum *dlam.Record, r dlam.Record) {
	sum.Objective += r.Objective
	sum.Risk += r.Risk
	sum.BatchRisk += r.BatchRisk
	sum.Regularization += r.Regularization
	sum.Epsilon += r.Epsilon
	sum.Step += r.Step
	sum.Trials += r.Trials
	sum.RiskSamples = max(sum.RiskSamples, r.RiskSamples)
	sum.Attempt = max(sum.Attempt, r.Attempt)
	sum.EpsilonChanged = sum.EpsilonChanged || r.EpsilonChanged
	for len(s.penalty) < len(r.Penalty) {
		s.penalty = append(s.penalty, 0)
	}
	for l, v := range r.Penalty {
		s.penalty[l] += v
	}
}

// Network is the mean.
func (s *stepper) Network() *dlam.Network { return s.mean }

// Constant is the members' risk of outputs that are the same for all samples, and
// infinite if they do not say.
func (s *stepper) Constant() float64 {
	for _, m := range s.members {
		if c, ok := m.(dlam.Comparable); ok {
			return c.Constant()
		}
	}
	return math.Inf(1)
}

// Close frees what the members hold.
func (s *stepper) Close() {
	for _, m := range s.members {
		m.Close()
	}
}

// State is that of each member, and its network, which cannot be had from the mean to
// the bit.
func (s *stepper) State() dlam.State {
	all := dlam.State{Float32: map[string][]float32{}, Float64: map[string][]float64{"ended": s.ended}}
	for k, m := range s.members {
		st := m.State()
		all.OfSamples = all.OfSamples || st.OfSamples
		prefix := name(k)
		for key, v := range st.Float32 {
			all.Float32[prefix+key] = v
		}
		for key, v := range st.Float64 {
			all.Float64[prefix+key] = v
		}
		for l, ly := range m.Network().Layers {
			all.Float32[fmt.Sprint(prefix, "network.w.", l)], all.Float32[fmt.Sprint(prefix, "network.b.", l)] = ly.W.Data, ly.B
		}
	}
	return all
}

// Restore puts a State back.
func (s *stepper) Restore(_ *dlam.Network, all dlam.State) error {
	if len(all.Float64["ended"]) != len(s.ended) {
		return fmt.Errorf("ensemble state: it has %d members, want %d", len(all.Float64["ended"]), len(s.ended))
	}
	copy(s.ended, all.Float64["ended"])
	for k, m := range s.members {
		prefix, n := name(k), m.Network().Clone()
		for l, ly := range n.Layers {
			w, b := all.Float32[fmt.Sprint(prefix, "network.w.", l)], all.Float32[fmt.Sprint(prefix, "network.b.", l)]
			if len(w) != len(ly.W.Data) || len(b) != len(ly.B) {
				return fmt.Errorf("ensemble state: layer %d of member %d has %d weights and %d intercepts, want %d and %d", l+1, k+1, len(w), len(b), len(ly.W.Data), len(ly.B))
			}
			copy(ly.W.Data, w)
			copy(ly.B, b)
		}
		st := dlam.State{Float32: under(all.Float32, prefix), Float64: under(all.Float64, prefix), OfSamples: all.OfSamples}
		if err := m.Restore(n, st); err != nil {
			return fmt.Errorf("member %d: %w", k+1, err)
		}
	}
	s.join()
	return nil
}

// name is what the names of member k's arrays begin with.
func name(k int) string { return fmt.Sprint("member.", k, ".") }

// under are the arrays whose names begin with a prefix, without it.
func under[T any](arrays map[string][]T, prefix string) map[string][]T {
	own := map[string][]T{}
	for key, v := range arrays {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			own[rest] = v
		}
	}
	return own
}
