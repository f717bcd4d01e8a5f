package multiconvex_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/solver/multiconvex"
)

// In whatever order blocks are updated, F falls by what each of them says, and
// is the F of the iterate that is left.
func TestAnyOrder(t *testing.T) {
	p := testprob.Blobs(300, 6, 3, 2)
	set := multiconvex.DefaultSettings()
	set.EpsilonRule, set.Epsilon, set.Rho = multiconvex.Fixed, 0.05, 0.1
	for _, search := range []multiconvex.LineSearch{multiconvex.Exact, multiconvex.Backtracking} {
		set.LineSearch = search
		b, err := multiconvex.New(set, p, testprob.Network(p, []int{7, 5}, activation.Tanh{}, dlam.He, 1))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		rng := testprob.Rng(4)
		for l := range b.Layers() { // so that every block has something to move for
			testprob.Normal(b.Network().Layers[l].W, 0.7, rng)
		}
		if err := b.Restore(b.Network().Clone(), b.State()); err != nil {
			t.Fatal(err)
		}
		updates := []func(int) error{b.UpdateW, b.UpdateB, b.UpdateZA}
		start := objective(p, b.Iterate())
		before := start
		for range 60 {
			if err := b.BeginSweep(); err != nil {
				t.Fatal(err)
			}
			for range 1 + rng.IntN(4) {
				if err := updates[rng.IntN(3)](rng.IntN(b.Layers())); err != nil {
					t.Fatal(err)
				}
			}
			r, err := b.EndSweep()
			if err != nil {
				t.Fatal(err)
			}
			f := objective(p, b.Iterate())
			// Float32 residuals hold F's quadratic terms to about 1e-6 of it.
			if tol := 1e-5 * (1 + f); math.Abs(r.Objective-f) > tol || f > before+tol {
				t.Fatalf("%s, sweep %d: F went from %v to %v, the record says %v", search, b.Sweeps(), before, f, r.Objective)
			}
			before = f
		}
		if !(before < start/2) {
			t.Errorf("%s: F fell only from %v to %v", search, start, before)
		}
	}
}

// A run that is restored goes on to the same bits, whatever blocks were updated
// before and are updated after.
func TestAnyOrderResumes(t *testing.T) {
	p := testprob.Blobs(300, 6, 3, 2)
	set := multiconvex.DefaultSettings()
	set.EpsilonRule, set.Epsilon, set.Rho = multiconvex.Fixed, 0.05, 0.1
	for _, search := range []multiconvex.LineSearch{multiconvex.Exact, multiconvex.Backtracking} {
		set.LineSearch = search
		var runs [2]*multiconvex.Blocks // the second is restored before each sweep
		for i := range runs {
			b, err := multiconvex.New(set, p, testprob.Network(p, []int{7, 5}, activation.Tanh{}, dlam.He, 1))
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			runs[i] = b
		}
		straight, resumed := runs[0], runs[1]
		rng := testprob.Rng(5)
		for sweep := range 60 {
			if err := resumed.Restore(straight.Network(), straight.State()); err != nil {
				t.Fatal(err)
			}
			for _, b := range runs {
				if err := b.BeginSweep(); err != nil {
					t.Fatal(err)
				}
			}
			for range 1 + rng.IntN(4) {
				k, l := rng.IntN(3), rng.IntN(straight.Layers())
				for _, b := range runs {
					if err := [...]func(int) error{b.UpdateW, b.UpdateB, b.UpdateZA}[k](l); err != nil {
						t.Fatal(err)
					}
				}
			}
			want, err := straight.EndSweep()
			if err != nil {
				t.Fatal(err)
			}
			got, err := resumed.EndSweep()
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("%s, sweep %d (-straight +resumed):\n%s", search, sweep+1, d)
			}
			if d := cmp.Diff(straight.State(), resumed.State()); d != "" {
				t.Fatalf("%s: states after sweep %d differ", search, sweep+1)
			}
		}
	}
}

// objective is F from the raw iterate, in float64.
func objective(p *dlam.Problem, it dlam.Iterate) float64 {
	in, last := p.X, len(it.Z)-1
	f := p.Loss.Value(it.Z[last], p.Y)
	for l, ly := range it.Network.Layers {
		for i := range it.Z[l].Rows {
			for j, z := range it.Z[l].Row(i) {
				e := float64(ly.B[j]) - float64(z)
				for k, w := range ly.W.Row(j) {
					e += float64(w) * float64(in.At(i, k))
				}
				f += it.Rho / 2 * e * e
			}
		}
		if l < last {
			in = it.A[l]
		}
	}
	return f
}
