package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/machine"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/trace"
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

// familyFormat is raised when a change of the code makes kept outcomes worthless.
const familyFormat = 1

// common is what dlam train is told in every run.
func (f Family) common() string {
	return fmt.Sprintf("--data mnist --pool 2 --limit %d --hidden %s --init he --evaluate-every 0 --threads %d", f.Size.Samples, f.Size.Hidden, f.Threads)
}

// familyRun is a method from one seed.
type familyRun struct {
	method FamilyMethod
	seed   int
	words  string // all that dlam train is told
}

func (r familyRun) String() string { return fmt.Sprintf("%s, seed %d", r.method.Name, r.seed) }

// folder is where the run is kept.
func (r familyRun) folder(dir string) string {
	name := strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToLower(c)
		}
		return '-'
	}, r.String())
	return filepath.Join(dir, "runs", strings.ReplaceAll(name, "--", "-"))
}

// runs are all runs, those of a seed together, so that the table has every method early.
func (f Family) runs() ([]familyRun, error) {
	var list []familyRun
	for seed := range f.Size.Seeds {
		for _, m := range FamilyMethods() {
			words, err := f.words(m, seed)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Name, err)
			}
			list = append(list, familyRun{m, seed, words})
		}
	}
	return list, nil
}

// words are the common ones, the method's, and what follows from it: how long, and whether
// the last layer is fitted anew, for methods whose layers lag behind it.
func (f Family) words(m FamilyMethod, seed int) (string, error) {
	c, err := configOf(m.Words)
	if err != nil {
		return "", err
	}
	method, err := recipe.Find(c.Options.Method)
	if err != nil {
		return "", err
	}
	iterations, refit := f.Size.Iterations, ""
	if method.MiniBatches(&c.Options) {
		iterations = f.Size.Epochs
	}
	if method.Lags() {
		refit = " --refit"
	}
	return fmt.Sprintf("%s --seed %d --iterations %d%s %s", f.common(), seed, iterations, refit, m.Words), nil
}

// configOf is the settings that words of a command line are.
func configOf(text string) (c recipe.Config, err error) {
	words := strings.Fields(text)
	for i := 0; i < len(words); i++ {
		name, value := strings.TrimPrefix(words[i], "--"), "true" // a switch's
		if i+1 < len(words) && !strings.HasPrefix(words[i+1], "--") {
			i++
			value = words[i]
		}
		e, ok := c.Entry(name)
		if !ok {
			return c, fmt.Errorf("no setting is called %q", name)
		}
		if err := e.Set(value); err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
	}
	return c, nil
}

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
	done := map[string]familyOutcome{}
	for _, r := range runs {
		o, ok, err := loadFamily(r, f.Dir)
		if err != nil {
			return err
		}
		if ok {
			done[r.words] = o
		}
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

// train is the run, or what is left of it. One that diverges, or whose network is worse
// than a constant, has an outcome too.
func (f Family) train(ctx context.Context, samples *recipe.Samples, r familyRun, tell func(iteration, iterations int)) (familyOutcome, error) {
	out := familyOutcome{Format: familyFormat, Words: r.words, Machine: machine.This()}
	c, err := configOf(r.words)
	if err != nil {
		return out, err
	}
	c.Options.MaxMemory = f.MaxMemory
	alone := c.Options // without what the refit takes
	alone.Refit = false
	own, err := samples.Plan(alone)
	if err != nil {
		return out, err
	}
	out.Memory = own.Memory
	c.Options.Folder, c.Options.Resume = r.folder(f.Dir), true
	if err := clearEnded(c.Options.Folder); err != nil {
		return out, err
	}
	c.Options.Checkpoint = &recipe.Every{Time: 5 * time.Minute} // saving counts as processor time
	plan, err := samples.Plan(c.Options)
	if err != nil {
		return out, err
	}
	run, err := plan.Start(ctx)
	if err != nil {
		return out, err
	}
	defer run.Close()
	spent := &meter{}
	res, err := run.Train(ctx, spent, recorderFunc(func(rec dlam.Record) error {
		tell(rec.Iteration, c.Options.Iterations)
		return nil
	}))
	switch {
	case res != nil && res.Status == dlam.Interrupted:
		return out, ctx.Err()
	case res != nil:
		out.Status = res.Status
	case errors.Is(err, dlam.ErrDiverged): // in its first iteration
		out.Status, out.Error = dlam.Diverged, err.Error()
		return out, nil
	default:
		return out, err
	}
	out.Seconds, out.Processor = res.Last.Elapsed/float64(max(1, res.Last.Iteration)), spent.mean()
	if err != nil {
		out.Error = err.Error()
		if out.Status != dlam.Diverged && out.Status != dlam.Useless {
			return out, err
		}
		return out, nil
	}
	out.Trained = scoresOf(res.Last.Train, res.Last.Test)
	if fit := res.Refit; fit != nil {
		out.Trained, out.Refitted = scoresOf(fit.Trained.Train, fit.Trained.Test), out.Trained
		out.Random = scoresOf(fit.Random.Train, fit.Random.Test)
	}
	return out, nil
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

// meter measures the processor time of iterations: of all but this process's first, in
// which memory is touched for the first time, and those after which the network is scored.
type meter struct {
	before, sum time.Duration
	began       bool
	n           int
}

// Record is told of the end of an iteration.
func (m *meter) Record(r dlam.Record) error {
	now, told := machine.ProcessorTime()
	if told && m.began && r.Train == nil {
		m.sum += now - m.before
		m.n++
	}
	m.before, m.began = now, told
	return nil
}

// mean is the seconds an iteration; 0 where there were none.
func (m *meter) mean() float64 { return m.sum.Seconds() / float64(max(1, m.n)) }
