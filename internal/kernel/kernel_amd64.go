//go:build !purego

package kernel

import (
	"fmt"
	"os"
	"unsafe"

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

// panelWidth is the number of columns of B that are packed together.
func panelWidth() int { return [...]int{32, 16, 32}[level] }

// masks2 holds the AVX2 masks of the first i lanes, at element 8-i.
var masks2 = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1}

// strip computes rows 0 to m-1 of w ≤ panelWidth columns of C = A·B; strides
// are in elements.
func strip(m, w, k int, a []float32, aRow, aK int, b []float32, bRow int, c []float32, cRow int, add bool) {
	if m == 0 || w == 0 {
		return
	}
	if level == generic || k == 0 {
		stripGo(m, w, k, a, aRow, aK, b, bRow, c, cRow, add)
		return
	}
	flag := 0
	if add {
		flag = 1
	}
	pa, pb, pc := unsafe.Pointer(unsafe.SliceData(a)), unsafe.Pointer(unsafe.SliceData(b)), unsafe.Pointer(unsafe.SliceData(c))
	if level == avx512 {
		mask := uint64(1)<<w - 1
		for i := 0; i < m; {
			i += tile512(m-i, w > 16, k, 4*aRow, 4*aK, (*float32)(unsafe.Add(pa, 4*i*aRow)), (*float32)(pb), 4*bRow, (*float32)(unsafe.Add(pc, 4*i*cRow)), 4*cRow, flag, mask)
		}
		return
	}
	for j := 0; j < w; j += 8 {
		lanes := min(8, w-j)
		wide := j == 0 && w == 16
		mask := uint64(uintptr(unsafe.Pointer(&masks2[8-lanes])))
		for i := 0; i < m; {
			i += tile256(m-i, wide, k, 4*aRow, 4*aK, (*float32)(unsafe.Add(pa, 4*i*aRow)), (*float32)(unsafe.Add(pb, 4*j)), 4*bRow, (*float32)(unsafe.Add(pc, 4*(i*cRow+j))), 4*cRow, flag, mask)
		}
		if wide {
			return
		}
	}
}

// tile512 computes a tile of at most m rows and returns its height.
func tile512(m int, wide bool, k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64) int {
	switch {
	case m >= 12 && wide:
		tileAVX512_12x2(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
		return 12
	case m >= 12:
		tileAVX512_12x1(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
		return 12
	case m >= 8 && wide:
		tileAVX512_8x2(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
		return 8
	case m >= 8:
		tileAVX512_8x1(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
		return 8
	case m >= 4 && wide:
		tileAVX512_4x2(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
		return 4
	case m >= 4:
		tileAVX512_4x1(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
		return 4
	case m >= 2 && wide:
		tileAVX512_2x2(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
		return 2
	case m >= 2:
		tileAVX512_2x1(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
		return 2
	case wide:
		tileAVX512_1x2(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
	default:
		tileAVX512_1x1(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
	}
	return 1
}

// tile256 is tile512 for AVX2; mask is the address of the lanes' mask.
func tile256(m int, wide bool, k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64) int {
	switch {
	case m >= 6 && wide:
		tileAVX2_6x2(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
		return 6
	case m >= 6:
		tileAVX2_6x1(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
		return 6
	case m >= 4 && wide:
		tileAVX2_4x2(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
		return 4
	case m >= 4:
		tileAVX2_4x1(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
		return 4
	case m >= 2 && wide:
		tileAVX2_2x2(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
		return 2
	case m >= 2:
		tileAVX2_2x1(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
		return 2
	case wide:
		tileAVX2_1x2(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
	default:
		tileAVX2_1x1(k, aRow, aK, a, b, bRow, c, cRow, add, mask)
	}
	return 1
}

// packRows writes the transpose of the w rows at s, k columns, to a panel.
func packRows(dst, s []float32, stride, w, k int) {
	width, done := panelWidth(), 0
	if level == avx512 && k > 0 && stride < 1<<26 { // 32-bit indices
		for ; done+16 <= w; done += 16 {
			packTAVX512(k, &s[done*stride], stride, &dst[done])
		}
	}
	packRowsGo(dst[done:], s[min(done*stride, len(s)):], stride, w-done, k, width)
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

// Axpy computes dst += alpha·x.
func Axpy(dst []float32, alpha float32, x []float32) {
	dst = dst[:len(x)]
	n := 0
	if len(x) >= vectorAbove && level > generic {
		n = len(x) &^ 15
		if level == avx512 {
			axpyAVX512(n, alpha, &x[0], &dst[0])
		} else {
			axpyAVX2(n, alpha, &x[0], &dst[0])
		}
	}
	axpyGo(dst[n:], alpha, x[n:])
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
