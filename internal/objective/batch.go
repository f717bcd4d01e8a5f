package objective

import (
	"math"
	"math/rand/v2"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// Batches divides this rank's samples into mini-batches, in an order drawn
// anew each epoch.
type Batches struct {
	N     float64 // samples over all ranks
	Count int     // batches an epoch, as many on every rank; 1 where none are wanted

	x          mat.Dense
	y          loss.Target
	seed       uint64
	rank, size int
	order      []int
	source     rand.PCG
	rng        *rand.Rand

	// a batch's memory
	features, value []float32
	class           []int32
}

// NewBatches divides x and y into batches of at most size samples over all
// ranks; with size 0 it only counts the samples.
func (e *Engine) NewBatches(x mat.Dense, y loss.Target, size int, seed uint64) (*Batches, error) {
	n := []float64{float64(x.Rows)}
	if err := e.Comm.Sum(n); err != nil {
		return nil, err
	}
	b := &Batches{N: n[0], Count: 1, x: x, y: y, seed: seed, rank: e.Comm.Rank(), size: e.Comm.Size()}
	if size > 0 {
		b.Count = int(math.Ceil(b.N / float64(max(size, e.Comm.Size())))) // each has a sample in some rank
		b.order, b.rng = make([]int, x.Rows), rand.New(&b.source)
	}
	return b, nil
}

// Shuffle draws an epoch's order, which depends on the seed, the rank and the
// number of the epoch alone.
func (b *Batches) Shuffle(epoch int) {
	b.source.Seed(b.seed, uint64(epoch*b.size+b.rank))
	for i := range b.order {
		b.order[i] = i
	}
	for i := len(b.order) - 1; i > 0; i-- {
		j := b.rng.IntN(i + 1)
		b.order[i], b.order[j] = b.order[j], b.order[i]
	}
}

// Take copies the samples of the epoch's batch k; the next call uses the
// memory again.
func (b *Batches) Take(k int) (mat.Dense, loss.Target) {
	lo, hi := comm.Share(len(b.order), k, b.Count)
	index := b.order[lo:hi]
	x, y := gather(&b.features, b.x, index), b.y
	if y.Class == nil {
		y.Value = gather(&b.value, b.y.Value, index)
		return x, y
	}
	b.class = b.class[:0]
	for _, i := range index {
		b.class = append(b.class, b.y.Class[i])
	}
	y.Class = b.class
	return x, y
}

func gather(buf *[]float32, m mat.Dense, index []int) mat.Dense {
	if n := len(index) * m.Cols; cap(*buf) < n {
		*buf = make([]float32, n)
	}
	g := mat.FromSlice(len(index), m.Cols, (*buf)[:len(index)*m.Cols])
	for i, from := range index {
		copy(g.Row(i), m.Row(from))
	}
	return g
}
