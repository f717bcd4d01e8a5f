package certify

import (
	"math"
	"sync"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// wide is a matrix in float64.
type wide struct {
	rows, cols int
	data       []float64
}

func newWide(rows, cols int) wide { return wide{rows, cols, make([]float64, rows*cols)} }

func (m wide) row(i int) []float64 { return m.data[i*m.cols : (i+1)*m.cols] }

func widen(m mat.Dense) wide {
	w := newWide(m.Rows, m.Cols)
	for i := range m.Rows {
		for j, v := range m.Row(i) {
			w.row(i)[j] = float64(v)
		}
	}
	return w
}

// rows calls f for every row number below n, on threads goroutines.
func rows(n, threads int, f func(i int)) {
	var wait sync.WaitGroup
	for t := range threads {
		wait.Go(func() {
			lo, hi := kernel.Range(n, 1, t, threads)
			for i := lo; i < hi; i++ {
				f(i)
			}
		})
	}
	wait.Wait()
}

// linear is A·Wᵀ + 1bᵀ in float64: no product that the solvers use.
func linear(a mat.Dense, w mat.Dense, b []float32, threads int) wide {
	v, ww := newWide(a.Rows, w.Rows), widen(w)
	rows(a.Rows, threads, func(i int) {
		ai, vi := a.Row(i), v.row(i)
		for j := range vi {
			var s float64
			for k, x := range ww.row(j) {
				s += float64(ai[k]) * x
			}
			vi[j] = s + float64(b[j])
		}
	})
	return v
}

// weights are those of the rows of matrices that have as many for each sample, one
// after another; nil: all are 1. Sums over samples of the paper's inequalities are
// weighted by them: each is that of a problem whose rows stand as often as they weigh.
type weights struct {
	of     []float32 // each sample's
	places int
}

// at is row i's weight.
func (w *weights) at(i int) float64 {
	if w == nil {
		return 1
	}
	return float64(w.of[i/w.places])
}

// weigh is the weights of so many rows of this process's samples.
func (c *checker) weigh(rows int) *weights {
	if w := c.p.Y.Weight; len(w) > 0 {
		return &weights{w, rows / len(w)}
	}
	return nil
}

// distance is Σ(V + shift − Z)² for each row, shift being added to every row.
func distance(v wide, shift []float64, z mat.Dense, w *weights) float64 {
	var s float64
	for i := range v.rows {
		zi, weight := z.Row(i), w.at(i)
		for j, x := range v.row(i) {
			d := x - float64(zi[j])
			if shift != nil {
				d += shift[j]
			}
			s += weight * (d * d)
		}
	}
	return s
}

// norm2 is Σ(x−y)² over two matrices of a shape.
func norm2(x, y mat.Dense, w *weights) float64 {
	var s float64
	for i := range x.Rows {
		yi, weight := y.Row(i), w.at(i)
		for j, v := range x.Row(i) {
			d := float64(v) - float64(yi[j])
			s += weight * (d * d)
		}
	}
	return s
}

func square(v wide, w *weights) float64 {
	var s float64
	for i := range v.rows {
		weight := w.at(i)
		for _, x := range v.row(i) {
			s += weight * (x * x)
		}
	}
	return s
}

// regularization is ΣΩ over layer's weights.
func regularization(p *dlam.Problem, w mat.Dense) float64 {
	var s float64
	for i := range w.Rows {
		s += p.Regularizer.Value(w.Row(i))
	}
	return s
}

// activate is h(z) of a sample, of the largest z in each window of max pooling: no
// maxima that the solvers use.
func activate(ly dlam.Layer, h, z []float32) {
	if ly.Max > 1 {
		all, out := ly.Linear().Out(ly.W.Rows), ly.Out()
		for j := range h {
			y, x, c := j/out.Channels/out.Width*ly.Max, j/out.Channels%out.Width*ly.Max, j%out.Channels
			h[j] = float32(math.Inf(-1))
			for k := range ly.Max * ly.Max {
				h[j] = max(h[j], z[((y+k/ly.Max)*all.Width+x+k%ly.Max)*all.Channels+c])
			}
		}
		z = h
	}
	ly.H.Apply(h, z)
}

// bandExcess is by how much A leaves the band around h(Z), at worst, relative
// to 1 + |a| + ε.
func bandExcess(ly dlam.Layer, z, a mat.Dense, eps float64) float64 {
	h := make([]float32, a.Cols)
	var worst float64
	for i := range z.Rows {
		activate(ly, h, z.Row(i))
		for j, v := range a.Row(i) {
			x := float64(v)
			excess := math.Abs(x-float64(h[j])) - eps
			worst = math.Max(worst, excess/(1+math.Abs(x)+eps))
		}
	}
	return worst
}
