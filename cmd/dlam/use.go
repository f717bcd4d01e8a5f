package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/judge"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/recipe"
	columntable "github.com/dlam-go/dlam/table"
)

// useFlags are how a model and data for it are named.
type useFlags struct {
	limits
	source  recipe.Source
	threads int
	output  string
	format  string
	keep    []string // columns to pass through
	keepSet bool
	train   bool
	json    bool
	weighs  bool // scores are weighted, if the model's training was
	layers  bool // outputs of whole layers are kept
	judged  bool // samples are ordered by an output
	copied  bool // features are changed in a copy
	codes   bool // of the last hidden layer, in place of predictions or beside figures
	force   force
}

// count is a flag's number of at least 1.
type count int

func (c *count) String() string { return strconv.Itoa(int(*c)) }

func (c *count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return fmt.Errorf("got %q, want a number of at least 1", text)
	}
	*c = count(n)
	return nil
}

func (c *count) Type() string { return "int" }

func newUseFlags(work, advice string) *useFlags {
	return &useFlags{
		limits: limits{work: work, advice: advice}, source: recipe.Source{DataDir: os.Getenv("DLAM_DATA_DIR")},
		threads: runtime.GOMAXPROCS(0), format: "csv",
	}
}

func (u *useFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&u.source.DataDir, "data-dir", u.source.DataDir, "where named data sets lie (default $DLAM_DATA_DIR)")
	f.BoolVar(&u.source.Offline, "offline", false, "never download")
	addTable(f, &u.source)
	f.Var((*count)(&u.threads), "threads", "goroutines to compute on")
	u.addFlag(f)
}

// openModel reads a model, if there is room for its file and its weights; a
// fault is bad input.
func (a *app) openModel(path string, lim limits) (*model.Model, error) {
	if err := cmp.Or(known(path), holdsModel(path)); err != nil {
		return nil, err
	}
	if info, err := os.Stat(model.Locate(path)); err == nil { // Load says what is wrong
		if !info.Mode().IsRegular() {
			return nil, usagef("%s: no file, so no model", path)
		}
		lim.work, lim.advice = "reading "+path, "a model of narrower layers takes less"
		if err := a.room(lim, 0, 2*float64(info.Size())); err != nil {
			return nil, err
		}
	}
	m, err := model.Load(path)
	if err != nil {
		return nil, errUsage{err}
	}
	return m, nil
}

// dataFor reads data as the model takes it: its columns, classes, transform.
func (a *app) dataFor(ctx context.Context, m *model.Model, source string, u *useFlags, labelled bool) (dataset.Dataset, error) {
	s, d, err := a.rawFor(ctx, m, source, u, labelled)
	if err != nil {
		return d, err
	}
	return a.apply(ctx, m, s, d, u)
}

// rawFor reads data with the model's columns and classes, and is the part of s that is
// used, with no transform applied.
func (a *app) rawFor(ctx context.Context, m *model.Model, source string, u *useFlags, labelled bool) (s dataset.Split, d dataset.Dataset, err error) {
	u.source.MaxMemory = float64(u.most)
	o := u.source.Reading()
	o.Classes, o.Features, o.Model = m.Classes, m.Features, &m.Transform
	if m.Classes == nil {
		o.Task = dataset.Regression
	}
	if shape := m.Transform.Table; shape.Columns > 0 && shape.Label >= 0 && o.Label == "" {
		o.Label = shape.Name
	}
	if o.Missing == nil {
		o.Missing = m.Transform.Missing
	}
	o.NoLabel = !labelled
	if u.weighs {
		o.Weight = m.Transform.Table.Weight
	}
	if o.Keep = u.keep; !u.keepSet {
		o.Keep = m.Transform.Table.IDs
	}
	if s, err = a.read(ctx, &u.source, source, o, u.limits); err != nil {
		return s, d, err
	}
	d = s.Train
	if s.Test.Rows() > 0 && !u.train {
		d = s.Test
	}
	if d.RawFeatures() == m.Transform.Inputs+1 && !labelled && m.Features == nil { // the label is among the columns
		o.NoLabel = false
		s, err = a.read(ctx, &u.source, source, o, u.limits)
		d = s.Train
	}
	return s, d, err
}

// apply transforms d, a part of s, if there is room for that and for what m
// then makes of it.
func (a *app) apply(ctx context.Context, m *model.Model, s dataset.Split, d dataset.Dataset, u *useFlags) (dataset.Dataset, error) {
	w, parameters := m.Network.Widths(), float64(m.Network.Parameters())
	kept, widest := float64(w[len(w)-1]), float64(slices.Max(w[1:]))
	if u.layers {
		kept = max(kept, 2*widest) // a layer and the next
	}
	if u.judged {
		const ordered = 6 // a sample's place in an order
		kept += ordered
	}
	if u.copied {
		kept += float64(m.Transform.Outputs())
	}
	passes := parameters + 2*nn.Block*widest*float64(u.threads)
	need := 4 * (float64(d.Rows())*(float64(m.Transform.Outputs())+kept) + passes)
	if err := a.room(u.limits, 4*parameters+s.Train.Bytes()+s.Test.Bytes(), need); err != nil {
		return d, err
	}
	return within(ctx, func() (dataset.Dataset, error) { return m.Transform.Apply(d) })
}

