package dataset

import (
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/table"
)

// labelNames are the columns taken for the label, if there is no other word.
var labelNames = []string{"label", "class", "target", "y", "species"}

// columns is a table as it was read from a file: of all rows, or of this process's.
type columns struct {
	*table.Table
	named    bool               // the columns have names; else they are numbered
	repeated []string           // names that several columns had
	index    []int              // columns that number or name the rows, and are no data
	notes    []string           // what people are to be told
	place    string             // what a row is called in messages: "line", "row"
	part     bool               // of the file, this process's; else all of it
	offset   int                // rows of the file before the first of the table
	line     func(line int) int // the line of the file that a line of this process's part is; nil: the same
	budget   *table.Budget

	features []int // the columns that are features, and the label, -1 for none, if
	label    int   // the table was read for them; else features is nil
}

// name is how messages call column j.
func (t *columns) name(j int) string {
	if t.named {
		return strconv.Quote(t.Columns[j].Name)
	}
	return t.Columns[j].Name
}

// at is how messages call a row of the file.
func (t *columns) at(row, line int) string {
	switch {
	case line == 0:
		line = t.offset + row + 1
	case t.line != nil:
		line = t.line(line)
	}
	return fmt.Sprint(t.place, " ", line)
}

// find is the column that a user calls by its name or its number, from 0 or, if
// negative, from the end.
func (t *columns) find(what, called string) (int, error) {
	if j := t.Column(called); j >= 0 && t.named {
		if slices.Contains(t.repeated, called) {
			return 0, inputf("%s: %s %q: several columns have this name: call it by its number, from 0 to %d", t.Name, what, called, len(t.Columns)-1)
		}
		return j, nil
	}
	if j, err := strconv.Atoi(called); err == nil {
		if j < 0 {
			j += len(t.Columns)
		}
		if j >= 0 && j < len(t.Columns) {
			return j, nil
		}
	}
	if !t.named {
		return 0, inputf("%s: no %s %q: the columns have no names, give a number from 0 to %d", t.Name, what, called, len(t.Columns)-1)
	}
	return 0, inputf("%s: no %s %q (there are %s)", t.Name, what, called, table.List(t.Names()))
}

// findLabel is the column of the label: the one that o names, or else the first one
// with a customary name, or else the last.
func (t *columns) findLabel(o Options, candidates []int) (int, error) {
	if o.Label != "" {
		return t.find("label column", o.Label)
	}
	if len(candidates) == 0 {
		return 0, inputf("%s: no columns", t.Name)
	}
	for _, j := range candidates {
		if t.named && isLabelName(t.Columns[j].Name) {
			return j, nil
		}
	}
	return candidates[len(candidates)-1], nil
}

// roles decides which columns are features, and which the label: -1 for none.
func (t *columns) roles(o Options) (features []int, label int, err error) {
	if t.features != nil {
		return t.features, t.label, nil
	}
	left := make([]int, 0, len(t.Columns)) // columns that may be either
	dropped := slices.Clone(t.index)
	if o.Features == nil {
		for _, d := range o.Drop {
			j, err := t.find("column to drop", d)
			if err != nil {
				return nil, 0, err
			}
			dropped = append(dropped, j)
		}
	}
	for j := range t.Columns {
		if !slices.Contains(dropped, j) {
			left = append(left, j)
		}
	}
	label = -1
	if !o.NoLabel && (t.named || len(t.Columns) != len(o.Features)) {
		if label, err = t.findLabel(o, left); err != nil {
			return nil, 0, err
		}
	}
	if o.Features != nil && (t.named || len(t.Columns) > len(o.Features)+1) {
		for _, name := range o.Features {
			j := t.Column(name)
			if j < 0 {
				return nil, 0, inputf("%s: no column %q, which the model needs (there are %s)", t.Name, name, table.List(t.Names()))
			}
			features = append(features, j)
		}
		return features, label, nil
	}
	for _, j := range left {
		if j != label {
			features = append(features, j)
		}
	}
	if len(features) == 0 {
		return nil, 0, inputf("%s: no feature columns: it has %d in all (separators known are , ; tab | and blanks; --separator sets another)", t.Name, len(t.Columns))
	}
	return features, label, nil
}

