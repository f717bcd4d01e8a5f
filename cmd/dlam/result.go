package main

import (
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/shell"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/solver/refit"
)

// scored tells people how a run ended.
func (a *app) scored(p *recipe.Plan, r *recipe.Result) {
	w := newTable(a.err)
	head := table.Row{"", "train", "test"}
	if p.Validation != nil {
		head = append(head, "validation")
	}
	w.AppendHeader(head)
	rowOf := func(name string, of recipe.Scores, value func(*dlam.Score) float64, format func(float64) string) table.Row {
		row := table.Row{name, "-", "-"}
		if of.Train != nil {
			row[1] = format(value(of.Train))
		}
		if of.Test != nil {
			row[2] = format(value(of.Test))
		}
		return row
	}
	add := func(name string, value func(*dlam.Score) float64, format func(float64) string) {
		row := rowOf(name, recipe.Scores{Train: r.Last.Train, Test: r.Last.Test}, value, format)
		if v := r.Last.Validation; v != nil {
			row = append(row, format(value(v)))
		}
		w.AppendRow(row)
		if f := r.Refit; f != nil {
			w.AppendRow(rowOf("  without the refit", f.Trained, value, format))
			w.AppendRow(rowOf("  random hidden layers, refit", f.Random, value, format))
		}
	}
	percent := func(v float64) string { return strconv.FormatFloat(100*v, 'f', 2, 64) + " %" }
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 5, 64) }
	if p.Problem.Classification() {
		add("accuracy", func(s *dlam.Score) float64 { return s.Accuracy }, percent)
	} else {
		add("RMSE", func(s *dlam.Score) float64 { return s.RMSE * unitOf(p) }, number)
		add("R²", func(s *dlam.Score) float64 { return s.R2 }, number)
	}
	add("loss", func(s *dlam.Score) float64 { return s.Risk }, number)
	w.Render()
	a.say("%s after %d iterations, %.3g s of training (%.3g s each)", r.Status, r.Last.Iteration, r.Last.Elapsed, perIteration(r))
	if r.Best > 0 {
		a.say("the network is that of iteration %d, the best on the %d validation samples", r.Best, p.Validation.X.Rows)
	}
}

// cautions tells people what they should know of a network before they use it.
func (a *app) cautions(r *recipe.Result) {
	if r.Warning != "" {
		a.say("warning: %s", r.Warning)
	}
	if f := r.Refit; f != nil && f.RandomError != nil {
		a.say("warning: random hidden layers have no scores: %v", f.RandomError)
	}
	if f := r.Refit; f != nil && !f.Converged {
		a.say("warning: after the %d steps of --refit the last layer's loss still falls, as it does without end where the last hidden layer tells all classes apart: give --l2 (a larger one), or --validation, which chooses the step", refit.Iterations)
	}
}

// next tells people what to do with a run.
func (a *app) next(p *recipe.Plan, folder string, r *recipe.Result) {
	run := shell.Join(folder)
	measured, predicted := "measure it, with a confusion matrix", "classes and probabilities for new rows"
	if !p.Problem.Classification() {
		measured, predicted = "measure it", "values for new rows"
	}
	a.say("\nnext:")
	if r.Status == dlam.Interrupted {
		a.say("  dlam train --resume %s", run)
	}
	a.say("  dlam eval %s           %s", run, measured)
	a.say("  dlam predict %s FILE   %s", run, predicted)
	a.say("  dlam inspect %s        what is in it", run)
	a.say("  dlam report %s         how the training went, as a page", run)
}

func perIteration(r *recipe.Result) float64 {
	return r.Last.Elapsed / float64(max(1, r.Last.Iteration))
}

// summary is what --json tells of a run.
func summary(p *recipe.Plan, folder string, r *recipe.Result) map[string]any {
	s := map[string]any{
		"solver": p.Solver.String(), "dataset": r.Training.Dataset, "layers": r.Network.Widths(), "iterations": r.Last.Iteration,
		"objective": r.Last.Objective, "risk": r.Last.Risk, "seconds": r.Last.Elapsed, "seconds_per_iteration": perIteration(r),
		"status": r.Status, "run": folder,
	}
	if r.Constant > 0 {
		s["better_constant_risk"] = r.Constant
	}
	if r.Best > 0 { // the scores are of that iteration's network, objective and risk of the last one's
		s["kept_iteration"] = r.Best
	}
	if p.Problem.Y.Weight != nil {
		s["weighted"] = true
	}
	scores(s, "train", r.Last.Train, p.Problem.Classification(), unitOf(p))
	scores(s, "test", r.Last.Test, p.Problem.Classification(), unitOf(p))
	if p.Validation != nil {
		scores(s, "validation", r.Last.Validation, p.Problem.Classification(), unitOf(p))
	}
	if f := r.Refit; f != nil {
		for name, of := range map[string]recipe.Scores{"unfitted": f.Trained, "random": f.Random} {
			scores(s, name+"_train", of.Train, p.Problem.Classification(), unitOf(p))
			scores(s, name+"_test", of.Test, p.Problem.Classification(), unitOf(p))
		}
	}
	return s
}

// scores adds a score's numbers under their names; null where there is none.
func scores(s map[string]any, part string, score *dlam.Score, classes bool, unit float64) {
	values := map[string]any{"_rmse": nil, "_r2": nil}
	if classes {
		values = map[string]any{"_accuracy": nil}
	}
	if score != nil && classes {
		values["_accuracy"] = score.Accuracy
	} else if score != nil {
		values["_rmse"], values["_r2"] = score.RMSE*unit, score.R2
	}
	for name, v := range values {
		s[part+name] = v
	}
}
