package objective

import (
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/kernel"
)

// Block is the number of samples that one pass works on at a time: what it
// touches of a few layers stays in the second-level cache.
const Block = 192

// Engine runs passes over the samples.
type Engine struct {
	Pool *kernel.Pool
	Comm comm.Comm
}

// New is an engine with threads workers; c nil means one process.
func New(threads int, c comm.Comm) *Engine {
	if c == nil {
		c = comm.Self{}
	}
	return &Engine{Pool: kernel.NewPool(threads), Comm: c}
}

// Close ends the workers.
func (e *Engine) Close() { e.Pool.Close() }

// Rows is the share of n rows that belongs to worker.
func (e *Engine) Rows(n, worker int) (lo, hi int) {
	return kernel.Range(n, Block, worker, e.Pool.Threads())
}
