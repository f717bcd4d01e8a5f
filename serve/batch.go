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
	parts []*partOfBatch
	rows  int
	timer *time.Timer
}

type partOfBatch struct {
	ctx  context.Context
	x    mat.Dense
	out  mat.Dense
	err  error
	done chan struct{}
}

// do predicts for x, which has at most most rows, together with what others ask.
func (b *batcher) do(ctx context.Context, x mat.Dense) (mat.Dense, error) {
	p := &partOfBatch{ctx: ctx, x: x, done: make(chan struct{})}
	full := b.add(p)
	for _, f := range full {
		b.run(f)
	}
	select {
	case <-p.done:
		return p.out, p.err
	case <-ctx.Done():
		return mat.Dense{}, gone(ctx.Err())
	}
}

// add puts p into the open batch, and gives the batches that wait no more.
func (b *batcher) add(p *partOfBatch) (full []*batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open != nil && b.open.rows+p.x.Rows > b.most {
		full = append(full, b.close())
	}
	if b.open == nil {
		fresh := &batch{}
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
	b.open.parts = append(b.open.parts, p)
	if b.open.rows += p.x.Rows; b.open.rows == b.most {
		full = append(full, b.close())
	}
	return full
}

// close takes the open batch, while b is locked.
func (b *batcher) close() *batch {
	taken := b.open
	taken.timer.Stop()
	b.open = nil
	return taken
}

// run predicts for a batch, without the parts that no one waits for.
func (b *batcher) run(t *batch) {
	rows := 0
	for _, p := range t.parts {
		if p.ctx.Err() == nil {
			rows += p.x.Rows
		} else {
			p.x.Rows = 0
		}
	}
	if rows == 0 {
		return
	}
	b.size(rows)
	x, out := mat.New(rows, t.parts[0].x.Cols), mat.New(rows, b.columns)
	at := 0
	for _, p := range t.parts {
		if p.x.Rows > 0 {
			x.RowRange(at, at+p.x.Rows).CopyFrom(p.x)
			at += p.x.Rows
		}
	}
	err := b.predict(out, x)
	at = 0
	for _, p := range t.parts {
		if p.x.Rows > 0 {
			p.out, p.err = out.RowRange(at, at+p.x.Rows), err
			at += p.x.Rows
			close(p.done)
		}
	}
}
