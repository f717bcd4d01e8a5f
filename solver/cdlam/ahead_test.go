package cdlam

import (
	"math"
	"slices"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
)

// moved is a run whose (W, b) have just made a step.
func moved(t *testing.T, h activation.Func, set Settings) *stepper {
	t.Helper()
	s := begun(t, h, set)
	s.ahead.net.CopyFrom(s.Net)
	for l := range s.Layers {
		if _, err := s.FitDamped(&s.Layers[l], s.Rho, s.Lambda); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// slack is a − h(z) of a layer.
func slack(ly *dlam.Layer, z, a mat.Dense) []float32 {
	h := make([]float32, len(z.Elements()))
	ly.H.Apply(h, z.Elements())
	for i, x := range a.Elements() {
		h[i] = x - h[i]
	}
	return h
}

// TestAhead: what the trial adds up is F here and ahead, it moves nothing, and where it is
// taken hidden layers keep ‖z − V‖ and a − h(z).
func TestAhead(t *testing.T) {
	for _, h := range monotone() {
		s := moved(t, h, Settings{Rho: 0.5, Epsilon: 0.05, Lambda: 0.3, Rounds: 1})
		f := &s.ahead
		near := func(what string, got, want float64) {
			t.Helper()
			if math.Abs(got-want) > 1e-5*(1+math.Abs(want)) { // float32 variables hold z − V to about 1e-6
				t.Errorf("%v: %s is %v, want %v", h.Spec(), what, got, want)
			}
		}
		want := objective(t, s)
		linear := slices.Clone(s.tally.Linear)
		old := slices.Clone(s.Layers[1].Z.Elements())
		band := slack(s.Layers[0].Net, s.Layers[0].Z, s.Layers[0].A)

		f.aim()
		if err := s.Run(f); err != nil {
			t.Fatal(err)
		}
		near("F here", f.at(&f.here, s.Net).Objective, want)
		if !slices.Equal(old, s.Layers[1].Z.Elements()) {
			t.Errorf("%v: the trial moved z", h.Spec())
		}
		there := f.at(&f.there, f.net).Objective
		if err := s.goAhead(); err != nil {
			t.Fatal(err)
		}
		near("F ahead", there, objective(t, s))
		for l, x := range s.tally.Linear[:2] {
			near("a hidden layer's ‖z − V‖²", x, linear[l])
		}
		for i, x := range slack(s.Layers[0].Net, s.Layers[0].Z, s.Layers[0].A) {
			if math.Abs(float64(x-band[i])) > 1e-5 {
				t.Fatalf("%v: a − h(z) is %v, was %v", h.Spec(), x, band[i])
			}
		}
	}
}

// TestTurnsBack: where F is not lower ahead, nothing moves, M is forgotten and the next
// trial is nearer.
func TestTurnsBack(t *testing.T) {
	s := moved(t, activation.ReLU{}, Settings{Rho: 3, Epsilon: 1e-3, Lambda: 0.3, Rounds: 1})
	s.ahead.reach = mostReach
	want, w := objective(t, s), slices.Clone(s.Net.Layers[0].W.Elements())
	z := slices.Clone(s.Layers[0].Z.Elements())
	r, err := s.tryAhead()
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(r.Objective-want) > 1e-5*want || r.Step != 0 {
		t.Errorf("F is %v after a step of %v, want %v without one", r.Objective, r.Step, want)
	}
	if !slices.Equal(w, s.Net.Layers[0].W.Elements()) || !slices.Equal(z, s.Layers[0].Z.Elements()) {
		t.Error("W or z moved")
	}
	if s.ahead.reach != nearer*mostReach {
		t.Errorf("t is %v, want %v", s.ahead.reach, nearer*mostReach)
	}
	s.ahead.each(func(name string, m mat.Dense) {
		if slices.ContainsFunc(m.Elements(), func(x float32) bool { return x != 0 }) {
			t.Errorf("%s is not forgotten", name)
		}
	})
}

// TestGoesAhead: in a run most iterations go ahead, and those bring F far below where the
// blocks alone bring it.
func TestGoesAhead(t *testing.T) {
	p := testprob.Blobs(300, 8, 3, 2)
	n := testprob.Network(p, []int{10, 6}, activation.ReLU{}, dlam.He, 1)
	last := func(blocksAlone bool) (objective float64, taken int) {
		st, err := Solver{DefaultSettings()}.Init(p, n)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		for range 20 {
			if blocksAlone {
				st.(*stepper).ahead.reach = mostReach // F is never lower so far ahead
			}
			r, err := st.Step(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			objective = r.Objective
			if r.Step > 0 {
				taken++
			}
		}
		return objective, taken
	}
	blocks, none := last(true)
	with, taken := last(false)
	if none > 0 || taken < 10 || with > blocks/2 {
		t.Errorf("F ends at %v with %d of 20 iterations ahead, and at %v with %d", with, taken, blocks, none)
	}
}
