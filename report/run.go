package report

import (
	"os"
	"path/filepath"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/trace"
)

// Run is a run by its name and trace.
type Run struct {
	Name    string
	Records []dlam.Record
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
	records, err := trace.ReadFile(file)
	if err != nil {
		return Run{}, err
	}
	return Run{Name: name, Records: records}, nil
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
