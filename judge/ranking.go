package judge

import (
	"cmp"
	"slices"

	"github.com/dlam-go/dlam/mat"
)

// rank sets the figures that follow from how the samples are ordered by each class's
// output.
func (c *Classes) rank(out mat.Dense, class []int32, probabilities bool, weight []float32) {
	first := 0
	if out.Cols == 2 { // one class's order is the other's, backwards
		first = 1
	}
	r := make(ranking, out.Rows)
	var areas, precisions, n float64
	for k := first; k < out.Cols; k++ {
		for i := range r {
			r[i] = ranked{out.At(i, k), of(weight, i), int(class[i]) == k}
			if out.Cols == 2 && !probabilities {
				r[i].score -= out.At(i, 0)
			}
		}
		area, precision, ok := r.judge()
		if !ok {
			continue
		}
		c.Classes[k].ROCAUC, c.Classes[k].AveragePrecision = &area, &precision
		areas, precisions, n = areas+area, precisions+precision, n+1
	}
	if n == 0 {
		c.omit("ROC-AUC and average precision: all samples are of one class")
		return
	}
	c.ROCAUC, c.AveragePrecision = new(areas/n), new(precisions/n)
	if left := float64(out.Cols-first) - n; left > 0 {
		c.omit("ROC-AUC and average precision of %g of %d classes, which no sample has: the means are of the others", left, out.Cols)
	}
}

// ranked is a sample with its score for a class, and whether it is of it.
type ranked struct {
	score  float32
	weight float64
	yes    bool
}

type ranking []ranked

// judge is the area under the ROC curve and the average precision. Samples with one
// score come together: they are half before and half behind each other in the area, and
// one step of the precision. Not ok is where all samples or none are of the class.
func (r ranking) judge() (area, precision float64, ok bool) {
	slices.SortFunc(r, func(a, b ranked) int { return cmp.Compare(b.score, a.score) })
	var yes, no float64 // weight so far
	for lo := 0; lo < len(r); {
		var y, n float64
		hi := lo
		for ; hi < len(r) && r[hi].score == r[lo].score; hi++ {
			if r[hi].yes {
				y += r[hi].weight
			} else {
				n += r[hi].weight
			}
		}
		area += n * (yes + y/2)
		yes, no, lo = yes+y, no+n, hi
		precision += y * share(yes, yes+no)
	}
	if yes == 0 || no == 0 {
		return 0, 0, false
	}
	return area / (yes * no), precision / yes, true
}
