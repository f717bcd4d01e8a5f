//go:build !amd64 || purego

package kernel

func pause() {}

// lanes is 0: columns left over have no way of their own here.
func lanes() int { return 0 }

func inQuads(int) int { return 0 }

func packColumns(dst []float32, row, panel int, src []float32, stride, k, n, width int) {
	packColumnsGo(dst, row, panel, src, stride, k, n, width)
}

func packRows(dst, s []float32, stride, w, k int) { packRowsGo(dst, s, stride, w, k, panelWidth()) }

// SumSquares is Σ x², accumulated in float64.
func SumSquares(x []float32) float64 { return sumSquaresGo(x) }

// Dot is Σ xy, accumulated in float64.
func Dot(x, y []float32) float64 { return dotGo(x, y[:len(x)]) }

// Axpby computes dst = beta·dst + alpha·x.
func Axpby(dst []float32, beta, alpha float32, x []float32) { axpbyGo(dst[:len(x)], beta, alpha, x) }

// AddTo64 computes dst += x in float64: partial sums over rows.
func AddTo64(dst []float64, x []float32) { add64Go(dst[:len(x)], x) }

// AddColumns computes sum += the columns of the rows×len(sum) matrix x in
// float64, row by row.
func AddColumns(sum []float64, x []float32, stride, rows int) { addColumnsGo(sum, x, stride, rows) }

// AddColumnSquares is AddColumns of x's squares.
func AddColumnSquares(sum []float64, x []float32, stride, rows int) {
	addColumnSquaresGo(sum, x, stride, rows)
}

// ReLU computes dst = max(z, 0). dst may be z.
func ReLU(dst, z []float32) { reluGo(dst, z) }

// ReLUBand computes dst = v clipped to [a−eps, a+eps], open below where
// a−eps ≤ 0. dst may be v or a.
func ReLUBand(dst, v, a []float32, eps float32) { reluBandGo(dst, v, a, eps) }

// ClipAdd computes a = clip(a+d, h−eps, h+eps).
func ClipAdd(a, d, h []float32, eps float32) { clipAddGo(a, d, h, eps) }

// AxpySquares computes y += alpha·x, and ‖y‖² before and after.
func AxpySquares(y []float32, alpha float32, x []float32) (before, after float64) {
	return axpySquaresGo(y, alpha, x)
}

// BandStep computes the move d = clip(a − k·g, h−eps, h+eps) − a; it reports
// whether the band cut it anywhere, and ‖d‖².
func BandStep(d, a, g, h []float32, k, eps float32) (cut bool, square float64) {
	return bandStepGo(d, a, g, h, k, eps)
}

// MoveClipped moves z to what is proposed, clipped to the segment from z to v, which
// e holds, and leaves e = v − z; see the amd64 version.
func MoveClipped(e, z, proposed []float32) (before, after, move float64) {
	return moveClippedGo(e, z, proposed)
}

// Move moves z to what is proposed, as MoveClipped without the clip.
func Move(e, z, proposed []float32) (before, after, move float64) {
	return moveGo(e, z, proposed)
}

// start makes s, ω and the first step; see the amd64 version.
func (o *Omega) start(z []float32, zStride int, v []float32, vStride, rows int) {
	o.startGo(z, zStride, v, vStride, rows)
}

// advance is a step of the samples in o.next[kind].
func (o *Omega) advance(kind int, curved float64) { o.advanceGo(kind, curved) }

// end writes the solution of rows samples to dst.
func (o *Omega) end(dst []float32, stride, rows int) { o.endGo(dst, stride, rows) }

// Tanh computes dst = tanh z. dst may be z.
func Tanh(dst, z []float32) { tanhGo(dst, z) }

// TanhDeriv computes dst = g(1 − tanh² z). dst may be g or z.
func TanhDeriv(dst, g, z []float32) { tanhDerivGo(dst, g, z) }

// ExpSum is exp of rows less their maxima, and its sums; see the amd64 version.
func ExpSum(dst []float32, dstStride int, z []float32, stride, rows, cols int, top []float32, sum []float64) {
	expSumGo(dst, dstStride, z, stride, rows, cols, top, sum)
}

// Adam updates the parameters w by their gradient g, m and s being the averages
// of the gradients and of their squares.
func Adam(k *AdamRule, w, g, m, s []float32) { adamGo(k, w, g, m, s) }

// ReLUDeriv computes dst = g where z > 0, else 0. dst may be g or z.
func ReLUDeriv(dst, g, z []float32) { reluDerivGo(dst, g, z) }

// AddToFloat32 computes dst = a·sum + b·dst, in float32.
func AddToFloat32(dst []float32, b float32, sum []float64, a float32) { addToFloat32Go(dst, b, sum, a) }

// ToFloat64 computes dst = x.
func ToFloat64(dst []float64, x []float32) { toFloat64Go(dst[:len(x)], x) }

// Largest writes to v, for each window of places of z, the largest of each of the
// channels, and to win, unless it is nil, which offset it was at; of equal ones the first.
// Windows begin step elements apart, and have their places at the offsets, of which the
// first is 0.
func Largest(v []float32, win []int32, z []float32, channels, step int, offsets []int) {
	largestGo(v, win, z, channels, step, offsets)
}

// Spread writes v to z at the offsets that win says, and 0 at the windows' other ones;
// see Largest.
func Spread(z, v []float32, win []int32, channels, step int, offsets []int) {
	spreadGo(z, v, win, channels, step, offsets)
}

// ListPoints writes to dst the points of windows whose e is not 0, and returns how many they
// are: each at the place that win says, whose patch begins at its offset from the first's.
// dst has room for all windows, and e, win and offsets have what windows and win name.
func ListPoints(dst []Point, windows []Window, e []float32, win []int32, offsets []uint32) int {
	return listPointsGo(dst, windows, e, win, offsets)
}

func pointPart(runs, n int) (some, elements int) { return runs, n }

func addPatches(p *pointRun) { p.addPatchesGo() }

func addToPatches(p *pointRun) { p.addToPatchesGo() }

// largestOfRuns is no faster than what MulRunsLargest does without it.
func (p *Panel) largestOfRuns([]float32, []int32, []float32, Runs, []float32) bool { return false }
