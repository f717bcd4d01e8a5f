package kernel

func sumSquaresGo(x []float32) float64 {
	var s float64
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return s
}

func dotGo(x, y []float32) float64 {
	y = y[:len(x)]
	var s float64
	for i, v := range x {
		s += float64(v) * float64(y[i])
	}
	return s
}

func axpyGo(dst []float32, alpha float32, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] += alpha * v
	}
}

func add64Go(dst []float64, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] += float64(v)
	}
}

func axpbyGo(dst []float32, beta, alpha float32, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = beta*dst[i] + alpha*v
	}
}

// Axpy computes dst += alpha·x.
func Axpy(dst []float32, alpha float32, x []float32) { Axpby(dst, 1, alpha, x) }

// Add computes dst += x.
func Add(dst, x []float32) { Axpy(dst, 1, x) }

func toFloat64Go(dst []float64, x []float32) {
	for i, v := range x {
		dst[i] = float64(v)
	}
}

func addColumnsGo(sum []float64, x []float32, stride, rows int) {
	for i := range rows {
		add64Go(sum, x[i*stride:][:len(sum)])
	}
}

func addColumnSquaresGo(sum []float64, x []float32, stride, rows int) {
	for i := range rows {
		for j, v := range x[i*stride:][:len(sum)] {
			sum[j] += float64(v) * float64(v)
		}
	}
}
