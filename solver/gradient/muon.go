package gradient

import (
	"math"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// The polynomial p(σ) = aσ + bσ³ + cσ⁵ of Jordan et al.'s Newton–Schulz step: five
// of them bring every singular value of a matrix of unit norm near 1, between
// 0.7 and 1.2, far faster than the cubic that converges to 1 itself.
const (
	schulzA, schulzB, schulzC = 3.4445, -4.7750, 2.0315
	schulzSteps               = 5
)

// muonDirection adds gradient g to the momentum m, and makes u = g + μm, whose
// orthogonal factor the weights move along.
func muonDirection(mu float32, g, m, u []float32) {
	m, u = m[:len(g)], u[:len(g)]
	for i, x := range g {
		m[i] = normal(mu*m[i] + x)
		u[i] = x + mu*m[i]
	}
}

// orthogonalizer replaces each layer's direction u by its orthogonal factor and
// moves the weights along it. It works on X = u, or uᵀ where that has fewer rows:
// X ← aX + (bA + cA²)X with A = XXᵀ.
type orthogonalizer struct {
	layers  []factor
	threads int
	stage   muonStage
	rate    float64 // η of this update
	decay   float64
	sums    [][]float64 // ‖u‖² of each layer, by worker
}

// factor is the memory of one layer.
type factor struct {
	layer   dlam.Layer // which says where the weights are
	w, u    mat.Dense  // the layer's weights and direction
	x, next mat.Dense  // X, and room for the next
	a, b    mat.Dense  // XXᵀ, and bA + cA²
	xT, pa  mat.Panel  // Xᵀ and A, packed; then X
	px      mat.Panel
}

// muonStage is what the workers are at.
type muonStage int

const (
	muonNorm     muonStage = iota // sum the squares of u
	muonStart                     // X = u/‖u‖, or its transpose
	muonPackXT                    // pack Xᵀ
	muonGram                      // A = XXᵀ
	muonPackA                     // pack A, and X
	muonQuintic                   // B = bA + cA²
	muonMultiply                  // next = aX + BX
	muonMove                      // W ← (1 − ηλ)W − η√max(1, rows/columns)·X
)

func newOrthogonalizer(s *stepper) *orthogonalizer {
	o := &orthogonalizer{threads: s.e.Pool.Threads(), layers: make([]factor, len(s.net.Layers))}
	for l, ly := range s.net.Layers {
		rows, cols := ly.W.Rows, ly.W.Cols
		m, n := min(rows, cols), max(rows, cols)
		f := &o.layers[l]
		f.layer = ly
		f.w, f.u = mat.FromSlice(rows, cols, s.tensors[2*l].w), mat.FromSlice(rows, cols, s.tensors[2*l].m[1])
		f.x, f.next, f.a, f.b = mat.New(m, n), mat.New(m, n), mat.New(m, m), mat.New(m, m)
		f.xT.Size(n, m)
		f.pa.Size(m, m)
		f.px.Size(m, n)
	}
	for range o.threads {
		o.sums = append(o.sums, make([]float64, len(o.layers)))
	}
	return o
}

// update moves all weights, at a share of the rate.
func (o *orthogonalizer) update(s *stepper, share float64) {
	o.rate, o.decay = share*s.Rate, s.Decay
	if s.binary != nil {
		o.decay = 0 // which the gains have
	}
	run := func(stage muonStage) {
		o.stage = stage
		s.e.Pool.Run(o)
	}
	run(muonNorm)
	run(muonStart)
	for range schulzSteps {
		for stage := muonPackXT; stage <= muonMultiply; stage++ {
			run(stage)
		}
		for l := range o.layers {
			f := &o.layers[l]
			f.x, f.next = f.next, f.x
		}
	}
	run(muonMove)
}

// Do does the worker's share of a stage in every layer.
func (o *orthogonalizer) Do(worker int) {
	for l := range o.layers {
		f := &o.layers[l]
		const tile = 8 // rows of a product's tile at least
		lo, hi := kernel.Range(f.x.Rows, tile, worker, o.threads)
		switch o.stage {
		case muonNorm:
			from, to := kernel.Range(f.u.Rows, 1, worker, o.threads)
			o.sums[worker][l] = 0
			for i := from; i < to; i++ {
				o.sums[worker][l] += kernel.SumSquares(f.u.Row(i))
			}
		case muonStart:
			f.start(lo, hi, o.scale(l))
		case muonPackXT:
			f.xT.PackTPart(f.x, worker, o.threads)
		case muonGram:
			f.xT.Mul(f.a.RowRange(lo, hi), f.x.RowRange(lo, hi))
		case muonPackA:
			f.pa.PackPart(f.a, worker, o.threads)
			f.px.PackPart(f.x, worker, o.threads)
		case muonQuintic:
			f.pa.Mul(f.b.RowRange(lo, hi), f.a.RowRange(lo, hi))
			kernel.Axpby(f.b.RowRange(lo, hi).Elements(), schulzC, schulzB, f.a.RowRange(lo, hi).Elements())
		case muonMultiply:
			next := f.next.RowRange(lo, hi)
			f.px.Mul(next, f.b.RowRange(lo, hi))
			kernel.Axpy(next.Elements(), schulzA, f.x.RowRange(lo, hi).Elements())
		case muonMove:
			from, to := kernel.Range(f.w.Rows, 1, worker, o.threads)
			f.move(from, to, o.rate, o.decay)
		}
	}
}

// scale is 1/‖u‖ of layer l, or 0 where u is.
func (o *orthogonalizer) scale(l int) float32 {
	var sum float64
	for _, s := range o.sums {
		sum += s[l]
	}
	if sum == 0 {
		return 0
	}
	return float32(1 / math.Sqrt(sum))
}

// start makes rows lo to hi-1 of X.
func (f *factor) start(lo, hi int, scale float32) {
	transposed := f.x.Rows != f.u.Rows
	for i := lo; i < hi; i++ {
		row := f.x.Row(i)
		if !transposed {
			kernel.Axpby(row, 0, scale, f.u.Row(i))
			continue
		}
		for j := range row {
			row[j] = scale * f.u.At(j, i)
		}
	}
}

// move moves rows lo to hi-1 of W, in the columns where there are weights.
func (f *factor) move(lo, hi int, rate, decay float64) {
	transposed := f.x.Rows != f.u.Rows
	step := float32(-rate * math.Sqrt(max(1, float64(f.w.Rows)/float64(f.w.Cols))))
	keep := float32(1 - rate*decay)
	for i := lo; i < hi; i++ {
		from, to := f.layer.Columns(i)
		row := f.w.Row(i)[from:to]
		if !transposed {
			kernel.Axpby(row, keep, step, f.x.Row(i)[from:to])
			continue
		}
		for j := range row {
			row[j] = keep*row[j] + step*f.x.At(from+j, i)
		}
	}
}
