// Package atomicfile here is what fault_test.go adds to internal/atomicfile: a
// file system that fails. DLAM_FAULT is "N KIND", the number of the operation
// that fails, from 1, and how: "short" (half is written, then the disk is
// full), "full", "io", or "full+", from which operation on the disk is full.
// DLAM_FAULT_LOG names a file that takes a line for each operation.
package atomicfile

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

var (
	mu   sync.Mutex
	done int // operations
)

// fault counts an operation, and says whether and how it fails.
func fault(op, path string) (half bool, err error) {
	mu.Lock()
	defer mu.Unlock()
	done++
	if name := os.Getenv("DLAM_FAULT_LOG"); name != "" {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		_, _ = fmt.Fprintln(f, op, filepath.Base(path))
		_ = f.Close()
	}
	var n int
	var kind string
	if _, err := fmt.Sscan(os.Getenv("DLAM_FAULT"), &n, &kind); err != nil {
		return false, nil
	}
	grows := op == "create" || op == "open" || op == "write"
	switch {
	case kind == "full+" && done >= n && grows, kind == "full" && done == n:
		err = syscall.ENOSPC
	case kind == "short" && done == n:
		half, err = true, syscall.ENOSPC
	case kind == "io" && done == n:
		err = syscall.EIO
	}
	if err != nil {
		err = &os.PathError{Op: op, Path: path, Err: err}
	}
	return half, err
}

// File is an *os.File that may fail.
type File struct{ f *os.File }

func createTemp(dir, pattern string) (*File, error) {
	if _, err := fault("create", filepath.Join(dir, pattern)); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, pattern)
	return &File{f}, err
}

func rename(from, to string) error {
	if _, err := fault("rename", to); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// OpenFile is os.OpenFile, which may fail.
func OpenFile(path string, flag int, mode os.FileMode) (*File, error) {
	if _, err := fault("open", path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, flag, mode)
	return &File{f}, err
}

// Name is the file's.
func (f *File) Name() string { return f.f.Name() }

// Write may write half of b, or nothing.
func (f *File) Write(b []byte) (int, error) {
	half, err := fault("write", f.Name())
	if half {
		n, _ := f.f.Write(b[:len(b)/2])
		return n, err
	}
	if err != nil {
		return 0, err
	}
	return f.f.Write(b)
}

// Chmod may fail.
func (f *File) Chmod(mode os.FileMode) error {
	if _, err := fault("chmod", f.Name()); err != nil {
		return err
	}
	return f.f.Chmod(mode)
}

// Sync may fail.
func (f *File) Sync() error {
	if _, err := fault("sync", f.Name()); err != nil {
		return err
	}
	return f.f.Sync()
}

// Close may fail, and closes.
func (f *File) Close() error {
	_, err := fault("close", f.Name())
	if again := f.f.Close(); err == nil {
		err = again
	}
	return err
}
