//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/trace"
)

// A disk that loses its power keeps what was synced. Of the rest it may keep anything:
// each name that was made, renamed or removed in a folder since that was synced, and
// each write to a file since that was, on its own, whatever their order; of a write
// also its length alone, with zeros in it. No file system loses more.

// written is a write to a file.
type written struct {
	data   []byte
	synced bool
}

// renamed is a change of names in a folder: file is what the name stands for then, nil
// for nothing, and from a name that is no more.
type renamed struct {
	folder, name, from string
	file               *[]*written // nil in a folder: the name is gone
	isFolder           bool
	synced             bool
}

// disk is what was done to a disk.
type disk struct {
	names []*renamed
	open  map[string]*[]*written // what names stand for with power
}

// newDisk is a disk with the files of a folder.
func newDisk(t *testing.T, folder string) *disk {
	t.Helper()
	d := &disk{open: map[string]*[]*written{}}
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err == nil {
		d.names = append(d.names, &renamed{folder: filepath.Dir(folder), name: folder, isFolder: true, synced: true})
	}
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file := &[]*written{{raw, true}}
		d.open[path] = file
		d.names = append(d.names, &renamed{folder: folder, name: path, file: file, synced: true})
	}
	return d
}

// do does an operation.
func (d *disk) do(e entry) {
	change := func(r renamed) {
		r.folder = filepath.Dir(r.name)
		d.names = append(d.names, &r)
	}
	switch e.Op {
	case "mkdir":
		change(renamed{name: e.Path, isFolder: true})
	case "create", "open":
		if d.open[e.Path] == nil {
			d.open[e.Path] = new([]*written)
			change(renamed{name: e.Path, file: d.open[e.Path]})
		}
	case "write":
		file := d.open[e.Path]
		*file = append(*file, &written{data: e.Data})
	case "sync":
		for _, w := range *d.open[e.Path] {
			w.synced = true
		}
	case "rename":
		change(renamed{name: e.To, from: e.Path, file: d.open[e.Path]})
		d.open[e.To] = d.open[e.Path]
		delete(d.open, e.Path)
	case "remove":
		if d.open[e.Path] != nil {
			change(renamed{name: e.Path})
			delete(d.open, e.Path)
		}
	case "syncfolder":
		for _, r := range d.names {
			r.synced = r.synced || r.folder == e.Path
		}
	}
}

// most is how many changes may be kept or lost at a time.
const most = 14

// afterCut calls f with the files, by their paths, of each state that the disk may be
// in when the power is cut now; a folder is a path with nil.
func (d *disk) afterCut(t *testing.T, f func(files map[string][]byte)) {
	t.Helper()
	var choices []func(int) // of each change that may be lost: sets what becomes of it
	var of []int            // how many there are
	kept := map[*renamed]bool{}
	for _, r := range d.names {
		if kept[r] = r.synced; !r.synced {
			choices, of = append(choices, func(c int) { kept[r] = c == 1 }), append(of, 2)
		}
	}
	fate := map[*written]int{}
	seen := map[*[]*written]bool{nil: true}
	for _, r := range d.names {
		if seen[r.file] {
			continue
		}
		seen[r.file] = true
		for _, w := range *r.file {
			if !w.synced {
				choices, of = append(choices, func(c int) { fate[w] = c }), append(of, 3)
			}
		}
	}
	if len(choices) > most {
		t.Fatalf("%d changes that are not synced: too many to try all", len(choices))
	}
	at := make([]int, len(choices))
	for {
		for i, c := range choices {
			c(at[i])
		}
		f(d.state(kept, fate))
		i := 0
		for ; i < len(at); i++ {
			if at[i]++; at[i] < of[i] {
				break
			}
			at[i] = 0
		}
		if i == len(at) {
			return
		}
	}
}

