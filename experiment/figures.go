package experiment

import (
	"fmt"

	"github.com/dlam-go/dlam/report"
)

// curves are the panel's runs by method, at the chosen rates.
func (p panel) curves(done outcomes) map[string]outcome {
	cs := map[string]outcome{}
	for _, m := range methods() {
		if o, ok := p.chosen(m, done); ok {
			cs[m.name] = o
		}
	}
	return cs
}

// figure1 is log F of DLAM against iterations.
func (r Reproduction) figure1(done outcomes) report.Figure {
	c := report.Chart{Title: "Convergence of DLAM", X: report.Axis{Label: "iteration"}, Y: report.Axis{Label: "objective F", Log: true}}
	for i, p := range r.panels() {
		s := report.Series{Name: shape(p.base.Hidden) + " " + map[string]string{mnist: "MNIST", fashion: "Fashion"}[p.base.Data], Style: i}
		for _, rec := range done[p.ours().key()].records {
			s.X, s.Y = append(s.X, float64(rec.Iteration)), append(s.Y, rec.Objective)
		}
		c.Series = append(c.Series, s)
	}
	return report.Figure{ID: "figure1", Columns: 1, Charts: []report.Chart{c},
		Caption: r.caption("Figure 1. Convergence curves of DLAM. The paper's text gives no values of its curves.")}
}

// accuracyFigure is Figure 2 (training) or 3 (test).
func (r Reproduction) accuracyFigure(id string, test bool, done outcomes) report.Figure {
	f := report.Figure{ID: id, Columns: 2}
	what := "Training"
	if test {
		what = "Test"
	}
	f.Caption = r.caption(fmt.Sprintf("Figure %s. %s accuracy of all methods. Dotted: the levels that the paper's text reports, 70 %% early and 80 %% at the end for DLAM, about 80 %% for ADMM; of the others it gives none.", id[len("figure"):], what))
	for _, p := range r.panels() {
		c := report.Chart{
			Title: "(" + p.letter + ") " + p.name(), X: report.Axis{Label: "iteration"}, Y: report.Axis{Label: what + " accuracy (%)"},
			Levels: []report.Level{{Label: "paper: DLAM early", Y: 100 * paperEarly}, {Label: "paper: DLAM, ADMM", Y: 100 * paperEnd}},
		}
		curves := p.curves(done)
		for _, m := range methods() {
			o, ok := curves[m.name]
			if !ok {
				continue
			}
			s := report.Series{Name: m.label, Style: report.MethodStyle(m.name)}
			var share []float64
			s.X, share = accuracies(o.records, test)
			for _, v := range share {
				s.Y = append(s.Y, 100*v)
			}
			c.Series = append(c.Series, s)
		}
		f.Charts = append(f.Charts, c)
	}
	return f
}

// caption says when numbers are not the paper's experiment.
func (r Reproduction) caption(s string) string {
	if r.Size.reduced() {
		return s + " QUICK VERSION: fewer samples and iterations than the paper's."
	}
	return s
}

// levelTable is the numbers of Figure 2 or 3, with what the paper says of each.
func (r Reproduction) levelTable(id string, test bool, done outcomes) report.Table {
	t := report.Table{ID: "table-" + id, Caption: "Where the curves are, and what the paper's text says of them.",
		Head: []string{"panel", "method", "learning rate", "last (%)", "best (%)", "70 % at", "last F", "paper"}}
	for _, p := range r.panels() {
		for _, m := range methods() {
			o, ok := p.chosen(m, done)
			if !ok {
				t.Rows = append(t.Rows, []string{p.name(), m.label, "–", "–", "–", "–", "–", "the run gave no network"})
				continue
			}
			rate := "–"
			if m.rates != nil {
				rate = fmt.Sprint(o.Cell.rate())
			}
			peak, _ := best(o, test)
			t.Rows = append(t.Rows, []string{
				p.name(), m.label, rate, fmt.Sprintf("%.2f", 100*final(o, test)), fmt.Sprintf("%.2f", 100*peak),
				at(reaches(o, test, paperEarly)), fmt.Sprintf("%.5g", o.Last.Objective), m.paper,
			})
		}
	}
	return t
}

// gridTable is the training accuracy at each rate, by which it was chosen.
func (r Reproduction) gridTable(done outcomes) report.Table {
	t := report.Table{ID: "table-rates", Caption: "Learning rates: training accuracy after the last iteration, by which the rate is chosen.",
		Head: []string{"panel", "method", "rate", "training (%)", "end", "chosen"}}
	for _, p := range r.panels() {
		for _, m := range methods() {
			if m.rates == nil {
				continue
			}
			chosen := p.main(m, done)
			grid := p.grid(m)
			for i, c := range grid {
				o := done[c.key()]
				row := []string{p.name(), m.label, fmt.Sprint(c.rate()), "–", string(o.Status), ""}
				if o.trained() {
					row[3] = fmt.Sprintf("%.2f", 100*o.Last.Train.Accuracy)
				}
				if chosen.rate() == c.rate() {
					row[5] = "yes"
					if i == 0 || i == len(grid)-1 {
						row[5] = "yes, at the edge of the grid"
					}
				}
				t.Rows = append(t.Rows, row)
			}
		}
	}
	return t
}
