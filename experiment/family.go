package experiment

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/dlam-go/dlam/recipe"
)

// Family is the table of docs/family.md: alternating methods, and methods of first order
// to hold them against, all on one work. Each run is one of dlam train, defined by the
// words that follow that command, and is kept in a folder of its own.
type Family struct {
	Size    FamilySize
	Dir     string // where runs are kept, and the table is written
	Threads int
	Command string // how to repeat it, for the report
	// Open reads the samples that a run's words name.
	Open func(ctx context.Context, s recipe.Source) (recipe.Data, error)
	// MaxMemory is the bytes that the process may take; 0: what is available.
	MaxMemory float64
	// Progress is told of every iteration; may be nil.
	Progress func(FamilyProgress)
}

// FamilySize is how large the work is.
type FamilySize struct {
	Name       string // "full" for that of the documentation
	Samples    int    // first training samples
	Hidden     string // widths of the hidden layers
	Iterations int    // of methods that take all samples at a time
	Epochs     int    // of methods that take mini-batches
	Seeds      int    // runs of each method, from seeds 0, 1, …
}

// FullFamily is the size of the documentation's table, which takes hours.
func FullFamily() FamilySize {
	return FamilySize{Name: "full", Samples: 55000, Hidden: "100,100", Iterations: 50, Epochs: 5, Seeds: 3}
}

// QuickFamily takes a minute, on fewer samples and iterations.
func QuickFamily() FamilySize {
	return FamilySize{Name: "quick", Samples: 2000, Hidden: "100,100", Iterations: 5, Epochs: 3, Seeds: 1}
}

// FamilyProgress is how far a Family is.
type FamilyProgress struct {
	Run                   string // method and seed
	Done, Runs            int    // runs done, kept ones included, and all
	Iteration, Iterations int    // of the run
}

// FamilyMethod is a row of the table.
type FamilyMethod struct {
	Name  string
	Words string // what dlam train is told of it, the solver first, beside what is common to all
}

// FamilyMethods are the rows of the table. Settings are each method's defaults, or those
// with which docs/family.md has it; none was chosen on test samples.
func FamilyMethods() []FamilyMethod {
	const lnn = "--solver lifted --penalty quadratic --gamma 1 --rounds 3"
	return []FamilyMethod{
		{"dlam", "--solver dlam"},
		{"mdlam", "--solver mdlam"},
		{"cdlam", "--solver cdlam"},
		{"sync, all samples", "--solver sync --batch 0"},
		{"sync", "--solver sync --jitter 0"},
		{"bcd", "--solver bcd --alpha 0"},
		{"bcd, proximal", "--solver bcd"},
		{"lifted", "--solver lifted"},
		{"lifted, quadratic", lnn},
		{"lifted, Tikhonov", lnn + " --alpha 1 --theta 0.5"},
		{"lifted, mini-batches", "--solver lifted --batch 500 --jitter 0"},
		{"mac", "--solver mac --activation tanh"},
		{"onlineam, AM-Adam", "--solver onlineam --jitter 0"},
		{"onlineam, AM-SGD", "--solver onlineam --rule sgd --jitter 0"},
		{"onlineam, AM-mem", "--solver onlineam --rule memory --jitter 0"},
		{"admm", "--solver admm"},
		{"admm, all multipliers", "--solver admm --multipliers all"},
		{"admm, Zeng", "--solver admm --form zeng --activation sigmoid --loss squared --init lecun --l2 0.001"},
		{"dladmm", "--solver dladmm"},
		{"pdadmm", "--solver pdadmm"},
		{"pdadmm, 8 bits", "--solver pdadmm --bits 8"},
		{"adam, all samples", "--solver adam"},
		{"adam", "--solver adam --batch 200 --jitter 0"},
	}
}

// Validate reports every fault of the fields.
func (f Family) Validate() error {
	v := []error{}
	for _, one := range []struct {
		name string
		got  int
	}{{"threads", f.Threads}, {"samples", f.Size.Samples}, {"iterations", f.Size.Iterations}, {"epochs", f.Size.Epochs}, {"seeds", f.Size.Seeds}} {
		if one.got < 1 {
			v = append(v, fmt.Errorf("family: %s: got %d, want at least 1", one.name, one.got))
		}
	}
	return errors.Join(v...)
}

// Run trains what is not kept yet, and writes the table after each run, of what there is
// by then. When ctx ends the run under way is saved, and another Run goes on from there.
func (f Family) Run(ctx context.Context) error {
	if err := f.Validate(); err != nil {
		return err
	}
	runs, err := f.runs()
	if err != nil {
		return err
	}
	done, err := f.kept(runs)
	if err != nil {
		return err
	}
	var samples *recipe.Samples
	for _, r := range runs {
		if _, ok := done[r.words]; ok {
			continue
		}
		if samples == nil {
			if samples, err = f.samples(ctx, r); err != nil {
				return err
			}
			if err := f.write(runs, done); err != nil { // by which the folder is known for this program's
				return err
			}
		}
		tell := func(iteration, iterations int) {
			if f.Progress != nil {
				f.Progress(FamilyProgress{r.String(), len(done), len(runs), iteration, iterations})
			}
		}
		o, err := f.train(ctx, samples, r, tell)
		if err != nil {
			return fmt.Errorf("%s: %w", r, err)
		}
		if err := writeJSON(filepath.Join(r.folder(f.Dir), outcomeFile), o); err != nil {
			return err
		}
		done[r.words] = o
		if err := f.write(runs, done); err != nil {
			return err
		}
	}
	if samples == nil { // all was there
		return f.write(runs, done)
	}
	return nil
}

// samples are those of all runs.
func (f Family) samples(ctx context.Context, r familyRun) (*recipe.Samples, error) {
	c, err := configOf(r.words)
	if err != nil {
		return nil, err
	}
	c.Options.MaxMemory = f.MaxMemory
	data, err := f.Open(ctx, c.Source)
	if err != nil {
		return nil, err
	}
	s, err := data.Ready(&c.Options)
	if err == nil && s.Train.Rows() != f.Size.Samples {
		err = fmt.Errorf("%s: %d training samples, want %d", s.Name(), s.Train.Rows(), f.Size.Samples)
	}
	return s, err
}
