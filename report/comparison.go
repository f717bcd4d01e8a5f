package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/trace"
)

// ComparePage is the page of several runs side by side: where each ended, when each
// reached the given test accuracies (shares of 1), in which settings they differ, and
// curves. Runs of one group are one curve, their mean, with the lowest and the highest
// around it.
func ComparePage(title string, runs []Run, targets []float64) Page {
	p := Page{Title: title, Lead: fmt.Sprintf("%d runs side by side.", len(runs))}
	groups := grouped(runs)
	for _, g := range groups {
		p.Clocks = append(p.Clocks, g.clock())
	}
	end := Section{Title: "Where each ended", Tables: []Table{finalTable(runs)}}
	if len(groups) < len(runs) {
		end.Tables = append(end.Tables, spreadTable(groups))
	}
	if len(targets) > 0 && slices.ContainsFunc(runs, func(r Run) bool { return !regression(r.Records) }) {
		end.Tables = append(end.Tables, targetTable(runs, targets))
	}
	p.Sections = []Section{end}
	if t := settingsTable(runs); t.Rows != nil {
		p.Sections = append(p.Sections, Section{Title: "Settings side by side", Tables: []Table{t}})
	}
	caption := "Methods have different objectives F; the accuracies and risks of their networks compare."
	if len(groups) < len(runs) {
		caption += " A band goes from the lowest to the highest of the runs with several seeds, the curve is their mean."
	}
	charts := compareCharts(groups, Axis{Label: "iteration"}, nil)
	for i := range charts {
		charts[i].Clocked = true
	}
	p.Sections = append(p.Sections, Section{Title: "Curves", Figures: []Figure{
		{ID: "by-iteration", Columns: 2, Caption: caption + " Seconds are of training alone: measuring accuracies does not count.", Charts: charts},
		{ID: "by-time", Columns: 2, FileOnly: true, Charts: compareCharts(groups, Axis{Label: "seconds"}, p.Clocks)},
	}})
	return p
}

// group is runs that are one curve.
type group struct {
	name  string
	runs  []Run
	style int
}

// grouped are the runs by their groups. The first of a method has the method's style;
// others have styles that no method here has.
func grouped(runs []Run) []group {
	var list []group
	for _, r := range runs {
		i := slices.IndexFunc(list, func(g group) bool { return r.Group != "" && g.runs[0].Group == r.Group })
		if i < 0 {
			list = append(list, group{name: cmp.Or(r.Group, r.Name), runs: []Run{r}, style: -1})
			continue
		}
		list[i].runs = append(list[i].runs, r)
	}
	taken := map[int]bool{}
	for i, g := range list {
		a := g.runs[0].About
		if a == nil {
			continue
		}
		if m := slices.Index(methods, a.Method); m >= 0 && !taken[m] {
			list[i].style, taken[m] = m, true
		}
	}
	free := 0
	for i := range list {
		for list[i].style < 0 {
			if !taken[free] {
				list[i].style, taken[free] = free, true
			}
			free++
		}
	}
	return list
}

// clock is the mean of the runs' clocks.
func (g group) clock() Clock {
	first := g.runs[0]
	if len(g.runs) == 1 {
		return clock(first.Records, first.About)
	}
	s := g.curve(0, func(r dlam.Record) (float64, bool) { return r.Elapsed, true }).thin(maxPoints / 2)
	c := Clock{X: s.X, Seconds: s.Y}
	if first.About != nil {
		c.Samples = first.About.Samples
	}
	return c
}

// curve is that of the only run, or of several, at the iterations that all have: the
// mean, the lowest and the highest.
func (g group) curve(number int, value func(dlam.Record) (float64, bool)) Series {
	s := curve(g.name, g.style, g.runs[0].Records, iteration, value)
	s.Run = number
	if a := g.runs[0].About; a != nil {
		s.Kind = MethodKind(a.Method)
	}
	if len(g.runs) == 1 {
		return s
	}
	at := make(map[float64][]float64, len(s.X))
	for _, r := range g.runs {
		one := curve("", 0, r.Records, iteration, value)
		for i, x := range one.X {
			at[x] = append(at[x], one.Y[i])
		}
	}
	all := s.X
	s.X, s.Y = nil, nil
	for _, x := range all {
		v := at[x]
		if len(v) < len(g.runs) {
			continue
		}
		sum := 0.0
		for _, y := range v {
			sum += y
		}
		s.X, s.Y = append(s.X, x), append(s.Y, sum/float64(len(v)))
		s.Low, s.High = append(s.Low, slices.Min(v)), append(s.High, slices.Max(v))
	}
	return s
}

