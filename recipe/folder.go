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
	lock  *os.File
	trace *os.File
	made  bool        // the folder was made by this process
	kept  bool        // the run was there before, and stays if it cannot go on
	last  dlam.Record // the trace's last record that a resumed run keeps
	notes []string    // what people are to be told of it
}

// ErrForeign is the fault of a run folder in which there are files that no run has
// made; see Options.Force.
var ErrForeign = atomicfile.ErrForeign

// createFolder makes a new run folder with its config, and the first weights if
// they were given. One with files of others is taken by force alone.
func createFolder(path, config string, given *dlam.Network, force bool) (*folder, error) {
	if err := atomicfile.CheckFolder(path, ConfigName, lockName, StartName); err != nil && (!force || !errors.Is(err, ErrForeign)) {
		return nil, refusef("run folder: %w", err)
	}
	_, err := os.Lstat(path) // a link stays
	made := errors.Is(err, os.ErrNotExist)
	if err := atomicfile.MkdirAll(path); err != nil {
		return nil, refusef("run folder: %w", err)
	}
	r, err := lockFolder(path)
	if err != nil {
		return nil, err
	}
	r.made = made
	if _, err := os.Stat(r.file(ConfigName)); err == nil {
		r.close()
		return nil, refusef("%s: the folder holds a run already; name another, or resume it", path)
	}
	err = os.Remove(r.file(trace.FileName)) // it may be a link to what is to stay
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
		r.trace, err = os.OpenFile(r.file(trace.FileName), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o644)
	}
	if err != nil {
		r.discard()
		return nil, refusef("run folder: %w", err)
	}
	return r, nil
}

// lockFolder takes the folder's lock: two processes must not write one run. The
// system drops the lock of a process that dies, so that none goes stale; what
// such a process left half written is removed.
func lockFolder(path string) (*folder, error) {
	f, err := os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, refusef("run folder: %w", err)
	}
	if err := tryLock(f); err != nil {
		_ = f.Close()
		return nil, refusef("%s: another process is writing this run", path)
	}
	r := &folder{path: path, lock: f}
	for _, name := range []string{ConfigName, StartName, trace.FileName, model.FileName, model.CheckpointName} {
		if err := atomicfile.RemoveLeft(r.file(name)); err != nil {
			r.close()
			return nil, refusef("run folder: %w", err)
		}
	}
	return r, nil
}

// differences says which settings of the folder's run are others in a file's
// text; "" if none of those in the text are.
func (r *folder) differences(text string) string {
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
	if list == nil {
		return ""
	}
	return ": " + strings.Join(list, ", ")
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
		r.trace, err = os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0o644)
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
	for _, name := range []string{trace.FileName, ConfigName, StartName, lockName} {
		_ = os.Remove(r.file(name)) // may not be there
	}
	if r.made {
		_ = os.Remove(r.path)
	}
}

func (r *folder) file(name string) string { return filepath.Join(r.path, name) }

// endTrace makes the trace last.
func (r *folder) endTrace() error {
	err := errors.Join(r.trace.Sync(), r.trace.Close())
	r.trace = nil
	return err
}

// close drops the lock.
func (r *folder) close() {
	if r.trace != nil {
		_ = r.trace.Close() // its records have been synced, or will be made again
	}
	_ = r.lock.Close()
}
