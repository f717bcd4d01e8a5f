package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/recipe"
)

// runsOptions say which runs to list, and in which order.
type runsOptions struct {
	filter  []string
	sort    string
	reverse bool
	json    bool
}

// runOrders are what runs can be sorted by, each with the order that is of use first.
var runOrders = map[string]func(a, b *recipe.Past) int{
	"name":       func(a, b *recipe.Past) int { return cmp.Compare(a.Folder, b.Folder) },
	"score":      func(a, b *recipe.Past) int { return recipe.CompareScores(b.Test, a.Test) },
	"when":       func(a, b *recipe.Past) int { return b.Changed.Compare(a.Changed) },
	"iterations": func(a, b *recipe.Past) int { return cmp.Compare(b.Last.Iteration, a.Last.Iteration) },
	"seconds":    func(a, b *recipe.Past) int { return cmp.Compare(a.Last.Elapsed, b.Last.Elapsed) },
}

// runOrderNames are their names.
func runOrderNames() []string { return []string{"name", "score", "when", "iterations", "seconds"} }

func newRunsCommand(a *app) *cobra.Command {
	var o runsOptions
	c := &cobra.Command{
		Use: "runs [FOLDER…]", Short: "List runs: data, method, network, score, status",
		Long: `List the runs in folders, by default those in runs/ and in this folder. The score is
that on test samples of the network that was saved, or was measured last: accuracy, or R²
of values. A run without a model is unfinished: it goes on, or can go on with dlam train --resume.

--filter keeps runs with a setting of their config.toml, as solver=adam or
hidden=100,100, or with a status.`,
		Example: `  dlam runs
  dlam runs --filter data=mnist --filter solver=sync --sort score
  dlam runs experiments --json
  dlam runs diff runs/a runs/b`,
		RunE: func(_ *cobra.Command, args []string) error { return a.listRuns(args, o) },
	}
	f := c.Flags()
	f.StringArrayVar(&o.filter, "filter", nil, "NAME=VALUE: only runs with this setting, or status=…; several must all hold")
	f.StringVar(&o.sort, "sort", "name", "by "+strings.Join(runOrderNames(), ", ")+": best, newest, most and fastest first")
	f.BoolVar(&o.reverse, "reverse", false, "the other way round")
	f.BoolVar(&o.json, "json", false, "write the runs, with all settings, as JSON to standard output")
	var asJSON bool
	diff := &cobra.Command{
		Use: "diff A B", Short: "Show the settings and scores in which two runs differ", Args: cobra.ExactArgs(2),
		Long: "Show the settings of config.toml and the last scores in which two runs differ.",
		RunE: func(_ *cobra.Command, args []string) error { return a.diffRuns(args[0], args[1], asJSON) },
	}
	diff.Flags().BoolVar(&asJSON, "json", false, "write the differences as JSON to standard output")
	c.AddCommand(diff)
	return c
}

// listRuns prints the runs of the folders.
func (a *app) listRuns(folders []string, o runsOptions) error {
	order, ok := runOrders[o.sort]
	if !ok {
		return usagef("--sort: got %q, want one of %s%s", o.sort, strings.Join(runOrderNames(), ", "), check.Meant(o.sort, runOrderNames()))
	}
	for _, filter := range o.filter {
		if err := checkFilter(filter); err != nil {
			return err
		}
	}
	all, err := a.pastRuns(folders)
	if err != nil {
		return err
	}
	for _, filter := range o.filter {
		all = slices.DeleteFunc(all, func(p *recipe.Past) bool { return !passes(p, filter) })
	}
	slices.SortStableFunc(all, order)
	if o.reverse {
		slices.Reverse(all)
	}
	if o.json {
		list := make([]map[string]any, len(all))
		for i, p := range all {
			list[i] = pastObject(p)
		}
		return a.object(list)
	}
	if len(all) == 0 {
		a.say("no such runs: dlam train makes them")
		return nil
	}
	w := newTable(a.out)
	w.AppendHeader(table.Row{"run", "data", "method", "network", "iterations", "test", "seconds", "status", "when"})
	for _, p := range all {
		w.AppendRow(table.Row{p.Folder, filepath.Base(p.Settings["data"]), p.Settings["solver"], cmp.Or(p.Settings["layers"], p.Settings["hidden"]),
			fmt.Sprintf("%d of %s", p.Last.Iteration, p.Settings["iterations"]), scoreText(p.Test), fmt.Sprintf("%.3g", p.Last.Elapsed),
			p.Status, p.Changed.Format(time.DateTime)})
	}
	w.Render()
	return nil
}

