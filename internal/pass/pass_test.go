package pass_test

import (
	"errors"
	"math"
	"sync"
	"testing"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
)

// moments sums a number, a vector, a product and a Gram matrix of the rows of x
// and y.
type moments struct {
	x, y    mat.Dense
	partial bool // some of the sums are left out

	count, last   pass.Scalar
	columns       pass.Vector
	product, gram pass.Product
	stored        bool
}

func (m *moments) Plan(p *pass.Plan) {
	m.count = p.Scalar()
	m.product = p.Product(m.x.Cols, m.y.Cols)
	if !m.partial {
		m.gram = p.Gram(m.y.Cols)
	}
	m.columns = p.Vector(m.y.Cols)
	m.last = p.Scalar()
}

func (m *moments) Block(w *pass.Worker, lo, hi int) {
	x, y := m.x.RowRange(lo, hi), m.y.RowRange(lo, hi)
	w.Add(m.count, float64(hi-lo))
	for i := range y.Rows {
		w.Add(m.last, float64(y.At(i, y.Cols-1)))
	}
	w.AddColumns(m.columns, y)
	if m.stored {
		return
	}
	w.AddProduct(m.product, x, y)
	if !m.partial {
		w.AddGram(m.gram, y)
	}
}

func (m *moments) Factors(h pass.Product) (a, b mat.Dense) {
	if h == m.product {
		return m.x, m.y
	}
	return m.y, m.y
}

// check compares the sums of a run with those over rows of x and y, in float64.
func (m *moments) check(t *testing.T, what string, p *pass.Pass, x, y mat.Dense) {
	t.Helper()
	near := func(name string, got, want, size float64) {
		// Products of up to 1,536 rows are added in float32, in Go one after another:
		// √1536·2⁻²⁴ is 2.3e-6.
		if math.Abs(got-want) > 3e-6*size {
			t.Errorf("%s: %s: got %v, want %v", what, name, got, want)
		}
	}
	near("count", p.Scalar(m.count), float64(x.Rows), 1)
	product, gram := p.Product(m.product), pass.SumOf(nil)
	if !m.partial {
		gram = p.Product(m.gram)
	}
	for j := range y.Cols {
		var sum, size float64
		for i := range y.Rows {
			sum += float64(y.At(i, j))
			size += math.Abs(float64(y.At(i, j)))
		}
		near("column", p.Vector(m.columns)[j], sum, size)
		if j == y.Cols-1 {
			near("last column", p.Scalar(m.last), sum, size)
		}
		if !m.partial {
			near("Gram column", p.Columns(m.gram)[j], sum, size)
			for k := j; k < y.Cols; k++ {
				want, size := inner(y, y, j, k)
				near("Gram", gram.At(j*y.Cols+k), want, size)
			}
		}
		for i := range x.Cols {
			want, size := inner(x, y, i, j)
			near("product", product.At(i*y.Cols+j), want, size)
		}
	}
	for i := range x.Cols {
		var sum, size float64
		for k := range x.Rows {
			sum += float64(x.At(k, i))
			size += math.Abs(float64(x.At(k, i)))
		}
		near("product's column", p.Columns(m.product)[i], sum, size)
	}
}

func inner(x, y mat.Dense, i, j int) (sum, size float64) {
	for k := range x.Rows {
		v := float64(x.At(k, i)) * float64(y.At(k, j))
		sum += v
		size += math.Abs(v)
	}
	return sum, size
}

// Sums are those over all samples, whatever the grain, the number of workers,
// the way the products are made, and the pass before.
func TestSums(t *testing.T) {
	for _, rows := range []int{1, 15, 200, 1536, 4001} {
		x, y := mat.New(rows, 7), mat.New(rows, 110) // more than a task's rows
		testprob.Normal(x, 1, testprob.Rng(uint64(rows)))
		testprob.Normal(y, 1, testprob.Rng(uint64(rows)+1))
		for _, threads := range []int{1, 3} {
			e := pass.New(threads, nil)
			for _, grain := range []int{pass.Fine, pass.Whole} {
				p := e.NewPass(grain)
				for _, partial := range []bool{true, false, true} {
					m := &moments{x: x, y: y, partial: partial}
					if err := p.Run(m, rows); err != nil {
						t.Fatal(err)
					}
					m.check(t, "blocks", p, x, y)
					if rows > pass.FlushRows {
						continue
					}
					m.stored = true
					if err := p.RunStored(m, rows); err != nil {
						t.Fatal(err)
					}
					m.check(t, "stored", p, x, y)
				}
			}
			e.Close()
		}
	}
}

