package recipe_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/recipe"
)

func TestParseSpace(t *testing.T) {
	for text, want := range map[string]string{
		"l2=1,3,10; lambda=1,10,30; hidden=50|100,100": "l2=1,3,10; lambda=1,10,30; hidden=50|100,100",
		"layers=conv 4 3x3, max 2|dense 8":             "layers=conv 4 3x3, max 2|dense 8",
		" l2 = 1 | 3 ;":                                "l2=1,3",
		"hidden=100,100":                               "hidden=100,100",
		"activation=relu|tanh,relu; clamp=true":        "activation=relu|tanh,relu; clamp=true",
	} {
		s, err := recipe.ParseSpace(text)
		if err != nil || s.String() != want {
			t.Errorf("%q: got %q, %v", text, s, err)
		}
		if again, err := recipe.ParseSpace(s.String()); err != nil || !reflect.DeepEqual(again, s) {
			t.Errorf("%q does not read as itself: %q, %v", s, again, err)
		}
	}
	for text, want := range map[string]string{
		"lamda=1":       `"lamda" is no setting to search: want some of pool, bins, scale, hidden, .*did you mean lambda?`,
		"data=a":        `"data" is no setting to search`,
		"seed=1,2":      `"seed" is no setting to search`,
		"l2":            `got "l2", want l2=VALUE`,
		"l2=1; l2=2":    "l2 comes twice",
		"l2=1,1":        "l2: 1 comes twice",
		"l2=1,many":     `l2: got "many", want a number`,
		"l2=1,":         `l2: got "", want a`,
		"":              `want settings and their values, as l2=1,3,10`,
		"hidden=50,big": "want numbers of at least 1",
	} {
		_, err := recipe.ParseSpace(text)
		for part := range strings.SplitSeq(want, ".*") {
			if !errors.Is(err, recipe.ErrRefused) || !strings.Contains(err.Error(), part) {
				t.Errorf("%q: got %v, want %q", text, err, part)
			}
		}
	}
}

