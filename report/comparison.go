package report

import (
	"fmt"
	"strconv"

	"github.com/dlam-go/dlam"
)

// ComparePage is the page of several runs side by side.
func ComparePage(title string, runs []Run, targets []float64) Page {
	return Page{Title: title, Lead: fmt.Sprintf("%d runs side by side.", len(runs)), Sections: Comparison(runs, targets)}
}

// Comparison shows runs side by side: curves against iterations and against
// time, when each reached the given test accuracies (shares of 1), and where
// each ended.
func Comparison(runs []Run, targets []float64) []Section {
	at := Section{Title: "Against iterations", Figures: []Figure{{ID: "by-iteration", Columns: 2,
		Caption: "Methods have different objectives F; the accuracies and risks of their networks compare.",
		Charts:  compareCharts(runs, Axis{Label: "iteration"}, iteration)}}}
	clock := Section{Title: "Against time", Figures: []Figure{{ID: "by-time", Columns: 2,
		Caption: "Training time alone: measuring accuracies does not count.",
		Charts:  compareCharts(runs, Axis{Label: "seconds"}, elapsed)}}}
	end := Section{Title: "Where each ended", Tables: []Table{finalTable(runs)}}
	if len(targets) > 0 && !anyRegression(runs) {
		end.Tables = append(end.Tables, targetTable(runs, targets))
	}
	return []Section{end, at, clock}
}

func anyRegression(runs []Run) bool {
	for _, r := range runs {
		if regression(r.Records) {
			return true
		}
	}
	return false
}

func compareCharts(runs []Run, x Axis, at func(dlam.Record) float64) []Chart {
	chart := func(title string, y Axis, value func(dlam.Record) (float64, bool)) Chart {
		c := Chart{Title: title, X: x, Y: y}
		for i, r := range runs {
			c.Series = append(c.Series, curve(r.Name, i, r.Records, at, value))
		}
		return c
	}
	quality, label := percentRight, Axis{Label: "accuracy (%)"}
	name := "accuracy"
	if anyRegression(runs) {
		quality, label, name = rmse, Axis{Label: "RMSE"}, "RMSE"
	}
	return compact([]Chart{
		chart("Training "+name, label, score(train).of(quality)),
		chart("Test "+name, label, score(test).of(quality)),
		chart("Training risk", Axis{Label: "mean loss", Log: true}, score(train).of(risk)),
		chart("Objective F", Axis{Label: "F", Log: true}, objective),
	})
}

func finalTable(runs []Run) Table {
	t := Table{ID: "final", Caption: "The last scores of each run.",
		Head: []string{"run", "iterations", "training", "test", "best test", "objective F", "seconds", "seconds per iteration"}}
	reg := anyRegression(runs)
	if reg {
		t.Caption += " Scores are root mean squared errors."
	}
	for _, run := range runs {
		r, scored := last(run.Records)
		t.Rows = append(t.Rows, []string{
			run.Name, strconv.Itoa(r.Iteration), scoreCell(scored.Train, reg), scoreCell(scored.Test, reg),
			scoreCell(best(run.Records, reg), reg), fmt.Sprintf("%.6g", r.Objective),
			fmt.Sprintf("%.2f", r.Elapsed), fmt.Sprintf("%.4f", r.Elapsed/float64(max(1, r.Iteration))),
		})
	}
	return t
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
		Head: []string{"run"}, Note: "A dash: not reached."}
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
