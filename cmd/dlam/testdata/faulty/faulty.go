// Package atomicfile here is what stands in the place of internal/atomicfile/disk.go
// in tests: a disk that fails, and keeps a record. DLAM_FAULT is "N KIND", the number
// of the operation that fails, from 1, and how:
//
//	io       input/output error
//	full     the disk is full, for this operation
//	full+    and for all after it
//	short    half is written, then the disk is full
//	kill     the process is killed instead
//	half     half is written, then the process is killed
//	nolocks  the file system keeps no locks
//
// DLAM_FAULT_LOG names a file that takes an Entry for each operation, as a line of
// JSON.
package atomicfile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// Entry is an operation that was done.
type Entry struct {
	Op, Path string
	To       string `json:",omitempty"` // of a rename
	Data     []byte `json:",omitempty"` // of a write
}

var (
	mu   sync.Mutex
	done int // operations
)

// fault counts an operation, and says whether and how it fails.
func fault(e Entry) (half bool, err error) {
	mu.Lock()
	defer mu.Unlock()
	done++
	if name := os.Getenv("DLAM_FAULT_LOG"); name != "" {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		_ = json.NewEncoder(f).Encode(e)
		_ = f.Close()
	}
	var n int
	var kind string
	if _, err := fmt.Sscan(os.Getenv("DLAM_FAULT"), &n, &kind); err != nil || done < n || done > n && kind != "full+" {
		return false, nil
	}
	switch kind {
	case "io":
		err = syscall.EIO
	case "full+":
		if e.Op != "mkdir" && e.Op != "create" && e.Op != "open" && e.Op != "write" { // it need not grow
			return false, nil
		}
		err = syscall.ENOSPC
	case "full":
		err = syscall.ENOSPC
	case "short":
		half, err = true, syscall.ENOSPC
	case "nolocks":
		return false, lockError(syscall.ENOLCK)
	case "kill":
		kill()
	case "half":
		return true, nil
	}
	return half, &os.PathError{Op: e.Op, Path: e.Path, Err: err}
}

// kill ends the process as kill -9 does.
func kill() {
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	select {}
}

// File is an *os.File that may fail.
type File struct {
	f    *os.File
	path string
}

func createTemp(dir, pattern string) (*File, error) {
	path := filepath.Join(dir, strings.Replace(pattern, "*", fmt.Sprint(os.Getpid(), ".", done), 1))
	return open("create", path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// OpenFile is os.OpenFile, which may fail.
func OpenFile(path string, flag int, mode os.FileMode) (*File, error) {
	return open("open", path, flag, mode)
}

func open(op, path string, flag int, mode os.FileMode) (*File, error) {
	if _, err := fault(Entry{Op: op, Path: path}); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, flag, mode)
	if err != nil {
		return nil, err
	}
	return &File{f, path}, nil
}

func rename(from, to string) error {
	if _, err := fault(Entry{Op: "rename", Path: from, To: to}); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// Remove is os.Remove, which may fail.
func Remove(path string) error {
	if _, err := fault(Entry{Op: "remove", Path: path}); err != nil {
		return err
	}
	return os.Remove(path)
}

func mkdir(path string) error {
	if _, err := fault(Entry{Op: "mkdir", Path: path}); err != nil {
		return err
	}
	return os.Mkdir(path, 0o755)
}

// SyncFolder may fail, as Sync.
func SyncFolder(path string) error {
	_, err := fault(Entry{Op: "syncfolder", Path: path})
	return err
}

// Lock may fail.
func Lock(f *File) error {
	if _, err := fault(Entry{Op: "lock", Path: f.path}); err != nil {
		return err
	}
	return lock(f.f)
}

// Name is the file's.
func (f *File) Name() string { return f.path }

// Stat is of the file.
func (f *File) Stat() (os.FileInfo, error) { return f.f.Stat() }

// Write may write half of b, or nothing.
func (f *File) Write(b []byte) (int, error) {
	half, err := fault(Entry{Op: "write", Path: f.path, Data: b})
	if half {
		n, _ := f.f.Write(b[:len(b)/2])
		if err == nil {
			kill()
		}
		return n, err
	}
	if err != nil {
		return 0, err
	}
	return f.f.Write(b)
}

// Chmod may fail.
func (f *File) Chmod(mode os.FileMode) error {
	if _, err := fault(Entry{Op: "chmod", Path: f.path}); err != nil {
		return err
	}
	return f.f.Chmod(mode)
}

// Sync may fail. Else it does nothing, which takes less time: no test cuts the power.
func (f *File) Sync() error {
	if _, err := fault(Entry{Op: "sync", Path: f.path}); err != nil {
		return err
	}
	return nil
}

// Close may fail, and closes.
func (f *File) Close() error {
	_, err := fault(Entry{Op: "close", Path: f.path})
	if again := f.f.Close(); err == nil {
		err = again
	}
	return err
}