// Every rank has the sums over all of them.
func TestRanks(t *testing.T) {
	const rows, ranks = 500, 3
	x, y := mat.New(rows, 7), mat.New(rows, 11)
	testprob.Normal(x, 1, testprob.Rng(1))
	testprob.Normal(y, 1, testprob.Rng(2))
	group := comm.Group(ranks)
	var wait sync.WaitGroup
	for r := range ranks {
		wait.Go(func() {
			e := pass.New(2, group[r])
			defer e.Close()
			lo, hi := comm.Share(rows, r, ranks)
			p := e.NewPass(pass.Fine)
			for _, stored := range []bool{false, true} {
				m := &moments{x: x.RowRange(lo, hi), y: y.RowRange(lo, hi), stored: stored}
				run := func() error { return p.Run(m, hi-lo) }
				if stored {
					run = func() error { return p.RunStored(m, hi-lo) }
				}
				if err := run(); err != nil {
					t.Error(err)
					return
				}
				m.check(t, "rank", p, x, y)
			}
			if n, weight, err := e.Samples(hi-lo, 2*float64(hi-lo)); err != nil || n != rows || weight != 2*rows {
				t.Errorf("samples: got %v, %v", n, err)
			}
		})
	}
	wait.Wait()
}

// placed is the sums of rows of which each sample has several.
type placed struct {
	moments
	places int
}

func (m *placed) Block(w *pass.Worker, lo, hi int) { m.moments.Block(w, m.places*lo, m.places*hi) }

// A sample's weight multiplies what its rows add: a weight of 2 is the sample twice.
func TestWeights(t *testing.T) {
	e := pass.New(2, nil)
	defer e.Close()
	for _, samples := range []int{40, 700} {
		for _, places := range []int{1, 3} {
			x, y := mat.New(places*samples, 7), mat.New(places*samples, 11)
			testprob.Normal(x, 1, testprob.Rng(3))
			testprob.Normal(y, 1, testprob.Rng(4))
			weights := make([]float32, samples)
			var rows []int
			for i := range weights {
				weights[i] = float32(1 + i*i%3)
				for range int(weights[i]) {
					for k := range places {
						rows = append(rows, places*i+k)
					}
				}
			}
			often := func(m mat.Dense) mat.Dense {
				c := mat.New(len(rows), m.Cols)
				for i, r := range rows {
					copy(c.Row(i), m.Row(r))
				}
				return c
			}
			for _, stored := range []bool{false, true} {
				p, q := e.NewPass(pass.Fine), e.NewPass(pass.Fine)
				p.Weights = weights
				a := &placed{moments{x: x, y: y, stored: stored}, places}
				b := &placed{moments{x: often(x), y: often(y), stored: stored}, places}
				run := func(p *pass.Pass, m *placed) error {
					if stored {
						return p.RunStored(m, m.x.Rows/places)
					}
					return p.Run(m, m.x.Rows/places)
				}
				if err := errors.Join(run(p, a), run(q, b)); err != nil {
					t.Fatal(err)
				}
				near := func(what string, got, want float64) {
					if math.Abs(got-want) > 1e-5*float64(len(rows)) { // of some float32 sums of so many terms of about 1
						t.Errorf("%d samples of %d rows, stored %t: %s: got %v, want %v", samples, places, stored, what, got, want)
					}
				}
				pa, pb, ga, gb := p.Product(a.product), q.Product(b.product), p.Product(a.gram), q.Product(b.gram)
				for i := range 7 {
					near("product's column", p.Columns(a.product)[i], q.Columns(b.product)[i])
					for j := range 11 {
						near("product", pa.At(11*i+j), pb.At(11*i+j))
					}
				}
				for j := range 11 {
					near("column", p.Vector(a.columns)[j], q.Vector(b.columns)[j])
					near("Gram column", p.Columns(a.gram)[j], q.Columns(b.gram)[j])
					for k := j; k < 11; k++ {
						near("Gram", ga.At(11*j+k), gb.At(11*j+k))
					}
				}
			}
		}
	}
}
