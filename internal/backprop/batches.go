package backprop

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/picture"
)

// Batches divides this rank's samples into mini-batches, in an order drawn
// anew each epoch.
type Batches struct {
	N      float64 // number of samples, over all ranks
	Weight float64 // sum of their weights
	Count  int     // batches an epoch, the same on every rank; 1 without mini-batches

	pool       *kernel.Pool
	jitter     picture.Jitter
	x          mat.Dense
	y          loss.Target
	seed       uint64
	rank, size int
	order      []int
	source     rand.PCG
	rng        *rand.Rand

	// The batch of the last Take, and its memory.
	index           []int            // its samples
	changes         []picture.Change // of each picture; nil if there are none
	batchX          mat.Dense
	batchY          loss.Target
	features, value []float32
	weight          []float32
	class           []int32
}

// NewBatches divides x and y into batches of at most size samples over all
// ranks, whose pictures jitter changes. With size 0 there are no batches to take:
// it counts the samples alone.
func NewBatches(e *pass.Engine, x mat.Dense, y loss.Target, size int, seed uint64, jitter picture.Jitter) (*Batches, error) {
	n, weight, err := e.Samples(x.Rows, y.TotalWeight())
	if err != nil {
		return nil, err
	}
	b := &Batches{N: n, Weight: weight, Count: 1, pool: e.Pool, jitter: jitter, x: x, y: y, seed: seed, rank: e.Comm.Rank(), size: e.Comm.Size()}
	if size > 0 {
		b.Count = int(math.Ceil(b.N / float64(max(size, e.Comm.Size())))) // each batch has a sample on some rank
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

// Epoch calls update for each batch of an epoch, and returns the sum of the risks that it
// gives. It ends with ctx's error before the first batch after ctx has ended.
func (b *Batches) Epoch(ctx context.Context, epoch int, update func(mat.Dense, loss.Target) (float64, error)) (risk float64, err error) {
	b.Shuffle(epoch)
	for k := range b.Count {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		r, err := update(b.Take(k))
		if err != nil {
			return 0, err
		}
		risk += r
	}
	return risk, nil
}

// Take is a copy of the samples of the epoch's batch k, from 0. Pictures are changed,
// by what is drawn in the order of the calls. The next call uses the memory again.
func (b *Batches) Take(k int) (mat.Dense, loss.Target) {
	lo, hi := comm.Share(len(b.order), k, b.Count)
	b.index = b.order[lo:hi]
	b.batchX, b.batchY = resized(&b.features, hi-lo, b.x.Cols), b.y
	if b.y.Class == nil {
		b.batchY.Value = resized(&b.value, hi-lo, b.y.Value.Cols)
	} else {
		b.class = slices.Grow(b.class[:0], hi-lo)[:hi-lo]
		b.batchY.Class = b.class
	}
	if b.y.Weight != nil {
		b.weight = slices.Grow(b.weight[:0], hi-lo)[:hi-lo]
		b.batchY.Weight = b.weight
	}
	if b.jitter.Active() {
		b.changes = slices.Grow(b.changes[:0], hi-lo)[:hi-lo]
		for i := range b.changes {
			b.changes[i] = b.jitter.Draw(b.rng)
		}
	}
	b.pool.Run(b)
	return b.batchX, b.batchY
}

// Do copies the worker's share of a batch.
func (b *Batches) Do(worker int) {
	lo, hi := kernel.Range(len(b.index), pass.Fine, worker, b.pool.Threads())
	for i := lo; i < hi; i++ {
		from := b.index[i]
		if b.changes == nil {
			copy(b.batchX.Row(i), b.x.Row(from))
		} else {
			b.jitter.Image.Change(b.batchX.Row(i), b.x.Row(from), b.changes[i])
		}
		if b.y.Class == nil {
			copy(b.batchY.Value.Row(i), b.y.Value.Row(from))
		} else {
			b.batchY.Class[i] = b.y.Class[from]
		}
		if b.y.Weight != nil {
			b.batchY.Weight[i] = b.y.Weight[from]
		}
	}
}

// resized is a matrix in the memory of buf, which grows as needed.
func resized(buf *[]float32, rows, cols int) mat.Dense {
	*buf = slices.Grow((*buf)[:0], rows*cols)[:rows*cols]
	return mat.FromSlice(rows, cols, *buf)
}
