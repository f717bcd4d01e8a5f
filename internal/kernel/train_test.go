package kernel

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/dlam-go/dlam/internal/fixedseed"
)

func TestAdam(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 130).Draw(t, "n")
		v := vectors(t, 4, n)
		for i := range n {
			v[3][i] *= v[3][i]
			if i%5 == 0 { // a unit long dead
				v[1][i], v[2][i], v[3][i] = 0, -1e-30, 1e-44
			}
		}
		k := AdamRule{Rate: 0.01, Beta1: 0.9, One1: 0.1, Beta: 0.999, One: 0.001, Unbias: 3, Delta: 1e-8, Least: 1e-30}
		want := [][]float32{clone(v[0]), clone(v[1]), clone(v[2]), clone(v[3])}
		Adam(&k, v[0][:n], v[1][:n], v[2][:n], v[3][:n])
		adamGo(&k, want[0][:n], want[1][:n], want[2][:n], want[3][:n])
		for i, name := range []string{"w", "g", "m", "s"} {
			same(t, name, v[i], want[i], n)
		}
		for i := 0; i < n; i += 5 {
			if v[2][i] != 0 || v[3][i] != 0 {
				t.Fatalf("memories of a dead unit: %g, %g", v[2][i], v[3][i])
			}
		}
	})
}

func TestReLUDerivAndAddToFloat32(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 130).Draw(t, "n")
		v := vectors(t, 3, n)
		want := clone(v[0])
		ReLUDeriv(v[0][:n], v[1][:n], v[2][:n])
		reluDerivGo(want[:n], v[1][:n], v[2][:n])
		same(t, "ReLUDeriv", v[0], want, n)
		ReLUDeriv(v[2][:n], v[1][:n], v[2][:n])
		same(t, "ReLUDeriv in place", v[2], want, n)

		sum := make([]float64, n)
		for i := range sum {
			sum[i] = math.Pi * float64(v[1][i])
		}
		got := clone(want)
		AddToFloat32(got[:n], 0.3, sum, 0.7)
		addToFloat32Go(want[:n], 0.3, sum, 0.7)
		same(t, "AddToFloat32", got, want, n)
	})
}