func space(t *testing.T, text string) recipe.Space {
	t.Helper()
	s, err := recipe.ParseSpace(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// timeless is trials without how long they took.
func timeless(all []recipe.Trial) []recipe.Trial {
	for i := range all {
		all[i].Seconds = 0
	}
	return all
}

// TestSearch: half of the settings go from each rung to the next, the options' own
// always among them; the best is that of least risk, as cross-validation has it; the test
// samples have no say.
func TestSearch(t *testing.T) {
	points, zones := zoned(150)
	o := recipe.Options{Seed: 5, Threads: 1, Hidden: []int{6}, Iterations: 8}
	s := recipe.Searching{Space: space(t, "l2=0.01,0.3,1,3,300; lambda=1,10,100"), Budget: 8, Folds: 2}
	train := must(dataset.FromRows("samples", points[:120], zones[:120]))
	data := recipe.From(dataset.Split{Train: train, Test: must(must(dataset.FromRows("samples", points[120:], zones[120:])).WithClasses(train.Classes))})
	found, err := recipe.Search(context.Background(), data, o, s)
	if err != nil {
		t.Fatal(err)
	}
	counts, own := map[float64]int{}, 0
	for _, trial := range found.Trials {
		counts[trial.Share]++
		if trial.Number == 1 {
			own++
		}
		if want := int(8 * trial.Share); trial.Iterations != want {
			t.Errorf("%g of 8 iterations are %d", trial.Share, trial.Iterations)
		}
		if trial.Share == 1 && *trial.Risk < *found.Best.Risk {
			t.Errorf("%s has risk %v, and the best %v", trial.Text(), *trial.Risk, *found.Best.Risk)
		}
	}
	if own != 3 || counts[0.25] != 9 || counts[0.5] < 5 || counts[0.5] > 6 || counts[1] < 3 || counts[1] > 4 || found.Size != 15 {
		t.Errorf("%v trials, %d of the options' own, of %g", counts, own, found.Size)
	}
	for i, one := range found.Best.Settings {
		e, _ := (&recipe.Config{Options: found.Options}).Entry(one.Name)
		if e.Text() != one.Value {
			t.Errorf("setting %d: %s is %s, want %s", i, one.Name, e.Text(), one.Value)
		}
	}
	cv, err := recipe.CrossValidate(context.Background(), recipe.From(dataset.Split{Train: train}), found.Options, recipe.Folds{Number: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if m := cv.Means()[2]; found.Measure != "log-loss" || m.Name != "log_loss" || *m.Mean != *found.Best.Risk {
		t.Errorf("%s of %v, cross-validation %s %v", found.Measure, *found.Best.Risk, m.Name, *m.Mean)
	}
	other := recipe.From(dataset.Split{Train: train, Test: train})
	again, err := recipe.Search(context.Background(), other, o, s)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(timeless(again.Trials), timeless(found.Trials)) {
		t.Error("other test samples, and other trials")
	}
}

// TestSearchValues: values are judged by RMSE in their units, and a setting of which no
// model comes loses.
func TestSearchValues(t *testing.T) {
	points, _ := circle(60)
	values := make([]float64, len(points))
	for i, p := range points {
		values[i] = 1000 + 100*float64(p[0])
	}
	found, err := recipe.Search(context.Background(), recipe.Rows(points, values), recipe.Options{Method: "sgd", Threads: 1, Iterations: 6},
		recipe.Searching{Space: space(t, "lr=0.01,1e30"), Folds: 1})
	if err != nil {
		t.Fatal(err)
	}
	if found.Measure != "RMSE" || !(*found.Best.Risk > 1 && *found.Best.Risk < 200) || len(found.Trials) != 3 {
		t.Errorf("%s of %+v", found.Measure, found.Best)
	}
	worst := found.Ranking()[2]
	if worst.Number != 3 || worst.Failure == "" {
		t.Errorf("a rate of 1e30: %+v", worst)
	}
}

// TestSearchEnds: by its context or its time, with what was found.
func TestSearchEnds(t *testing.T) {
	points, zones := zoned(60)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := recipe.Searching{Space: space(t, "l2=1,2,3"), Tell: func(trial recipe.Trial) {
		if trial.Number == 2 {
			cancel()
		}
	}}
	found, err := recipe.Search(ctx, recipe.Rows(points, zones), quick(), s)
	if err != nil || !found.Interrupted || found.TimedOut || len(found.Trials) != 2 || found.Best.Risk == nil {
		t.Errorf("interrupted: %+v, %v", found, err)
	}
	found, err = recipe.Search(ctx, recipe.Rows(points, zones), quick(), s)
	if !errors.Is(err, context.Canceled) || !found.Interrupted || found.Best.Risk != nil {
		t.Errorf("interrupted before any trial: %+v, %v", found, err)
	}
	found, err = recipe.Search(context.Background(), recipe.Rows(points, zones), quick(), recipe.Searching{Time: 1})
	if err != nil || found.Interrupted || !found.TimedOut || len(found.Trials) != 0 || found.Best.Number != 1 || found.Options.L2 != nil {
		t.Errorf("no time: %+v, %v", found, err)
	}
}

// TestDefaultSpace is around what suits, without what is given.
func TestDefaultSpace(t *testing.T) {
	points, zones := zoned(60)
	data := recipe.Rows(points, zones)
	for want, o := range map[string]recipe.Options{
		"l2=0.3,0.9,3,9,30; lambda=3,10,30; label-smoothing=0,0.05,0.1; bins=0,8,16; hidden=50,50|100,100|200,200": {},
		"lambda=3,10,30; label-smoothing=0,0.05,0.1; bins=0,8,16":                                                  {L2: new(1.0), Hidden: []int{8}},
		"l2=0.014,0.043,0.14,0.43,1.4; lr=0.0003,0.001,0.003; bins=0,8,16; hidden=50,50|100,100|200,200":           {Method: "adam", Settings: recipe.Settings{Batch: new(10)}},
	} {
		s, err := recipe.DefaultSpace(data, o)
		if err != nil || s.String() != want {
			t.Errorf("got  %q, %v\nwant %q", s, err, want)
		}
	}
	s, err := recipe.DefaultSpace(data.Pictures(picture.Image{Height: 1, Width: 2, Channels: 1, Max: 1}), recipe.Options{L2: new(1.0), Hidden: []int{8}})
	if want := "lambda=9,30,90; label-smoothing=0,0.05,0.1; moves=none|flip|crop|flip,crop|flip,crop,brightness"; err != nil || s.String() != want {
		t.Errorf("pictures: got  %q, %v\nwant %q", s, err, want)
	}
}

// TestSearchRefuses what it cannot do, by name.
func TestSearchRefuses(t *testing.T) {
	points, zones := zoned(20)
	for want, c := range map[string]struct {
		o recipe.Options
		s recipe.Searching
	}{
		"budget: got -1, want at least 0":              {quick(), recipe.Searching{Budget: -1}},
		"folds: got -1, want at least 0":               {quick(), recipe.Searching{Folds: -1}},
		"folds: got 99, want at most 16":               {quick(), recipe.Searching{Folds: 99}},
		"l2: got 3, and it is in the space as well":    {recipe.Options{L2: new(3.0)}, recipe.Searching{Space: space(t, "l2=1,2")}},
		"space: rho=1: rho: sync reads it with mode":   {quick(), recipe.Searching{Space: space(t, "rho=1")}},
		"space: l2=-2: l2: got -2, want":               {quick(), recipe.Searching{Space: space(t, "l2=1,-2")}},
		"space: it has 2097152 settings, want at most": {quick(), recipe.Searching{Space: many(21)}},
	} {
		if err := c.s.Check(recipe.Rows(points, zones), c.o); !errors.Is(err, recipe.ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// many is a space of so many settings of two values each.
func many(n int) (s recipe.Space) {
	for _, name := range strings.Fields("l1 l2 label-smoothing jitter momentum lambda rank lr warm-up decay intercept-rate beta1 beta delta rho epsilon alpha0 gamma eta alpha nu warm")[:n] {
		s = append(s, recipe.Dimension{Name: name, Values: []string{"0.1", "0.2"}})
	}
	return s
}
