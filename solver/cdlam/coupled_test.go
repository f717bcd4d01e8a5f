package cdlam

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
)

// begun is a run on a small problem, with z and a away from the forward pass, in the band.
func begun(t *testing.T, h activation.Func, set Settings) *stepper {
	t.Helper()
	p := testprob.Blobs(150, 6, 3, 2)
	st, err := Solver{set}.Init(p, testprob.Network(p, []int{9, 7}, h, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	s := st.(*stepper)
	rng := rand.New(rand.NewPCG(7, 8))
	for l := range s.Layers {
		ly := &s.Layers[l]
		for i, z := range ly.Z.Elements() {
			ly.Z.Elements()[i] = z + 0.5*float32(rng.NormFloat64())
		}
		if ly.Next != nil {
			h.Apply(ly.A.Elements(), ly.Z.Elements())
			for i := range ly.A.Elements() {
				ly.A.Elements()[i] += float32(set.Epsilon * (2*rng.Float64() - 1))
			}
		}
	}
	return s
}

func monotone() (list []activation.Func) {
	for _, h := range activation.All {
		if _, ok := h.(activation.Monotone); ok {
			list = append(list, h)
		}
	}
	return list
}

// TestCoupledBlock: a coupled step lowers F by at least its move, (κ/2)(ρ‖ΔZ‖² + τ‖ΔA‖²)
// with τ left out, which is no less than (κρ/2)‖ΔZ‖², and leaves a in the band.
func TestCoupledBlock(t *testing.T) {
	for _, h := range monotone() {
		for _, set := range []Settings{{0.01, 1e-3, 0.3, 1}, {1, 0.5, 0.3, 1}, {100, 1e-6, 0.3, 1}} {
			s := begun(t, h, set)
			for l := len(s.Layers) - 2; l >= 0; l-- {
				ly := &s.Layers[l]
				before := objective(t, s)
				old := clone(ly.Z)
				if err := s.Run(&s.coupled[l]); err != nil {
					t.Fatal(err)
				}
				after := objective(t, s)
				move := kappa * s.Rho / 2 * squaredDistance(old, ly.Z)
				if slack := 1e-5 * before; before-after < move-slack {
					t.Errorf("%v, %+v, layer %d: F fell from %v to %v, by less than %v", h.Spec(), set, l+1, before, after, move)
				}
				hz := mat.New(ly.Z.Rows, ly.Z.Cols)
				h.Apply(hz.Elements(), ly.Z.Elements())
				for i, a := range ly.A.Elements() {
					if gap := math.Abs(float64(a - hz.Elements()[i])); gap > set.Epsilon+1e-6*(1+math.Abs(float64(a))) {
						t.Fatalf("%v, %+v, layer %d: |a − h(z)| is %v", h.Spec(), set, l+1, gap)
					}
				}
			}
		}
	}
}

// TestCandidate: no point of a fine grid in the band is better than the one that is
// found, by more than the grid of activations that are not piecewise linear allows; of
// sign, which jumps, the old point is not.
func TestCandidate(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, h := range monotone() {
		s := begun(t, h, Settings{Rho: 0.7, Epsilon: 0.3, Lambda: 1, Rounds: 1})
		f, r, fitter := &s.coupled[0], s.rooms[0], &activation.Fitter{}
		for range 200 {
			var z, a, v, g, zs, as, hz [1]float32
			z[0], v[0], g[0] = float32(rng.NormFloat64()), float32(2*rng.NormFloat64()), float32(rng.NormFloat64())
			h.Apply(hz[:], z[:])
			a[0] = hz[0] + float32(s.Epsilon*(2*rng.Float64()-1))
			tau := math.Exp(2 * rng.NormFloat64())
			f.candidate(r, fitter, zs[:], as[:], z[:], a[:], v[:], g[:], tau)
			model := func(x, y float32) float64 {
				hat := float64(a[0]) - s.Rho/tau*float64(g[0])
				near := kappa * (s.Rho*math.Pow(float64(x-z[0]), 2) + tau*math.Pow(float64(y-a[0]), 2))
				return s.Rho*math.Pow(float64(x-v[0]), 2) + tau*math.Pow(float64(y)-hat, 2) + near
			}
			found, least := model(zs[0], as[0]), model(z[0], a[0])
			for x := float32(-8); x < 8 && h != activation.Func(activation.Sign{}); x += 0.005 {
				h.Apply(hz[:], []float32{x})
				hat := a[0] - float32(s.Rho/tau)*g[0]
				y := max(hz[0]-float32(s.Epsilon), min(hat, hz[0]+float32(s.Epsilon)))
				least = min(least, model(x, y))
			}
			if found > least+1e-3*(1+least) {
				t.Fatalf("%v: found %v at (%v, %v), the grid has %v; z %v, a %v, v %v, g %v, τ %v", h.Spec(), found, zs[0], as[0], least, z, a, v, g, tau)
			}
		}
	}
}

func objective(t *testing.T, s *stepper) float64 {
	t.Helper()
	r, err := s.record()
	if err != nil {
		t.Fatal(err)
	}
	return r.Objective
}

func clone(m mat.Dense) mat.Dense {
	c := mat.New(m.Rows, m.Cols)
	c.CopyFrom(m)
	return c
}

func squaredDistance(a, b mat.Dense) (sum float64) {
	for i, x := range a.Elements() {
		d := float64(x - b.Elements()[i])
		sum += d * d
	}
	return sum
}
