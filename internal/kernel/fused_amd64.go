//go:build !purego

package kernel

// ReLU computes dst = max(z, 0). dst may be z.
func ReLU(dst, z []float32) {
	dst = dst[:len(z)]
	switch {
	case level == generic || len(z) == 0:
		reluGo(dst, z)
	case level == avx512:
		reluAVX512(len(z), &z[0], &dst[0])
	default:
		reluAVX2(len(z), &z[0], &dst[0])
	}
}

// ReLUBand computes dst = v clipped to [a−eps, a+eps], open below where
// a−eps ≤ 0. dst may be v or a.
func ReLUBand(dst, v, a []float32, eps float32) {
	dst, a = dst[:len(v)], a[:len(v)]
	switch {
	case level == generic || len(v) == 0:
		reluBandGo(dst, v, a, eps)
	case level == avx512:
		reluBandAVX512(len(v), &v[0], &a[0], &dst[0], eps)
	default:
		reluBandAVX2(len(v), &v[0], &a[0], &dst[0], eps)
	}
}

// ClipAdd computes a = clip(a+d, h−eps, h+eps).
func ClipAdd(a, d, h []float32, eps float32) {
	d, h = d[:len(a)], h[:len(a)]
	switch {
	case level == generic || len(a) == 0:
		clipAddGo(a, d, h, eps)
	case level == avx512:
		clipAddAVX512(len(a), &d[0], &h[0], &a[0], eps)
	default:
		clipAddAVX2(len(a), &d[0], &h[0], &a[0], eps)
	}
}

// BandStep computes the move d = clip(a − k·g, h−eps, h+eps) − a; it reports
// whether the band cut it anywhere, and ‖d‖².
func BandStep(d, a, g, h []float32, k, eps float32) (cut bool, square float64) {
	d, g, h = d[:len(a)], g[:len(a)], h[:len(a)]
	if level == generic || len(a) == 0 {
		return bandStepGo(d, a, g, h, k, eps)
	}
	var lanes int
	if level == avx512 {
		square, lanes = bandStepAVX512(len(a), &a[0], &h[0], &g[0], &d[0], eps, k)
	} else {
		square, lanes = bandStepAVX2(len(a), &a[0], &h[0], &g[0], &d[0], eps, k)
	}
	return lanes != 0, square
}

// Settle moves z to what is proposed, but entry by entry only where that is no
// farther from v, which e holds; it leaves e = v − z. It returns ‖v − z‖²
// before and after, and the square of the move.
func Settle(e, z, proposed []float32) (before, after, move float64) {
	z, proposed = z[:len(e)], proposed[:len(e)]
	switch {
	case level == generic || len(e) == 0:
		return settleGo(e, z, proposed)
	case level == avx512:
		return settleAVX512(len(e), &proposed[0], &e[0], &z[0])
	}
	return settleAVX2(len(e), &proposed[0], &e[0], &z[0])
}

// OmegaSum computes w = ω(c + shift), Wright's ω being the solution of
// ω + log ω = x, and returns Σw and Σw/(1+w), the sum of the derivatives. The
// relative error is below 4·2⁻⁵³(1+|x|); below −700 ω is that of −700.
func OmegaSum(w, c []float64, shift float64) (sum, slope float64) {
	w = w[:len(c)]
	switch {
	case level == generic || len(c) == 0:
		return omegaSumGo(w, c, shift)
	case level == avx512:
		return omegaSumAVX512(len(c), &c[0], &w[0], shift)
	}
	return omegaSumAVX2(len(c), &c[0], &w[0], shift)
}