// pastRuns reads the runs in folders, or where runs lie if none is named. What cannot
// be read is said, and does not hide the others.
func (a *app) pastRuns(folders []string) (all []*recipe.Past, err error) {
	list := runs()
	if len(folders) > 0 {
		list = nil
	}
	for _, folder := range folders {
		if _, err := os.Stat(folder); err != nil {
			return nil, usagef("%w", err)
		}
		list = append(list, runsIn(folder)...)
		if _, err := os.Stat(filepath.Join(folder, recipe.ConfigName)); err == nil {
			list = append(list, folder)
		}
	}
	for _, folder := range list {
		p, err := recipe.ReadPast(folder)
		if err != nil {
			a.say("left out: %v", err)
			continue
		}
		all = append(all, p)
	}
	return all, nil
}

// checkFilter refuses a filter by what is no setting.
func checkFilter(filter string) error {
	name, _, ok := strings.Cut(filter, "=")
	var c recipe.Config
	names := []string{"status"}
	for _, e := range c.Entries() {
		names = append(names, e.Name)
	}
	if ok && slices.Contains(names, name) {
		return nil
	}
	return usagef("--filter: got %q, want NAME=VALUE with a setting of config.toml or status%s", filter, check.Meant(name, names))
}

// passes reports whether a filter lets a run through.
func passes(p *recipe.Past, filter string) bool {
	name, value, _ := strings.Cut(filter, "=")
	if name == "status" {
		return p.Status == value
	}
	return p.Settings[name] == value
}

// scoreText is a score for people.
func scoreText(s *dlam.Score) string {
	switch {
	case s == nil:
		return ""
	case s.RMSE == 0 && s.R2 == 0:
		return fmt.Sprintf("%.2f %%", 100*s.Accuracy)
	}
	return fmt.Sprintf("R² %.4f", s.R2)
}

// pastObject is what --json tells of a run.
func pastObject(p *recipe.Past) map[string]any {
	return map[string]any{
		"run": p.Folder, "settings": p.Settings, "status": p.Status, "changed": p.Changed.UTC().Format(time.RFC3339),
		"iterations": p.Last.Iteration, "seconds": p.Last.Elapsed, "risk": p.Last.Risk,
		"train": p.Train, "test": p.Test, "validation": p.Validation,
	}
}

// difference is a setting or a score that two runs have different.
type difference struct {
	Name string `json:"name"`
	A    string `json:"a"`
	B    string `json:"b"`
}

// diffRuns prints in what two runs differ.
func (a *app) diffRuns(one, other string, asJSON bool) error {
	var past [2]*recipe.Past
	for i, folder := range []string{one, other} {
		if err := known(folder); err != nil {
			return err
		}
		var err error
		if past[i], err = recipe.ReadPast(folder); err != nil {
			return errUsage{err}
		}
	}
	list := differences(past[0], past[1])
	if asJSON {
		return a.object(list)
	}
	if len(list) == 0 {
		a.say("%s and %s have the same settings and scores", one, other)
		return nil
	}
	w := newTable(a.out)
	w.Style().Format.Header = text.FormatDefault // folders are called as they are
	w.AppendHeader(table.Row{"", one, other})
	for _, d := range list {
		w.AppendRow(table.Row{d.Name, d.A, d.B})
	}
	w.Render()
	return nil
}

// differences are the settings, and then the scores, in which two runs differ.
func differences(x, y *recipe.Past) []difference {
	list := []difference{}
	add := func(name, a, b string) {
		if a != b {
			list = append(list, difference{name, a, b})
		}
	}
	names := slices.Clone(x.Names)
	for _, name := range y.Names {
		if _, ok := x.Settings[name]; !ok {
			names = append(names, name)
		}
	}
	for _, name := range names {
		add(name, x.Settings[name], y.Settings[name])
	}
	number := func(v float64) string { return fmt.Sprintf("%.5g", v) }
	add("status", x.Status, y.Status)
	add("iterations done", fmt.Sprint(x.Last.Iteration), fmt.Sprint(y.Last.Iteration))
	add("risk", number(x.Last.Risk), number(y.Last.Risk))
	add("train", scoreText(x.Train), scoreText(y.Train))
	add("validation", scoreText(x.Validation), scoreText(y.Validation))
	add("test", scoreText(x.Test), scoreText(y.Test))
	add("seconds", number(x.Last.Elapsed), number(y.Last.Elapsed))
	return list
}
