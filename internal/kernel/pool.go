package kernel

import "sync"

// A Job is a piece of work that every worker of a Pool takes part in.
type Job interface {
	// Do runs worker's share, 0 ≤ worker < Pool.Threads.
	Do(worker int)
}

// A Pool runs Jobs on a fixed number of goroutines. Workers sleep when idle.
type Pool struct {
	threads int
	work    []chan Job
	done    sync.WaitGroup
}

// NewPool starts a pool of threads workers, the caller's goroutine being the
// first of them. Close ends the others.
func NewPool(threads int) *Pool {
	if threads < 1 {
		panic("kernel: a pool needs at least one thread")
	}
	p := &Pool{threads: threads, work: make([]chan Job, threads-1)}
	for i := range p.work {
		p.work[i] = make(chan Job)
		go p.serve(p.work[i], i+1)
	}
	return p
}

func (p *Pool) serve(work <-chan Job, worker int) {
	for job := range work {
		job.Do(worker)
		p.done.Done()
	}
}

// Threads is the number of workers.
func (p *Pool) Threads() int { return p.threads }

// Run calls job.Do once for every worker and returns when all are done. Only
// one Run may be under way at a time.
func (p *Pool) Run(job Job) {
	p.done.Add(len(p.work))
	for _, c := range p.work {
		c <- job
	}
	job.Do(0)
	p.done.Wait()
}

// Close ends the workers. The pool must not be used afterwards.
func (p *Pool) Close() {
	for _, c := range p.work {
		close(c)
	}
	p.work = nil
}

// Range is the part of [0, n) that belongs to worker of workers, in whole
// multiples of grain but for the last.
func Range(n, grain, worker, workers int) (lo, hi int) {
	blocks := (n + grain - 1) / grain
	lo = min(n, blocks*worker/workers*grain)
	hi = min(n, blocks*(worker+1)/workers*grain)
	return lo, hi
}
