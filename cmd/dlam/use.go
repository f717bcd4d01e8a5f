package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
)

// useFlags are how a model and data for it are named.
type useFlags struct {
	c      config
	output string
	format string
	train  bool
	json   bool
}

func newUseFlags() *useFlags { return &useFlags{c: defaultConfig(), format: "csv"} }

func (u *useFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&u.c.DataDir, "data-dir", u.c.DataDir, "where named data sets lie (default $DLAM_DATA_DIR)")
	f.BoolVar(&u.c.Offline, "offline", false, "never download")
	f.StringVar(&u.c.Label, "label", "", "label column of a table, by name or number")
	f.BoolVar(&u.c.NoHeader, "no-header", false, "a CSV's first line is data")
	f.IntVar(&u.c.Threads, "threads", runtime.GOMAXPROCS(0), "goroutines to compute on")
}

// openModel reads a model; a fault is bad input.
func openModel(path string) (*model.Model, error) {
	m, err := model.Load(path)
	if err != nil {
		return nil, errUsage{err}
	}
	return m, nil
}

// dataFor reads data as the model takes it: its columns, classes, transform.
func (a *app) dataFor(ctx context.Context, m *model.Model, source string, u *useFlags, labelled bool) (dataset.Dataset, error) {
	o := a.options(&u.c)
	o.Classes, o.Features = m.Classes, m.Features
	o.Regression = m.Classes == nil
	o.NoLabel = !labelled
	s, err := dataset.Open(ctx, source, o)
	if err != nil {
		return dataset.Dataset{}, err
	}
	d := s.Train
	if s.Test.Rows() > 0 && !u.train {
		d = s.Test
	}
	if d.X.Cols == m.Transform.Inputs+1 && !labelled && m.Features == nil { // the label is among the columns
		o.NoLabel = false
		if s, err = dataset.Open(ctx, source, o); err != nil {
			return d, err
		}
		d = s.Train
	}
	return m.Transform.Apply(d)
}

func newPredictCommand(a *app) *cobra.Command {
	u := newUseFlags()
	c := &cobra.Command{
		Use: "predict MODEL DATA", Short: "Predict with a model", Args: cobra.ExactArgs(2),
		Long: `Predict for every row of DATA (any format that train reads; test part of a named
data set): the class and the probability of each class, or the values. MODEL is
a run folder or a model file.`,
		Example: "  dlam predict runs/digits-dlam new.csv --output predictions.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.predict(cmd.Context(), args[0], args[1], u)
		},
	}
	u.add(c)
	c.Flags().StringVarP(&u.output, "output", "o", "", "file to write (default standard output)")
	c.Flags().StringVar(&u.format, "format", u.format, "csv|jsonl")
	return c
}

func (a *app) predict(ctx context.Context, path, source string, u *useFlags) error {
	if u.format != "csv" && u.format != "jsonl" {
		return usagef("--format: got %q, want csv or jsonl", u.format)
	}
	m, err := openModel(path)
	if err != nil {
		return err
	}
	d, err := a.dataFor(ctx, m, source, u, false)
	if err != nil {
		return err
	}
	out, err := outputs(m, d.X, u.c.Threads)
	if err != nil {
		return err
	}
	write := func(w io.Writer) error { return writePredictions(w, m, out, u.format) }
	if u.output == "" {
		return write(a.out)
	}
	if err := atomicfile.Write(u.output, write); err != nil {
		return usagef("--output: %w", err)
	}
	return nil
}

// outputs is what the model says of transformed samples: probabilities,
// scores, or values in the data's units.
func outputs(m *model.Model, x mat.Dense, threads int) (mat.Dense, error) {
	out, err := m.Network.Predict(x, threads)
	if err != nil {
		return out, err
	}
	l, err := loss.Parse(m.Loss)
	if err != nil {
		return out, err
	}
	if p, ok := l.(loss.Probabilistic); ok && m.Classes != nil {
		p.Probabilities(out, out)
	}
	m.Transform.Restore(out)
	return out, nil
}

