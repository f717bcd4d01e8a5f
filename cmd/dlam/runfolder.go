package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/trace"
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
	made  bool        // by this process
	last  dlam.Record // the trace's last record that a resumed run keeps
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
	_, err := os.Stat(path)
	made := errors.Is(err, os.ErrNotExist)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, usagef("run folder: %w", err)
	}
	r, err := lockRun(path)
	if err != nil {
		return nil, err
	}
	r.made = made
	if _, err := os.Stat(r.file(configName)); err == nil {
		r.close()
		return nil, usagef("%s: the folder holds a run already; name another, or go on with --resume %s", path, path)
	}
	err = writeText(r.file(configName), config)
	if err == nil {
		r.trace, err = os.OpenFile(filepath.Join(path, trace.FileName), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	}
	if err != nil {
		r.discard()
		return nil, usagef("run folder: %w", err)
	}
	return r, nil
}

// lockRun takes the folder's lock: two processes must not write one run. The
// system drops the lock of a process that dies, so that none goes stale; what
// such a process left half written is removed.
func lockRun(path string) (*runFolder, error) {
	f, err := os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, usagef("run folder: %w", err)
	}
	if err := tryLock(f); err != nil {
		_ = f.Close()
		return nil, usagef("%s: another process is writing this run", path)
	}
	r := &runFolder{path: path, lock: f}
	for _, name := range []string{configName, trace.FileName, model.FileName, model.CheckpointName} {
		if err := atomicfile.RemoveLeft(r.file(name)); err != nil {
			r.close()
			return nil, usagef("run folder: %w", err)
		}
	}
	return r, nil
}

// goOn makes the folder that of a run that has done iterations: its settings
// are config, and its trace ends there.
func (r *runFolder) goOn(iterations int, config string) error {
	file := r.file(trace.FileName)
	old, err := report.ReadRun(r.path)
	if err == nil || errors.Is(err, os.ErrNotExist) {
		err = atomicfile.Write(file, func(w io.Writer) error {
			t := trace.NewWriter(w)
			for _, rec := range old.Records {
				if rec.Iteration > iterations {
					break
				}
				if err := t.Record(rec); err != nil {
					return err
				}
				r.last = rec
			}
			return nil
		})
	}
	if err == nil {
		err = writeText(r.file(configName), config)
	}
	if err == nil {
		r.trace, err = os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0o644)
	}
	if err != nil {
		return usagef("run folder: %w", err)
	}
	return nil
}

func writeText(path, text string) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// discard removes a new run that did not start.
func (r *runFolder) discard() {
	r.close()
	for _, name := range []string{trace.FileName, configName, lockName} {
		_ = os.Remove(r.file(name)) // may not be there
	}
	if r.made {
		_ = os.Remove(r.path)
	}
}

func (r *runFolder) file(name string) string { return filepath.Join(r.path, name) }

// endTrace makes the trace last.
func (r *runFolder) endTrace() error {
	err := errors.Join(r.trace.Sync(), r.trace.Close())
	r.trace = nil
	return err
}

// close drops the lock.
func (r *runFolder) close() {
	if r.trace != nil {
		_ = r.trace.Close() // its records have been synced, or will be made again
	}
	_ = r.lock.Close()
}
