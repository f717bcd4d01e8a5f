package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam"
)

// RunPage is the page of one run. What more there is to say of its network, as dlam
// report finds out, comes between its scores and how the training went.
func RunPage(run Run, more ...Section) Page {
	rs := run.Records
	p := Page{Title: run.Name, Clocks: []Clock{clock(rs, run.About)}}
	if a := run.About; a != nil {
		p.Sections = []Section{card(a, rs)}
		if p.Ended = a.Status; a.Error != "" {
			p.Warning = fmt.Sprintf("The run ended early, %s: %s", a.Status, a.Error)
		}
	}
	if a := run.About; a != nil && a.Warning != "" && p.Warning == "" {
		p.Warning = "Take care: " + a.Warning + "."
	}
	if len(rs) == 0 {
		p.Lead = "No iteration is done yet."
		return p
	}
	p.Lead = fmt.Sprintf("Training run, %d iterations recorded.", len(rs))
	p.Sections = append(p.Sections, Section{Facts: facts(rs)})
	p.add("What is minimised", "objective", "", objectiveCharts(rs))
	p.add("What the network does", "scores", scoresCaption(rs), scoreCharts(rs))
	p.Sections = append(p.Sections, more...)
	p.add("Its layers", "layers", layersCaption(rs), layerCharts(rs))
	p.add("How well the layers fit together", "constraints", constraintsCaption(rs), constraintCharts(rs))
	p.add("How it moves", "moves", movesCaption(rs), moveCharts(rs))
	p.add("What it costs", "cost", costCaption(rs), append(costCharts(rs), partCharts(rs)...))
	p.Sections = append(p.Sections, Section{Title: "Numbers", Tables: []Table{recordTable(rs)}})
	return p
}

func (p *Page) add(title, id, caption string, charts []Chart) {
	charts = compact(charts)
	if len(charts) == 0 {
		return
	}
	for i := range charts {
		charts[i].Clocked = true
	}
	columns := 3
	if len(charts) < 3 || len(charts) == 4 { // rows that are full
		columns = 2
	}
	p.Sections = append(p.Sections, Section{Title: title, Figures: []Figure{{ID: id, Caption: caption, Charts: charts, Columns: columns}}})
}

// Notes are told of what the records have: no other method's page is to have them.

func costCaption(rs []dlam.Record) string {
	if !slices.ContainsFunc(rs[len(rs)-1].Parts, func(p dlam.Part) bool { return p.Variables == "za" }) {
		return ""
	}
	return "A hidden layer's z and a are updated in one pass over the samples."
}

func scoresCaption(rs []dlam.Record) string {
	if !regression(rs) {
		return ""
	}
	return "RMSE is of the values as the network gives them: scaled, where training scales them."
}

func constraintsCaption(rs []dlam.Record) string {
	if rs[len(rs)-1].Epsilon == 0 {
		return ""
	}
	return "φ is what is left of z = Wa + b, a − h(z) of the activation; the band allows |a − h(z)| ≤ ε."
}

func movesCaption(rs []dlam.Record) string {
	if len(rs[len(rs)-1].Blocks) == 0 {
		return ""
	}
	s := "A block's move is the decrease that Lemma 1 promises for it: ½Σθ∘ΔW², (nρ/2)‖Δb‖², (ρ/2)‖Δz‖², ½Στ‖Δa‖². c_k is the least sum of moves so far (Theorem 2)."
	if still := unmoved(rs); still != "" {
		s += " Never moved in any iteration: " + still + " (docs/mathematics.md says why hidden blocks may stand still)."
	}
	return s
}

func layersCaption(rs []dlam.Record) string {
	_, scored := last(rs)
	var still []string
	for l, d := range scored.FromStart {
		if d == 0 {
			still = append(still, layerName(l+1))
		}
	}
	s := "‖W‖ is the root of the sum of squared weights of a layer, ‖W − W⁰‖ that of their distances from the first weights."
	if len(still) > 0 {
		s += " The weights of " + strings.Join(still, ", ") + " are the first ones: they never moved."
	}
	return s
}

func facts(rs []dlam.Record) []Fact {
	r, scored := last(rs)
	f := []Fact{
		{"iteration", strconv.Itoa(r.Iteration)},
		{"objective F", fmt.Sprintf("%.6g", r.Objective)},
		{"risk per sample", fmt.Sprintf("%.4g", r.Risk)},
	}
	tell := func(name string, s *dlam.Score) {
		switch {
		case s == nil:
		case regression(rs):
			f = append(f, Fact{name + " RMSE", fmt.Sprintf("%.4g", s.RMSE)})
		default:
			f = append(f, Fact{name + " accuracy", Percent(s.Accuracy)})
		}
	}
	tell("training", scored.Train)
	tell("test", scored.Test)
	tell("validation", scored.Validation)
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
	return []Chart{f, parts}
}

func layerName(l int) string { return "layer " + strconv.Itoa(l) }

func scoreCharts(rs []dlam.Record) []Chart {
	quality, value := Chart{Title: "Accuracy", Y: Axis{Label: "accuracy (%)"}}, percentRight
	if regression(rs) {
		quality, value = Chart{Title: "Root mean squared error", Y: Axis{Label: "RMSE"}}, rmse
	}
	loss := Chart{Title: "Risk of the network", Y: Axis{Label: "mean loss", Log: true}}
	for i, s := range []struct {
		name string
		of   score
	}{{"training", train}, {"test", test}, {"validation", validation}} {
		quality.Series = append(quality.Series, curve(s.name, i, rs, iteration, s.of.of(value)))
		loss.Series = append(loss.Series, curve(s.name, i, rs, iteration, s.of.of(risk)))
	}
	quality.X, loss.X = Axis{Label: "iteration"}, Axis{Label: "iteration"}
	return []Chart{quality, loss}
}

// recordTable shows at most forty records, evenly spaced, and the last.
func recordTable(rs []dlam.Record) Table {
	t := Table{ID: "records", Sortable: true, Head: []string{"iteration", "F", "risk", "training accuracy", "test accuracy", "ε", "c_k", "seconds"}}
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
	return t.filled()
}

// filled is the table without columns that say nothing in any row.
func (t Table) filled() Table {
	for j := len(t.Head) - 1; j >= 0; j-- {
		if slices.ContainsFunc(t.Rows, func(r []string) bool { return r[j] != "–" }) {
			continue
		}
		t.Head = slices.Delete(t.Head, j, j+1)
		for i := range t.Rows {
			t.Rows[i] = slices.Delete(t.Rows[i], j, j+1)
		}
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
