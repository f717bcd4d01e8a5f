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
	"github.com/dlam-go/dlam/trace"
)

// familyFormat is raised when a change of the code makes kept outcomes worthless.
const familyFormat = 1

// familyOutcome is how a run ended.
type familyOutcome struct {
	Format  int             `json:"format"`
	Words   string          `json:"words"` // that dlam train is told
	Status  dlam.Status     `json:"status"`
	Error   string          `json:"error,omitempty"` // why it gave no network worth having
	Machine machine.Machine `json:"machine"`
	// Seconds are those of training an iteration by the clock, and Processor those of the
	// processor; 0 where the system does not tell, or the run was stopped within every
	// iteration that counts.
	Seconds   float64 `json:"seconds"`
	Processor float64 `json:"processor_seconds"`
	Memory    float64 `json:"memory"`  // bytes that the method says it takes beside the samples
	Trained   *scores `json:"trained"` // nil where it gave no network worth having
	Refitted  *scores `json:"refitted,omitempty"`
	Random    *scores `json:"random,omitempty"` // of random hidden layers, with a last layer fitted to them
}

// scores are accuracies, as shares of 1.
type scores struct {
	Train float64 `json:"train"`
	Test  float64 `json:"test"`
}

func scoresOf(train, test *dlam.Score) *scores {
	if train == nil || test == nil {
		return nil
	}
	return &scores{train.Accuracy, test.Accuracy}
}

// kept are the outcomes that there are already, by the runs' words.
func (f Family) kept(runs []familyRun) (map[string]familyOutcome, error) {
	done := map[string]familyOutcome{}
	for _, r := range runs {
		o, ok, err := loadFamily(r, f.Dir)
		if err != nil {
			return nil, err
		}
		if ok {
			done[r.words] = o
		}
	}
	return done, nil
}

// loadFamily gives a kept outcome.
func loadFamily(r familyRun, dir string) (o familyOutcome, ok bool, err error) {
	path := filepath.Join(r.folder(dir), outcomeFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return o, false, nil
	}
	if err != nil {
		return o, false, err
	}
	if err := json.Unmarshal(b, &o); err != nil {
		return o, false, fmt.Errorf("%s: no outcome of a run: %w: remove the file, and the run is done again", path, err)
	}
	if o.Format != familyFormat || o.Words != r.words {
		return o, false, fmt.Errorf("%s: is of another run (dlam train %s), want that of dlam train %s: remove the folder, or name another by --out", path, o.Words, r.words)
	}
	return o, true, nil
}

// clearEnded removes a run that ended and whose outcome was not kept, as where the disk was
// full: it cannot go on, and is done again.
func clearEnded(folder string) error {
	about, err := trace.ReadAbout(filepath.Join(folder, trace.AboutName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	switch dlam.Status(about.Status) {
	case "", dlam.Interrupted, dlam.Failed: // what is under way, or was killed, goes on
		return nil
	}
	return os.RemoveAll(folder)
}
