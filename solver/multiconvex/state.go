package multiconvex

import (
	"errors"
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
)

// State is z, a and the few numbers beside them.
func (s *Blocks) State() dlam.State {
	st := dlam.State{OfSamples: true, Float32: map[string][]float32{}, Float64: map[string][]float64{}}
	for name, v := range s.numbers() {
		st.Float64[name] = []float64{*v}
	}
	st.Float64["sweeps"] = []float64{float64(s.sweeps)}
	for l := range s.layers {
		ly := &s.layers[l]
		st.Float32[fmt.Sprintf("z.%d", ly.l)] = ly.Z.Elements()
		if ly.next != nil {
			st.Float32[fmt.Sprintf("a.%d", ly.l)] = ly.A.Elements()
		}
		ly.prev.save(&st, ly.l)
	}
	return st
}

// Variables are W, b, z and a, and mDLAM's of the sweep before.
func (s *Blocks) Variables() (samples, shared []mat.Dense, err error) {
	if s.BinaryWeights {
		return nil, nil, errors.New("binary weights have no mixture that is binary")
	}
	for l := range s.layers {
		ly := &s.layers[l]
		samples, shared = append(samples, ly.Z), append(shared, ly.net.W, mat.FromSlice(1, len(ly.net.B), ly.net.B))
		if ly.next != nil {
			samples = append(samples, ly.A)
		}
		if ly.prev.W.Rows > 0 {
			shared = append(shared, ly.prev.W)
		}
		if ly.prev.A.Rows > 0 {
			samples = append(samples, ly.prev.A)
		}
	}
	return samples, shared, nil
}

// Moved cuts every a to its band around h(z).
func (s *Blocks) Moved() (dlam.Record, error) {
	for l := range s.layers {
		ly := &s.layers[l]
		ly.products.Pack()
		if ly.next == nil {
			break
		}
		s.cut.ly = ly
		if err := s.run(&s.cut); err != nil {
			return dlam.Record{}, err
		}
	}
	if err := s.refresh(); err != nil {
		return dlam.Record{}, err
	}
	return s.record(), nil
}

// cutPass cuts a layer's a to its band.
type cutPass struct {
	s  *Blocks
	ly *layer
}

// Plan names no sums.
func (*cutPass) Plan(*pass.Plan) {}

// Block cuts samples lo to hi-1.
func (p *cutPass) Block(w *pass.Worker, lo, hi int) {
	b, eps := p.s.block(w, p.ly, lo, hi), float32(p.s.epsilon)
	h, a := b.band().Elements(), b.A.Elements()
	for i, x := range a {
		a[i] = min(max(x, h[i]-eps), h[i]+eps)
	}
}

// numbers are the numbers of a State, by name.
func (s *Blocks) numbers() map[string]*float64 {
	return map[string]*float64{"epsilon": &s.epsilon, "risk": &s.risk, "c": &s.c, "nesterov": &s.nesterov.t}
}

// Restore puts a State back. What is not in it follows from it, bit for bit.
func (s *Blocks) Restore(n *dlam.Network, st dlam.State) error {
	sweeps, err := number(st, "sweeps")
	if err != nil {
		return err
	}
	s.sweeps = int(sweeps)
	s.net.CopyFrom(n)
	for l := range s.layers {
		ly := &s.layers[l]
		if err := restore(ly.Z, st, "z", ly.l); err != nil {
			return err
		}
		if ly.next != nil {
			if err := restore(ly.A, st, "a", ly.l); err != nil {
				return err
			}
		}
		if err := ly.prev.restore(st, ly.l); err != nil {
			return err
		}
		ly.products.Pack()
	}
	if err := s.refresh(); err != nil {
		return err
	}
	for name, v := range s.numbers() { // after refresh, which adds the risk up in another order
		if *v, err = number(st, name); err != nil {
			return err
		}
	}
	return nil
}

func number(st dlam.State, name string) (float64, error) {
	v := st.Float64[name]
	if len(v) != 1 {
		return 0, fmt.Errorf("dlam state: %s missing", name)
	}
	return v[0], nil
}

func restore(m mat.Dense, st dlam.State, name string, l int) error {
	key := fmt.Sprintf("%s.%d", name, l)
	if got, want := len(st.Float32[key]), m.Rows*m.Cols; got != want {
		return fmt.Errorf("dlam state: %s has %d elements, want %d", key, got, want)
	}
	copy(m.Elements(), st.Float32[key])
	return nil
}
