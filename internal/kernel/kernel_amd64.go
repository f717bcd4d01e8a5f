//go:build !purego

package kernel

import (
	"fmt"
	"os"

	"golang.org/x/sys/cpu"
)

//go:generate go run ./gen

// level is the instruction set in use; DLAM_KERNEL=generic|avx2|avx512 lowers
// it, for tests.
var level = detect(os.Getenv("DLAM_KERNEL"))

const (
	generic = iota
	avx2
	avx512
)

func detect(want string) int {
	has := generic
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		has = avx2
		if cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL {
			has = avx512
		}
	}
	limit := map[string]int{"": avx512, "avx512": avx512, "avx2": avx2, "generic": generic}
	l, ok := limit[want]
	if !ok {
		panic(fmt.Sprintf("DLAM_KERNEL: got %q, want generic, avx2 or avx512", want))
	}
	return min(has, l)
}

// vectorAbove is the length from which vectors are worth a call.
const vectorAbove = 32

// SumSquares is Σ x², accumulated in float64.
func SumSquares(x []float32) float64 {
	n := 0
	var s float64
	if len(x) >= vectorAbove && level > generic {
		n = len(x) &^ 31
		if level == avx512 {
			s = sumSquaresAVX512(n, &x[0])
		} else {
			s = sumSquaresAVX2(n, &x[0])
		}
	}
	return s + sumSquaresGo(x[n:])
}

// Dot is Σ xy, accumulated in float64.
func Dot(x, y []float32) float64 {
	y = y[:len(x)]
	n := 0
	var s float64
	if len(x) >= vectorAbove && level > generic {
		n = len(x) &^ 31
		if level == avx512 {
			s = dotAVX512(n, &x[0], &y[0])
		} else {
			s = dotAVX2(n, &x[0], &y[0])
		}
	}
	return s + dotGo(x[n:], y[n:])
}

// Axpby computes dst = beta·dst + alpha·x.
func Axpby(dst []float32, beta, alpha float32, x []float32) {
	dst = dst[:len(x)]
	n := 0
	if len(x) >= vectorAbove && level > generic {
		n = len(x) &^ 15
		if level == avx512 {
			axpbyAVX512(n, alpha, &x[0], &dst[0], beta)
		} else {
			axpbyAVX2(n, alpha, &x[0], &dst[0], beta)
		}
	}
	axpbyGo(dst[n:], beta, alpha, x[n:])
}

// AddTo64 computes dst += x in float64: partial sums over rows.
func AddTo64(dst []float64, x []float32) {
	dst = dst[:len(x)]
	n := 0
	if len(x) >= vectorAbove && level > generic {
		n = len(x) &^ 15
		if level == avx512 {
			add64AVX512(n, &x[0], &dst[0])
		} else {
			add64AVX2(n, &x[0], &dst[0])
		}
	}
	add64Go(dst[n:], x[n:])
}

// AddColumns computes sum += the columns of the rows×len(sum) matrix x in
// float64, row by row.
func AddColumns(sum []float64, x []float32, stride, rows int) {
	switch {
	case level == generic || rows == 0 || len(sum) == 0:
		addColumnsGo(sum, x, stride, rows)
	case level == avx512:
		columnsAVX512(rows, len(sum), &x[0], 4*stride, &sum[0])
	default:
		columnsAVX2(rows, len(sum), &x[0], 4*stride, &sum[0])
	}
}

// AddColumnSquares is AddColumns of x's squares.
func AddColumnSquares(sum []float64, x []float32, stride, rows int) {
	switch {
	case level == generic || rows == 0 || len(sum) == 0:
		addColumnSquaresGo(sum, x, stride, rows)
	case level == avx512:
		columnSquaresAVX512(rows, len(sum), &x[0], 4*stride, &sum[0])
	default:
		columnSquaresAVX2(rows, len(sum), &x[0], 4*stride, &sum[0])
	}
}

// ToFloat64 computes dst = x.
func ToFloat64(dst []float64, x []float32) {
	dst = dst[:len(x)]
	n := 0
	if len(x) >= vectorAbove && level > generic {
		n = len(x) &^ 15
		if level == avx512 {
			toFloat64AVX512(n, &x[0], &dst[0])
		} else {
			toFloat64AVX2(n, &x[0], &dst[0])
		}
	}
	toFloat64Go(dst[n:], x[n:])
}
