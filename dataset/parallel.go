package dataset

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/dlam-go/dlam/comm"
)

// workers is how many tasks share is to do at a time, of n.
func workers(n int) int { return max(1, min(runtime.GOMAXPROCS(0), n)) }

// workers is workers for tasks with sums over processes, which come in one order.
func (o Options) workers(n int) int { return workersOf(o.ranks(), n) }

func (d Dataset) workers(n int) int { return workersOf(d.ranks(), n) }

func workersOf(ranks comm.Comm, n int) int {
	if ranks.Size() > 1 {
		return 1
	}
	return workers(n)
}

// share does n tasks, some at a time, and gives the error of the first that has one, by
// their numbers. Of the tasks at a time each has another number of a worker.
func share(n, workers int, do func(worker, task int) error) error {
	var next atomic.Int64
	var mu sync.Mutex
	var first error
	at := n // the task of first
	work := func(worker int) {
		for {
			task := int(next.Add(1)) - 1
			if task >= n {
				return
			}
			if err := do(worker, task); err != nil {
				mu.Lock()
				if task < at {
					first, at = err, task
				}
				mu.Unlock()
				next.Store(int64(n)) // those before it are done, or being done
			}
		}
	}
	var others sync.WaitGroup
	for k := 1; k < workers; k++ {
		others.Go(func() { work(k) })
	}
	work(0)
	others.Wait()
	return first
}
