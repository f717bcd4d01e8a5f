//go:build !purego

package kernel

// The tile kernels: R rows by V vectors of C = A·B, strides in bytes; see
// gen/main.go.

//go:noescape
func tileAVX512_12x1(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX512_12x2(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX512_8x1(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX512_8x2(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX512_4x1(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX512_4x2(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX512_2x1(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX512_2x2(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX512_1x1(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX512_1x2(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX2_6x1(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX2_6x2(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX2_4x1(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX2_4x2(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX2_2x1(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX2_2x2(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX2_1x1(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func tileAVX2_1x2(k, aRow, aK int, a, b *float32, bRow int, c *float32, cRow, add int, mask uint64)

//go:noescape
func sumSquaresAVX512(n int, x *float32) float64

//go:noescape
func dotAVX512(n int, x, y *float32) float64

//go:noescape
func axpyAVX512(n int, alpha float32, x, dst *float32)

//go:noescape
func add64AVX512(n int, x *float32, dst *float64)

//go:noescape
func sumSquaresAVX2(n int, x *float32) float64

//go:noescape
func dotAVX2(n int, x, y *float32) float64

//go:noescape
func axpyAVX2(n int, alpha float32, x, dst *float32)

//go:noescape
func add64AVX2(n int, x *float32, dst *float64)

//go:noescape
func packTAVX512(k int, s *float32, stride int, dst *float32)
