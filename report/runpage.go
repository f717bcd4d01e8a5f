package report

import (
	"fmt"
	"strconv"

	"github.com/dlam-go/dlam"
)

// RunPage is the page of one run.
func RunPage(run Run) Page {
	rs := run.Records
	p := Page{Title: run.Name}
	if len(rs) == 0 {
		p.Lead = "No iteration is done yet."
		return p
	}
	p.Lead = fmt.Sprintf("Training run, %d iterations recorded.", len(rs))
	p.Sections = []Section{{Facts: facts(rs)}}
	p.add("What is minimised", "objective", "", objectiveCharts(rs))
	p.add("What the network does", "scores", "", scoreCharts(rs))
	p.add("How it moves", "moves", "A block's move is the decrease that Lemma 1 promises for it: ½Σθ∘ΔW², (nρ/2)‖Δb‖², (ρ/2)‖Δz‖², ½Στ‖Δa‖². c_k is the least sum of moves so far (Theorem 2).", moveCharts(rs))
	p.add("What it costs", "cost", "", costCharts(rs))
	p.Sections = append(p.Sections, Section{Title: "Numbers", Tables: []Table{recordTable(rs)}})
	return p
}

func (p *Page) add(title, id, caption string, charts []Chart) {
	if charts = compact(charts); len(charts) > 0 {
		p.Sections = append(p.Sections, Section{Title: title, Figures: []Figure{{ID: id, Caption: caption, Charts: charts, Columns: 3}}})
	}
}

func facts(rs []dlam.Record) []Fact {
	r, scored := last(rs)
	f := []Fact{
		{"iteration", strconv.Itoa(r.Iteration)},
		{"objective F", fmt.Sprintf("%.6g", r.Objective)},
		{"risk per sample", fmt.Sprintf("%.4g", r.Risk)},
	}
	score := func(name string, s *dlam.Score) {
		switch {
		case s == nil:
		case regression(rs):
			f = append(f, Fact{name + " RMSE", fmt.Sprintf("%.4g", s.RMSE)})
		default:
			f = append(f, Fact{name + " accuracy", Percent(s.Accuracy)})
		}
	}
	score("training", scored.Train)
	score("test", scored.Test)
	if r.Epsilon > 0 {
		f = append(f, Fact{"ε", fmt.Sprintf("%.4g", r.Epsilon)})
	}
	if r.C > 0 {
		f = append(f, Fact{"c_k", fmt.Sprintf("%.3g", r.C)})
	}
	return append(f, Fact{"training time", Seconds(r.Elapsed)}, Fact{"time per iteration", Seconds(r.Elapsed / float64(max(1, r.Iteration)))})
}

func objectiveCharts(rs []dlam.Record) []Chart {
	x := Axis{Label: "iteration"}
	f := Chart{Title: "Objective F", X: x, Y: Axis{Label: "F", Log: true}, Series: []Series{curve("", 0, rs, iteration, objective)}}
	parts := Chart{Title: "Its parts", X: x, Y: Axis{Label: "part of F", Log: true}}
	parts.Series = append(parts.Series,
		curve("risk", 0, rs, iteration, func(r dlam.Record) (float64, bool) {
			rest := r.Regularization
			for _, v := range r.Penalty {
				rest += v
			}
			return r.Objective - rest, true
		}),
		curve("penalties", 1, rs, iteration, func(r dlam.Record) (float64, bool) {
			sum := 0.0
			for _, v := range r.Penalty {
				sum += v
			}
			return sum, len(r.Penalty) > 0
		}),
		curve("regularisation", 2, rs, iteration, func(r dlam.Record) (float64, bool) { return r.Regularization, r.Regularization > 0 }))
	penalties := Chart{Title: "Penalty of each layer", X: x, Y: Axis{Label: "φ", Log: true}}
	for l := range rs[len(rs)-1].Penalty {
		penalties.Series = append(penalties.Series, curve(layerName(l+1), l, rs, iteration, func(r dlam.Record) (float64, bool) {
			if l >= len(r.Penalty) {
				return 0, false
			}
			return r.Penalty[l], true
		}))
	}
	return []Chart{f, parts, penalties}
}

func layerName(l int) string { return "layer " + strconv.Itoa(l) }

