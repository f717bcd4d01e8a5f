package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/machine"
	"github.com/dlam-go/dlam/trace"
)

// Run is a run by its name and trace.
type Run struct {
	Name    string
	Records []dlam.Record
	About   *trace.About // what it is; nil if that is not known
	// Group is a name that runs have in common which differ in their seeds alone: pages
	// show them as one curve and its spread. "": no others.
	Group string
}

// ReadRun reads a run from its folder, or from a trace file. A run still
// going on may have an unfinished last line, which is not read.
func ReadRun(path string) (Run, error) {
	file, err := tracePath(path)
	if err != nil {
		return Run{}, err
	}
	name, err := runName(file)
	if err != nil {
		return Run{}, err
	}
	if _, err := statTrace(file); err != nil {
		return Run{}, err
	}
	records, err := trace.ReadFile(file)
	if err != nil {
		return Run{}, err
	}
	about, err := trace.ReadAbout(filepath.Join(filepath.Dir(file), trace.AboutName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Run{}, err
	}
	return Run{Name: name, Records: records, About: about}, nil
}

// runName is the name of the run whose trace path is.
func runName(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	name := filepath.Base(abs)
	if name == trace.FileName {
		name = filepath.Base(filepath.Dir(abs))
	}
	return name, nil
}

// tracePath is the trace that path means.
func tracePath(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return filepath.Join(path, trace.FileName), nil
	}
	return path, nil
}

// statTrace is os.Stat of a trace, which is an error where it is no regular file: to open
// a pipe may never end.
func statTrace(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", path)
	}
	return info, err
}

// Seeds puts runs that differ in their seeds alone, as far as is known, into groups.
// Where and when they were made may differ too, and how they ended; the program may not.
func Seeds(runs []Run) []Run {
	runs = slices.Clone(runs)
	same := map[string][]int{}
	for i, r := range runs {
		if r.About != nil && r.Group == "" {
			key := *r.About
			key.Machine = machine.Machine{Revision: key.Machine.Revision}
			key.Seed, key.Command, key.Host, key.Started, key.Outcome = 0, "", "", time.Time{}, trace.Outcome{}
			text := fmt.Sprintf("%#v", key)
			same[text] = append(same[text], i)
		}
	}
	for _, list := range same {
		seeds := map[uint64]bool{}
		for _, i := range list {
			seeds[runs[i].About.Seed] = true
		}
		if len(list) < 2 || len(seeds) < len(list) {
			continue
		}
		for _, i := range list {
			runs[i].Group = fmt.Sprintf("%s and %d more seeds", runs[list[0]].Name, len(list)-1)
		}
	}
	return runs
}
