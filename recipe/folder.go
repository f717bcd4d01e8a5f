package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/trace"
)

const (
	// ConfigName is the name of a run's settings in its folder.
	ConfigName = "config.toml"
	// StartName is the name of the first weights in a run's folder, where they
	// were given and not drawn.
	StartName = "start.safetensors"
	lockName  = "lock"
)

// folder is the folder of one run, locked while it goes on.
type folder struct {
	path  string
	lock  *atomicfile.File
	trace *traceFile
	made  bool              // the folder was made by this process
	kept  bool              // the run was there before, and stays if it cannot go on
	last  dlam.Record       // the trace's last record that a resumed run keeps
	notes []string          // what people are to be told of it
	warn  func(error) error // told of what need not end the run; what it returns does
}

// ErrForeign is the fault of a run folder in which there are files that no run has
// made; see Options.Force.
var ErrForeign = atomicfile.ErrForeign

// CheckFolder reports why a run folder cannot be made at path: there is a run already,
// or, unless by force, files that no run has made. Plan.Start reports the same; work
// that comes before it need not be done in vain.
func CheckFolder(path string, force bool) error {
	if err := checkForeign(path, force); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(path, ConfigName)); err == nil {
		return refusef("%s: the folder holds a run already; name another, or resume it", path)
	}
	return nil
}

// checkForeign refuses a folder with files of others.
func checkForeign(path string, force bool) error {
	if err := atomicfile.CheckFolder(path, ConfigName, lockName, StartName); err != nil && (!force || !errors.Is(err, ErrForeign)) {
		return refusef("run folder: %w", err)
	}
	return nil
}

// createFolder makes a new run folder with its config, and the first weights if
// they were given. One with files of others is taken by force alone.
func createFolder(path, config string, given *dlam.Network, force bool) (*folder, error) {
	if err := checkForeign(path, force); err != nil {
		return nil, err
	}
	_, err := os.Lstat(path) // a link stays
	made := errors.Is(err, os.ErrNotExist)
	if err := atomicfile.MkdirAll(path); err != nil {
		return nil, refusef("run folder: %w", err)
	}
	r, err := lockFolder(path)
	if err != nil {
		if made && !errors.Is(err, errBusy) {
			_ = atomicfile.Remove(filepath.Join(path, lockName)) // may not be there
			_ = atomicfile.Remove(path)
		}
		return nil, err
	}
	r.made = made
	if _, err := os.Stat(r.file(ConfigName)); err == nil {
		r.close()
		return nil, refusef("%s: the folder holds a run already; name another, or resume it", path)
	}
	err = atomicfile.Remove(r.file(trace.FileName)) // it may be a link to what is to stay
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err == nil && given != nil {
		err = model.SaveWeights(r.file(StartName), given)
	}
	if err == nil {
		err = writeText(r.file(ConfigName), config)
	}
	if err == nil {
		err = r.openTrace(os.O_CREATE | os.O_EXCL)
	}
	if err == nil {
		err = atomicfile.SyncFolder(path)
	}
	if err != nil {
		r.discard()
		return nil, refusef("run folder: %w", err)
	}
	return r, nil
}

// openTrace opens the trace for more lines.
func (r *folder) openTrace(flags int) error {
	f, err := atomicfile.OpenFile(r.file(trace.FileName), os.O_WRONLY|os.O_APPEND|flags, 0o644)
	if err == nil {
		r.trace = &traceFile{f: f}
	}
	return err
}

var errBusy = errors.New("another process is writing this run")

// takeLock takes the folder's lock: two processes must not write one run. The
// system drops the lock of a process that dies, so that none goes stale.
func (r *folder) takeLock(flags int) error {
	f, err := atomicfile.OpenFile(r.file(lockName), os.O_CREATE|os.O_RDWR|flags, 0o644)
	if err != nil {
		return refusef("run folder: %w", err)
	}
	switch err := atomicfile.Lock(f); {
	case errors.Is(err, atomicfile.ErrLocked):
		_ = f.Close()
		return refusef("%s: %w", r.path, errBusy)
	case errors.Is(err, atomicfile.ErrNoLocks):
		r.notes = append(r.notes, fmt.Sprintf("%s: %v: nothing keeps a second process from writing this run", r.file(lockName), err))
	case err != nil:
		_ = f.Close()
		return refusef("run folder: lock %s: %w", f.Name(), err)
	}
	r.lock = f
	return nil
}

