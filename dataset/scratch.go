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

	used bool
}

// Used reports whether samples are in files of s, which may be nil.
func (s *Scratch) Used() bool { return s != nil && s.used }

// TooLarge is the error of samples that take more than Scratch.Most or
// Options.MaxMemory. It is an ErrInput.
type TooLarge struct {
	Name        string
	Bytes, Most float64
	AtLeast     bool // Bytes is where reading stopped: it would go on
}

func (e TooLarge) Error() string {
	if e.AtLeast {
		return fmt.Sprintf("%s: reading it takes more than the %.0f MB of memory that are allowed", e.Name, e.Most/(1<<20))
	}
	return fmt.Sprintf("%s: the samples take %.0f MB of memory, %.0f MB is allowed", e.Name, e.Bytes/(1<<20), e.Most/(1<<20))
}

// Is makes it an ErrInput.
func (e TooLarge) Is(target error) bool { return target == ErrInput }

// allow refuses a matrix that may not be in memory.
func (s *Scratch) allow(name string, rows, cols int) error {
	bytes := 4 * float64(rows) * float64(cols)
	if s != nil && s.Dir == "" && s.Most > 0 && bytes > s.Most {
		return TooLarge{Name: name, Bytes: bytes, Most: s.Most}
	}
	return nil
}

// matrix is a matrix of zeros.
func (s *Scratch) matrix(name string, rows, cols int) (mat.Dense, error) {
	if err := s.allow(name, rows, cols); err != nil {
		return mat.Dense{}, err
	}
	bytes := 4 * float64(rows) * float64(cols)
	if s == nil || s.Dir == "" {
		return mat.New(rows, cols), nil
	}
	if rows*cols == 0 {
		return mat.New(rows, cols), nil
	}
	data, err := mapped(s.Dir, rows*cols)
	if err != nil {
		return mat.Dense{}, fmt.Errorf("scratch file of %.0f MB in %s: %w", bytes/(1<<20), s.Dir, err)
	}
	s.used = true
	return mat.FromSlice(rows, cols, data), nil
}

// free gives a matrix of this Scratch back.
func (s *Scratch) free(m mat.Dense) error {
	if s == nil || s.Dir == "" || len(m.Data) == 0 {
		return nil
	}
	return unmapped(m.Data)
}
