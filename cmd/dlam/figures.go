package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/dlam-go/dlam/judge"
)

// mostClasses is up to how many classes tables have a row for each.
const mostClasses = 20

// newTable is a table that is written to out.
func newTable(out io.Writer) table.Writer {
	w := table.NewWriter()
	w.SetOutputMirror(printable{out})
	w.SetStyle(table.StyleLight)
	return w
}

// table is a table that people see.
func (a *app) table(head ...any) table.Writer {
	w := newTable(a.err)
	w.Style().Format.Header = text.FormatDefault // names of classes are as they are
	w.AppendHeader(head)
	return w
}

// figure is a figure as people read it; - is an undefined one.
func figure(v *float64) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, 'g', 5, 64)
}

// showReport tells people how good a model is, with the confusion matrix last.
func (a *app) showReport(r judge.Report) {
	w := a.table("figure", "value")
	figures := r.Figures()
	if r.Values != nil && r.Values.Values != nil {
		figures = figures[:1] // those of each value have a table of their own
	}
	for _, f := range figures {
		if f.Value != nil {
			w.AppendRow(table.Row{f.About, figure(f.Value)})
		}
	}
	w.Render()
	for _, why := range r.Omitted() {
		a.say("left out: %s", why)
	}
	if v := r.Values; v != nil {
		a.showValues(v)
		return
	}
	a.showCalibration(r.Classes)
	if len(r.Classes.Classes) > mostClasses {
		a.say("%d classes: what there is to say of each is in --json", len(r.Classes.Classes))
		return
	}
	a.showClasses(r.Classes.Classes)
	a.confusion(r.Classes)
}

// showValues is a row for each of several values.
func (a *app) showValues(v *judge.Values) {
	if len(v.Values) == 0 {
		return
	}
	head := []any{"value", "RMSE", "MAE", "R²"}
	if v.Quantile != nil {
		head = append(head, fmt.Sprintf("pinball loss at %g", *v.Quantile))
	}
	w := a.table(head...)
	for _, one := range v.Values {
		row := table.Row{one.Name, figure(one.RMSE), figure(one.MAE), figure(one.R2)}
		if v.Quantile != nil {
			row = append(row, figure(one.Pinball))
		}
		w.AppendRow(row)
	}
	w.Render()
}

// showClasses is a row for each class.
func (a *app) showClasses(all []judge.Class) {
	w := a.table("class", "precision", "recall", "F1", "ROC-AUC", "average precision", "support")
	for _, c := range all {
		w.AppendRow(table.Row{c.Name, figure(&c.Precision), figure(&c.Recall), figure(&c.F1), figure(c.ROCAUC), figure(c.AveragePrecision), figure(&c.Support)})
	}
	w.Render()
}

// showCalibration is a row for each bin that has samples.
func (a *app) showCalibration(c *judge.Classes) {
	if c.Calibration == nil {
		return
	}
	what := "the predicted class"
	if len(c.Classes) == 2 {
		what = strconv.Quote(c.Classes[1].Name)
	}
	counted := "samples"
	if c.Weight != float64(c.Samples) {
		counted = "weight"
	}
	w := a.table("probability of "+what, counted, "mean", "observed")
	for _, b := range c.Calibration {
		if b.Weight > 0 {
			w.AppendRow(table.Row{fmt.Sprintf("%.1f to %.1f", b.Low, b.High), b.Weight, fmt.Sprintf("%.4f", b.Predicted), fmt.Sprintf("%.4f", b.Observed)})
		}
	}
	w.Render()
}

// confusion shows counts of samples to people.
func (a *app) confusion(c *judge.Classes) {
	head := []any{"true \\ predicted"}
	for _, one := range c.Classes {
		head = append(head, one.Name)
	}
	w := a.table(append(head, "right")...)
	for i, one := range c.Classes {
		row, total := table.Row{one.Name}, 0
		for _, v := range c.Confusion[i] {
			row, total = append(row, v), total+v
		}
		right := "-"
		if total > 0 {
			right = fmt.Sprintf("%.1f %%", 100*float64(c.Confusion[i][i])/float64(total))
		}
		w.AppendRow(append(row, right))
	}
	w.Render()
}