func newPredictCommand(a *app) *cobra.Command {
	u := newUseFlags("predicting", "predict fewer samples at a time")
	c := &cobra.Command{
		Use: "predict MODEL DATA", Short: "Predict with a model", Args: cobra.ExactArgs(2),
		Long: `Predict for every row of DATA (any format that train reads; test part of a named
data set): the class and the probability of each class, or the values. MODEL is
a run folder or a model file. Columns are found by name; those that training ignored
as ids are passed through. With --codes a binary code of each row instead: a 1 for each
unit of the last hidden layer whose activation is above 0, for retrieval by Hamming distance
(docs/family.md, hash codes).`,
		Example: "  dlam predict runs/digits-dlam new.csv --output predictions.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			u.keepSet = cmd.Flags().Changed("keep")
			u.layers = u.codes
			return a.predict(cmd.Context(), args[0], args[1], u)
		},
	}
	u.add(c)
	c.Flags().StringVarP(&u.output, "output", "o", "", "file to write (default standard output, -)")
	u.force.addFlag(c.Flags())
	c.Flags().StringVar(&u.format, "format", u.format, "csv|jsonl")
	c.Flags().BoolVar(&u.codes, "codes", false, "write the signs of the last hidden layer as a text of 0 and 1 in place of predictions")
	c.Flags().StringSliceVar(&u.keep, "keep", nil, `columns of DATA to pass through, "" for none; default those that training ignored as ids`)
	return c
}

func (a *app) predict(ctx context.Context, path, source string, u *useFlags) error {
	if u.format != "csv" && u.format != "jsonl" {
		return usagef("--format: got %q, want csv or jsonl", u.format)
	}
	m, err := a.openModel(path, u.limits)
	if err != nil {
		return err
	}
	d, err := a.dataFor(ctx, m, source, u, false)
	if err != nil {
		return err
	}
	for _, name := range u.keep {
		if !slices.ContainsFunc(d.Kept, func(k dataset.Kept) bool { return k.Name == name }) {
			return usagef("--keep: %s has no column %q", source, name)
		}
	}
	said, err := predictions(m, d, u)
	if err != nil {
		return err
	}
	if u.output == "" {
		return said.write(a.out, u.format)
	}
	if err := a.write(ctx, u.output, said.mark(u.format), u.force, func(w io.Writer) error { return said.write(w, u.format) }); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	return nil
}

// lines are what is said of samples, a line each: texts of columns called head, or an
// object of JSON.
type lines struct {
	samples int
	kept    []dataset.Kept
	head    []string // with the kept columns
	texts   func(i int) []string
	object  func(i int) map[string]any
}

// predictions are what m predicts of d, or their codes.
func predictions(m *model.Model, d dataset.Dataset, u *useFlags) (*lines, error) {
	if u.codes {
		c, err := judge.CodesOf(m, d.X, u.threads)
		if err != nil {
			return nil, errUsage{err}
		}
		return &lines{
			c.Samples, d.Kept, columnNames(d.Kept, []string{"code"}),
			func(i int) []string { return []string{c.Text(i)} },
			func(i int) map[string]any { return map[string]any{"code": c.Text(i)} },
		}, nil
	}
	out, err := m.Outputs(d.X, u.threads)
	if err != nil {
		return nil, err
	}
	texts := func(i int) []string {
		var row []string
		if m.Classes != nil {
			row = append(row, m.Classes[mat.ArgMax(out.Row(i))])
		}
		for _, v := range out.Row(i) {
			row = append(row, strconv.FormatFloat(float64(v), 'g', -1, 32))
		}
		return row
	}
	object := func(i int) map[string]any {
		o := map[string]any{"outputs": out.Row(i)}
		if m.Classes != nil {
			o["class"] = m.Classes[mat.ArgMax(out.Row(i))]
		}
		return o
	}
	return &lines{out.Rows, d.Kept, header(m, d.Kept, out.Cols), texts, object}, nil
}

// columnNames are those of the columns kept, and these after them.
func columnNames(kept []dataset.Kept, names []string) []string {
	var head []string
	for _, k := range kept {
		head = append(head, k.Name)
	}
	all, _ := columntable.Distinct(append(head, names...))
	return all
}

// mark is what a file of these lines starts with.
func (l *lines) mark(format string) string {
	var b strings.Builder
	few := *l
	few.samples = min(1, l.samples)
	if format == "csv" {
		few.samples = 0
	}
	if err := few.write(&b, format); err != nil {
		return markNone
	}
	head, _, _ := strings.Cut(b.String(), "\n")
	if format == "jsonl" { // the first key
		head, _, _ = strings.Cut(head, ":")
	}
	return head
}

// header names the columns of predictions: those that were kept, the class, and the
// outputs: classes, value0, or of several values the label columns. Outputs that are
// called as another column is are called p(NAME), all of them.
func header(m *model.Model, kept []dataset.Kept, outputs int) []string {
	var before, names []string
	switch {
	case m.Classes != nil:
		before, names = []string{"class"}, slices.Clone(m.Classes)
	case outputs == 1:
		names = []string{"value0"}
	default:
		names = judge.ValueNames(m, outputs)
	}
	taken := func(n string) bool {
		return slices.Contains(before, n) || slices.ContainsFunc(kept, func(k dataset.Kept) bool { return k.Name == n })
	}
	if slices.ContainsFunc(names, taken) {
		for j, n := range names {
			names[j] = "p(" + n + ")"
		}
	}
	return columnNames(kept, append(before, names...))
}

func (l *lines) write(w io.Writer, format string) error {
	if format == "jsonl" {
		return l.writeJSON(w)
	}
	c := csv.NewWriter(w)
	if err := c.Write(l.head); err != nil {
		return err
	}
	for i := range l.samples {
		var row []string
		for _, k := range l.kept {
			row = append(row, k.Values[i])
		}
		if err := c.Write(append(row, l.texts(i)...)); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func (l *lines) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	for i := range l.samples {
		row := l.object(i)
		if len(l.kept) > 0 {
			of := map[string]string{}
			for _, k := range l.kept {
				of[k.Name] = k.Values[i]
			}
			row["row"] = of
		}
		if err := e.Encode(row); err != nil {
			return err
		}
	}
	return nil
}
