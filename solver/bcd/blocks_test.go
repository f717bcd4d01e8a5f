package bcd_test

import (
	"math"
	"slices"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/solver/bcd"
)

// TestBlocksOfAStep restates the updates of A_2, A_1 and Z_1, with weights that
// are all different, from the variables before and after a step. With squared
// loss and h the identity all are linear.
func TestBlocksOfAStep(t *testing.T) {
	p := testprob.Blobs(40, 5, 3, 2)
	p.Loss = loss.Squared{}
	set := bcd.Settings{Gamma: 0.7, Rho: 0.2, Alpha: 0.4}
	st, err := bcd.Solver{Settings: set}.Init(p, testprob.Network(p, []int{4}, activation.Identity{}, dlam.He, 1))
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
	a0, z0, first := variable("a.1", 4), variable("z.1", 4), st.Network().Clone().Layers[0]
	lastA, lastZ := variable("a.2", 3), variable("z.2", 3)
	if _, err := st.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	a2 := variable("a.2", 3)
	for i := range 40 {
		y := make([]float32, 3)
		p.Y.Code(y, i, 0, 1)
		for j, x := range y {
			want := (float64(x) + set.Gamma*float64(lastZ.At(i, j)) + set.Alpha*float64(lastA.At(i, j))) / (1 + set.Gamma + set.Alpha)
			if got := float64(a2.At(i, j)); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
				t.Fatalf("a of sample %d, output %d: %g, want %g", i, j, got, want)
			}
		}
	}
	a, z, next, out := variable("a.1", 4), variable("z.1", 4), variable("z.2", 3), st.Network().Layers[1]
	for i := range 40 {
		for k := range 4 {
			v := float64(first.B[k])
			for j, x := range p.X.Row(i) {
				v += float64(first.W.At(k, j)) * float64(x)
			}
			want := (set.Gamma*float64(a.At(i, k)) + set.Rho*v + set.Alpha*float64(z0.At(i, k))) / (set.Gamma + set.Rho + set.Alpha)
			if got := float64(z.At(i, k)); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
				t.Fatalf("z of sample %d, unit %d: %g, want %g", i, k, got, want)
			}
			g := set.Gamma*float64(a.At(i, k)-z0.At(i, k)) + set.Alpha*float64(a.At(i, k)-a0.At(i, k))
			for j, b := range out.B {
				e := float64(b) - float64(next.At(i, j))
				for c := range 4 {
					e += float64(out.W.At(j, c)) * float64(a.At(i, c))
				}
				g += set.Rho * e * float64(out.W.At(j, k))
			}
			if math.Abs(g) > 1e-5 {
				t.Fatalf("a of sample %d, unit %d: the gradient of its block is %g, want 0", i, k, g)
			}
		}
	}
}
