//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lock is Lock.
func lock(f *os.File) error { return lockError(unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)) }

// lockError says what is behind the system's error.
func lockError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EWOULDBLOCK):
		return ErrLocked
	case errors.Is(err, unix.ENOLCK), errors.Is(err, errors.ErrUnsupported), errors.Is(err, unix.EINVAL):
		return fmt.Errorf("%w (flock: %w)", ErrNoLocks, err)
	}
	return os.NewSyscallError("flock", err)
}
