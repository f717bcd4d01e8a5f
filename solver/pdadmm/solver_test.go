package pdadmm

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/solvertest"
)

func TestConformance(t *testing.T) {
	solvertest.Run(t, solvertest.Config{
		Solver: Solver{DefaultSettings()}, Activation: activation.ReLU{}, Init: dlam.He,
		Iterations: 60, Accuracy: 0.95,
		RankTolerance: 1e-4, // float32 products, summed in other blocks
	})
}

// begun is a run on a small problem after some iterations.
func begun(t *testing.T, set Settings, h activation.Func, omega prox.Regularizer, iterations int) (*stepper, dlam.Record) {
	t.Helper()
	p := testprob.Blobs(120, 8, 3, 2)
	p.Regularizer = omega
	st, err := Solver{set}.Init(p, testprob.Network(p, []int{10, 6}, h, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	var r dlam.Record
	for range iterations {
		if r, err = st.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return st.(*stepper), r
}

// scatter puts all variables of samples where no equation holds; of the grid, if there
// is one.
func scatter(s *stepper) {
	rng := testprob.Rng(5)
	for l := range s.layers {
		ly := &s.layers[l]
		testprob.Normal(ly.Z, 1, rng)
		if ly.Next == nil {
			continue
		}
		for _, m := range []mat.Dense{ly.A, ly.Next.In, ly.U} {
			testprob.Normal(m, 1, rng)
		}
		ly.grid.round(ly.A.Elements())
		ly.grid.round(ly.Next.In.Elements())
	}
}

// variables are copies of all variables of samples.
func variables(s *stepper) map[string][]float32 {
	all := map[string][]float32{}
	for name, v := range s.State().Float32 {
		all[name] = slices.Clone(v)
	}
	return all
}

// Every block's step lowers F, or leaves it, and then U's raises it by ‖ΔU‖²/ρ.
func TestBlocksDescend(t *testing.T) {
	for _, h := range activation.All {
		for _, omega := range []prox.Regularizer{prox.None{}, prox.L1{Lambda: 0.3}, prox.L2{Lambda: 0.3}} {
			for _, bits := range []int{0, 6} {
				set := DefaultSettings()
				set.Rho, set.Bits = 0.1, bits
				s, first := begun(t, set, h, omega, 1)
				last := first.Objective
				for k := range 5 {
					before := variables(s)
					r, err := s.Step(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					after := variables(s)
					var ascent float64
					for _, name := range []string{"u.1", "u.2"} {
						for i, u := range after[name] {
							d := float64(u) - float64(before[name][i])
							ascent += d * d / set.Rho
						}
					}
					// Float32 iterates hold F's quadratic terms to about 1e-6 of it.
					if fell := r.Objective - ascent; fell > last+1e-5*math.Abs(last) {
						t.Errorf("%v, %v, %d bits: iteration %d took F from %v to %v", h.Spec(), omega, bits, k+2, last, fell)
					}
					last = r.Objective
				}
			}
		}
	}
}

// After an iteration U_l = ρ(Q_l − h(Z_l)), which is what the multiplier is for.
func TestMultiplierIsTheOutputsMisfit(t *testing.T) {
	for _, h := range activation.All {
		set := DefaultSettings()
		s, _ := begun(t, set, h, prox.None{}, 20)
		moved := false
		for l := range 2 {
			ly := &s.Layers[l]
			misfit := mat.New(ly.Z.Rows, ly.Z.Cols)
			h.Apply(misfit.Elements(), ly.Z.Elements())
			for i, u := range ly.U.Elements() {
				want := set.Rho * float64(ly.A.Elements()[i]-misfit.Elements()[i])
				if math.Abs(float64(u)-want) > 1e-6*set.Rho*(1+math.Abs(float64(ly.A.Elements()[i]))) { // rounding of p, q and h
					t.Fatalf("%v, layer %d: u is %g, ρ(q − h(z)) %g", h.Spec(), l+1, u, want)
				}
				moved = moved || u != 0
			}
		}
		if !moved {
			t.Errorf("%v: no multiplier has moved", h.Spec())
		}
	}
}

// TestBlocksOfAStep restates P's, Z's and Q's updates from the variables before and
// after a step. With h the identity all are linear.
func TestBlocksOfAStep(t *testing.T) {
	set := DefaultSettings()
	set.Rho = 0.3
	s, _ := begun(t, set, activation.Identity{}, prox.None{}, 0)
	scatter(s)
	before, old := variables(s), s.Network().Clone()
	if _, err := s.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, n := variables(s), s.Network()
	near := func(what string, i int, got float32, want float64) {
		t.Helper()
		if math.Abs(float64(got)-want) > 2e-5*(1+math.Abs(want)) {
			t.Fatalf("%s of element %d: %g, want %g", what, i, got, want)
		}
	}
	const in, out = 10, 6 // of layer 2
	for i := range 120 {
		row := func(m map[string][]float32, name string, d int) []float32 { return m[name][i*d : (i+1)*d] }
		p, q, u := row(before, "p.2", in), row(before, "a.1", in), row(before, "u.1", in)
		g := make([]float64, in)
		for j := range g {
			g[j] = float64(u[j]) + set.Rho*float64(p[j]-q[j])
		}
		z := row(before, "z.2", out)
		for k := range out {
			e := float64(old.Layers[1].B[k]) - float64(z[k])
			for j, w := range old.Layers[1].W.Row(k) {
				e += float64(w) * float64(p[j])
			}
			for j, w := range old.Layers[1].W.Row(k) {
				g[j] += set.Rho * e * float64(w)
			}
		}
		var norm, curved float64
		for _, x := range g {
			norm += x * x
		}
		for k := range out {
			var v float64
			for j, w := range old.Layers[1].W.Row(k) {
				v += float64(w) * g[j]
			}
			curved += v * v
		}
		tau := set.Rho * (1 + curved/norm)
		for j, x := range g {
			near("p", j, row(after, "p.2", in)[j], float64(p[j])-x/tau)
		}
		for k := range out { // Z: the mean of V, Q and Z
			v := float64(n.Layers[1].B[k])
			for j, w := range n.Layers[1].W.Row(k) {
				v += float64(w) * float64(row(after, "p.2", in)[j])
			}
			near("z", k, row(after, "z.2", out)[k], (v+float64(row(before, "a.2", out)[k])+float64(z[k]))/3)
		}
		for j := range in {
			want := (float64(row(after, "p.2", in)[j]) + float64(u[j])/set.Rho + float64(row(after, "z.1", in)[j])) / 2
			near("q", j, row(after, "a.1", in)[j], want)
			near("u", j, row(after, "u.1", in)[j], float64(u[j])+set.Rho*float64(row(after, "p.2", in)[j]-row(after, "a.1", in)[j]))
		}
	}
}

// The P-step lowers each sample's part of F, or leaves it; on a coarse grid some stay.
func TestInputsDescend(t *testing.T) {
	for _, bits := range []int{0, 1, 3} {
		set := DefaultSettings()
		set.Rho, set.Bits = 0.3, bits
		s, _ := begun(t, set, activation.Tanh{}, prox.None{}, 0)
		scatter(s)
		part := func(i int) (sum float64) { // of P_2 of sample i
			ly, below := &s.layers[1], &s.layers[0]
			for k, z := range ly.Z.Row(i) {
				e := float64(ly.Net.B[k]) - float64(z)
				for j, w := range ly.Net.W.Row(k) {
					e += float64(w) * float64(ly.In.At(i, j))
				}
				sum += set.Rho / 2 * e * e
			}
			for j, p := range ly.In.Row(i) {
				d := float64(p) - float64(below.A.At(i, j))
				sum += d * (float64(below.U.At(i, j)) + set.Rho/2*d)
			}
			return sum
		}
		before, old := make([]float64, 120), s.layers[1].In.Clone()
		for i := range before {
			before[i] = part(i)
		}
		if err := s.inputs(); err != nil {
			t.Fatal(err)
		}
		still := 0
		for i, f := range before {
			if after := part(i); after > f+1e-5*(1+math.Abs(f)) { // float32 products
				t.Fatalf("%d bits, sample %d: F rose from %g to %g", bits, i, f, after)
			}
			if slices.Equal(old.Row(i), s.layers[1].In.Row(i)) {
				still++
			}
		}
		if moved := 120 - still; moved == 0 || bits == 1 && still == 0 || bits == 0 && still > 0 {
			t.Errorf("%d bits: %d of 120 samples stay", bits, still)
		}
	}
}

// Quantised, P and Q are of the grid, within the activation's range, and P moves.
func TestGrid(t *testing.T) {
	for _, h := range activation.All {
		set := DefaultSettings()
		set.Bits, set.Grid = 7, 1.9 // whose values are not all of few bits
		s, _ := begun(t, set, h, prox.None{}, 0)
		before := variables(s)
		for range 5 {
			if _, err := s.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		after := variables(s)
		for name, ly := range map[string]*layer{"p.2": &s.layers[0], "p.3": &s.layers[1], "a.1": &s.layers[0], "a.2": &s.layers[1]} {
			g := ly.grid
			for i, x := range after[name] {
				if g.nearest(x) != x || x < g.low || float64(x) > 1.9*ly.scale*(1+1e-6) {
					t.Fatalf("%v: %s has %g, which is not of the grid from %g in steps of %g", h.Spec(), name, x, g.low, g.step)
				}
				var back [1]float32
				if g.decode(back[:], g.encode(make([]byte, 4), after[name][i:i+1])); back[0] != x {
					t.Fatalf("%v: %g arrives as %g", h.Spec(), x, back[0])
				}
			}
			if slices.Equal(before[name], after[name]) {
				t.Errorf("%v: %s stands still", h.Spec(), name)
			}
		}
	}
	relu := Settings{Bits: 8, Grid: 1}.gridOf(activation.ReLU{}, 2)
	if relu.low != 0 || relu.value(255) != 2 || relu.nearest(-5) != 0 || relu.nearest(7) != 2 || relu.nearest(float32(math.NaN())) != 0 {
		t.Errorf("ReLU's grid %+v", relu)
	}
	if wide := (Settings{Bits: 16, Grid: 2}).gridOf(activation.Tanh{}, 1); wide.low != -1 || wide.value(65535) != 1 || wide.bytes() != 2 {
		t.Errorf("tanh's grid %+v", wide)
	}
}

// A grid is of the activations' size: data of another unit, with ReLU and no intercepts,
// has the same grids in that unit.
func TestGridFollowsTheData(t *testing.T) {
	set := DefaultSettings()
	set.Bits = 4
	var high [2]float32
	for i, unit := range []float32{1, 64} {
		p := testprob.Blobs(100, 6, 3, 1)
		for j := range p.X.Elements() {
			p.X.Elements()[j] *= unit
		}
		n := testprob.Network(p, []int{8, 8}, activation.ReLU{}, dlam.He, 1)
		for l := range n.Layers {
			clear(n.Layers[l].B)
		}
		st, err := (Solver{Settings: set}).Init(p, n)
		if err != nil {
			t.Fatal(err)
		}
		high[i] = st.(*stepper).layers[1].grid.value(15)
		st.Close()
	}
	if high[0] <= 0 || high[1] != 64*high[0] {
		t.Errorf("grids end at %v, want 64 times as far", high)
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	err := Settings{Rho: math.NaN(), Bits: 17, Grid: 0, Parallel: "both"}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"rho", "bits", "grid", "parallel"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not reported: %v", want, err)
		}
	}
}
