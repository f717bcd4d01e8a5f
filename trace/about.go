package trace

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/machine"
)

// AboutName is the name of the file in a run's folder that says what the run is.
const AboutName = "about.json"

// About is what a run is, and how it ended.
type About struct {
	Method  string `json:"method"`
	Data    string `json:"data"`
	Network string `json:"network"` // widths of its layers, or what they are

	Parameters  int  `json:"parameters"`
	Samples     int  `json:"samples"` // that an iteration goes over: the training samples
	Test        int  `json:"test_samples"`
	Validation  int  `json:"validation_samples,omitempty"`
	Iterations  int  `json:"iterations"` // number of the last one; 0 if time ends it
	Threads     int  `json:"threads"`
	Ranks       int  `json:"ranks,omitempty"`        // processes, if they are several
	MiniBatches bool `json:"mini_batches,omitempty"` // an iteration is an epoch of them

	Seed     uint64    `json:"seed"`
	Settings []Setting `json:"settings"`          // those that differ from what suits the method and the data
	Command  string    `json:"command,omitempty"` // that makes the run again, or the comparison that it is of; "" of a program's own

	Host    string          `json:"host"`
	Machine machine.Machine `json:"machine"`
	Started time.Time       `json:"started"` // or resumed

	Outcome
}

// Outcome is how a run ended; zero until it has.
type Outcome struct {
	Status string    `json:"status,omitempty"` // a dlam.Status: why the run ended; "" until it has
	Error  string    `json:"error,omitempty"`
	Ended  time.Time `json:"ended,omitzero"`
	// Kept is the iteration whose network the model has, where validation samples chose it;
	// Refit says that its last layer was fitted anew after that. The trace knows of neither.
	Kept  int  `json:"kept_iteration,omitempty"`
	Refit bool `json:"refit,omitempty"`
	// The scores of the network that the run ended with.
	Train           *dlam.Score `json:"train,omitempty"`
	TestScore       *dlam.Score `json:"test,omitempty"`
	ValidationScore *dlam.Score `json:"validation,omitempty"`
	// Warning is what is to be known of the network that the run ended with.
	Warning string `json:"warning,omitempty"`
}

// Setting is a setting that is not what suits.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Suits string `json:"suits"` // what would be taken without it
}

// Write writes it as JSON.
func (a *About) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(a)
}

// ReadAbout reads the file at path.
func ReadAbout(path string) (*About, error) {
	const most = 1 << 20
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, fmt.Errorf("%s: not a file of at most %d bytes", path, most)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	a := &About{}
	if err := json.Unmarshal(raw, a); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}
