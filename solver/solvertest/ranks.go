package solvertest

import (
	"sync"

	"github.com/dlam-go/dlam/comm"
)

// group is a set of ranks in one process that add through shared memory.
type group struct {
	size    int
	mu      sync.Mutex
	arrived *sync.Cond
	parts   [][]float64
	count   int
	round   int
	sum     []float64
}

// rank is one member of a group.
type rank struct {
	g  *group
	id int
}

var _ comm.Comm = rank{}

func newGroup(size int) *group {
	g := &group{size: size, parts: make([][]float64, size)}
	g.arrived = sync.NewCond(&g.mu)
	return g
}

func (r rank) Rank() int { return r.id }
func (r rank) Size() int { return r.g.size }

// Sum waits for every rank's vector and adds them in rank order.
func (r rank) Sum(x []float64) error {
	g := r.g
	g.mu.Lock()
	defer g.mu.Unlock()
	g.parts[r.id] = x
	round := g.round
	if g.count++; g.count == g.size {
		g.sum = append(g.sum[:0], g.parts[0]...)
		for _, p := range g.parts[1:] {
			for i, v := range p {
				g.sum[i] += v
			}
		}
		for _, p := range g.parts { // the others wait: their vectors are ours
			copy(p, g.sum)
		}
		g.count, g.round = 0, g.round+1
		g.arrived.Broadcast()
		return nil
	}
	for round == g.round {
		g.arrived.Wait()
	}
	return nil
}
