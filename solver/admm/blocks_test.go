package admm_test

import (
	"math"
	"slices"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/solver/admm"
)

// TestBlocksOfAStep restates the updates of A_1 and Z_1, with β and γ that
// differ, from the variables before and after a step. With h the identity both
// are linear.
func TestBlocksOfAStep(t *testing.T) {
	p := testprob.Blobs(40, 5, 3, 2)
	set := admm.DefaultSettings()
	set.Beta, set.Gamma = 0.2, 0.7
	st, err := admm.Solver{Settings: set}.Init(p, testprob.Network(p, []int{4}, activation.Identity{}, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	variable := func(name string, cols int) mat.Dense {
		return mat.FromSlice(40, cols, slices.Clone(st.(dlam.Resumable).State().Float32[name]))
	}
	if _, err := st.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	z0, next, out := variable("z.1", 4), variable("z.2", 3), st.Network().Clone().Layers[1]
	if _, err := st.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, z, first := variable("a.1", 4), variable("z.1", 4), st.Network().Layers[0]
	for i := range 40 {
		for k := range 4 {
			v := float64(first.B[k])
			for j, x := range p.X.Row(i) {
				v += float64(first.W.At(k, j)) * float64(x)
			}
			want := (set.Gamma*float64(a.At(i, k)) + set.Beta*v) / (set.Gamma + set.Beta)
			if got := float64(z.At(i, k)); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
				t.Fatalf("z of sample %d, unit %d: %g, want %g", i, k, got, want)
			}
			g := set.Gamma * float64(a.At(i, k)-z0.At(i, k))
			for j, b := range out.B {
				e := float64(b) - float64(next.At(i, j))
				for c := range 4 {
					e += float64(out.W.At(j, c)) * float64(a.At(i, c))
				}
				g += set.Beta * e * float64(out.W.At(j, k))
			}
			if math.Abs(g) > 1e-5 {
				t.Fatalf("a of sample %d, unit %d: the gradient of its block is %g, want 0", i, k, g)
			}
		}
	}
}
