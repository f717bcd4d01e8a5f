//go:build !amd64 || purego

package kernel

func panelWidth() int { return 32 }

func strip(m, w, k int, a []float32, aRow, aK int, b []float32, bRow int, c []float32, cRow int, add bool) {
	stripGo(m, w, k, a, aRow, aK, b, bRow, c, cRow, add)
}

func packRows(dst, s []float32, stride, w, k int) { packRowsGo(dst, s, stride, w, k, panelWidth()) }

// SumSquares is Σ x², accumulated in float64.
func SumSquares(x []float32) float64 { return sumSquaresGo(x) }

// Dot is Σ xy, accumulated in float64.
func Dot(x, y []float32) float64 { return dotGo(x, y[:len(x)]) }

// Axpy computes dst += alpha·x.
func Axpy(dst []float32, alpha float32, x []float32) { axpyGo(dst[:len(x)], alpha, x) }

// AddTo64 computes dst += x in float64: partial sums over rows.
func AddTo64(dst []float64, x []float32) { add64Go(dst[:len(x)], x) }
