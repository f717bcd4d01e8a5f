package recipe

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/prox"
)

// Space is settings by their names, as flags and config.toml have them, each with the
// values to try.
type Space []Dimension

// Dimension is a setting and its values, as Entry.Set reads them.
type Dimension struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// unsearched are settings that are not searched: what the samples are, and how much each
// counts, is given; chance, speed and what is seen of a run are no better or worse.
var unsearched = append([]string{"test-split", "class-weight", "validation", "patience", "seed", "evaluate-every", "threads", startEntry}, ofSource...)

// searchable are the names of the settings that can be searched.
func searchable() (names []string) {
	for _, e := range new(Config).Entries() {
		if !slices.Contains(unsearched, e.Name) {
			names = append(names, e.Name)
		}
	}
	return names
}

// ParseSpace reads a space as l2=1,3,10; hidden=50|100,100: settings with semicolons
// between, and their values with commas, or with bars, which settings need whose values
// have commas themselves. An error names what is no setting, or no value of it.
func ParseSpace(text string) (Space, error) {
	var s Space
	for part := range strings.SplitSeq(text, ";") {
		name, values, ok := strings.Cut(part, "=")
		if strings.TrimSpace(part) == "" { // after the last semicolon
			continue
		}
		name = strings.TrimSpace(name)
		e, known := new(Config).Entry(name)
		switch {
		case !known || slices.Contains(unsearched, name):
			return nil, refusef("space: %q is no setting to search: want some of %s%s", name, strings.Join(searchable(), ", "), check.Meant(name, searchable()))
		case !ok:
			return nil, refusef("space: got %q, want %s=VALUE,VALUE,…", strings.TrimSpace(part), name)
		case slices.ContainsFunc(s, func(d Dimension) bool { return d.Name == name }):
			return nil, refusef("space: %s comes twice", name)
		}
		d := Dimension{Name: name}
		separator := ","
		if strings.Contains(values, "|") || hasCommas(name) {
			separator = "|"
		}
		for v := range strings.SplitSeq(values, separator) {
			v = strings.TrimSpace(v)
			if err := e.Set(v); err != nil || v == "" && !e.TakesEmpty() {
				return nil, refusef("space: %s: %w", name, orWant(err, v))
			}
			if slices.Contains(d.Values, v) {
				return nil, refusef("space: %s: %s comes twice", name, v)
			}
			d.Values = append(d.Values, v)
		}
		s = append(s, d)
	}
	if len(s) == 0 {
		return nil, refusef("space: got %q, want settings and their values, as l2=1,3,10; hidden=50|100,100", text)
	}
	return s, nil
}

// hasCommas reports whether a value of the setting may have commas in it.
func hasCommas(name string) bool {
	return slices.Contains([]string{"hidden", "layers", "activation", "loss", "moves"}, name)
}

func orWant(err error, text string) error {
	if err == nil {
		err = fmt.Errorf("got %q, want a value", text)
	}
	return err
}

// String is the space as ParseSpace reads it.
func (s Space) String() string {
	parts := make([]string, len(s))
	for i, d := range s {
		separator := ","
		if hasCommas(d.Name) {
			separator = "|"
		}
		parts[i] = d.Name + "=" + strings.Join(d.Values, separator)
	}
	return strings.Join(parts, "; ")
}

// size is how many settings the space has.
func (s Space) size() float64 {
	n := 1.0
	for _, d := range s {
		n *= float64(len(d.Values))
	}
	return n
}

// at is the i-th settings of the space: the last dimension changes fastest.
func (s Space) at(i int) []Setting {
	list := make([]Setting, len(s))
	for k := len(s) - 1; k >= 0; k-- {
		n := len(s[k].Values)
		list[k] = Setting{s[k].Name, s[k].Values[i%n]}
		i /= n
	}
	return list
}

// draw is the settings of the space, or most of them by chance, without repetition.
func (s Space) draw(most int, seed uint64) ([][]Setting, error) {
	const limit = 1 << 20
	if s.size() > limit {
		return nil, refusef("space: it has %.0f settings, want at most %d", s.size(), limit)
	}
	index := rand.New(rand.NewPCG(seed, 0x5ea2c4)).Perm(int(s.size()))
	index = index[:min(most, len(index))]
	slices.Sort(index)
	list := make([][]Setting, len(index))
	for k, i := range index {
		list[k] = s.at(i)
	}
	return list, nil
}

// fewColumns is up to how many columns of a table DefaultSpace has bins: they multiply
// the first layer's inputs.
const fewColumns = 50

// DefaultSpace is a space around what suits data and o: weight decay, widths and what
// else matters most to the method. Settings that o has are not in it.
func DefaultSpace(data Data, o Options) (Space, error) {
	p, err := Prepare(data, o)
	if err != nil {
		return nil, err
	}
	given := &Config{Options: o}
	var s Space
	add := func(name string, values ...string) {
		if e, ok := given.Entry(name); ok && e.Get() == nil {
			s = append(s, Dimension{name, values})
		}
	}
	decay := tableDecay * float64(p.Total)
	if r, ok := p.Problem.Regularizer.(prox.L2); ok {
		decay = r.Lambda
	}
	if o.L1 == 0 {
		add("l2", around(decay, 0.1, 0.3, 1, 3, 10)...)
	}
	for _, r := range p.Reads {
		if v, ok := r.Value.(float64); ok && slices.Contains([]string{"lambda", "lr", "rho"}, r.Name) && v > 0 && !o.Settings.TryRates {
			add(r.Name, around(v, 0.3, 1, 3)...)
		}
	}
	if _, ok := p.Problem.Loss.(loss.CrossEntropy); ok && p.facts.method.smoothing != nil {
		add("label-smoothing", "0", "0.05", "0.1")
	}
	if p.Samples.Transform.Image.Width == 0 && p.Samples.Transform.Inputs <= fewColumns {
		add("bins", "0", "8", "16")
	}
	if p.facts.mini && p.facts.image.Width > 0 {
		add("moves", "none", "flip", "crop", "flip,crop", "flip,crop,brightness")
	}
	if w := p.Options.Hidden; len(w) > 0 && o.Layers == nil && o.Start == nil && o.StartFile == "" {
		var texts []string
		for _, factor := range []float64{0.5, 1, 2} {
			wide := slices.Clone(w)
			for l := range wide {
				wide[l] = max(1, int(factor*float64(w[l])))
			}
			texts = append(texts, textOf(wide))
		}
		add("hidden", texts...)
	}
	if len(s) == 0 {
		return nil, refusef("space: every setting of the default one is given: say what to search")
	}
	return s, nil
}

// around is multiples of v, with two digits.
func around(v float64, factors ...float64) []string {
	var texts []string
	for _, f := range factors {
		rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v*f, 'g', 2, 64), 64) // of its own text
		if t := strconv.FormatFloat(rounded, 'g', -1, 64); !slices.Contains(texts, t) && !math.IsNaN(rounded) {
			texts = append(texts, t)
		}
	}
	return texts
}