// compareCharts are against iterations, or against time if clocks are given.
func compareCharts(groups []group, x Axis, clocks []Clock) []Chart {
	chart := func(title string, y Axis, value func(dlam.Record) (float64, bool)) Chart {
		c := Chart{Title: title, X: x, Y: y}
		for i, g := range groups {
			s := g.curve(i, value)
			for k := range s.X {
				if clocks != nil {
					s.X[k] = clocks[i].at(s.X[k])
				}
			}
			c.Series = append(c.Series, s)
		}
		return c
	}
	of := func(s score, values bool) func(dlam.Record) (float64, bool) {
		return func(r dlam.Record) (float64, bool) {
			switch one := s(r); {
			case one == nil || values != (one.RMSE > 0):
				return 0, false
			case values:
				return one.RMSE, true
			default:
				return percentRight(one), true
			}
		}
	}
	accuracy, rmse := Axis{Label: "accuracy (%)"}, Axis{Label: "RMSE"}
	return compact([]Chart{
		chart("Training accuracy", accuracy, of(train, false)),
		chart("Test accuracy", accuracy, of(test, false)),
		chart("Training RMSE", rmse, of(train, true)),
		chart("Test RMSE", rmse, of(test, true)),
		chart("Training risk", Axis{Label: "mean loss", Log: true}, score(train).of(risk)),
		chart("Objective F", Axis{Label: "F", Log: true}, objective),
	})
}

// at is how many seconds had gone by after an iteration, between those that the clock
// has on a straight line.
func (c Clock) at(iteration float64) float64 {
	i, found := slices.BinarySearch(c.X, iteration)
	switch {
	case found:
		return c.Seconds[i]
	case i == 0:
		return iteration * c.Seconds[0] / c.X[0]
	case i == len(c.X):
		return c.Seconds[i-1]
	}
	share := (iteration - c.X[i-1]) / (c.X[i] - c.X[i-1])
	return c.Seconds[i-1] + share*(c.Seconds[i]-c.Seconds[i-1])
}

func finalTable(runs []Run) Table {
	t := Table{ID: "final", Caption: "The last scores of each run.", Sortable: true,
		Head: []string{"run", "iterations", "training", "test", "best test", "objective F", "seconds", "seconds per iteration"}}
	if slices.ContainsFunc(runs, func(r Run) bool { return regression(r.Records) }) {
		t.Caption += " Of values scores are root mean squared errors, of the values as the network gives them: scaled, where training scales them."
	}
	for _, run := range runs {
		r, scored := last(run.Records)
		reg := regression(run.Records)
		t.Rows = append(t.Rows, []string{
			run.Name, strconv.Itoa(r.Iteration), scoreCell(scored.Train, reg), scoreCell(scored.Test, reg),
			scoreCell(best(run.Records, reg), reg), fmt.Sprintf("%.6g", r.Objective),
			fmt.Sprintf("%.2f", r.Elapsed), fmt.Sprintf("%.4f", r.Elapsed/float64(max(1, r.Iteration))),
		})
	}
	return t
}

