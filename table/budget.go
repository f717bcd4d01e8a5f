package table

import (
	"fmt"
	"sync/atomic"
)

// Budget is a bound on the memory that reading may take. Whoever allocates for
// what a file claims or holds takes from it first, and gives back what is no longer
// held; several may at a time. The nil Budget has no bound.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget is a budget of so many bytes; 0 for one without a bound.
func NewBudget(bytes int64) *Budget {
	if bytes <= 0 {
		return nil
	}
	return &Budget{limit: bytes}
}

// MemoryError is the error of reading that would take more memory than it may.
type MemoryError struct {
	Need, Limit int64 // bytes
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("it takes more than the %d bytes of memory that are allowed", e.Limit)
}

// Take takes bytes out of the budget, or none and gives a MemoryError.
func (b *Budget) Take(bytes int64) error {
	if b == nil {
		return nil
	}
	for {
		used := b.used.Load()
		if bytes > b.limit-used {
			return &MemoryError{Need: used + bytes, Limit: b.limit}
		}
		if b.used.CompareAndSwap(used, used+bytes) {
			return nil
		}
	}
}

// Give puts bytes that were taken back.
func (b *Budget) Give(bytes int64) {
	if b != nil {
		b.used.Add(-bytes)
	}
}

// Allow gives a MemoryError if so many bytes are more than the whole budget.
func (b *Budget) Allow(bytes int64) error {
	if b != nil && bytes > b.limit {
		return &MemoryError{Need: bytes, Limit: b.limit}
	}
	return nil
}
