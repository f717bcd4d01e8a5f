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

//go:noescape
func reluAVX512(n int, z, dst *float32)

//go:noescape
func reluBandAVX512(n int, v, a, dst *float32, eps float32)

//go:noescape
func clipAddAVX512(n int, d, h, a *float32, eps float32)

//go:noescape
func bandStepAVX512(n int, a, h, grad, d *float32, eps, k float32) (s0 float64, cut int)

//go:noescape
func settleAVX512(n int, new, e, z *float32) (s0, s1, s2 float64)

//go:noescape
func omegaSumAVX512(n int, c, w *float64, shift float64) (sum, slope float64)

//go:noescape
func reluAVX2(n int, z, dst *float32)

//go:noescape
func reluBandAVX2(n int, v, a, dst *float32, eps float32)

//go:noescape
func clipAddAVX2(n int, d, h, a *float32, eps float32)

//go:noescape
func bandStepAVX2(n int, a, h, grad, d *float32, eps, k float32) (s0 float64, cut int)

//go:noescape
func settleAVX2(n int, new, e, z *float32) (s0, s1, s2 float64)

//go:noescape
func omegaSumAVX2(n int, c, w *float64, shift float64) (sum, slope float64)
