package mat

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestInverse: A·A⁻¹ = 1 for damped Gram matrices, at sizes around the blocks'.
func TestInverse(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 47, 48, 49, 96, 100, 233} {
		x := New(n/2+1, n) // rank-deficient: damping makes it definite
		for i := range x.Data {
			x.Data[i] = float32(rng.NormFloat64())
		}
		a, inv := New(n, n), New(n, n)
		new(Packing).AddMulAT(a, x, x)
		for i := range n {
			a.Row(i)[i] += float32(n) / 4
		}
		var v Inverse
		for range 2 { // the second time in used memory
			if !v.Invert(inv, a) {
				t.Fatalf("n = %d: refused", n)
			}
		}
		var p Panel
		p.Pack(inv)
		one := New(n, n)
		p.Mul(one, a)
		for i := range n {
			for j, got := range one.Row(i) {
				want := 0.0
				if i == j {
					want = 1
				}
				if math.Abs(float64(got)-want) > 2e-5 {
					t.Fatalf("n = %d: (A·A⁻¹)[%d,%d]: got %v, want %v", n, i, j, got, want)
				}
			}
		}
	}
}

func TestInverseRefuses(t *testing.T) {
	a := FromSlice(2, 2, []float32{1, 2, 2, 1}) // indefinite
	var v Inverse
	if v.Invert(New(2, 2), a) {
		t.Error("an indefinite matrix was inverted")
	}
}

func BenchmarkInverse784(b *testing.B) {
	a, inv := New(784, 784), New(784, 784)
	for i := range 784 {
		for j := range 784 {
			a.Set(i, j, 0.5)
		}
		a.Row(i)[i] += 3
	}
	var v Inverse
	for b.Loop() {
		if !v.Invert(inv, a) {
			b.Fatal("refused")
		}
	}
}
