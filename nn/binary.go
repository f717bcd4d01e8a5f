package nn

import (
	"math"

	"github.com/dlam-go/dlam/mat"
)

// Binarize writes s·sign(w) to dst, of the length of w, with sign(0) = 1.
func Binarize(dst []float32, s float32, w []float32) {
	dst = dst[:len(w)]
	for j, x := range w {
		if dst[j] = s; x < 0 {
			dst[j] = -s
		}
	}
}

// Magnitude is the mean of |w|: the s for which s·sign(w) is nearest to w (Rastegari,
// Ordonez, Redmon & Farhadi 2016).
func Magnitude(w []float32) float32 {
	var sum float64
	for _, x := range w {
		sum += math.Abs(float64(x))
	}
	return float32(sum / float64(len(w)))
}

// BinaryLimit is H = √(1.5/(columns + rows)), within which binary weights W keep the real
// ones that their signs come from (Courbariaux, Bengio & David 2015).
func BinaryLimit(w mat.Dense) float32 {
	return float32(math.Sqrt(1.5 / float64(w.Cols+w.Rows)))
}

// Clip keeps w within ±limit: beyond it a real weight would take long to change its sign
// again.
func Clip(w []float32, limit float32) {
	for j, x := range w {
		w[j] = min(max(x, -limit), limit)
	}
}

// Binary reports whether each row of W has one magnitude, and which: a row is then a bit a
// weight and a number. A single column is no case of it.
func (ly Layer) Binary() (magnitudes []float32, ok bool) {
	if ly.W.Cols < 2 {
		return nil, false
	}
	magnitudes = make([]float32, ly.W.Rows)
	for i := range magnitudes {
		row := ly.W.Row(i)
		s := max(row[0], -row[0])
		for _, x := range row {
			if x != s && x != -s {
				return nil, false
			}
		}
		magnitudes[i] = s
	}
	return magnitudes, true
}
