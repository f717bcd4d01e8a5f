package recipe

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/trace"
)

// Past is a run as the files in its folder tell of it.
type Past struct {
	Folder   string
	Names    []string          // of its settings, in the order of config.toml
	Settings map[string]string // each as text
	// Status is the model's dlam.Status, or Unfinished.
	Status string
	Last   dlam.Record // of the trace; zero before the first iteration
	// The scores of the network that was saved, or of the last that was measured; nil for none.
	Train, Test, Validation *dlam.Score
	Changed                 time.Time // when the last of its files was written
}

// Unfinished is the status of a run that goes on, or that can go on with --resume.
const Unfinished = "unfinished"

// ReadPast reads what a run's folder tells. A folder without config.toml holds no run,
// which is an error that wraps fs.ErrNotExist.
func ReadPast(folder string) (*Past, error) {
	p := &Past{Folder: folder, Status: Unfinished}
	for _, name := range []string{ConfigName, trace.FileName, trace.AboutName, model.FileName, model.CheckpointName} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err == nil && !info.Mode().IsRegular() { // a pipe may never end
			return nil, fmt.Errorf("%s: not a regular file", filepath.Join(folder, name))
		}
		if err == nil && info.ModTime().After(p.Changed) {
			p.Changed = info.ModTime()
		}
	}
	raw, err := os.ReadFile(filepath.Join(folder, ConfigName))
	if err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	if p.Names, p.Settings, _, err = decode(string(raw)); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(folder, ConfigName), err)
	}
	records, err := trace.ReadFile(filepath.Join(folder, trace.FileName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, r := range records {
		if p.Last = r; r.Train != nil {
			p.Train, p.Test, p.Validation = r.Train, r.Test, r.Validation
		}
	}
	about, err := trace.ReadAbout(filepath.Join(folder, trace.AboutName))
	if err == nil && about.Train != nil {
		p.Train, p.Test, p.Validation = about.Train, about.TestScore, about.ValidationScore
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return p, p.readStatus()
}

// readStatus reads how the run ended, if it has: a checkpoint goes when a model is made.
func (p *Past) readStatus() error {
	if _, err := os.Stat(filepath.Join(p.Folder, model.CheckpointName)); err == nil {
		return nil
	}
	m, err := model.Load(filepath.Join(p.Folder, model.FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	p.Status = m.Training.Status
	p.Last.Iteration = max(p.Last.Iteration, m.Training.Iterations) // the trace may be gone
	return nil
}

// CompareScores orders scores by accuracy, and by R² of values: the better is more.
// No score, nil, is the least.
func CompareScores(a, b *dlam.Score) int {
	if a == nil || b == nil {
		return cmp.Compare(btoi(a != nil), btoi(b != nil))
	}
	return cmp.Or(cmp.Compare(a.Accuracy, b.Accuracy), cmp.Compare(a.R2, b.R2))
}
