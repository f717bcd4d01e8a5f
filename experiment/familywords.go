package experiment

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/dlam-go/dlam/recipe"
)

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
