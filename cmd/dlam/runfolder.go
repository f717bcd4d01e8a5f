package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/report"
)

const (
	configName = "config.toml"
	lockName   = "lock"
)

// runFolder is the folder of one run, locked while it goes on.
type runFolder struct {
	path  string
	lock  *os.File
	trace *os.File
}

// newRunName is a name that is not taken: runs/DATA-SOLVER, then -2, -3, ….
func newRunName(c *config) string {
	base := strings.TrimSuffix(filepath.Base(c.Data), ".gz")
	base = filepath.Join("runs", strings.TrimSuffix(base, filepath.Ext(base))+"-"+c.Solver)
	name := base
	for i := 2; ; i++ {
		if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
			return name
		}
		name = fmt.Sprintf("%s-%d", base, i)
	}
}

// createRun makes a new run folder with its config.
func createRun(path, config string) (*runFolder, error) {
	if _, err := os.Stat(filepath.Join(path, configName)); err == nil {
		return nil, usagef("%s: the folder holds a run already; name another, or go on with --resume %s", path, path)
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, usagef("run folder: %w", err)
	}
	r, err := lockRun(path)
	if err != nil {
		return nil, err
	}
	err = atomicfile.Write(filepath.Join(path, configName), func(w io.Writer) error {
		_, err := io.WriteString(w, config)
		return err
	})
	if err == nil {
		r.trace, err = os.OpenFile(filepath.Join(path, report.TraceFile), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	}
	if err != nil {
		r.close()
		return nil, usagef("run folder: %w", err)
	}
	return r, nil
}

// lockRun takes the folder's lock: two processes must not write one run. The
// system drops the lock of a process that dies, so that none goes stale.
func lockRun(path string) (*runFolder, error) {
	f, err := os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, usagef("run folder: %w", err)
	}
	if err := tryLock(f); err != nil {
		_ = f.Close()
		return nil, usagef("%s: another process is writing this run", path)
	}
	return &runFolder{path: path, lock: f}, nil
}

// resumeRun locks a run and cuts its trace to the first iterations records.
func resumeRun(path string, iterations int) (*runFolder, error) {
	r, err := lockRun(path)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(path, report.TraceFile)
	old, err := report.ReadRun(path)
	if err == nil {
		err = atomicfile.Write(file, func(w io.Writer) error {
			t := report.NewTrace(w)
			for _, rec := range old.Records {
				if rec.Iteration > iterations {
					break
				}
				if err := t.Record(rec); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err == nil {
		r.trace, err = os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0o644)
	}
	if err != nil {
		r.close()
		return nil, usagef("run folder: %w", err)
	}
	return r, nil
}

func (r *runFolder) file(name string) string { return filepath.Join(r.path, name) }

// close drops the lock.
func (r *runFolder) close() {
	if r.trace != nil {
		_ = r.trace.Close()
	}
	_ = r.lock.Close()
}
