package kernel

import (
	"runtime"
	"sync/atomic"
)

// A Job is a piece of work that every worker of a Pool takes part in.
type Job interface {
	// Do runs worker's share, 0 ≤ worker < Pool.Threads.
	Do(worker int)
}

// A Pool runs Jobs on a fixed number of goroutines. Between two Jobs that
// follow each other closely workers stay awake; then they sleep.
type Pool struct {
	workers []worker
	job     Job // nil ends the workers
	runs    atomic.Uint32
	left    atomic.Int32 // workers that have not done the job
	caller  sleeper
	spins   int
}

// worker is where a goroutine of the pool sleeps.
type worker struct {
	sleeper
	_ [64]byte // a cache line for itself
}

// NewPool starts a pool of threads workers, the caller's goroutine being the
// first of them. Close ends the others.
func NewPool(threads int) *Pool {
	if threads < 1 {
		panic("kernel: a pool needs at least one thread")
	}
	p := &Pool{workers: make([]worker, threads-1), caller: newSleeper(), spins: spins}
	if threads > runtime.GOMAXPROCS(0) {
		p.spins = 0 // who waits is in the way
	}
	for i := range p.workers {
		p.workers[i].sleeper = newSleeper()
		go p.serve(i)
	}
	return p
}

func (p *Pool) serve(i int) {
	for run := uint32(1); ; run++ {
		p.workers[i].wait(p.spins, func() bool { return p.runs.Load() == run })
		if p.job == nil {
			return
		}
		p.job.Do(i + 1)
		if p.left.Add(-1) == 0 {
			p.caller.wake()
		}
	}
}

// Threads is the number of workers.
func (p *Pool) Threads() int { return len(p.workers) + 1 }

// Run calls job.Do once for every worker and returns when all are done. Only
// one Run may be under way at a time.
func (p *Pool) Run(job Job) {
	p.start(job)
	job.Do(0)
	if len(p.workers) > 0 {
		p.caller.wait(p.spins, p.idle)
	}
}

func (p *Pool) idle() bool { return p.left.Load() == 0 }

// start has the workers do the job.
func (p *Pool) start(job Job) {
	p.job = job
	p.left.Store(int32(len(p.workers)))
	p.runs.Add(1)
	for i := range p.workers {
		p.workers[i].wake()
	}
}

// Close ends the workers. The pool must not be used afterwards.
func (p *Pool) Close() { p.start(nil) }

// spins is how often a waiting goroutine looks before it sleeps, some 200 µs:
// longer than it takes to wake one up, and than what lies between two Jobs of a
// mini-batch.
const spins = 10000

// sleeper is where one goroutine waits for what others do.
type sleeper struct {
	asleep atomic.Bool
	called chan struct{} // one place: wake does not wait
}

func newSleeper() sleeper { return sleeper{called: make(chan struct{}, 1)} }

// wait returns when ready does true. Whoever makes it so calls wake afterwards.
func (s *sleeper) wait(spins int, ready func() bool) {
	for range spins {
		if ready() {
			return
		}
		pause()
	}
	for !ready() {
		s.asleep.Swap(true) // emulators have let the load that follows overtake a mere store
		if ready() && s.asleep.CompareAndSwap(true, false) {
			return // nobody has called, nor will
		}
		<-s.called
	}
}

// wake wakes the goroutine up if it sleeps.
func (s *sleeper) wake() {
	if s.asleep.CompareAndSwap(true, false) {
		s.called <- struct{}{}
	}
}

// Range is the part of [0, n) that belongs to worker of workers, in whole
// multiples of grain but for the last.
func Range(n, grain, worker, workers int) (lo, hi int) {
	blocks := (n + grain - 1) / grain
	lo = min(n, blocks*worker/workers*grain)
	hi = min(n, blocks*(worker+1)/workers*grain)
	return lo, hi
}
