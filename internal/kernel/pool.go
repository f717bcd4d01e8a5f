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

// A Pool runs Jobs on a fixed number of goroutines. Passes over a mini-batch
// follow each other within microseconds, less than it takes to wake a thread:
// whoever waits looks again a few times, letting other goroutines run, before
// it sleeps.
type Pool struct {
	threads int
	job     Job
	rounds  []signal // of each worker but the caller: Runs started
	done    signal   // workers that have ended their share, over all Runs
	ended   uint32   // what done is at the end of the Run
}

// NewPool starts a pool of threads workers, the caller's goroutine being the
// first of them. Close ends the others.
func NewPool(threads int) *Pool {
	if threads < 1 {
		panic("kernel: a pool needs at least one thread")
	}
	p := &Pool{threads: threads, rounds: make([]signal, threads-1)}
	p.done.init()
	for i := range p.rounds {
		p.rounds[i].init()
		go p.serve(&p.rounds[i], i+1)
	}
	return p
}

func (p *Pool) serve(round *signal, worker int) {
	for n := uint32(1); ; n++ {
		round.wait(n)
		if p.job == nil {
			return
		}
		p.job.Do(worker)
		p.done.add()
	}
}

// Threads is the number of workers.
func (p *Pool) Threads() int { return p.threads }

// Run calls job.Do once for every worker and returns when all are done. Only
// one Run may be under way at a time.
func (p *Pool) Run(job Job) {
	p.start(job)
	job.Do(0)
	p.ended += uint32(len(p.rounds))
	p.done.wait(p.ended)
}

func (p *Pool) start(job Job) {
	p.job = job
	for i := range p.rounds {
		p.rounds[i].add()
	}
}

// Close ends the workers. The pool must not be used afterwards.
func (p *Pool) Close() {
	p.start(nil)
	p.rounds = nil
}

// looks is how often a waiter looks before it sleeps: some ten microseconds.
const looks = 100

// signal is a counter that one goroutine waits for.
type signal struct {
	count  atomic.Uint32
	asleep atomic.Bool
	wake   chan struct{}
	_      [40]byte // a cache line of its own
}

func (s *signal) init() { s.wake = make(chan struct{}, 1) }

// add counts one and wakes who waits.
func (s *signal) add() {
	s.count.Add(1)
	if s.asleep.CompareAndSwap(true, false) {
		s.wake <- struct{}{}
	}
}

// wait waits until the count is n.
func (s *signal) wait(n uint32) {
	for range looks {
		if s.count.Load() == n {
			return
		}
		runtime.Gosched()
	}
	for s.count.Load() != n {
		s.asleep.Store(true)
		// If the last was counted meanwhile, its add may have missed that.
		if s.count.Load() != n || !s.asleep.CompareAndSwap(true, false) {
			<-s.wake
		}
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
