package serve

import (
	"context"
	"sync"
	"time"

	"github.com/dlam-go/dlam/mat"
)

// batcher puts requests of few rows together: a product of many rows takes less
// time than as many products of one. The first waits at most delay for others; a
// batch of most rows waits no more. Which rows come together changes no result.
type batcher struct {
	predict func(dst, x mat.Dense) error
	columns int // of an answer
	delay   time.Duration
	most    int
	size    func(rows int) // is told of every batch

	mu   sync.Mutex
	open *batch
}

// batch is requests that are predicted together.
type batch struct {
	timer *time.Timer
	x     []float32 // the rows of all, one request after the other
	rows  int
	done  chan struct{} // closed when there is:
	out   mat.Dense
	err   error
}

// do predicts for x, which has at most most rows, together with what others ask. x is
// not looked at any more once do returns, also when ctx has ended.
func (b *batcher) do(ctx context.Context, x mat.Dense) (mat.Dense, error) {
	mine, at, full := b.add(x)
	for _, f := range full {
		b.run(f)
	}
	select {
	case <-mine.done:
		return mine.out.RowRange(at, at+x.Rows), mine.err
	case <-ctx.Done():
		return mat.Dense{}, gone(ctx.Err())
	}
}

// add copies x into the open batch, from row at on, and gives the batches that wait no
// more.
func (b *batcher) add(x mat.Dense) (mine *batch, at int, full []*batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open != nil && b.open.rows+x.Rows > b.most {
		full = append(full, b.close())
	}
	if b.open == nil {
		fresh := &batch{done: make(chan struct{})}
		fresh.timer = time.AfterFunc(b.delay, func() {
			b.mu.Lock()
			mine := b.open == fresh
			if mine {
				b.close()
			}
			b.mu.Unlock()
			if mine {
				b.run(fresh)
			}
		})
		b.open = fresh
	}
	mine, at = b.open, b.open.rows
	mine.x = append(mine.x, x.Elements()...)
	if mine.rows += x.Rows; mine.rows == b.most {
		full = append(full, b.close())
	}
	return mine, at, full
}

// close takes the open batch, while b is locked.
func (b *batcher) close() *batch {
	taken := b.open
	taken.timer.Stop()
	b.open = nil
	return taken
}

// run predicts for a batch, to which nothing is added any more.
func (b *batcher) run(t *batch) {
	b.size(t.rows)
	t.out = mat.New(t.rows, b.columns)
	t.err = b.predict(t.out, mat.FromSlice(t.rows, len(t.x)/t.rows, t.x))
	close(t.done)
}
