package comm

import (
	"fmt"
	"slices"
	"sync"
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
	boxes   []chan []byte // from rank r to rank s: number r·size + s
}

// rank is one member of a group.
type rank struct {
	g  *group
	id int
}

// Group is size ranks in one process, each to be used by a goroutine of its
// own: what tests run that is to run under MPI.
func Group(size int) []Comm {
	g := &group{size: size, parts: make([][]float64, size), boxes: make([]chan []byte, size*size)}
	for i := range g.boxes {
		g.boxes[i] = make(chan []byte, 1)
	}
	g.arrived = sync.NewCond(&g.mu)
	ranks := make([]Comm, size)
	for r := range ranks {
		ranks[r] = rank{g, r}
	}
	return ranks
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

// Exchange puts a copy of out where rank to takes it from.
func (r rank) Exchange(to int, out []byte, from int, in []byte) error {
	if to >= 0 {
		r.g.boxes[r.id*r.g.size+to] <- slices.Clone(out)
	}
	if from < 0 {
		return nil
	}
	message := <-r.g.boxes[from*r.g.size+r.id]
	if len(message) != len(in) {
		return fmt.Errorf("a message of %d bytes from rank %d, want %d", len(message), from, len(in))
	}
	copy(in, message)
	return nil
}
