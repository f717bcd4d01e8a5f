package atomicfile

import (
	"errors"
	"io/fs"
	"os"
)

// All that this program writes and must not lose is written by what is in this file,
// so that a test can put another disk in its place: one that fails, that keeps a
// record of what is done to it, or that ends the process in the middle.

// File is a file that is open for writing.
type File = os.File

// OpenFile is os.OpenFile.
func OpenFile(path string, flag int, mode os.FileMode) (*File, error) {
	return os.OpenFile(path, flag, mode)
}

// Remove is os.Remove. It lasts once the folder is synced.
func Remove(path string) error { return os.Remove(path) }

// Lock takes the lock of an open file for this process, or fails at once: with
// ErrLocked if another process has it, and with ErrNoLocks if the file system keeps
// none. The system drops it when the file is closed, or the process ends.
func Lock(f *File) error { return lock(f) }

func createTemp(dir, pattern string) (*File, error) { return os.CreateTemp(dir, pattern) }

func rename(from, to string) error { return os.Rename(from, to) }

func mkdir(path string) error { return os.Mkdir(path, 0o755) }

// SyncFolder makes what was made, renamed and removed in a folder last, on file
// systems that can.
func SyncFolder(path string) error {
	f, err := os.Open(path)
	if err == nil {
		err = f.Sync()
		_ = f.Close() // nothing was written to it
	}
	if unsupported(err) || errors.Is(err, fs.ErrPermission) { // it may be one to write to, and not to read
		return nil
	}
	return err
}
