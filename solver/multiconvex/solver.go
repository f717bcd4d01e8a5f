package multiconvex

import (
	"context"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/mat"
)

// Solver is DLAM, or mDLAM, with its settings.
type Solver struct{ Settings Settings }

var _ dlam.Solver = Solver{}

func (s Solver) String() string {
	if s.Settings.Momentum {
		return "mdlam"
	}
	return "dlam"
}

// Validate reports every setting outside its range.
func (s Solver) Validate() error { return s.Settings.Validate() }

// Memory is about how many bytes a run takes beside the samples, of a network of dense
// layers.
func (s Solver) Memory(widths []int, samples, threads int) float64 {
	var n dlam.Network
	for l, d := range widths[1:] {
		n.Layers = append(n.Layers, dlam.Layer{W: mat.Dense{Rows: d, Cols: widths[l]}})
	}
	return s.MemoryFor(&n, samples, threads)
}

// MemoryFor is Memory for a network in which some layer shares its weights; its
// parameters may be missing. Patches of a block of samples are gathered.
func (s Solver) MemoryFor(n *dlam.Network, samples, threads int) float64 {
	return memory(s.Settings, n.Layers, samples, threads)
}

// Numbers is how many an iterate has: W, b, z, a, and mDLAM's W and a of the sweep before.
func (s Solver) Numbers(n *dlam.Network, samples int) float64 {
	copies := 1
	if s.Settings.Momentum {
		copies = 2
	}
	numbers := 0
	for l, ly := range n.Layers {
		numbers += ly.W.Rows*(1+copies*ly.W.Cols) + samples*ly.Units()
		if l < len(n.Layers)-1 {
			numbers += copies * samples * ly.Units()
		}
	}
	return float64(numbers)
}

// Init starts as New does.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	blocks, err := New(s.Settings, p, n)
	if err != nil {
		return nil, err
	}
	return stepper{blocks}, nil
}

// stepper is Algorithm 1 on Blocks.
type stepper struct{ *Blocks }

var (
	_ dlam.Timed     = stepper{}
	_ dlam.Mixable   = stepper{}
	_ dlam.Splitting = stepper{}
)

// Step is one sweep of Algorithm 1.
func (s stepper) Step(context.Context) (dlam.Record, error) {
	if err := s.BeginSweep(); err != nil {
		return dlam.Record{}, err
	}
	for l := range s.Layers() {
		if err := s.UpdateW(l); err != nil { // eq. 2, Algorithm 2
			return dlam.Record{}, err
		}
		if err := s.UpdateB(l); err != nil { // eq. 3
			return dlam.Record{}, err
		}
		if err := s.UpdateZA(l); err != nil { // eqs. 4 and 6 (Algorithm 3), or 5
			return dlam.Record{}, err
		}
	}
	return s.EndSweep()
}