// dataset makes the data set of a table, whose memory it gives up: its numbers and
// truth values are features, and one column is the label. err is an error of reading
// the table.
func (t *columns) dataset(o Options, err error) (Dataset, error) {
	if err != nil {
		return Dataset{}, err
	}
	d := Dataset{Name: t.Name, Comm: o.Comm, Scratch: o.Scratch, Notes: t.notes}
	lo, hi := 0, t.Rows
	if !t.part {
		lo, hi = o.rows(t.Rows)
		o = o.whole() // all processes have all rows
	}
	features, label, err := t.roles(o)
	if err != nil || t.Rows == 0 {
		return d, err
	}
	for _, j := range features {
		if err := t.refuseFeature(j); err != nil {
			return d, err
		}
	}
	if t.named || len(o.Drop) > 0 || len(t.index) > 0 {
		for _, j := range features {
			d.Features = append(d.Features, t.Columns[j].Name)
		}
	}
	if label >= 0 {
		if err := d.label(t, label, o); err != nil {
			return d, err
		}
	}
	if err := t.fill(&d, features, lo, hi); err != nil {
		return d, err
	}
	d.cutLabels(lo, hi)
	return d, nil
}

// refuseFeature says why column j cannot be a feature, nil if it can.
func (t *columns) refuseFeature(j int) error {
	c := t.Columns[j]
	row, line := c.First()
	drop := "leave the column out (--drop " + strconv.Quote(c.Name) + ")"
	switch {
	case c.Kind == table.Unknown:
		row, line = c.FirstMissing()
		return inputf("%s: %s, column %s: got no value, want a number: the whole column is empty: %s", t.Name, t.at(row, line), t.name(j), drop)
	case c.Kind == table.Text || c.Kind == table.Time:
		text := c.Format(row)
		advice := drop + ", or put numbers for its " + c.Kind.String()
		if v, ok := table.ParseNumber([]byte(text), ','); ok && strings.Contains(text, ",") {
			advice = fmt.Sprintf("if the comma is the decimal sign of %g, say so (--decimal ,)", v)
		}
		return inputf("%s: %s, column %s: got %q, want a number: %s", t.Name, t.at(row, line), t.name(j), text, advice)
	case c.Missing() > 0:
		row, line = c.FirstMissing()
		return inputf("%s: %s, column %s: got no value, want a number: %d of %d values are missing: fill them in, or %s", t.Name, t.at(row, line), t.name(j), c.Missing(), t.Rows, drop)
	}
	return nil
}

// fill copies rows lo to hi-1 of the features to d.X, and gives up the table's
// memory on the way, so that there are never both as a whole.
func (t *columns) fill(d *Dataset, features []int, lo, hi int) (err error) {
	if err := (Options{Scratch: d.Scratch}).allowMatrix(t.Name, hi-lo, len(features), t.budget); err != nil { // the table's memory is given up for it
		return err
	}
	if d.X, err = d.Scratch.matrix(t.Name, hi-lo, len(features)); err != nil {
		return err
	}
	const most, cached = 1 << 12, 1 << 17 // rows; values of d.X that fit in a cache
	block := max(1<<6, min(most, cached/len(features)))
	var values [most]float64
	var freed int64
	for row := lo; row < hi; row += block {
		n := min(block, hi-row)
		for k, j := range features {
			t.Columns[j].Floats(values[:n], row)
			for i, v := range values[:n] {
				x := float32(v)
				if x-x != 0 {
					return inputf("%s: sample %d, column %s: got %g, want a finite number of at most %.2g", t.Name, t.offset+row+i+1, t.name(j), v, math.MaxFloat32)
				}
				d.X.Row(row - lo + i)[k] = x
			}
		}
		freed = releaseFreed(freed + t.Free(row+n))
	}
	return nil
}

// allowMatrix refuses features that take more memory than the whole budget.
func (o Options) allowMatrix(name string, rows, columns int, budget *table.Budget) error {
	if o.Scratch != nil && o.Scratch.Dir != "" {
		return nil
	}
	bytes := 4 * int64(rows) * int64(columns)
	var m *table.MemoryError
	if errors.As(budget.Allow(bytes), &m) {
		return TooLarge{Name: name, Bytes: float64(bytes), Most: float64(m.Limit)}
	}
	return nil
}

// releaseFreed gives memory back to the system, once it is worth the while: at the
// end of reading a large table two copies of it would else be held.
func releaseFreed(bytes int64) (left int64) {
	const worth = 32 << 20
	if bytes < worth {
		return bytes
	}
	debug.FreeOSMemory()
	return 0
}