// spreadTable is the last test scores of the groups: mean, lowest and highest.
func spreadTable(groups []group) Table {
	t := Table{ID: "spread", Caption: "The last test scores over the seeds.", Sortable: true, Head: []string{"runs", "seeds", "mean", "lowest", "highest"}}
	for _, g := range groups {
		var scores []float64
		reg := regression(g.runs[0].Records)
		for _, r := range g.runs {
			if _, scored := last(r.Records); scored.Test != nil {
				if reg {
					scores = append(scores, scored.Test.RMSE)
				} else {
					scores = append(scores, scored.Test.Accuracy)
				}
			}
		}
		row := []string{g.name, strconv.Itoa(len(g.runs)), "–", "–", "–"}
		if len(scores) > 0 {
			sum := 0.0
			for _, v := range scores {
				sum += v
			}
			for i, v := range []float64{sum / float64(len(scores)), slices.Min(scores), slices.Max(scores)} {
				if row[2+i] = Percent(v); reg {
					row[2+i] = fmt.Sprintf("%.4g", v)
				}
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// sideBySide is how many runs have columns beside each other; more have rows.
const sideBySide = 6

// turn makes a row for each run, and columns of what they are told; those in which all are
// alike come last.
func (t *Table) turn() {
	order := make([]int, len(t.Rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case t.Mark[i] == t.Mark[j]:
			return 0
		case t.Mark[i]:
			return -1
		}
		return 1
	})
	head, rows := []string{"run"}, make([][]string, len(t.Head)-1)
	for k := range rows {
		rows[k] = []string{t.Head[k+1]}
	}
	for _, i := range order {
		head = append(head, t.Rows[i][0])
		for k := range rows {
			rows[k] = append(rows[k], t.Rows[i][k+1])
		}
	}
	t.Head, t.Rows, t.Mark, t.Sortable = head, rows, nil, true
	t.Caption = "What differs comes first. A setting that is not given is what suits the method and the data."
}

// settingsTable sets what is known of the runs side by side; rows in which they differ
// stand out.
func settingsTable(runs []Run) Table {
	t := Table{ID: "settings", Caption: "Rows in bold differ. A setting that is not given is what suits the method and the data."}
	if !slices.ContainsFunc(runs, func(r Run) bool { return r.About != nil }) {
		return t
	}
	t.Head = []string{"setting"}
	for _, r := range runs {
		t.Head = append(t.Head, r.Name)
	}
	add := func(name string, value func(*trace.About) string) {
		row := []string{name}
		for _, r := range runs {
			v := "–"
			if r.About != nil {
				v = cmp.Or(value(r.About), "–")
			}
			row = append(row, v)
		}
		if slices.ContainsFunc(row[1:], func(v string) bool { return v != "–" }) {
			t.Rows = append(t.Rows, row)
			t.Mark = append(t.Mark, slices.ContainsFunc(row[1:], func(v string) bool { return v != row[1] }))
		}
	}
	add("method", func(a *trace.About) string { return a.Method })
	add("data", func(a *trace.About) string { return a.Data })
	add("training samples", func(a *trace.About) string { return strconv.Itoa(a.Samples) })
	add("network", func(a *trace.About) string { return a.Network })
	add("iterations", func(a *trace.About) string {
		if a.Iterations == 0 {
			return ""
		}
		return strconv.Itoa(a.Iterations)
	})
	add("seed", func(a *trace.About) string { return fmt.Sprint(a.Seed) })
	add("threads", func(a *trace.About) string { return strconv.Itoa(a.Threads) })
	add("host", func(a *trace.About) string { return a.Host })
	add("program", func(a *trace.About) string { return a.Machine.Program() })
	for _, name := range settingNames(runs) {
		add(name, func(a *trace.About) string {
			for _, s := range a.Settings {
				if s.Name == name {
					return s.Value
				}
			}
			return ""
		})
	}
	add("status", func(a *trace.About) string { return a.Status })
	if len(runs) > sideBySide {
		t.turn()
	}
	return t
}

// settingNames are the settings of any of the runs, but those that have rows of their own.
func settingNames(runs []Run) (names []string) {
	for _, r := range runs {
		if r.About == nil {
			continue
		}
		for _, s := range r.About.Settings {
			if s.Name != "iterations" && s.Name != "hidden" && !slices.Contains(names, s.Name) {
				names = append(names, s.Name)
			}
		}
	}
	return names
}

// best is the best test score of a run.
func best(rs []dlam.Record, regression bool) *dlam.Score {
	var b *dlam.Score
	for _, r := range rs {
		s := r.Test
		if s != nil && (b == nil || regression && s.RMSE < b.RMSE || !regression && s.Accuracy > b.Accuracy) {
			b = s
		}
	}
	return b
}

// targetTable says when each run first reached each test accuracy.
func targetTable(runs []Run, targets []float64) Table {
	t := Table{ID: "targets", Caption: "Training time in seconds, and iterations, until the test accuracy was first measured at or above a level.",
		Head: []string{"run"}, Note: "A dash: not reached.", Sortable: true}
	for _, v := range targets {
		t.Head = append(t.Head, fmt.Sprintf("%g %%", 100*v))
	}
	for _, run := range runs {
		row := []string{run.Name}
		for _, v := range targets {
			row = append(row, reached(run.Records, v))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func reached(rs []dlam.Record, accuracy float64) string {
	for _, r := range rs {
		if r.Test != nil && r.Test.Accuracy >= accuracy {
			return fmt.Sprintf("%.2f s (%d)", r.Elapsed, r.Iteration)
		}
	}
	return "–"
}
