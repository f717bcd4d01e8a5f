// Package atomicfile writes files that are there whole or not at all: to a
// temporary file in the same folder, synced, then renamed. What is no regular file,
// as a pipe or a device, is written to as it is.
package atomicfile

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrLocked is what Lock says of a file that another process has locked, and
// ErrNoLocks of one on a file system that keeps no locks.
var (
	ErrLocked  = errors.New("another process has it")
	ErrNoLocks = errors.New("this file system keeps no locks")
)

// Write makes path hold what write writes. If anything fails, path is as it was
// before; once Write has returned, it holds the new content even after a power
// failure. A link is followed: what it points to is written. A pipe or a device
// stays one, and takes what is written.
func Write(path string, write func(io.Writer) error) (err error) {
	path, err = target(path)
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return writeInPlace(path, write)
		}
		mode = info.Mode().Perm()
	}
	f, err := createTemp(filepath.Dir(path), temporary(path))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // the first error counts
			_ = Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<16)
	if err = write(w); err != nil {
		return err
	}
	if err = w.Flush(); err != nil {
		return err
	}
	if err = f.Chmod(mode); err != nil && !errors.Is(err, fs.ErrPermission) && !unsupported(err) {
		return err // some file systems have no modes
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = rename(f.Name(), path); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// target is what path is, if it is a link: what that points to, which may not be
// there yet.
func target(path string) (string, error) {
	const most = 40 // links to links, as systems have it
	for range most {
		if !isLink(path) {
			return path, nil // it is made, or making it says what is wrong
		}
		to, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", &fs.PathError{Op: "write", Path: path, Err: errors.New("too many links")}
}

// isLink reports whether there is a link of that name.
func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// writeInPlace writes to what is no regular file.
func writeInPlace(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	if again := f.Close(); err == nil {
		err = again
	}
	return err
}

// MkdirAll makes a folder, and those that it is in, and makes them last; of a link
// to nothing it makes what that points to.
func MkdirAll(path string) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
		}
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := MkdirAll(parent); err != nil {
			return err
		}
	}
	if err := mkdir(path); err != nil {
		if info, again := os.Stat(path); again == nil && info.IsDir() { // by another process
			return nil
		}
		return err
	}
	if err := SyncFolder(parent); err != nil {
		_ = Remove(path) // the first error counts
		return err
	}
	return nil
}

// unsupported reports whether a file system cannot do what was asked of it.
func unsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}

// temporary is the pattern of the names of path's temporary files.
func temporary(path string) string { return "." + filepath.Base(path) + ".*" }

// RemoveLeft removes the temporary files of a Write of path that was killed.
// Nobody may be writing path.
func RemoveLeft(path string) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if ok, _ := filepath.Match(temporary(path), e.Name()); ok { // the pattern is sound
			if err := Remove(filepath.Join(filepath.Dir(path), e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
