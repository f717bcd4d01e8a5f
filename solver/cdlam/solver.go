package cdlam

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/solver/internal/split"
)

// Settings are the method's.
type Settings struct {
	Rho     float64 // ρ > 0, weight of z_l = V_l
	Epsilon float64 // ε > 0, half width of the band of a_l around h(z_l)
	Lambda  float64 // λ > 0, damping of the (W, b)-step, relative to the inputs' mean square
	Rounds  int     // ≥ 1: updates of all z and a before one of W and b
}

// DefaultSettings are for any data: docs/family.md has how they were chosen.
func DefaultSettings() Settings { return Settings{Rho: 10, Epsilon: 1e-3, Lambda: 0.3, Rounds: 1} }

// Validate reports every setting outside its range.
func (s Settings) Validate() error {
	v := check.Of("cdlam settings")
	v.Above(0, "rho", s.Rho)
	v.Above(0, "epsilon", s.Epsilon)
	v.Above(0, "lambda", s.Lambda)
	v.AtLeast(1, "rounds", s.Rounds, "")
	return v.Err()
}

// Solver is DLAM with coupled blocks, with its settings.
type Solver struct{ Settings Settings }

var _ dlam.Solver = Solver{}

func (Solver) String() string { return "cdlam" }

// Validate reports every setting outside its range.
func (s Solver) Validate() error { return s.Settings.Validate() }

// Memory is about how many bytes a run takes beside the samples.
func (Solver) Memory(widths []int, samples, threads int) float64 {
	const buffers = 3 // of room
	const copies = 5  // of W: M, what it leads to, and the packed forms of that
	var weights float64
	for l, d := range widths[1:] {
		weights += float64(d) * float64(widths[l])
	}
	rooms := threads * buffers * pass.Block * slices.Max(widths[1:])
	return split.Memory(widths, samples, threads, split.Options{}) + 4*(copies*weights+float64(rooms))
}

// Numbers is how many an iterate has.
func (Solver) Numbers(n *dlam.Network, samples int) float64 {
	return split.Numbers(n, samples, split.Options{}) + float64(n.Parameters()) // M
}

// Init starts from a forward pass. It refuses regularisers that are not quadratic, and
// activations that are not monotone, of which the band's edges do not say where a
// minimiser is.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := errors.Join(s.Settings.Validate(), split.Quadratic(p.Regularizer)); err != nil {
		return nil, err
	}
	it, err := split.New(p, n, split.Options{})
	if err != nil {
		return nil, fmt.Errorf("cdlam: %w", err)
	}
	st := &stepper{Settings: s.Settings, Iterate: it, tally: split.NewTally(len(it.Layers))}
	for l := range it.Layers {
		ly := &it.Layers[l]
		if _, ok := ly.Net.H.(activation.Monotone); !ok {
			it.Close()
			return nil, fmt.Errorf("cdlam: layer %d: activation %v is not monotone (activation.Monotone), which the coupled step needs", l+1, ly.Net.H.Spec())
		}
		st.coupled = append(st.coupled, coupledFit{s: st, ly: ly, band: band{s: st, ly: ly}})
	}
	widest := slices.Max(n.Widths()[1:])
	for range max(1, p.Threads) {
		st.rooms = append(st.rooms, newRoom(widest))
	}
	st.loss, st.ahead = p.Loss.(loss.Proximal), newAhead(st)
	return st, nil
}

// stepper is a run of the method.
type stepper struct {
	Settings
	*split.Iterate
	coupled []coupledFit
	rooms   []*room // of each worker
	ahead   ahead
	loss    loss.Proximal
	tally   split.Tally
}

var _ dlam.Mixable = (*stepper)(nil)

// Step is one iteration.
func (s *stepper) Step(ctx context.Context) (dlam.Record, error) {
	trials := 0
	for range s.Rounds {
		if err := ctx.Err(); err != nil {
			return dlam.Record{}, err
		}
		if _, err := s.FitOutput(s.Rho); err != nil {
			return dlam.Record{}, err
		}
		for l := len(s.Layers) - 2; l >= 0; l-- {
			f := &s.coupled[l]
			if err := s.Run(f); err != nil {
				return dlam.Record{}, err
			}
			trials += int(s.Sums.Scalar(f.trials))
		}
	}
	s.ahead.net.CopyFrom(s.Net)
	for l := range s.Layers {
		raised, err := s.FitDamped(&s.Layers[l], s.Rho, s.Lambda)
		if err != nil {
			return dlam.Record{}, err
		}
		trials += raised
	}
	s.Done++
	r, err := s.tryAhead()
	r.Trials = trials
	return r, err
}

// record is F as it is.
func (s *stepper) record() (dlam.Record, error) {
	if err := s.Measure(&s.tally); err != nil {
		return dlam.Record{}, err
	}
	return s.sumUp(), nil
}

// sumUp makes a record of the tally.
func (s *stepper) sumUp() dlam.Record {
	t := &s.tally
	for l := range t.Penalty {
		t.Penalty[l] = s.Rho / 2 * t.Linear[l]
	}
	r := s.Record(t, 0)
	r.Epsilon = s.Epsilon
	return r
}

// Moved takes the variables as they have been changed, with every a cut to its band around
// h(z).
func (s *stepper) Moved() (dlam.Record, error) {
	s.Pack()
	for l := range s.coupled {
		if err := s.Run(&s.coupled[l].band); err != nil {
			return dlam.Record{}, err
		}
	}
	return s.record()
}

// band cuts a layer's a to its band.
type band struct {
	split.NoSums
	s  *stepper
	ly *split.Layer
}

// Block cuts samples lo to hi-1.
func (f *band) Block(w *pass.Worker, lo, hi int) {
	a, eps := f.ly.A.RowRange(lo, hi).Elements(), float32(f.s.Epsilon)
	h := f.s.Scratch(w).Block(0, hi-lo, f.ly.Net.Units()).Elements()
	f.ly.Net.H.Apply(h, f.ly.Z.RowRange(lo, hi).Elements())
	for i, x := range a {
		a[i] = min(max(x, h[i]-eps), h[i]+eps)
	}
}
