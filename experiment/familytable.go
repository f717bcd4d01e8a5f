package experiment

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/internal/machine"
	"github.com/dlam-go/dlam/report"
)

// FamilyFile is the table as docs/family.md has it, in the folder of a Family.
const FamilyFile = "family.md"

// write makes the page, the table for the documentation, and results.json of what has
// been run.
func (f Family) write(runs []familyRun, done map[string]familyOutcome) error {
	var kept []familyOutcome
	for _, r := range runs {
		if o, ok := done[r.words]; ok {
			kept = append(kept, o)
		}
	}
	t := f.table(runs, done)
	if err := f.page(t, runs, done).Save(f.Dir); err != nil {
		return err
	}
	err := atomicfile.Write(filepath.Join(f.Dir, FamilyFile), func(w io.Writer) error {
		_, err := io.WriteString(w, f.lead()+"\n\n"+markdown(t)+"\n"+t.Note+"\n")
		return err
	})
	if err != nil {
		return err
	}
	return writeJSON(filepath.Join(f.Dir, "results.json"), struct {
		Size     FamilySize      `json:"size"`
		Command  string          `json:"command"`
		Outcomes []familyOutcome `json:"outcomes"`
	}{f.Size, f.Command, kept})
}

// lead says what a row's run is.
func (f Family) lead() string {
	return fmt.Sprintf("A row is `dlam train %s --iterations %d` (%d where it takes mini-batches), `--refit` where its column has scores, and its own options.",
		f.common(), f.Size.Iterations, f.Size.Epochs)
}

// table has a row for each method, of the seeds that have been run.
func (f Family) table(runs []familyRun, done map[string]familyOutcome) report.Table {
	t := report.Table{
		ID: "table-family", Sortable: true,
		Head: []string{"method", "sort", "options", "training / test (%)", "with refit (%)", "random layers, refit", "s an iteration", "MB", "seeds"},
		Note: "Accuracies are means over the seeds of the forward pass, after ± the standard deviation of the test accuracy. " +
			"Seconds an iteration, an epoch of mini-batches, are processor time, which other work on the machine changes least; of the clock where the system tells none (*). " +
			"Random layers are hidden layers as they were drawn, with the last fitted to them. " +
			"MB are what the method says it takes beside the samples, without the refit.",
	}
	for _, m := range FamilyMethods() {
		var of []familyOutcome
		for _, r := range runs {
			if o, ok := done[r.words]; ok && r.method == m {
				of = append(of, o)
			}
		}
		t.Rows = append(t.Rows, append([]string{m.Name, report.MethodKind(strings.Fields(m.Words)[1]), m.Words}, cells(of)...))
	}
	return t
}

// cells are what is told of a method's runs.
func cells(of []familyOutcome) []string {
	if len(of) == 0 {
		return []string{"–", "–", "–", "–", "–", "0"}
	}
	var lost []string
	var spent, clock []float64
	for _, o := range of {
		if o.Trained == nil {
			lost = append(lost, string(o.Status))
		}
		if o.Processor > 0 {
			spent = append(spent, o.Processor)
		}
		clock = append(clock, o.Seconds)
	}
	seconds := fmt.Sprintf("%.3g", stat.Mean(spent, nil))
	if spent == nil {
		seconds = fmt.Sprintf("%.3g*", stat.Mean(clock, nil))
	}
	seeds := fmt.Sprint(len(of))
	if lost != nil {
		seeds += ", of which " + strings.Join(lost, ", ")
	}
	accuracy := func(pick func(familyOutcome) *scores) string {
		var train, test []float64
		for _, o := range of {
			if s := pick(o); s != nil {
				train, test = append(train, 100*s.Train), append(test, 100*s.Test)
			}
		}
		switch len(test) {
		case 0:
			return "–"
		case 1:
			return fmt.Sprintf("%.1f / %.1f", train[0], test[0])
		}
		mean, deviation := stat.MeanStdDev(test, nil)
		return fmt.Sprintf("%.1f / %.1f ± %.1f", stat.Mean(train, nil), mean, deviation)
	}
	return []string{
		accuracy(func(o familyOutcome) *scores { return o.Trained }),
		accuracy(func(o familyOutcome) *scores { return o.Refitted }),
		accuracy(func(o familyOutcome) *scores { return o.Random }),
		seconds, fmt.Sprintf("%.0f", of[0].Memory/(1<<20)), seeds,
	}
}

// markdown writes t, with options as code.
func markdown(t report.Table) string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(t.Head)
	b.WriteString(strings.Repeat("|---", len(t.Head)) + "|\n")
	for _, r := range t.Rows {
		r = slices.Clone(r)
		r[2] = "`" + r[2] + "`"
		line(r)
	}
	return b.String()
}

func (f Family) page(t report.Table, runs []familyRun, done map[string]familyOutcome) report.Page {
	p := report.Page{Title: "The family on one work", Lead: strings.ReplaceAll(f.lead(), "`", "")}
	if f.Size.Name != FullFamily().Name {
		p.Title += " (quick version)"
		p.Warning = "This is the quick version: fewer samples and iterations. It shows that everything runs; its numbers are no evidence for or against a method."
	}
	each := report.Table{ID: "table-runs", Caption: "Each run.", Sortable: true, Head: []string{"run", "dlam train", "end", "training / test (%)", "s an iteration by the clock"}}
	machines := map[machine.Machine]bool{}
	facts := []report.Fact{{Name: "threads", Value: fmt.Sprint(f.Threads)}}
	for _, r := range runs {
		o, ok := done[r.words]
		if !ok {
			continue
		}
		score := "–"
		if s := o.Trained; s != nil {
			score = fmt.Sprintf("%.2f / %.2f", 100*s.Train, 100*s.Test)
		}
		each.Rows = append(each.Rows, []string{r.String(), o.Words, cmp.Or(o.Error, string(o.Status)), score, fmt.Sprintf("%.3g", o.Seconds)})
		if !machines[o.Machine] {
			machines[o.Machine] = true
			facts = append(facts, machineFacts(o.Machine)...)
		}
	}
	p.Sections = []report.Section{
		{Tables: []report.Table{t}}, {Title: "Runs", Tables: []report.Table{each}}, {Title: "Machine", Facts: facts},
		{Title: "To repeat it", Code: f.Command, Text: []string{"Each run is kept in runs/ and not run again; remove its folder to start it afresh."}},
	}
	return p
}
