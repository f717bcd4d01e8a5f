//go:build unix

package recipe

import (
	"os"

	"golang.org/x/sys/unix"
)

// tryLock locks f for this process, or fails at once.
func tryLock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }
