package comm_test

import (
	"slices"
	"testing"

	"github.com/dlam-go/dlam/comm"
)

// One process alone is rank 0 of 1, and a sum over it is what it has.
func TestSelf(t *testing.T) {
	var c comm.Comm = comm.Self{}
	if c.Rank() != 0 || c.Size() != 1 {
		t.Errorf("rank %d of %d, want 0 of 1", c.Rank(), c.Size())
	}
	x := []float64{1, -2.5, 0}
	if err := c.Sum(x); err != nil || !slices.Equal(x, []float64{1, -2.5, 0}) {
		t.Errorf("Sum gives %v, %v", x, err)
	}
	if err := c.Sum(nil); err != nil {
		t.Error(err)
	}
}
