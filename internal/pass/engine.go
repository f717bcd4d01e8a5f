// Package pass is the one engine for sums over samples. Samples are split
// between the processes of a comm.Comm, then between the workers of a pool,
// then into blocks of rows that stay in cache. An Op says what is done with a
// block and which sums it adds to; partial sums are added worker by worker, then
// rank by rank, in float64, so that the same seed and the same number of
// threads and ranks give the same bits.
package pass

import (
	"sync/atomic"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// Block is the most samples that an Op is given at a time.
const Block = nn.Block

// The grains of a Pass: the workers' shares of the samples are multiples of it.
const (
	// Whole is a block: for passes over many samples.
	Whole = Block
	// Fine shares out a mini-batch of some dozens of samples as well.
	Fine = 16
)

// Engine is the workers and ranks that share the samples.
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

// Samples is the number of samples over all ranks, of which this one has n, and the sum
// of their weights, of which this one has weight.
func (e *Engine) Samples(n int, weight float64) (samples, total float64, err error) {
	sum := []float64{float64(n), weight}
	err = e.Comm.Sum(sum)
	return sum[0], sum[1], err
}

// Op is what a pass does with the samples.
type Op interface {
	// Plan names the sums that the pass makes; it is called once a pass.
	Plan(p *Plan)
	// Block does what there is to do with samples lo to hi-1, at most Block of
	// them, and adds to the sums of w. What it adds by AddProduct, AddGram,
	// AddColumns and AddColumnSquares has the samples' weights from the Pass; what
	// it adds by Add and Vector, it weighs itself.
	Block(w *Worker, lo, hi int)
}

// Stored is an Op that can keep what its products are made of for all samples
// of a small batch; see Pass.RunStored.
type Stored interface {
	Op
	// Factors are a and b of the product h = Σ aᵀb, for all samples; of a
	// Gram matrix both are the same.
	Factors(h Product) (a, b mat.Dense)
}

// Pass runs Ops, one at a time, and holds the sums of the last one.
type Pass struct {
	// Weights are those of this rank's samples, which multiply what each adds to the
	// sums; nil: all are 1.
	Weights []float32

	e       *Engine
	grain   int
	plan    Plan
	workers []Worker
	op      Op
	rows    int
	stored  Stored // the op, if its products are made after its blocks
	stage   stage
	tasks   []task
	next    atomic.Int64 // task that is not yet taken
	f32     [][]float32  // products that are kept in float32, by their number
}

// stage is what the workers are at.
type stage int

const (
	stageBlocks   stage = iota // running blocks of samples
	stageProducts              // making the products of a stored Op
)

// NewPass is a Pass whose workers' shares are multiples of grain samples.
func (e *Engine) NewPass(grain int) *Pass {
	p := &Pass{e: e, grain: grain, workers: make([]Worker, e.Pool.Threads())}
	for i := range p.workers {
		p.workers[i].Index = i
	}
	return p
}

// Run runs op over this rank's samples, rows of them, and adds up its sums over
// workers and ranks. They are valid until the next run.
func (p *Pass) Run(op Op, rows int) error {
	p.begin(op, rows)
	p.stored = nil
	for i := range p.workers {
		p.workers[i].reset(p.plan.length())
	}
	p.stage = stageBlocks
	p.e.Pool.Run(p)
	p.addWorkers(p.plan.length())
	return p.addRanks()
}

// RunStored is Run for a batch of at most FlushRows samples, whose op keeps the
// factors of its products: after the blocks the workers share out the rows of
// the products, each of which is one float32 product over the batch. There are
// no partial sums of products to clear, to add up and to wait for. In one
// process such products stay in float32.
func (p *Pass) RunStored(op Stored, rows int) error {
	p.begin(op, rows)
	p.stored = op
	p.workers[0].reserve(p.plan.length())
	for i := range p.workers {
		p.workers[i].reset(p.plan.simple)
	}
	p.workers[0].sums = p.workers[0].sums[:p.plan.length()]
	p.stage = stageBlocks
	p.e.Pool.Run(p)
	if len(p.plan.products) > 0 {
		p.makeTasks()
		p.stage = stageProducts
		p.e.Pool.Run(p)
	}
	p.addWorkers(p.plan.simple)
	return p.addRanks()
}

func (p *Pass) begin(op Op, rows int) {
	p.op, p.rows = op, rows
	p.plan.clear()
	op.Plan(&p.plan)
	for i := range p.workers {
		p.workers[i].plan = &p.plan
	}
}

// addWorkers adds the first n sums of the other workers to those of the first,
// in order.
func (p *Pass) addWorkers(n int) {
	total := p.workers[0].sums
	for i := range p.workers[1:] {
		for j, v := range p.workers[1+i].sums[:n] {
			total[j] += v
		}
	}
}

func (p *Pass) addRanks() error {
	if p.plan.length() == 0 {
		return nil
	}
	return p.e.Comm.Sum(p.workers[0].sums)
}

// Do does the worker's share of a stage.
func (p *Pass) Do(worker int) {
	w := &p.workers[worker]
	if p.stage == stageProducts {
		p.runTasks(w)
		return
	}
	w.beginProducts(p.stored != nil)
	lo, hi := kernel.Range(p.rows, p.grain, worker, len(p.workers))
	for ; lo < hi; lo += Block {
		end := min(lo+Block, hi)
		if w.weights = nil; p.Weights != nil {
			w.weights = p.Weights[lo:end]
		}
		p.op.Block(w, lo, end)
	}
	w.endProducts(p.stored != nil)
}
