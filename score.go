package dlam

import (
	"fmt"
	"math"

	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// Score is how well a network does on samples.
type Score struct {
	// Every mean is weighted by the samples' weights, if they have any.
	Risk     float64 `json:"risk"`     // mean loss per sample
	Accuracy float64 `json:"accuracy"` // share classified right; 0 for a regression
	RMSE     float64 `json:"rmse"`     // root mean squared error; 0 for a classification
	R2       float64 `json:"r2"`       // 1 − squared error / variance, of several values the mean of theirs that vary; 0 for a classification
}

// Evaluate scores n on samples x with targets y, on so many threads, at least 1. A network
// whose outputs, or whose scores, are not finite is an error.
func Evaluate(n *Network, x mat.Dense, y loss.Target, l loss.Loss, threads int) (*Score, error) {
	if threads < 1 {
		return nil, fmt.Errorf("threads: got %d, want at least 1", threads)
	}
	e := pass.New(threads, nil)
	defer e.Close()
	return score(e, n, x, y, l)
}

// score measures the network on all ranks' samples.
func score(e *pass.Engine, n *Network, x mat.Dense, y loss.Target, l loss.Loss) (*Score, error) {
	op := &scoring{net: n.Predictor(), x: x, y: y, loss: l, out: make([]mat.Dense, e.Pool.Threads())}
	for w := range op.out {
		op.out[w] = mat.New(min(pass.Block, x.Rows), n.Outputs())
	}
	p := e.NewPass(pass.Whole)
	if err := p.Run(op, x.Rows); err != nil {
		return nil, err
	}
	if bad := p.Scalar(op.bad); bad > 0 {
		return nil, notFinite("the network's outputs for %.0f of %.0f samples are not finite", bad, p.Scalar(op.count))
	}
	rows := p.Scalar(op.rows)
	s := &Score{Risk: p.Scalar(op.risk) / rows}
	if s.Risk-s.Risk != 0 {
		return nil, notFinite("the mean loss is %v", s.Risk)
	}
	if y.Class != nil {
		s.Accuracy = p.Scalar(op.right) / rows
		return s, nil
	}
	var squares, varying float64
	for j, sum := range p.Vector(op.sum) {
		residual := p.Vector(op.squares)[j]
		squares += residual
		const rounding = 1e-12 // of the difference that a value which does not vary leaves
		square := p.Vector(op.square)[j]
		if spread := square - sum*sum/rows; spread > rounding*square {
			s.R2 += 1 - residual/spread
			varying++
		}
	}
	s.R2 /= max(1, varying)
	s.RMSE = math.Sqrt(squares / (rows * float64(y.Width())))
	if d := s.RMSE + s.R2; d-d != 0 {
		return nil, notFinite("the root mean squared error is %v", s.RMSE)
	}
	return s, nil
}

// scoring is the pass of score.
type scoring struct {
	net  *nn.Predictor
	x    mat.Dense
	y    loss.Target
	loss loss.Loss
	out  []mat.Dense // of each worker

	count, bad           pass.Scalar // samples, and those with outputs that are not finite
	rows, risk, right    pass.Scalar // rows: as many as the samples' weights say
	squares, sum, square pass.Vector // of each column of the targets: (z − y)², y, y²
}

// Plan names the sums.
func (s *scoring) Plan(p *pass.Plan) {
	s.count, s.bad = p.Scalar(), p.Scalar()
	s.rows, s.risk, s.right = p.Scalar(), p.Scalar(), p.Scalar()
	s.squares, s.sum, s.square = p.Vector(s.y.Width()), p.Vector(s.y.Width()), p.Vector(s.y.Width())
}

// Block scores samples lo to hi-1.
func (s *scoring) Block(w *pass.Worker, lo, hi int) {
	z, y := s.out[w.Index].RowRange(0, hi-lo), s.y.RowRange(lo, hi)
	if err := s.net.Predict(z, s.x.RowRange(lo, hi)); err != nil {
		panic(err) // Fits has compared the shapes
	}
	w.Add(s.count, float64(z.Rows))
	if bad := notFiniteRows(z); bad > 0 { // the loss may not take them
		w.Add(s.bad, float64(bad))
		return
	}
	for lo := 0; lo < z.Rows; {
		hi, weight := y.Run(lo)
		s.add(w, z.RowRange(lo, hi), y.RowRange(lo, hi), weight)
		lo = hi
	}
}

// add adds samples of one weight.
func (s *scoring) add(w *pass.Worker, z mat.Dense, y loss.Target, weight float64) {
	w.Add(s.rows, weight*float64(z.Rows))
	w.Add(s.risk, weight*s.loss.Value(z, y))
	if y.Class != nil {
		w.Add(s.right, weight*float64(correct(z, y.Class)))
		return
	}
	residuals(z, y, weight, w.Vector(s.squares), w.Vector(s.sum), w.Vector(s.square))
}

// notFiniteRows counts the rows that have an entry which is not finite.
func notFiniteRows(z mat.Dense) (rows int) {
	for i := range z.Rows {
		var sum float32 // of zeros, and of NaN for what is not finite
		for _, v := range z.Row(i) {
			sum += v - v
		}
		if sum != 0 {
			rows++
		}
	}
	return rows
}

// correct counts the rows whose largest entry is the class.
func correct(z mat.Dense, class []int32) int {
	right := 0
	for i := range z.Rows {
		if mat.ArgMax(z.Row(i)) == int(class[i]) {
			right++
		}
	}
	return right
}

// residuals adds Σ(z − y)², with z kept within the target's bounds, Σy and Σy² of each
// column, times weight.
func residuals(z mat.Dense, y loss.Target, weight float64, squares, sum, square []float64) {
	for i := range z.Rows {
		yi := y.Value.Row(i)
		for j, v := range z.Row(i) {
			if y.Low != nil {
				v = min(max(v, y.Low[j]), y.High[j])
			}
			t := float64(yi[j])
			d := float64(v) - t
			squares[j] += weight * (d * d)
			sum[j] += weight * t
			square[j] += weight * (t * t)
		}
	}
}

// gaps is the root mean square of a_l − h(z_l) in each layer that has an a,
// over all ranks' samples.
func gaps(e *pass.Engine, it Iterate) ([]float64, error) {
	if len(it.A) == 0 {
		return nil, nil
	}
	op := &gapPass{it: it, gap: make([]pass.Scalar, len(it.A)), h: make([][]float32, e.Pool.Threads())}
	p := e.NewPass(pass.Whole)
	if err := p.Run(op, it.A[0].Rows); err != nil {
		return nil, err
	}
	rms := make([]float64, len(it.A))
	for l, a := range it.A {
		rms[l] = math.Sqrt(p.Scalar(op.gap[l]) / (p.Scalar(op.rows) * float64(a.Cols)))
		if rms[l]-rms[l] != 0 {
			return nil, notFinite("layer %d: the root mean square of a - h(z) is %v", l+1, rms[l])
		}
	}
	return rms, nil
}

// gapPass sums (a − h(z))² over samples, layer by layer.
type gapPass struct {
	it   Iterate
	h    [][]float32 // scratch of each worker
	gap  []pass.Scalar
	rows pass.Scalar
}

// Plan names the sums.
func (g *gapPass) Plan(p *pass.Plan) {
	g.rows = p.Scalar()
	for l := range g.gap {
		g.gap[l] = p.Scalar()
	}
}

// Block adds samples lo to hi-1.
func (g *gapPass) Block(w *pass.Worker, lo, hi int) {
	w.Add(g.rows, float64(hi-lo))
	for l, a := range g.it.A {
		if len(g.h[w.Index]) < pass.Block*a.Cols {
			g.h[w.Index] = make([]float32, pass.Block*a.Cols)
		}
		h := mat.FromSlice(hi-lo, a.Cols, g.h[w.Index][:(hi-lo)*a.Cols])
		g.it.Network.Layers[l].Activate(h, g.it.Z[l].RowRange(lo, hi))
		for i := range h.Rows {
			for j, v := range a.Row(lo + i) {
				d := float64(v) - float64(h.At(i, j))
				w.Add(g.gap[l], d*d)
			}
		}
	}
}
