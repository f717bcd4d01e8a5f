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

// AxpySquares computes y += alpha·x, and ‖y‖² before and after.
func AxpySquares(y []float32, alpha float32, x []float32) (before, after float64) {
	x = x[:len(y)]
	switch {
	case level == generic || len(y) == 0:
		return axpySquaresGo(y, alpha, x)
	case level == avx512:
		return axpySquaresAVX512(len(y), &x[0], &y[0], alpha)
	}
	return axpySquaresAVX2(len(y), &x[0], &y[0], alpha)
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

// MoveClipped moves z to what is proposed, clipped to the segment from z to v, which
// e holds; it leaves e = v − z, and may spoil proposed. It returns ‖v − z‖²
// before and after, and the square of the move: the fall is at least that.
func MoveClipped(e, z, proposed []float32) (before, after, move float64) {
	z, proposed = z[:len(e)], proposed[:len(e)]
	switch {
	case level == generic || len(e) == 0:
		return moveClippedGo(e, z, proposed)
	case level == avx512:
		return moveClippedAVX512(len(e), &proposed[0], &e[0], &z[0])
	}
	return moveClippedAVX2(len(e), &proposed[0], &e[0], &z[0])
}

// Move moves z to what is proposed, as MoveClipped without the clip.
func Move(e, z, proposed []float32) (before, after, move float64) {
	z, proposed = z[:len(e)], proposed[:len(e)]
	switch {
	case level == generic || len(e) == 0:
		return moveGo(e, z, proposed)
	case level == avx512:
		return moveAVX512(len(e), &proposed[0], &e[0], &z[0])
	}
	return moveAVX2(len(e), &proposed[0], &e[0], &z[0])
}

// start takes in v of rows samples, beyond which the last is repeated, and makes
// s, ω and the first step from z.
func (o *Omega) start(z []float32, zStride int, v []float32, vStride, rows int) {
	n := len(o.work) / OmegaWork
	switch {
	case level == generic || n == 0 || rows == 0:
		o.startGo(z, zStride, v, vStride, rows)
	case level == avx512:
		omegaStartAVX512(n, &o.work[0], &o.s[0], &z[0], zStride, &v[0], vStride, rows-1)
	default:
		omegaStartAVX2(n, &o.work[0], &o.s[0], &z[0], zStride, &v[0], vStride, rows-1)
	}
}

// advance is a step of the samples in o.next[kind].
func (o *Omega) advance(kind int, curved float64) {
	n, mask := len(o.work)/OmegaWork, (3+kind)*8*Group // o.next[kind]'s offset
	switch {
	case level == generic || n == 0:
		o.advanceGo(kind, curved)
	case level == avx512:
		omegaStepAVX512(n, &o.work[0], &o.s[0], mask, curved)
	default:
		omegaStepAVX2(n, &o.work[0], &o.s[0], mask, curved)
	}
}

// end writes the solution of rows samples to dst.
func (o *Omega) end(dst []float32, stride, rows int) {
	n := len(o.work) / OmegaWork
	switch {
	case level == generic || n == 0 || rows == 0:
		o.endGo(dst, stride, rows)
	case level == avx512:
		omegaEndAVX512(n, &o.work[0], &o.s[0], &dst[0], stride, rows-1)
	default:
		omegaEndAVX2(n, &o.work[0], &o.s[0], &dst[0], stride, rows-1)
	}
}

// ExpSum computes, for each row of the rows×cols matrix z, top = max z,
// dst = exp(z − top) and sum = Σ exp(z − top) in float64, so that
// logsumexp(z) = top + log sum. The relative error of exp is below 4·2⁻⁵³
// before dst is rounded; exp of less than −708 is that of −708. Rows of dst
// may be those of z, or with stride 0 all the same one. cols is at least 1.
func ExpSum(dst []float32, dstStride int, z []float32, stride, rows, cols int, top []float32, sum []float64) {
	top, sum = top[:rows], sum[:rows]
	switch {
	case level == generic || rows == 0:
		expSumGo(dst, dstStride, z, stride, rows, cols, top, sum)
	case level == avx512:
		expSumAVX512(rows, cols, &z[0], 4*stride, &dst[0], 4*dstStride, &top[0], &sum[0])
	default:
		expSumAVX2(rows, cols, &z[0], 4*stride, &dst[0], 4*dstStride, &top[0], &sum[0])
	}
}

// Tanh computes dst = tanh z, to half a unit in the last place and 1e-10. dst may be z.
func Tanh(dst, z []float32) {
	dst = dst[:len(z)]
	switch {
	case level == generic || len(z) == 0:
		tanhGo(dst, z)
	case level == avx512:
		tanhAVX512(len(z), &z[0], &dst[0])
	default:
		tanhAVX2(len(z), &z[0], &dst[0])
	}
}

// TanhDeriv computes dst = g(1 − tanh² z). dst may be g or z.
func TanhDeriv(dst, g, z []float32) {
	dst, g = dst[:len(z)], g[:len(z)]
	switch {
	case level == generic || len(z) == 0:
		tanhDerivGo(dst, g, z)
	case level == avx512:
		tanhDerivAVX512(len(z), &z[0], &dst[0], &g[0])
	default:
		tanhDerivAVX2(len(z), &z[0], &dst[0], &g[0])
	}
}
