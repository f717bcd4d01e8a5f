package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/dlam-go/dlam/dataset"
	columntable "github.com/dlam-go/dlam/table"
)

// showColumns tells people what the columns of a table were taken for: each that is
// not just a number, and numbers as long as they are few.
func (a *app) showColumns(all []dataset.Taken) {
	if len(all) == 0 || a.job.Rank() > 0 {
		return
	}
	const few = 15
	plain := 0
	for _, k := range all {
		if isPlain(k) {
			plain++
		}
	}
	w := newTable(a.err)
	w.AppendHeader(table.Row{"column", "taken for", "found"})
	shown := 0
	for _, k := range all {
		if isPlain(k) && plain > few {
			continue
		}
		if shown++; shown > 4*few && !k.Label && !k.Weight && !k.Sequence {
			continue
		}
		kind := string(k.Kind)
		switch {
		case k.Label:
			kind = "label"
		case k.Weight:
			kind = "weight"
		case k.Sequence:
			kind = "sequence"
		}
		w.AppendRow(table.Row{k.Name, kind, k.About})
	}
	if more := shown - 4*few; more > 0 {
		w.AppendRow(table.Row{fmt.Sprintf("%d more", more), "", ""})
	}
	if plain > few {
		w.AppendRow(table.Row{fmt.Sprintf("%d others", plain), "number", ""})
	}
	w.Render()
}

// isPlain reports whether a column is a number of which there is nothing to say.
func isPlain(k dataset.Taken) bool {
	return !k.Label && k.Kind == dataset.KindNumber && !strings.Contains(k.About, ";")
}

// showTransform tells people what a model makes of the columns of a table.
func (a *app) showTransform(all []dataset.Column) {
	w := newTable(a.err)
	w.AppendHeader(table.Row{"column", "taken for", "features", "for a missing value"})
	for _, c := range all {
		missing := "unknown"
		switch {
		case c.Kind == dataset.KindDateTime:
			missing = columntable.FormatTime(int64(c.Fill * 1e6))
		case c.Kind != dataset.KindCategory:
			missing = fmt.Sprintf("%.6g", c.Fill)
		case c.Gaps:
			missing = "a feature"
		}
		about := ""
		if len(c.Knots) > 0 {
			about = ", by quantiles"
		}
		if bins := len(c.Edges) - 1; bins > 0 {
			about += fmt.Sprintf(", %d bins", bins)
		}
		if len(c.Rare) > 0 {
			about = fmt.Sprintf(", %d rare texts as one", len(c.Rare))
		}
		w.AppendRow(table.Row{c.Name, c.Kind, fmt.Sprint(c.Outputs(), about), missing})
	}
	w.Render()
}