// state is the files, where some names are kept, and of writes that are not synced
// nothing (0), all (1) or the length (2).
func (d *disk) state(kept map[*renamed]bool, fate map[*written]int) map[string][]byte {
	names := map[string]*renamed{}
	for _, r := range d.names {
		if !kept[r] {
			continue
		}
		delete(names, r.from)
		if names[r.name] = r; r.file == nil && !r.isFolder {
			delete(names, r.name)
		}
	}
	files := map[string][]byte{}
	for name, r := range names {
		if r.isFolder {
			files[name] = nil
			continue
		}
		content, end := []byte{}, 0
		for _, w := range *r.file {
			end += len(w.data)
			switch {
			case w.synced || fate[w] == 1:
				content = append(append(content, make([]byte, end-len(w.data)-len(content))...), w.data...)
			case fate[w] == 2:
				content = append(content, make([]byte, end-len(content))...)
			}
		}
		files[name] = content
	}
	for name := range files { // with a folder goes what is in it
		if parent, there := names[filepath.Dir(name)]; filepath.Base(name) != "run" && (!there || !parent.isFolder) {
			delete(files, name)
		}
	}
	return files
}

// contentDigest is the digest of the files that a run does not take for left half written.
func contentDigest(files map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if base := filepath.Base(name); base[0] != '.' {
			_, _ = fmt.Fprintf(h, "%q %d ", base, len(files[name]))
			_, _ = h.Write(files[name])
		}
	}
	return string(h.Sum(nil))
}

// lay writes the files, which were in a folder called run, to another.
func lay(t *testing.T, files map[string][]byte, folder string) {
	t.Helper()
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		var err error
		if files[name] == nil {
			err = os.Mkdir(folder, 0o755)
		} else {
			err = os.WriteFile(filepath.Join(folder, filepath.Base(name)), files[name], 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// stands is how far a run is, by what lies in its folder: the iterations of its
// checkpoint, or all if it has ended.
func stands(folder string, iterations int) (done int, ended bool, err error) {
	c, err := model.LoadCheckpoint(filepath.Join(folder, model.CheckpointName))
	if err == nil {
		return c.Iteration, false, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return 0, false, err
	}
	m, err := model.Load(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return 0, false, nil
	case err != nil:
		return 0, false, err
	}
	return iterations, m.Training.Status == string(dlam.Completed), nil
}

// powerCuts cuts the power after each operation, in all ways, and calls f with each
// folder of another content that then lies there, and with what must be in it: the
// iterations of the last state that was saved before, until f says that it is enough.
func powerCuts(t *testing.T, before string, ops []operation, f func(folder string, saved int) (enough bool)) (cuts, states int) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "run")
	tried := map[string]bool{}
	saved, _, err := stands(before, 0)
	if err != nil {
		t.Fatal(err)
	}
	d, on, enough := newDisk(t, before), saved, false
	for _, op := range ops {
		if enough {
			break
		}
		d.do(op.entry)
		switch {
		case op.Op == "write" && op.file() == "trace.jsonl" && filepath.Base(op.Path) == "trace.jsonl":
			on++
		case op.Op == "syncfolder" && (strings.HasPrefix(prev(ops, op).name, "rename ") && prev(ops, op).To == filepath.Join(before, model.CheckpointName)):
			saved = on
		}
		cuts++
		d.afterCut(t, func(files map[string][]byte) {
			states++
			key := fmt.Sprint(saved, contentDigest(files))
			if enough || tried[key] {
				return
			}
			tried[key] = true
			lay(t, files, folder)
			enough = f(folder, saved)
		})
	}
	return cuts, states
}

func prev(ops []operation, op operation) operation { return ops[max(0, op.n-2)] }

// quietly runs the program in this process.
func quietly(args ...string) (code int, said string) {
	var out bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), io.Discard, &out)
	return code, out.String()
}

