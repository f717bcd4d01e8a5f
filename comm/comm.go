// Package comm is the little that solvers need to know of other processes:
// each holds a share of the samples, and only sums over samples cross.
package comm

// Comm adds vectors over all processes of a job.
type Comm interface {
	// Sum replaces x by its elementwise sum over all ranks. Every rank calls
	// it with the same length, in the same order, and gets the same bits.
	Sum(x []float64) error
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

// Rank is 0.
func (Self) Rank() int { return 0 }

// Size is 1.
func (Self) Size() int { return 1 }
