package recipe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/loss"
)

// Setting is a setting by its name, with its value as Entry.Set reads it.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Searching says how Search goes about it. The zero value searches DefaultSpace.
type Searching struct {
	Space  Space
	Budget int           // settings that are tried at most, beside the options' own; 0: 20
	Time   time.Duration // after which the search ends, with what was found; 0: no bound. What is found then depends on the machine
	// Folds are the parts of the training samples, by CrossValidate's division, on each
	// of which a setting is judged that was trained on the others; 1 holds a fifth back
	// once. 0: three.
	Folds int
	Tell  func(Trial) // told of each trial as it is done; nil: nobody
}

const (
	defaultBudget      = 20
	defaultSearchFolds = 3
	heldBack           = 5 // parts, of which one is held back where Folds is 1
)

// rungs are the shares of the iterations for which settings are tried; half of them go
// from each to the next.
var rungs = []float64{0.25, 0.5, 1}

// Trial is settings that were tried for a share of the iterations.
type Trial struct {
	Number     int       `json:"number"`   // of the settings: 1 for the options' own
	Settings   []Setting `json:"settings"` // what differs from the options; none for number 1
	Share      float64   `json:"share"`    // of the iterations
	Iterations int       `json:"iterations"`
	// Risk is the mean over the folds of the risk on held-back samples: see Found.Measure;
	// nil where no model came of it, as Failure says.
	Risk    *float64 `json:"risk"`
	Error   *float64 `json:"standard_error"` // of the mean; nil for one fold
	Seconds float64  `json:"seconds"`        // of training alone
	Failure string   `json:"failure,omitempty"`
}

// Text is the settings as a space has them.
func (t Trial) Text() string {
	if len(t.Settings) == 0 {
		return "as without a search"
	}
	parts := make([]string, len(t.Settings))
	for i, s := range t.Settings {
		parts[i] = s.Name + "=" + s.Value
	}
	return strings.Join(parts, "; ")
}

// Found is what Search found.
type Found struct {
	Space   Space
	Size    float64 // settings in the space, of which Budget were tried at most
	Measure string  // of the risk: log-loss, RMSE, of several values 1 − R², or the share of samples classified wrong
	Trials  []Trial // in the order in which they were done
	// Best is, of those that were trained longest, the one of the least risk. Risk is nil, with
	// no error, only where Searching.Time ended the search before any had one.
	Best    Trial
	Options Options // with the best's settings: what to train with on all samples
	// TimedOut says that Searching.Time, and Interrupted that the context, ended the
	// search before all was tried.
	TimedOut, Interrupted bool
}

// Search finds settings for data by how good models are on held-back training samples,
// by successive halving (Jamieson and Talwalkar 2016): every setting is trained for a
// quarter of its iterations, the better half of them for a half, and the better half of
// those for all (fewer than eight settings, and fewer than four, begin later). The
// options' own setting is always among them, and kept to the end. Test samples, held back
// as by Train, are not looked at. The same seed finds the same, unless Time ends it.
//
// The risk is the log-loss, of a value the RMSE in its units, of several 1 − R², and the
// share of samples classified wrong where some of the losses gives no probabilities.
// Settings of which no model comes lose, with the reason in Trial.Failure. Once ctx ends so does the search,
// with what was found, and no error unless nothing was: then it is ctx's, and Best.Risk is nil. Train with Found.Options on the same data makes the
// model; it looks at the test samples for the first time.
func Search(ctx context.Context, data Data, o Options, s Searching) (*Found, error) {
	h, err := newHalving(data, o, s)
	if err != nil {
		return nil, err
	}
	within := ctx
	if s.Time > 0 {
		var stop func()
		within, stop = context.WithTimeout(ctx, s.Time)
		defer stop()
	}
	left := h.candidates
	for k := h.first; k < len(rungs); k++ {
		for _, c := range left {
			t, ok := h.try(within, c, rungs[k])
			if !ok {
				h.found.Interrupted = ctx.Err() != nil
				h.found.TimedOut = !h.found.Interrupted
				h.choose()
				if h.found.Best.Risk == nil {
					return h.found, ctx.Err()
				}
				return h.found, nil
			}
			h.found.Trials = append(h.found.Trials, t)
			if s.Tell != nil {
				s.Tell(t)
			}
		}
		left = h.better(left)
	}
	h.choose()
	if h.found.Best.Risk == nil {
		return h.found, refusef("search: no model came of any settings: %s", h.found.Best.Failure)
	}
	return h.found, nil
}

// Check reports every fault of a search of data with o that shows before any training.
func (s Searching) Check(data Data, o Options) error {
	_, err := newHalving(data, o, s)
	return err
}

// candidate is settings to try.
type candidate struct {
	number   int
	settings []Setting
	options  Options
}

// halving is a search under way.
type halving struct {
	d          dataset.Dataset // to train on, and to hold back from
	parts      []division
	candidates []candidate
	first      int     // rung
	held       float64 // bytes of what d is a copy of
	found      *Found
}