// TestPowerCut cuts the power after each file operation of a run, and of one that goes
// on with it: whatever the disk has kept, there is the last state that was saved, or a
// later one, or the model of the run that has ended, and what goes on ends as the run
// that was left alone.
func TestPowerCut(t *testing.T) {
	program := faultyProgram(t)
	const iterations = 3
	dir := t.TempDir()
	straight, cut := filepath.Join(dir, "straight", "run"), filepath.Join(dir, "cut", "run")
	for _, folder := range []string{straight, cut} {
		if err := os.Mkdir(filepath.Dir(folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	start := func(folder string) []string {
		return shortRun("dlam", folder, iterations, "--checkpoint-every", "1", "--threads", "1")
	}
	ops := operations(t, program, start(straight)...)
	second := slices.IndexFunc(ops, func(op operation) bool {
		return op.Op == "rename" && op.file() == model.CheckpointName
	}) + 12 // in the iteration after the first checkpoint
	if code, said := attempt(program, fmt.Sprintf("DLAM_FAULT=%d kill", second), start(cut)...); code != -1 {
		t.Fatalf("exit code %d: %s", code, said)
	}
	was := filepath.Join(dir, "was", "run")
	if err := os.CopyFS(was, os.DirFS(cut)); err != nil {
		t.Fatal(err)
	}
	goOn := func(folder string) []string {
		return []string{"train", "--quiet", "--resume", folder, "--checkpoint-every", "1"}
	}
	more := operations(t, program, goOn(cut)...)
	if err := os.RemoveAll(cut); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(cut, os.DirFS(was)); err != nil {
		t.Fatal(err)
	}
	tried := 0
	hold := func(folder string, saved int) bool {
		tried++
		done, ended, err := stands(folder, iterations)
		if err != nil || done < saved {
			t.Errorf("%d iterations were saved, and %d are there: %v", saved, done, err)
		}
		if ended { // and nothing is left to do
			about, err := trace.ReadAbout(filepath.Join(folder, trace.AboutName))
			if err != nil || about.Status != string(dlam.Completed) {
				t.Errorf("the run has ended, and about.json says %+v, %v", about, err)
			}
			wantNoneLeft(t, folder)
		} else {
			args := goOn(folder)
			if !exists(folder, recipe.ConfigName) {
				args = start(folder)
			}
			if code, said := quietly(args...); code != exitDone {
				t.Errorf("exit code %d: %s", code, said)
			}
		}
		if wantSame(t, folder, straight, iterations); t.Failed() {
			t.FailNow()
		}
		return false
	}
	cuts, states := powerCuts(t, filepath.Join(dir, "none", "run"), rebase(ops, straight, filepath.Join(dir, "none", "run")), hold)
	again, moreStates := powerCuts(t, cut, more, hold)
	t.Logf("power cut after %d operations: %d states, %d of other content, each gone on with", cuts+again, states+moreStates, tried)

	for name, spoil := range spoilt() { // what the test is to find
		found := false
		powerCuts(t, filepath.Join(dir, "none", "run"), rebase(spoil(ops), straight, filepath.Join(dir, "none", "run")), func(folder string, saved int) bool {
			done, _, err := stands(folder, iterations)
			found = err != nil || done < saved
			return found
		})
		if !found {
			t.Errorf("%s: no state is found in which something is lost", name)
		}
	}
}

// rebase is the operations in another folder.
func rebase(ops []operation, from, to string) []operation {
	ops = slices.Clone(ops)
	for i := range ops {
		ops[i].n = i + 1
		for _, path := range []*string{&ops[i].Path, &ops[i].To} {
			if rest, ok := strings.CutPrefix(*path, from); ok {
				*path = to + rest
			} else if *path == filepath.Dir(from) {
				*path = filepath.Dir(to)
			}
		}
	}
	return ops
}

// spoilt are runs that do not sync what they must, or remove their state too early.
func spoilt() map[string]func([]operation) []operation {
	without := func(drop func(op operation) bool) func([]operation) []operation {
		return func(ops []operation) []operation { return slices.DeleteFunc(slices.Clone(ops), drop) }
	}
	return map[string]func([]operation) []operation{
		"files are not synced": without(func(op operation) bool { return op.Op == "sync" }),
		"the state is not synced": without(func(op operation) bool {
			return op.Op == "sync" && op.file() == model.CheckpointName
		}),
		"the folder is not synced after the model": func(ops []operation) []operation {
			at := slices.IndexFunc(ops, func(op operation) bool { return op.Op == "rename" && op.file() == model.FileName })
			rest := slices.DeleteFunc(slices.Clone(ops[at:]), func(op operation) bool { return op.Op == "syncfolder" })
			return slices.Concat(ops[:at], rest)
		},
		"a new folder is not synced into its own": without(func(op operation) bool {
			return op.Op == "syncfolder" && filepath.Base(op.Path) != "run"
		}),
		"the state is removed before the model is there": func(ops []operation) []operation {
			ops = slices.Clone(ops)
			at := slices.IndexFunc(ops, func(op operation) bool { return op.Op == "rename" && op.file() == model.FileName })
			gone := slices.IndexFunc(ops, func(op operation) bool { return op.name == "remove "+model.CheckpointName })
			remove := ops[gone]
			return slices.Insert(slices.Delete(ops, gone, gone+1), at, remove)
		},
	}
}
