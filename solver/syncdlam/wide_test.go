package syncdlam

import (
	"context"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// uncentred is rows of inputs of several sizes that are far from centred.
func uncentred(rows, in int, seed uint64) mat.Dense {
	x := mat.New(rows, in)
	testprob.Normal(x, 1, testprob.Rng(seed))
	for i := range rows {
		for j, v := range x.Row(i) {
			x.Set(i, j, 3+v*float32(1+j%5)+2*x.At(i, 0))
		}
	}
	return x
}

// averages are the mean and the covariance of inputs, averaged over batches in float64.
func averages(decay float64, batches ...mat.Dense) (mean []float64, c [][]float64) {
	in := batches[0].Cols
	mean, c = make([]float64, in), make([][]float64, in)
	for i := range c {
		c[i] = make([]float64, in)
	}
	for k, x := range batches {
		old, share := decay, (1-decay)/float64(x.Rows)
		if k == 0 {
			old, share = 0, 1/float64(x.Rows)
		}
		for i := range in {
			mean[i] *= old
			for j := range in {
				c[i][j] *= old
			}
		}
		for r := range x.Rows {
			row := x.Row(r)
			for i, v := range row {
				mean[i] += share * float64(v)
				for j, w := range row {
					c[i][j] += share * float64(v) * float64(w)
				}
			}
		}
	}
	for i := range in {
		for j := range in {
			c[i][j] -= mean[i] * mean[j]
		}
	}
	return mean, c
}

// checkInverse holds that m's inverse is that of c + λs̄I, and its mean as it should be.
func checkInverse(t *testing.T, m *inputMetric, lambda float64, mean []float64, c [][]float64) {
	t.Helper()
	const rows = 3
	in := len(mean)
	var trace float64
	for i := range in {
		trace += c[i][i]
	}
	g, v := mat.New(rows, in), mat.New(rows, in)
	testprob.Normal(g, 1, testprob.Rng(4))
	m.apply(v, g, 0, 0)
	back := func(v []float32, j int) float64 {
		sum := lambda * trace / float64(in) * float64(v[j])
		for i, x := range v {
			sum += float64(x) * c[i][j]
		}
		return sum
	}
	for j := range in {
		for i := range rows {
			if got, want := back(v.Row(i), j), float64(g.At(i, j)); !near(got, want, 2e-4) {
				t.Fatalf("row %d of g(C+dI)⁻¹(C+dI), element %d: %g, want %g", i, j, got, want)
			}
		}
		if got := back(m.meanMove.Row(0), j); !near(got, mean[j], 2e-4) {
			t.Fatalf("element %d of the mean, there and back: %g, want %g", j, got, mean[j])
		}
	}
}

// near reports whether x is as near to y as a float32 of y's size, or 1, should be.
func near(x, y, tolerance float64) bool { return math.Abs(x-y) <= tolerance*(1+math.Abs(y)) }

// TestRowInverse: the metric from rows is the inverse of the covariance, as that from
// moments is.
func TestRowInverse(t *testing.T) {
	const rows, in, lambda = 30, 300, 3
	x := uncentred(rows, in, 1)
	mean, c := averages(0, x)
	for _, threads := range []int{1, 2} {
		e := pass.New(threads, nil)
		defer e.Close()
		var m inputMetric
		m.rows = newRowInverse(e, &m, x, loss.Target{Value: x}, 3)
		if !m.invert(lambda, 0) {
			t.Fatal("no inverse")
		}
		checkInverse(t, &m, lambda, mean, c)
	}

	var primal inputMetric
	primal.allocate(in, 3, 0)
	var square, sum []float64
	for i := range in {
		sum = append(sum, rows*mean[i])
		for j := range in {
			square = append(square, rows*(c[i][j]+mean[i]*mean[j]))
		}
	}
	primal.average(square, sum, rows, 0)
	if !primal.invert(lambda, 0) {
		t.Fatal("no inverse from moments")
	}
	checkInverse(t, &primal, lambda, mean, c)
}

// sketched is a rowSketch that has averaged this rank's share of batches.
func sketched(t *testing.T, threads int, c comm.Comm, rank int, batches []mat.Dense, decay, lambda float64) (*inputMetric, error) {
	t.Helper()
	e := pass.New(threads, c)
	defer e.Close()
	m := new(inputMetric)
	s := newRowSketch(e, m, batches[0].Cols, 3, rank)
	for _, x := range batches {
		lo, hi := comm.Share(x.Rows, e.Comm.Rank(), e.Comm.Size())
		part := x.RowRange(lo, hi)
		if err := s.average(part, loss.Target{Value: part}, decay); err != nil {
			return nil, err
		}
		m.seen = true
	}
	if !m.invert(lambda, 0) {
		t.Error("no inverse")
	}
	return m, nil
}

// TestRowSketch: where the batches have no more directions than the rank, the metric is the
// inverse of the averages' covariance, on one rank and on several, whose bits are the same.
func TestRowSketch(t *testing.T) {
	const in, rank, decay, lambda = 200, 40, 0.7, 2
	batches := []mat.Dense{uncentred(20, in, 1), uncentred(5, in, 2), uncentred(9, in, 3)}
	mean, c := averages(decay, batches...)
	for _, threads := range []int{1, 2} {
		m, err := sketched(t, threads, nil, rank, batches, decay, lambda)
		if err != nil {
			t.Fatal(err)
		}
		checkInverse(t, m, lambda, mean, c)
	}
	const ranks = 3
	group := comm.Group(ranks)
	var wait sync.WaitGroup
	metrics, errs := make([]*inputMetric, ranks), make([]error, ranks)
	for r := range ranks {
		wait.Go(func() { metrics[r], errs[r] = sketched(t, 1, group[r], rank, batches, decay, lambda) })
	}
	wait.Wait()
	for r, m := range metrics {
		if errs[r] != nil {
			t.Fatalf("rank %d: %v", r, errs[r])
		}
		checkInverse(t, m, lambda, mean, c)
		if !slices.Equal(m.square, metrics[0].square) || !slices.Equal(m.low.u.Data, metrics[0].low.u.Data) {
			t.Errorf("ranks 0 and %d have other bits", r)
		}
	}
}

// TestWideFalls: with all samples at a time, and more features than those, F never rises.
func TestWideFalls(t *testing.T) {
	p := testprob.Blobs(40, someInputs+1, 3, 4)
	st, err := Solver{FullBatch()}.Init(p, testprob.Network(p, []int{6}, activation.Tanh{}, dlam.He, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if st.(*monotone).layers[0].metric.rows == nil {
		t.Fatal("the metric is not from rows")
	}
	before := st.(*monotone).objective
	for k := range 20 {
		r, err := st.Step(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if r.Objective > before {
			t.Errorf("iteration %d: F rose from %v to %v", k+1, before, r.Objective)
		}
		before = r.Objective
	}
}

// TestWideTakesLittle: 20,000 features, whose square takes 1.6 GB in float32, train in what
// Memory says, and that is little.
func TestWideTakesLittle(t *testing.T) {
	const features, most = 20000, 100e6
	p := testprob.Blobs(50, features, 2, 5)
	mini := DefaultSettings(3)
	mini.Batch = 25
	for name, set := range map[string]Settings{"full": FullBatch(), "mini": mini} {
		t.Run(name, func(t *testing.T) {
			n := testprob.Network(p, []int{8}, activation.ReLU{}, dlam.He, 1)
			said := Solver{set}.Memory(n.Widths(), p.X.Rows, p.Threads)
			took := testprob.Allocated(func() {
				st, err := Solver{set}.Init(p, n)
				if err != nil {
					t.Fatal(err)
				}
				defer st.Close()
				if _, err := st.Step(context.Background()); err != nil {
					t.Fatal(err)
				}
			})
			t.Logf("took %.1f MB, Memory says %.1f MB", took/1e6, said/1e6)
			if took > said || said > most {
				t.Errorf("took %.0f MB; Memory says %.0f MB, and at most %.0f are wanted", took/1e6, said/1e6, most/1e6)
			}
		})
	}
}

// TestFromRows: what is trained so far keeps its moments.
func TestFromRows(t *testing.T) {
	mini, exact := DefaultSettings(10), DefaultSettings(10)
	exact.Rank = 0
	for _, c := range []struct {
		set                Settings
		in, samples, ranks int
		want               bool
	}{
		{mini, 784, 50, 1, false},
		{mini, 3072, 50, 1, false},
		{mini, 20000, 50, 1, true},
		{mini, 20000, 50, 4, true},
		{mini, 20000, 1e6, 1, true},
		{exact, 20000, 50, 1, false},
		{FullBatch(), 784, 50, 1, false},
		{FullBatch(), 20000, 50, 1, true},
		{FullBatch(), 20000, 50, 2, false},
		{FullBatch(), 20000, 30000, 1, false},
	} {
		if got := c.set.fromRows(c.in, c.samples, c.ranks); got != c.want {
			t.Errorf("batches of %d, %d inputs, %d samples, %d ranks: from rows: %v", c.set.Batch, c.in, c.samples, c.ranks, got)
		}
	}
}
