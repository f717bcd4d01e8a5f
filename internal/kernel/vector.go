package kernel

// SumSquares is Σ x², accumulated in float64.
func SumSquares(x []float32) float64 {
	var s float64
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return s
}

// Dot is Σ xy, accumulated in float64.
func Dot(x, y []float32) float64 {
	y = y[:len(x)]
	var s float64
	for i, v := range x {
		s += float64(v) * float64(y[i])
	}
	return s
}

// Axpy computes dst += alpha·x.
func Axpy(dst []float32, alpha float32, x []float32) { axpyGo(dst, alpha, x) }

// Add computes dst += x.
func Add(dst, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] += v
	}
}

// AddTo64 computes dst += x in float64: partial sums over rows.
func AddTo64(dst []float64, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] += float64(v)
	}
}
