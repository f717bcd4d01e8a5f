package kernel

import (
	"math"
	"slices"
)

// The Go twins of the fused kernels; see fused_amd64.go for what they compute.

func reluGo(dst, z []float32) {
	dst = dst[:len(z)]
	for i, x := range z {
		dst[i] = max(x, 0)
	}
}

func reluBandGo(dst, v, a []float32, eps float32) {
	dst, a = dst[:len(v)], a[:len(v)]
	for i, x := range v {
		if lo := a[i] - eps; lo > 0 {
			x = max(x, lo)
		}
		dst[i] = min(x, a[i]+eps)
	}
}

func clipAddGo(a, d, h []float32, eps float32) {
	d, h = d[:len(a)], h[:len(a)]
	for j, x := range a {
		a[j] = min(max(x+d[j], h[j]-eps), h[j]+eps)
	}
}

func axpySquaresGo(y []float32, alpha float32, x []float32) (before, after float64) {
	x = x[:len(y)]
	for i, v := range y {
		before += float64(v) * float64(v)
		y[i] = v + alpha*x[i]
		after += float64(y[i]) * float64(y[i])
	}
	return before, after
}

func bandStepGo(d, a, g, h []float32, k, eps float32) (cut bool, square float64) {
	g, h, d = g[:len(a)], h[:len(a)], d[:len(a)]
	for j, x := range a {
		free := x - k*g[j]
		beta := min(max(free, h[j]-eps), h[j]+eps)
		cut = cut || beta != free
		d[j] = beta - x
		square += float64(d[j]) * float64(d[j])
	}
	return cut, square
}

func moveClippedGo(e, z, proposed []float32) (before, after, move float64) {
	for i, v := range e {
		proposed[i] = min(max(proposed[i], min(z[i], v)), max(z[i], v))
	}
	return moveGo(e, z, proposed)
}

func moveGo(e, z, proposed []float32) (before, after, move float64) {
	z, proposed = z[:len(e)], proposed[:len(e)]
	for i, v := range e {
		x := proposed[i]
		was, is, d := v-z[i], v-x, x-z[i]
		before += float64(was) * float64(was)
		after += float64(is) * float64(is)
		move += float64(d) * float64(d)
		e[i], z[i] = is, x
	}
	return before, after, move
}

func expSumGo(dst []float32, dstStride int, z []float32, stride, rows, cols int, top []float32, sum []float64) {
	for i := range rows {
		row, d := z[i*stride:][:cols], dst[i*dstStride:][:cols]
		top[i] = slices.Max(row) // NaN wins
		sum[i] = 0
		for j, x := range row {
			e := math.Exp(max(float64(x)-float64(top[i]), expLeast))
			sum[i] += e
			d[j] = float32(e)
		}
	}
}

func tanhGo(dst, z []float32) {
	dst = dst[:len(z)]
	for i, x := range z {
		dst[i] = float32(math.Tanh(float64(x)))
	}
}

func tanhDerivGo(dst, g, z []float32) {
	dst, g = dst[:len(z)], g[:len(z)]
	for i, x := range z {
		t := math.Tanh(float64(x))
		dst[i] = float32(float64(g[i]) * (1 - t*t))
	}
}

// expLeast is where exp may as well be 0.
const expLeast = -708