// newHalving checks everything before anything is trained.
func newHalving(data Data, o Options, s Searching) (*halving, error) {
	v := check.Of("")
	v.AtLeast(0, "budget", s.Budget, fmt.Sprintf("0: %d", defaultBudget))
	v.AtLeast(0, "folds", s.Folds, fmt.Sprintf("0: %d", defaultSearchFolds))
	v.That(s.Time >= 0, "seconds", s.Time, "at least 0 (0: no bound)")
	v.That(o.ranks().Size() == 1, "ranks", o.ranks().Size(), "one process")
	if err := v.Err(); err != nil {
		return nil, refuse(err)
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	split, err := data.Divide(&o)
	if err != nil {
		return nil, err
	}
	if _, err := o.classFactors(split.Train); err != nil {
		return nil, err
	}
	if s.Space == nil {
		if s.Space, err = DefaultSpace(data, o); err != nil {
			return nil, err
		}
	}
	h := &halving{d: split.Train, held: matrixBytes(data.split.Train), found: &Found{Space: s.Space, Size: s.Space.size(), Options: o}}
	if s.Budget == 0 {
		s.Budget = defaultBudget
	}
	if err := h.addCandidates(o, s); err != nil {
		return nil, err
	}
	h.first = max(0, len(rungs)-1-halvings(len(h.candidates)))
	h.measure()
	return h, h.divide(s.Folds, o.Seed)
}

// halvings is how often n can be halved so that two are left.
func halvings(n int) (k int) {
	for ; n >= 4; n /= 2 {
		k++
	}
	return k
}

// addCandidates sets what is tried.
func (h *halving) addCandidates(o Options, s Searching) error {
	given := &Config{Options: o}
	for _, d := range s.Space {
		e, ok := given.Entry(d.Name)
		if !ok || slices.Contains(unsearched, d.Name) {
			return refusef("space: %q is no setting to search", d.Name)
		}
		if e.Get() != nil {
			return refusef("%s: got %s, and it is in the space as well: leave one out", d.Name, e.Text())
		}
	}
	drawn, err := s.Space.draw(s.Budget, o.Seed)
	if err != nil {
		return err
	}
	h.candidates = []candidate{{number: 1, settings: []Setting{}, options: o}}
	for _, settings := range drawn {
		c := &Config{Options: o}
		for _, one := range settings {
			e, _ := c.Entry(one.Name) // looked at above
			if err := e.Set(one.Value); err != nil {
				return refusef("space: %s: %w", one.Name, err)
			}
		}
		k := candidate{len(h.candidates) + 1, settings, c.Options}
		if err := c.Options.Validate(); err != nil {
			return refusef("space: %s: %w", Trial{Settings: settings}.Text(), err)
		}
		h.candidates = append(h.candidates, k)
	}
	return nil
}

// measure chooses the risk that all candidates have.
func (h *halving) measure() {
	if h.d.Class == nil {
		h.found.Measure = "RMSE"
		if h.d.Value.Cols > 1 {
			h.found.Measure = "1 − R²"
		}
		return
	}
	h.found.Measure = "log-loss"
	for _, c := range h.candidates {
		if _, ok := c.options.Loss.(loss.Probabilistic); c.options.Loss != nil && !ok {
			h.found.Measure = "share wrong"
		}
	}
}

// divide sets the parts that are trained on and held back.
func (h *halving) divide(folds int, seed uint64) error {
	once := folds == 1
	switch folds {
	case 0:
		folds = defaultSearchFolds
	case 1:
		folds = heldBack
	}
	f := Folds{Number: folds}
	if err := f.validate(h.d.Rows()); err != nil {
		return err
	}
	h.parts = f.divide(h.d, seed)
	if once {
		h.parts = h.parts[:1]
	}
	return nil
}

// try tries a candidate for a share of its iterations; not ok if ctx ends it.
func (h *halving) try(ctx context.Context, c candidate, share float64) (Trial, bool) {
	t := Trial{Number: c.number, Settings: c.settings, Share: share}
	o := c.options
	o.TestSplit, o.Folder, o.Resume, o.Force = nil, "", false, false
	if o.MaxMemory > 0 {
		o.MaxMemory = max(1, o.MaxMemory-h.held)
	}
	var risks []float64
	for _, part := range h.parts {
		f, err := trainPart(ctx, h.d, part, o, share)
		if ctx.Err() != nil {
			return t, false
		}
		if err != nil {
			t.Failure = err.Error()
			return t, true
		}
		t.Failure = cmp.Or(t.Failure, f.Failure)
		t.Iterations, t.Seconds = f.Iterations, t.Seconds+f.Seconds
		var risk float64
		switch h.found.Measure {
		case "RMSE":
			risk = *f.Report.Values.RMSE
		case "1 − R²":
			if f.Report.Values.R2 == nil {
				t.Failure = "R² is undefined: a value does not vary in a part of the rows"
				return t, true
			}
			risk = 1 - *f.Report.Values.R2
		case "log-loss":
			risk = *f.Report.Classes.LogLoss
		default:
			risk = 1 - f.Report.Classes.Accuracy
		}
		risks = append(risks, risk)
	}
	t.Risk, t.Error, _ = meanOf(risks)
	return t, true
}

// compare orders trials: those trained longer first, then by risk, then as they came.
func compare(a, b Trial) int {
	switch {
	case a.Share != b.Share:
		return cmp.Compare(b.Share, a.Share)
	case a.Risk == nil || b.Risk == nil:
		return cmp.Compare(btoi(a.Risk == nil), btoi(b.Risk == nil))
	}
	return cmp.Or(cmp.Compare(*a.Risk, *b.Risk), cmp.Compare(a.Number, b.Number))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Ranking is the trials, the best of those that were trained longest first.
func (f *Found) Ranking() []Trial { return slices.SortedStableFunc(slices.Values(f.Trials), compare) }

// better is the better half of candidates that have all been tried, best first; the
// options' own is among them.
func (h *halving) better(left []candidate) (kept []candidate) {
	most := (len(left) + 1) / 2
	for _, t := range h.found.Ranking()[:len(left)] {
		if len(kept) < most || t.Number == 1 {
			kept = append(kept, h.candidates[t.Number-1])
		}
	}
	return kept
}

// choose sets the best: the options' own where nothing was tried.
func (h *halving) choose() {
	h.found.Best = Trial{Number: 1}
	if len(h.found.Trials) > 0 {
		h.found.Best = h.found.Ranking()[0]
	}
	h.found.Options = h.candidates[h.found.Best.Number-1].options
}
