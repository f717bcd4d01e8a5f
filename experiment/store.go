package experiment

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/machine"
	"github.com/dlam-go/dlam/report"
)

// outcome is a finished cell.
type outcome struct {
	Cell    Cell            `json:"cell"`
	Status  dlam.Status     `json:"status"`
	Error   string          `json:"error,omitempty"` // why a run diverged
	Machine machine.Machine `json:"machine"`
	Last    dlam.Record     `json:"last"`

	records []dlam.Record // from the trace beside it
}

// trained reports whether the run gave a network worth comparing.
func (o outcome) trained() bool { return o.Error == "" && o.Last.Train != nil }

// store keeps outcomes in a folder for each key. An outcome's file is written
// last, so that what is there is whole.
type store struct{ dir string }

const outcomeFile = "outcome.json"

// CellsDir is what a Reproduction writes in its folder before its report.
const CellsDir = "cells"

func (s store) folder(c Cell) string { return filepath.Join(s.dir, CellsDir, c.key()) }

// load gives a kept outcome.
func (s store) load(c Cell) (outcome, bool, error) {
	path := filepath.Join(s.folder(c), outcomeFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return outcome{}, false, nil
	}
	if err != nil {
		return outcome{}, false, err
	}
	var o outcome
	if err := json.Unmarshal(b, &o); err != nil {
		return outcome{}, false, fmt.Errorf("%s: %w", path, err)
	}
	if o.Cell.key() != c.key() {
		return outcome{}, false, fmt.Errorf("%s: is of another cell (%s); remove the folder", path, o.Cell)
	}
	run, err := report.ReadRun(s.folder(c))
	o.records = run.Records
	return o, true, err
}

func (s store) save(o outcome) error {
	return writeJSON(filepath.Join(s.folder(o.Cell), outcomeFile), o)
}
