package experiment

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/machine"
	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/trace"
)

// write makes the report and results.json from finished cells.
func (r Reproduction) write(done outcomes) error {
	claims := r.claims(done)
	if err := r.page(done, claims).Save(r.Dir); err != nil {
		return err
	}
	type cell struct {
		Cell    Cell            `json:"cell"`
		Trace   string          `json:"trace"` // file, from the report's folder
		Status  dlam.Status     `json:"status"`
		Error   string          `json:"error,omitempty"`
		Machine machine.Machine `json:"machine"`
		Last    dlam.Record     `json:"last"`
	}
	var cells []cell
	for _, c := range r.plan(done) {
		o := done[c.key()]
		file := filepath.ToSlash(filepath.Join(CellsDir, c.key(), trace.FileName))
		cells = append(cells, cell{c, file, o.Status, o.Error, o.Machine, o.Last})
	}
	return writeJSON(filepath.Join(r.Dir, "results.json"), struct {
		Parts   []string `json:"parts"`
		Size    Size     `json:"size"`
		Command string   `json:"command"`
		Claims  []Claim  `json:"claims"`
		Cells   []cell   `json:"cells"`
	}{r.Parts, r.Size, r.Command, claims, cells})
}

func (r Reproduction) claims(done outcomes) []Claim {
	var cs []Claim
	if r.has("figure1") {
		cs = append(cs, r.figure1Claims(done)...)
	}
	if r.has("figure2") {
		cs = append(cs, r.accuracyClaims("Figure 2", false, done)...)
	}
	if r.has("figure3") {
		cs = append(cs, r.accuracyClaims("Figure 3", true, done)...)
	}
	if r.has("table2") {
		cs = append(cs, r.tableClaims(done)...)
	}
	return cs
}

func (r Reproduction) page(done outcomes, claims []Claim) report.Page {
	p := report.Page{
		Title: "DLAM: the paper's evaluation, run again",
		Lead:  "Gradient-free Neural Network Training by Multi-convex Alternating Optimization (2020), section 4: its figures and tables from runs of this program, beside what the paper reports.",
	}
	if r.Size.reduced() {
		p.Title += " (quick version)"
		p.Warning = "This is the quick version: fewer samples and fewer iterations than the paper's. It shows that everything runs; its numbers are no evidence for or against the paper."
	}
	p.Sections = append(p.Sections, report.Section{
		Title: "What reproduces and what does not", Text: summary(claims, r.Size.reduced()),
		Tables: []report.Table{claimTable(claims, r.Size.reduced())},
	})
	if r.has("figure1") {
		p.Sections = append(p.Sections, report.Section{Title: "Figure 1: convergence", Figures: []report.Figure{r.figure1(done)}})
	}
	for i, id := range []string{"figure2", "figure3"} {
		if r.has(id) {
			test := i == 1
			p.Sections = append(p.Sections, report.Section{
				Title:   map[bool]string{false: "Figure 2: training accuracy", true: "Figure 3: test accuracy"}[test],
				Figures: []report.Figure{r.accuracyFigure(id, test, done)},
				Tables:  []report.Table{r.levelTable(id, test, done)},
			})
		}
	}
	if r.has("table2") {
		p.Sections = append(p.Sections, report.Section{
			Title: "Table 2: time per iteration",
			Figures: []report.Figure{{ID: "figure-table2", Columns: 2, Caption: r.caption("Table 2 as curves."),
				Charts: []report.Chart{r.timeChart(mnist, done), r.timeChart(fashion, done)}}},
			Tables: []report.Table{r.table2(mnist, done), r.table2(fashion, done)},
		})
	}
	return r.appendix(p, done)
}

// summary is the verdicts in plain words: how many hold, and each that does
// not.
func summary(claims []Claim, quick bool) []string {
	if quick {
		return []string{"Not judged: this is the quick version. The numbers are those of its runs."}
	}
	tested, whole := 0, 0
	text := []string{""}
	for _, c := range claims {
		if c.Cases == 0 {
			continue
		}
		tested++
		if c.Holds == c.Cases {
			whole++
		} else {
			text = append(text, fmt.Sprintf("%s: “%s” %s.", c.Part, strings.TrimRight(c.Paper, ".,"), c.verdict(false)))
		}
	}
	text[0] = fmt.Sprintf("Of %d statements of the paper that were tested, %d hold in every case.", tested, whole)
	return text
}

// appendix adds settings, learning rates, machines and how to repeat it.
func (r Reproduction) appendix(p report.Page, done outcomes) report.Page {
	s := r.Size
	d := r.panels()[0].ours()
	settings := report.Section{Title: "Settings", Facts: []report.Fact{
		{Name: "iterations", Value: fmt.Sprint(s.Iterations)},
		{Name: "training samples", Value: fmt.Sprintf("MNIST %d, Fashion-MNIST %d", s.MNIST, s.Fashion)},
		{Name: "test samples", Value: fmt.Sprint(s.Test)},
		{Name: "features", Value: "MNIST 196 (2×2 means), Fashion-MNIST 784"},
		{Name: "DLAM", Value: fmt.Sprintf("ρ = %g, ε₀ = %g, %s", d.Settings.DLAM.Rho, d.Settings.DLAM.Epsilon, d.Settings.DLAM.EpsilonRule)},
		{Name: "line search", Value: fmt.Sprintf("figures: %s; Table 2: backtracking", d.Settings.DLAM.LineSearch)},
		{Name: "activation, loss", Value: "ReLU, cross-entropy"},
		{Name: "start", Value: fmt.Sprintf("%s, the same for all methods", d.Init)},
		{Name: "seed", Value: fmt.Sprint(d.Seed)},
		{Name: "threads", Value: fmt.Sprint(r.Threads)},
	}}
	if r.has("figure2") || r.has("figure3") {
		settings.Text = append(settings.Text, "First-order methods run on the full batch. Their learning rates are chosen as the paper chose: by training accuracy, here at the end of the run, from the grid below; "+
			fmt.Sprintf("each rate of the grid on the first %d training samples.", s.Tune))
		settings.Tables = append(settings.Tables, r.gridTable(done))
	}
	machines := report.Section{Title: "Machine", Facts: r.machineFacts(done)}
	again := report.Section{Title: "To repeat it", Code: r.Command,
		Text: []string{"Each run's outcome and trace are kept in cells/ and not computed again; remove that folder to start afresh."}}
	p.Sections = append(p.Sections, settings, machines, again)
	return p
}

// machineFacts lists every machine that outcomes were computed on.
func (r Reproduction) machineFacts(done outcomes) []report.Fact {
	var facts []report.Fact
	seen := map[machine.Machine]bool{}
	for _, c := range r.plan(done) {
		o := done[c.key()]
		if !seen[o.Machine] {
			seen[o.Machine] = true
			facts = append(facts, machineFacts(o.Machine)...)
		}
	}
	return facts
}

// machineFacts are what readers are told of a machine.
func machineFacts(m machine.Machine) []report.Fact {
	f := []report.Fact{{Name: "processor", Value: m.CPU}, {Name: "system", Value: m.System}, {Name: "Go", Value: m.Go}}
	if p := m.Program(); p != "" {
		f = append(f, report.Fact{Name: "program", Value: p})
	}
	return f
}
