package dataset

import (
	"fmt"

	"github.com/dlam-go/dlam/mat"
)

// Scratch keeps samples in files that are mapped into memory instead of in
// memory: the system holds what it has room for and reads the rest again. Its
// zero value, and nil, keep them in memory.
type Scratch struct {
	// Dir is a folder on a disk with room for 4 bytes × samples × features.
	// The files in it have no names, and are gone when the process ends.
	Dir string
	// Most is how many bytes of samples may be in memory, where Dir is empty;
	// 0 for any.
	Most float64
}

// matrix is a matrix of zeros.
func (s *Scratch) matrix(name string, rows, cols int) (mat.Dense, error) {
	bytes := 4 * float64(rows) * float64(cols)
	if s == nil || s.Dir == "" {
		if s != nil && s.Most > 0 && bytes > s.Most {
			return mat.Dense{}, inputf("%s: %d samples of %d features take %.0f MB, %.0f MB is allowed: take fewer, divide them over more ranks, or keep them in a file (--scratch)", name, rows, cols, bytes/(1<<20), s.Most/(1<<20))
		}
		return mat.New(rows, cols), nil
	}
	if rows*cols == 0 {
		return mat.New(rows, cols), nil
	}
	data, err := mapped(s.Dir, rows*cols)
	if err != nil {
		return mat.Dense{}, fmt.Errorf("scratch file of %.0f MB in %s: %w", bytes/(1<<20), s.Dir, err)
	}
	return mat.FromSlice(rows, cols, data), nil
}

// free gives a matrix of this Scratch back.
func (s *Scratch) free(m mat.Dense) error {
	if s == nil || s.Dir == "" || len(m.Data) == 0 {
		return nil
	}
	return unmapped(m.Data)
}
