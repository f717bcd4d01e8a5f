package recipe

import (
	"fmt"

	"github.com/dlam-go/dlam/internal/atomicfile"
)

// mostLeft is how many bytes of a trace wait for room on a disk at most.
const mostLeft = 64 << 20

// traceFile is the trace of a run as it grows. A line that cannot be written, as on a
// full disk, does not end the run: it waits, and is written with the next one.
type traceFile struct {
	f    *atomicfile.File
	left []byte            // what waits
	warn func(error) error // told when the first line has to wait; what it returns ends the run
}

// Write writes what waits, and b.
func (t *traceFile) Write(b []byte) (int, error) {
	waits := len(t.left) > 0
	t.left = append(t.left, b...)
	err := t.flush()
	switch {
	case err == nil:
		return len(b), nil
	case len(t.left) > mostLeft:
		return 0, fmt.Errorf("trace: %d bytes wait to be written: %w", len(t.left), err)
	case waits:
		return len(b), nil
	}
	return len(b), t.warn(fmt.Errorf("trace: a record waits until it can be written: %w", err))
}

func (t *traceFile) flush() error {
	if len(t.left) == 0 {
		return nil
	}
	n, err := t.f.Write(t.left)
	t.left = append(t.left[:0], t.left[n:]...)
	return err
}

// Sync makes all lines last.
func (t *traceFile) Sync() error {
	if err := t.flush(); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	return t.f.Sync()
}

// Close closes the file; what waits is lost.
func (t *traceFile) Close() error { return t.f.Close() }
