package gradient

import "testing"

// BenchmarkAdam is one update of 2²⁰ parameters; "vanishing" after the
// gradient of all has been 0 for long, as a dead unit's is.
func BenchmarkAdam(b *testing.B) {
	for name, old := range map[string]float32{"usual": 0.1, "vanishing": 1e-44} {
		b.Run(name, func(b *testing.B) {
			const n = 1 << 20
			w, g, m, s := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
			for i := range m {
				m[i], s[i] = old, old
			}
			k := DefaultSettings(Adam).constants(0.001, 5)
			b.SetBytes(7 * 4 * n)
			for b.Loop() {
				k.adam(w, g, m, s)
			}
		})
	}
}
