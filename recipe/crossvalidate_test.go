package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/judge"
	"github.com/dlam-go/dlam/recipe"
)

// zoned is points of two classes, of which one is rarer; the later ones are farther out,
// so that a transform that has seen them is another.
func zoned(n int) (points [][]float32, zones []string) {
	points, zones = circle(n)
	for i, p := range points {
		p[0] *= 1 + float32(i)/float32(n)
		if i%3 == 0 {
			zones[i] = "inside"
		}
	}
	return points, zones
}

func quick() recipe.Options {
	return recipe.Options{Seed: 3, Hidden: []int{6}, Iterations: 4, Threads: 1}
}

// TestFoldIsTraining: a fold's figures are those of the model that Train makes of the
// fold's own samples, with nothing of the others.
func TestFoldIsTraining(t *testing.T) {
	points, zones := zoned(90)
	all := must(dataset.FromRows("samples", points, zones))
	for i := range points {
		all.Weight = append(all.Weight, 1+float32(i%3))
	}
	weighted := quick()
	weighted.ClassWeight.Balanced = true
	for _, o := range []recipe.Options{quick(), weighted} {
		cv, err := recipe.CrossValidate(context.Background(), recipe.From(dataset.Split{Train: all}), o, recipe.Folds{Number: 2, InOrder: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for k, f := range cv.Folds {
			end := 30 * (k + 1)
			test := all.RowRange(end, end+30)
			m, err := recipe.Train(context.Background(), recipe.From(dataset.Split{Train: all.RowRange(0, end), Test: test}), o)
			if err != nil {
				t.Fatal(err)
			}
			want := must(judge.Model(m.Model, must(m.Transform.Apply(test)), 1))
			if f.Train != end || !slices.Equal(f.Test, numbers(end, end+30)) || !reflect.DeepEqual(f.Report, want) {
				t.Errorf("fold %d: trained on %d, tested on %v:\ngot  %+v\nwant %+v", k+1, f.Train, f.Test, f.Report.Classes, want.Classes)
			}
			if got := f.Report.Classes.Accuracy; m.Training.ClassWeights == nil && math.Abs(got-m.Last.Test.Accuracy) > 1e-12 {
				t.Errorf("fold %d: accuracy %v, training says %v", k+1, got, m.Last.Test.Accuracy)
			}
		}
		if len(cv.Folds) != 2 || cv.Planned != 2 {
			t.Errorf("%d folds of %d, want 2 of 2", len(cv.Folds), cv.Planned)
		}
	}
}

func numbers(lo, hi int) (list []int) {
	for i := lo; i < hi; i++ {
		list = append(list, i)
	}
	return list
}

// TestFoldsAreStratified: every sample is tested once in each division, the folds are of
// one size, and so are their classes; another division is another one.
func TestFoldsAreStratified(t *testing.T) {
	points, zones := zoned(83)
	cv, err := recipe.CrossValidate(context.Background(), recipe.Rows(points, zones), quick(), recipe.Folds{Number: 4, Repeat: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for r := range 2 {
		var tested []int
		for k, f := range cv.Folds[4*r : 4*r+4] {
			if f.Repeat != r+1 || f.Fold != k+1 || f.Train+len(f.Test) != 83 || len(f.Test) < 20 || len(f.Test) > 21 {
				t.Errorf("fold %d: %d.%d trains on %d and tests on %d", 4*r+k, f.Repeat, f.Fold, f.Train, len(f.Test))
			}
			tested = append(tested, f.Test...)
			for c, one := range f.Report.Classes.Classes {
				if other := cv.Folds[4*r].Report.Classes.Classes[c]; math.Abs(one.Support-other.Support) > 1 {
					t.Errorf("fold %d has %g of class %s, and fold 1 %g", k+1, one.Support, one.Name, other.Support)
				}
			}
		}
		slices.Sort(tested)
		if !slices.Equal(tested, numbers(0, 83)) {
			t.Errorf("division %d tests %v", r+1, tested)
		}
	}
	if slices.Equal(cv.Folds[0].Test, cv.Folds[4].Test) {
		t.Error("the second division is the first")
	}
	again, err := recipe.CrossValidate(context.Background(), recipe.Rows(points, zones), quick(), recipe.Folds{Number: 4, Repeat: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(cv.Means(), again.Means()) {
		t.Error("the same seed gives other figures")
	}
}

// TestFoldsOfGroups: samples of a group are in one fold.
func TestFoldsOfGroups(t *testing.T) {
	points, zones := zoned(80)
	groups := make([]string, 80)
	for i := range groups {
		groups[i] = fmt.Sprint(i * i % 17)
	}
	cv, err := recipe.CrossValidate(context.Background(), recipe.Rows(points, zones), quick(), recipe.Folds{Number: 3, Groups: groups}, nil)
	if err != nil {
		t.Fatal(err)
	}
	fold := map[string]int{}
	for _, f := range cv.Folds {
		for _, i := range f.Test {
			if was, ok := fold[groups[i]]; ok && was != f.Fold {
				t.Fatalf("group %s is in folds %d and %d", groups[i], was, f.Fold)
			}
			fold[groups[i]] = f.Fold
		}
		if len(f.Test) < 80/3-20 {
			t.Errorf("fold %d has %d samples", f.Fold, len(f.Test))
		}
	}
	_, err = recipe.CrossValidate(context.Background(), recipe.Rows(points, zones), quick(), recipe.Folds{Number: 10, Groups: groups}, nil)
	if err == nil || !strings.Contains(err.Error(), "folds: got 10, want at most 9, which is how many groups there are") {
		t.Errorf("got %v", err)
	}
}

// TestFoldsInTime: every fold trains on what was before all that it tests.
func TestFoldsInTime(t *testing.T) {
	points, zones := zoned(61)
	times := make([]float64, 61)
	for i := range times {
		times[i] = float64(i * 7 % 61)
	}
	cv, err := recipe.CrossValidate(context.Background(), recipe.Rows(points, zones), quick(), recipe.Folds{Number: 3, InOrder: true, Times: times}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, f := range cv.Folds { // four parts of 15, and one more in the first
		for _, i := range f.Test {
			if at := int(times[i]); at < 16+15*k || at >= 31+15*k {
				t.Errorf("fold %d tests time %d", k+1, at)
			}
		}
		if f.Train != 16+15*k || len(f.Test) != 15 {
			t.Errorf("fold %d trains on %d and tests on %d", k+1, f.Train, len(f.Test))
		}
	}
}

// TestMeans: the mean of a figure and its standard error, by hand.
func TestMeans(t *testing.T) {
	points, zones := zoned(60)
	cv, err := recipe.CrossValidate(context.Background(), recipe.Rows(points, zones), quick(), recipe.Folds{Number: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := [3]float64{}
	for k, f := range cv.Folds {
		a[k] = f.Report.Classes.Accuracy
	}
	mean := (a[0] + a[1] + a[2]) / 3
	var s float64
	for _, v := range a {
		s += (v - mean) * (v - mean) / 2
	}
	got := cv.Means()[0]
	if got.Name != "accuracy" || math.Abs(*got.Mean-mean) > 1e-12 || math.Abs(*got.Error-math.Sqrt(s/3)) > 1e-12 || got.Folds != 3 {
		t.Errorf("got %+v: %v ± %v, want %v ± %v", got, *got.Mean, *got.Error, mean, math.Sqrt(s/3))
	}
	if cv.Folds = nil; cv.Means() != nil {
		t.Error("means of no folds")
	}
}

// TestCrossValidationEnds: with its context, and gives what was done.
func TestCrossValidationEnds(t *testing.T) {
	points, zones := zoned(60)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cv, err := recipe.CrossValidate(ctx, recipe.Rows(points, zones), quick(), recipe.Folds{}, func(f recipe.Fold) {
		if f.Fold == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || len(cv.Folds) != 2 || cv.Planned != 5 || len(cv.Means()) == 0 {
		t.Errorf("%d folds of %d, %v", len(cv.Folds), cv.Planned, err)
	}
}

// TestCrossValidationRefuses what it cannot do, by name.
func TestCrossValidationRefuses(t *testing.T) {
	points, zones := zoned(20)
	data := recipe.Rows(points, zones)
	for want, c := range map[string]struct {
		o recipe.Options
		f recipe.Folds
	}{
		"test-split: got 0.2, want none":                {recipe.Options{TestSplit: new(0.2)}, recipe.Folds{}},
		`run: got "x", want none`:                       {recipe.Options{Folder: "x"}, recipe.Folds{}},
		"folds: got 1, want at least 2":                 {quick(), recipe.Folds{Number: 1}},
		"folds: got 21, want at most 20 for 20 samples": {quick(), recipe.Folds{Number: 21}},
		"folds: got 20, want at most 19 for 20 samples": {quick(), recipe.Folds{Number: 20, InOrder: true}},
		"repeat: got -1, want at least 1":               {quick(), recipe.Folds{Repeat: -1}},
		"repeat: got 2, want 1 in order":                {quick(), recipe.Folds{Repeat: 2, InOrder: true}},
		"time: got \"a column\", want none":             {quick(), recipe.Folds{Times: make([]float64, 20)}},
		"group: got 3, want one for each of 20 samples": {quick(), recipe.Folds{Groups: make([]string, 3)}},
		"l2: got -1": {recipe.Options{L2: new(-1.0)}, recipe.Folds{}},
	} {
		if _, err := recipe.CrossValidate(context.Background(), data, c.o, c.f, nil); !errors.Is(err, recipe.ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for i := range zones {
		zones[i] = []string{"a", "b"}[i/10]
	}
	cv, err := recipe.CrossValidate(context.Background(), recipe.Rows(points, zones), quick(), recipe.Folds{Number: 4, InOrder: true}, nil)
	if err == nil || !strings.Contains(err.Error(), `fold 1: samples: every sample is of class "a"`) || len(cv.Folds) != 0 {
		t.Errorf("a fold of one class: %v", err)
	}
}
