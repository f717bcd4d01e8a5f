package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/pflag"

	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/judge"
	"github.com/dlam-go/dlam/model"
	columntable "github.com/dlam-go/dlam/table"
)

// whatMatters is what dlam inspect is told of the columns that matter.
type whatMatters struct {
	importance    string // file
	partial       []string
	repeats, grid int
	seed          uint64
	data          string // file for partial
}

func (w *whatMatters) addFlags(f *pflag.FlagSet) {
	f.StringVar(&w.importance, "importance", "", "labelled file to measure on how much each column matters, best of rows that the model was not trained on")
	f.IntVar(&w.repeats, "repeats", w.repeats, "with --importance: permutations of each column")
	f.Uint64Var(&w.seed, "seed", 0, "with --importance: of the permutations")
	f.StringSliceVar(&w.partial, "partial", nil, "columns by whose values to show the mean prediction, over the rows of --data or --importance")
	f.IntVar(&w.grid, "grid", w.grid, "with --partial: values of a column at most")
}

// check reports what does not go together.
func (w *whatMatters) check(f *pflag.FlagSet, data string) error {
	for _, needs := range []struct {
		flags []string
		other string
	}{{[]string{"repeats", "seed"}, "importance"}, {[]string{"grid"}, "partial"}} {
		for _, name := range needs.flags {
			if f.Changed(name) && !f.Changed(needs.other) {
				return usagef("--%s: nothing reads it without --%s", name, needs.other)
			}
		}
	}
	if w.data = data; data == "" {
		w.data = w.importance
	}
	switch {
	case w.repeats < 1:
		return usagef("--repeats: got %d, want at least 1", w.repeats)
	case w.grid < 1:
		return usagef("--grid: got %d, want at least 1", w.grid)
	case len(w.partial) > 0 && w.data == "":
		return usagef("--partial: over the rows of which file? name it (--data)")
	}
	return nil
}

// matters is how much the columns matter, and how predictions depend on some.
func (a *app) matters(ctx context.Context, m *model.Model, u *useFlags, w *whatMatters) (all *judge.Importances, partial []*judge.Partial, err error) {
	u.copied = true
	if w.importance != "" {
		if all, err = a.importance(ctx, m, u, w); err != nil {
			return nil, nil, err
		}
	}
	if len(w.partial) == 0 {
		return all, nil, nil
	}
	s, raw, err := a.rawFor(ctx, m, w.data, u, false)
	if err != nil {
		return nil, nil, err
	}
	d, err := a.apply(ctx, m, s, raw, u)
	if err != nil {
		return nil, nil, err
	}
	for _, column := range w.partial {
		if m.Features != nil && !slices.Contains(m.Features, column) {
			return nil, nil, usagef("--partial: the model has no column %q (there are %s)%s", column, columntable.List(m.Features), check.Meant(column, m.Features))
		}
		one, err := judge.Depend(ctx, m, raw, d.X, column, w.grid, u.threads)
		if err != nil {
			return nil, nil, endedOr(err, "--partial")
		}
		partial = append(partial, one)
	}
	return all, partial, nil
}

// importance measures it, and tells how far it is.
func (a *app) importance(ctx context.Context, m *model.Model, u *useFlags, w *whatMatters) (*judge.Importances, error) {
	d, err := a.dataFor(ctx, m, w.importance, u, true)
	if err != nil {
		return nil, err
	}
	told := time.Now()
	all, err := judge.Permute(ctx, m, d, judge.Permuting{Repeats: w.repeats, Seed: w.seed, Threads: u.threads, Tell: func(done, columns int) {
		if time.Since(told) > time.Second {
			told = time.Now()
			a.say("importance: %d of %d columns", done, columns)
		}
	}})
	if err != nil {
		return nil, endedOr(err, "--importance")
	}
	return all, nil
}

// endedOr is err if it is that of an interruption, and else bad usage of a flag.
func endedOr(err error, flag string) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return usagef("%s: %w", flag, err)
}

// showMatters is for people: the columns that matter most first.
func (a *app) showMatters(i *inspection) {
	if all := i.Importance; all != nil {
		a.showImportance(all)
	}
	for _, p := range i.Partial {
		head := []any{p.Column, "samples"}
		for _, name := range p.Outputs {
			if i.Classes != nil {
				name = "mean for " + strconv.Quote(name)
			} else {
				name = "mean " + name
			}
			head = append(head, name)
		}
		w := a.table(head...)
		for _, point := range p.Points {
			value := point.Value
			if value == "" {
				value = "(missing)"
			}
			row := table.Row{value, point.Samples}
			for _, v := range point.Mean {
				row = append(row, figure(&v))
			}
			w.AppendRow(row)
		}
		w.Render()
	}
}

// changeOf is what people are told of a figure that changes.
func changeOf(f judge.Figure) string {
	if f.Name == "accuracy" {
		return "fall of " + f.About
	}
	return "rise of " + f.About
}

// mattering are the columns in the order of the last figure, which changes where an
// accuracy does not.
func mattering(all *judge.Importances) []judge.Importance {
	by := len(all.Base) - 1
	return slices.SortedStableFunc(slices.Values(all.Columns), func(x, y judge.Importance) int {
		return cmp.Compare(y.Drops[by].Mean, x.Drops[by].Mean)
	})
}

// showImportance is for people.
func (a *app) showImportance(all *judge.Importances) {
	var base []string
	head := []any{"column"}
	for _, f := range all.Base {
		base = append(base, f.About+" "+figure(f.Value))
		head = append(head, changeOf(f))
	}
	a.say("importance on %d samples, %s as they are; mean ± deviation of %d permutations of a column:", all.Samples, strings.Join(base, ", "), all.Repeats)
	w := a.table(head...)
	for _, one := range mattering(all) {
		row := table.Row{one.Column}
		for _, c := range one.Drops {
			row = append(row, fmt.Sprintf("%.5g ± %.2g", c.Mean, c.SD))
		}
		w.AppendRow(row)
	}
	w.Render()
}
