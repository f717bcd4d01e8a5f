//go:build !unix

package atomicfile

import "os"

// lock finds no locks where the system has no advisory ones.
func lock(*os.File) error { return ErrNoLocks }