func scoreCharts(rs []dlam.Record) []Chart {
	x := Axis{Label: "iteration"}
	quality := Chart{Title: "Accuracy", X: x, Y: Axis{Label: "accuracy (%)"}, Series: []Series{
		curve("training", 0, rs, iteration, scores(false, percentRight)), curve("test", 1, rs, iteration, scores(true, percentRight))}}
	if regression(rs) {
		quality = Chart{Title: "Root mean squared error", X: x, Y: Axis{Label: "RMSE"}, Series: []Series{
			curve("training", 0, rs, iteration, scores(false, rmse)), curve("test", 1, rs, iteration, scores(true, rmse))}}
	}
	return []Chart{quality,
		{Title: "Risk of the network", X: x, Y: Axis{Label: "mean loss", Log: true}, Series: []Series{
			curve("training", 0, rs, iteration, scores(false, risk)), curve("test", 1, rs, iteration, scores(true, risk))}},
		{Title: "Band half-width ε", X: x, Y: Axis{Label: "ε", Log: true}, Series: []Series{
			curve("", 0, rs, iteration, func(r dlam.Record) (float64, bool) { return r.Epsilon, r.Epsilon > 0 })}},
	}
}

func moveCharts(rs []dlam.Record) []Chart {
	x := Axis{Label: "iteration"}
	layers := 0
	for _, r := range rs {
		for _, b := range r.Blocks {
			layers = max(layers, b.Layer)
		}
	}
	sum := func(take func(dlam.Block) bool) func(dlam.Record) (float64, bool) {
		return func(r dlam.Record) (v float64, ok bool) {
			for _, b := range r.Blocks {
				if take(b) {
					v, ok = v+b.Move, true
				}
			}
			return v, ok
		}
	}
	byLayer := Chart{Title: "Moves of each layer", X: x, Y: Axis{Label: "move", Log: true}}
	for l := 1; l <= layers; l++ {
		byLayer.Series = append(byLayer.Series, curve(layerName(l), l-1, rs, iteration, sum(func(b dlam.Block) bool { return b.Layer == l })))
	}
	byVariable := Chart{Title: "Moves of each variable", X: x, Y: Axis{Label: "move", Log: true}}
	for i, v := range []string{"W", "b", "z", "a"} {
		byVariable.Series = append(byVariable.Series, curve(v, i, rs, iteration, sum(func(b dlam.Block) bool { return b.Variable == v })))
	}
	return []Chart{byLayer, byVariable,
		{Title: "c_k", X: x, Y: Axis{Label: "c", Log: true}, Series: []Series{
			curve("", 0, rs, iteration, func(r dlam.Record) (float64, bool) { return r.C, r.C > 0 })}},
		{Title: "Step length", X: x, Y: Axis{Label: "step", Log: true}, Series: []Series{
			curve("", 0, rs, iteration, func(r dlam.Record) (float64, bool) { return r.Step, r.Step > 0 })}},
	}
}

func costCharts(rs []dlam.Record) []Chart {
	x := Axis{Label: "iteration"}
	return []Chart{
		{Title: "Time of each iteration", X: x, Y: Axis{Label: "milliseconds"}, Series: []Series{
			curve("", 0, rs, iteration, func(r dlam.Record) (float64, bool) { return 1000 * r.Seconds, true })}},
		{Title: "Line-search trials", X: x, Y: Axis{Label: "trials"}, Series: []Series{
			curve("", 0, rs, iteration, func(r dlam.Record) (float64, bool) {
				t := r.Trials
				for _, b := range r.Blocks {
					t += b.Trials
				}
				return float64(t), t > 0
			})}},
	}
}

// recordTable shows at most forty records, evenly spaced, and the last.
func recordTable(rs []dlam.Record) Table {
	t := Table{ID: "records", Head: []string{"iteration", "F", "risk", "training accuracy", "test accuracy", "ε", "c_k", "seconds"}}
	if regression(rs) {
		t.Head[3], t.Head[4] = "training RMSE", "test RMSE"
	}
	every := (len(rs) + 39) / 40
	for i, r := range rs {
		if i%every != 0 && i != len(rs)-1 {
			continue
		}
		t.Rows = append(t.Rows, []string{
			strconv.Itoa(r.Iteration), fmt.Sprintf("%.6g", r.Objective), fmt.Sprintf("%.4g", r.Risk),
			scoreCell(r.Train, regression(rs)), scoreCell(r.Test, regression(rs)),
			positive(r.Epsilon), positive(r.C), fmt.Sprintf("%.3f", r.Elapsed),
		})
	}
	if every > 1 {
		t.Note = fmt.Sprintf("One iteration in %d, and the last.", every)
	}
	return t
}

func scoreCell(s *dlam.Score, regression bool) string {
	switch {
	case s == nil:
		return "–"
	case regression:
		return fmt.Sprintf("%.4g", s.RMSE)
	}
	return Percent(s.Accuracy)
}

func positive(v float64) string {
	if v == 0 {
		return "–"
	}
	return fmt.Sprintf("%.4g", v)
}
