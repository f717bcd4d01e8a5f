// Package atomicfile writes files that are there whole or not at all: to a
// temporary file in the same folder, synced, then renamed.
package atomicfile

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
)

// Write makes path hold what write writes. If anything fails, path is as it
// was before. The folder is not synced: after a power failure path may be as it
// was before, too.
func Write(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), temporary(path))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // the first error counts
			_ = os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<16)
	if err = write(w); err != nil {
		return err
	}
	if err = w.Flush(); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// temporary is the pattern of the names of path's temporary files.
func temporary(path string) string { return "." + filepath.Base(path) + ".*" }

// RemoveLeft removes the temporary files of a Write of path that was killed.
// Nobody may be writing path.
func RemoveLeft(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if ok, _ := filepath.Match(temporary(path), e.Name()); ok { // the pattern is sound
			if err := os.Remove(filepath.Join(filepath.Dir(path), e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
