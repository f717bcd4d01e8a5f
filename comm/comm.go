// Package comm is the little that solvers need to know of other processes.
// Where each holds a share of the samples, only sums over samples cross; where each
// holds some layers, also messages between those with neighbouring layers.
package comm

import "fmt"

// Comm adds vectors over all processes of a job, and passes messages between two.
type Comm interface {
	// Sum replaces x by its elementwise sum over all ranks. Every rank calls
	// it with the same length, in the same order, and gets the same bits.
	Sum(x []float64) error
	// Exchange sends out to rank to, and waits for a message of len(in) bytes from rank
	// from; a rank of -1 is none, whose message is empty. Of the messages between two
	// ranks, each is received by the call that names its sender and its length, in order.
	Exchange(to int, out []byte, from int, in []byte) error
	// Rank is this process's number, from 0 to Size()-1.
	Rank() int
	// Size is the number of processes.
	Size() int
}

// Self is one process alone.
type Self struct{}

var _ Comm = Self{}

// Sum leaves x as it is.
func (Self) Sum([]float64) error { return nil }

// Exchange refuses to name another rank: there is none.
func (Self) Exchange(to int, _ []byte, from int, _ []byte) error {
	if to >= 0 || from >= 0 {
		return fmt.Errorf("exchange with ranks %d and %d: this process is alone", to, from)
	}
	return nil
}

// Rank is 0.
func (Self) Rank() int { return 0 }

// Size is 1.
func (Self) Size() int { return 1 }
