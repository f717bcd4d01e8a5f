//go:build !purego

package kernel

// Adam updates the parameters w by their gradient g, m and s being the averages
// of the gradients and of their squares.
func Adam(k *AdamRule, w, g, m, s []float32) {
	g, m, s = g[:len(w)], m[:len(w)], s[:len(w)]
	switch {
	case level == generic || len(w) == 0:
		adamGo(k, w, g, m, s)
	case level == avx512:
		adamAVX512(len(w), &w[0], &g[0], &m[0], &s[0], &k.Rate)
	default:
		adamAVX2(len(w), &w[0], &g[0], &m[0], &s[0], &k.Rate)
	}
}

// ReLUDeriv computes dst = g where z > 0, else 0. dst may be g or z.
func ReLUDeriv(dst, g, z []float32) {
	dst, g = dst[:len(z)], g[:len(z)]
	switch {
	case level == generic || len(z) == 0:
		reluDerivGo(dst, g, z)
	case level == avx512:
		reluDerivAVX512(len(z), &g[0], &z[0], &dst[0])
	default:
		reluDerivAVX2(len(z), &g[0], &z[0], &dst[0])
	}
}

// AddToFloat32 computes dst = a·sum + b·dst, in float32.
func AddToFloat32(dst []float32, b float32, sum []float64, a float32) {
	dst = dst[:len(sum)]
	n := 0
	if len(sum) >= vectorAbove && level > generic {
		n = len(sum) &^ 15
		if level == avx512 {
			addToFloat32AVX512(n, &sum[0], a, &dst[0], b)
		} else {
			addToFloat32AVX2(n, &sum[0], a, &dst[0], b)
		}
	}
	addToFloat32Go(dst[n:], b, sum[n:], a)
}