// held says whether the lock is the file that it was: who deletes it lets another
// process take the run. One that is gone is taken again, if nobody was faster.
func (r *folder) held() error {
	mine, err := r.lock.Stat()
	if err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	there, err := os.Stat(r.file(lockName))
	if err == nil && os.SameFile(mine, there) {
		return nil
	}
	if errors.Is(err, os.ErrNotExist) {
		old := r.lock
		if err = r.takeLock(os.O_EXCL); err == nil {
			_ = old.Close() // nobody can wait for it
			return r.warn(fmt.Errorf("%s: was deleted while the run went on, and is there again: without it two processes can write one run", r.file(lockName)))
		}
	}
	return fmt.Errorf("%s: was deleted while the run went on, and another process may be writing the run: this one ends and saves nothing more%s",
		r.file(lockName), because(err))
}

// because is what an error adds to a sentence.
func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

// lockFolder takes a folder's lock, and removes what a process that had it left half
// written.
func lockFolder(path string) (*folder, error) {
	r := &folder{path: path}
	if err := r.takeLock(0); err != nil {
		return nil, err
	}
	for _, name := range []string{ConfigName, StartName, trace.FileName, trace.AboutName, model.FileName, model.CheckpointName} {
		if err := atomicfile.RemoveLeft(r.file(name)); err != nil {
			r.close()
			return nil, refusef("run folder: %w", err)
		}
	}
	return r, nil
}

// differences says which settings of the folder's run are others in text, a file of those
// that make a run what it is, or in config, the file of all.
func (r *folder) differences(text, config string) string {
	raw, err := os.ReadFile(r.file(ConfigName))
	if err != nil {
		return ""
	}
	_, was, _, err := decode(string(raw))
	if err != nil {
		return ""
	}
	names, is, _, err := decode(text)
	if err != nil {
		return ""
	}
	var list []string
	for _, name := range names {
		if old, ok := was[name]; !ok {
			list = append(list, fmt.Sprintf("%s is %s, and was not given", name, is[name]))
		} else if old != is[name] {
			list = append(list, fmt.Sprintf("%s is %s, and was %s", name, is[name], old))
		}
	}
	if list != nil {
		return ": " + strings.Join(list, ", ")
	}
	const name = "iterations"
	if _, is, _, err = decode(config); err == nil && is[name] != was[name] {
		return fmt.Sprintf(": %s is %s, and was %s, by which the method's settings go: go on with as many, or begin another run", name, is[name], was[name])
	}
	return ", by another version of the program"
}

// goOn makes the folder that of a run that has done iterations: its settings
// are config, and its trace ends there.
func (r *folder) goOn(iterations int, config string) error {
	file := r.file(trace.FileName)
	old, err := r.salvage(file, iterations)
	if err == nil {
		err = atomicfile.Write(file, func(w io.Writer) error {
			t := trace.NewWriter(w)
			for _, rec := range old {
				if err := t.Record(rec); err != nil {
					return err
				}
				r.last = rec
			}
			return nil
		})
	}
	if err == nil {
		err = writeText(r.file(ConfigName), config)
	}
	if err == nil {
		err = r.openTrace(0)
	}
	if err != nil {
		return refusef("run folder: %w", err)
	}
	return nil
}

// salvage reads the records of a trace up to an iteration. Of what is damaged or
// missing it makes a note: a trace tells of the state, and has no say in it.
func (r *folder) salvage(file string, done int) ([]dlam.Record, error) {
	raw, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	records, bad, missing, err := trace.Salvage(bytes.NewReader(raw), done)
	if len(bad) > 0 {
		r.notes = append(r.notes, fmt.Sprintf("%s: line %s: no record of the next iteration; left out", file, ranges(bad)))
	}
	if len(missing) > 0 {
		r.notes = append(r.notes, fmt.Sprintf("%s: no record of iteration %s, which were done: the run goes on from iteration %d without them, "+
			"since only the run from its start makes them again", file, ranges(missing), done))
	}
	return records, err
}

// ranges are numbers that grow, in few words: 1-25, 27.
func ranges(list []int) string {
	var parts []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, fmt.Sprint(list[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", list[i], list[j]))
		}
		i = j + 1
	}
	const most = 8
	if len(parts) > most {
		parts = append(parts[:most], "…")
	}
	return strings.Join(parts, ", ")
}

func writeText(path, text string) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// discard removes a new run that did not start.
func (r *folder) discard() {
	r.close()
	for _, name := range []string{trace.FileName, trace.AboutName, ConfigName, StartName, lockName} {
		_ = atomicfile.Remove(r.file(name)) // may not be there
	}
	if r.made {
		_ = atomicfile.Remove(r.path)
	}
}

func (r *folder) file(name string) string { return filepath.Join(r.path, name) }

// close drops the lock.
func (r *folder) close() {
	if r.trace != nil {
		_ = r.trace.Close() // its records have been synced, or will be made again
	}
	_ = r.lock.Close()
}