func writePredictions(w io.Writer, m *model.Model, out mat.Dense, format string) error {
	names := m.Classes
	if names == nil {
		for j := range out.Cols {
			names = append(names, "value"+strconv.Itoa(j))
		}
	}
	if format == "jsonl" {
		return writeJSONLines(w, m, out)
	}
	c := csv.NewWriter(w)
	head := names
	if m.Classes != nil {
		head = append([]string{"class"}, names...)
	}
	if err := c.Write(head); err != nil {
		return err
	}
	for i := range out.Rows {
		var row []string
		if m.Classes != nil {
			row = append(row, m.Classes[argMax(out.Row(i))])
		}
		for _, v := range out.Row(i) {
			row = append(row, strconv.FormatFloat(float64(v), 'g', -1, 32))
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func writeJSONLines(w io.Writer, m *model.Model, out mat.Dense) error {
	e := json.NewEncoder(w)
	for i := range out.Rows {
		row := map[string]any{"outputs": out.Row(i)}
		if m.Classes != nil {
			row["class"] = m.Classes[argMax(out.Row(i))]
		}
		if err := e.Encode(row); err != nil {
			return err
		}
	}
	return nil
}

func argMax(x []float32) int {
	best := 0
	for j, v := range x {
		if v > x[best] {
			best = j
		}
	}
	return best
}

func newEvalCommand(a *app) *cobra.Command {
	u := newUseFlags()
	c := &cobra.Command{
		Use: "eval MODEL", Short: "Measure a model on labelled data", Args: cobra.ExactArgs(1),
		Long: `Measure a model: accuracy and confusion matrix, or root mean squared error and
R². Without --data on the test part of the data that it was trained on, divided
as then. Of a named data set the test part is used. MODEL is a run folder or a
model file.`,
		Example: "  dlam eval runs/mnist-dlam\n  dlam eval runs/digits-dlam --data new.csv",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.eval(cmd.Context(), args[0], u) },
	}
	u.c.Data = ""
	c.Flags().StringVar(&u.c.Data, "data", "", "data to measure on (default: the test part of what the model was trained on)")
	c.Flags().BoolVar(&u.train, "train", false, "use the training part instead of the test part")
	u.add(c)
	c.Flags().BoolVar(&u.json, "json", false, "end with a JSON object on standard output")
	return c
}

func (a *app) eval(ctx context.Context, path string, u *useFlags) error {
	m, err := openModel(path)
	if err != nil {
		return err
	}
	started := time.Now()
	d, err := a.measured(ctx, m, u)
	if err != nil {
		return err
	}
	if !d.Labelled() || (d.Class != nil) != (m.Classes != nil) {
		return usagef("%s: no labels of the model's kind to measure on", u.c.Data)
	}
	l, err := loss.Parse(m.Loss)
	if err != nil {
		return errUsage{err}
	}
	score, err := dlam.Evaluate(m.Network, d.X, dlam.TargetOf(d), l, u.c.Threads)
	if err != nil {
		return err
	}
	unit := 1.0
	if m.Transform.TargetFactor != 0 {
		unit = 1 / float64(m.Transform.TargetFactor)
	}
	if err := a.showScore(m, d, score, unit, u.c.Threads); err != nil {
		return err
	}
	if !u.json {
		return nil
	}
	s := map[string]any{
		"solver": m.Training.Solver, "dataset": u.c.Data, "layers": m.Network.Widths(), "iterations": m.Training.Iterations,
		"objective": score.Risk * float64(d.Rows()), "risk": score.Risk, "seconds": time.Since(started).Seconds(), "seconds_per_iteration": nil,
		"status": dlam.Completed, "run": path, "samples": d.Rows(),
	}
	part := map[bool]string{true: "train", false: "test"}
	scores(s, part[u.train], score, m.Classes != nil, unit)
	scores(s, part[!u.train], nil, m.Classes != nil, unit)
	return a.object(s)
}

// measured is the data to measure m on: what --data names, else a part of what
// the model was trained on, divided as then.
func (a *app) measured(ctx context.Context, m *model.Model, u *useFlags) (dataset.Dataset, error) {
	if u.c.Data != "" {
		return a.dataFor(ctx, m, u.c.Data, u, true)
	}
	c := defaultConfig()
	if err := c.decode(m.Training.Config, "the model's settings"); err != nil {
		return dataset.Dataset{}, err
	}
	if u.c.DataDir != "" {
		c.DataDir = u.c.DataDir
	}
	c.Offline, u.c.Data = u.c.Offline, c.Data
	s, err := a.divided(ctx, &c)
	if err != nil {
		return dataset.Dataset{}, err
	}
	d := s.Test
	if u.train {
		d = s.Train
	}
	switch {
	case d.Rows() == 0:
		return d, usagef("%s: the model was trained without test data: name some with --data, or use --train", c.Data)
	case !slices.Equal(d.Classes, m.Classes):
		return d, usagef("%s: classes %q, the model has %q: the data has changed since", c.Data, d.Classes, m.Classes)
	}
	return m.Transform.Apply(d)
}

// showScore tells people the score, with a confusion matrix for up to 20
// classes: a row a true class, a column a predicted one.
func (a *app) showScore(m *model.Model, d dataset.Dataset, s *dlam.Score, unit float64, threads int) error {
	if m.Classes == nil {
		a.say("%d samples: RMSE %.5g, R² %.5g", d.Rows(), s.RMSE*unit, s.R2)
		return nil
	}
	a.say("%d samples: accuracy %.2f %%, loss %.5g", d.Rows(), 100*s.Accuracy, s.Risk)
	if len(m.Classes) > 20 {
		return nil
	}
	out, err := m.Network.Predict(d.X, threads)
	if err != nil {
		return err
	}
	counts := mat.New(len(m.Classes), len(m.Classes))
	for i, c := range d.Class {
		counts.Row(int(c))[argMax(out.Row(i))]++
	}
	a.confusion(m.Classes, counts)
	return nil
}

func (a *app) confusion(names []string, counts mat.Dense) {
	w := table.NewWriter()
	w.SetOutputMirror(a.err)
	w.SetStyle(table.StyleLight)
	head := table.Row{"true \\ predicted"}
	for _, n := range names {
		head = append(head, n)
	}
	w.AppendHeader(append(head, "right"))
	for i, n := range names {
		row, total := table.Row{n}, float32(0)
		for _, v := range counts.Row(i) {
			row, total = append(row, int(v)), total+v
		}
		right := "-"
		if total > 0 {
			right = fmt.Sprintf("%.1f %%", 100*counts.At(i, i)/total)
		}
		w.AppendRow(append(row, right))
	}
	w.Render()
}
