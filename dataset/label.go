package dataset

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/table"
)

// Task is what labels are.
type Task string

// The tasks.
const (
	Regression     Task = "regression"     // values
	Classification Task = "classification" // classes
)

// labelNames are the columns taken for the label, if there is no other word: one of
// the first four, or y if there is none of them.
var labelNames = []string{"label", "target", "class", "species", "y"}

const (
	// maxClasses is up to how many different whole numbers are taken for classes, if
	// each is in at least classRows rows, or if there are two.
	maxClasses = 20
	classRows  = 5
)

// isLabelName reports whether a column of that name is taken for the label.
func isLabelName(name string) bool {
	return slices.Contains(labelNames, strings.ToLower(strings.TrimSpace(name)))
}

// findLabel is the column of the label: the one that o names, or else the one with a
// customary name, or else the last.
func (t *columns) findLabel(o Options, candidates []int) (int, error) {
	if o.Label != "" {
		t.why = "is named by --label"
		if t.Column(o.Label) < 0 && strings.Contains(o.Label, ",") {
			return t.findLabels(o.Label)
		}
		return t.find("label column", o.Label)
	}
	if len(candidates) == 0 {
		return 0, inputf("%s: no column is left to be the label", t.Name)
	}
	var called []int
	least := -1 // the column that is called y
	for _, j := range candidates {
		if name := strings.ToLower(strings.TrimSpace(t.Columns[j].Name)); t.named && isLabelName(name) {
			if name == "y" {
				least = j
			} else {
				called = append(called, j)
			}
		}
	}
	t.why = "is taken for its name (--label names another)"
	switch {
	case len(called) == 1:
		return called[0], nil
	case len(called) > 1:
		names := make([]string, len(called))
		for i, j := range called {
			names[i] = t.name(j)
		}
		return 0, inputf("%s: columns %s could each be the label: say which (--label %s)", t.Name, strings.Join(names, " and "), t.Columns[called[0]].Name)
	case least >= 0:
		return least, nil
	}
	t.why = "is the last column (--label names another)"
	return candidates[len(candidates)-1], nil
}

// findLabels finds several columns that are values to predict together, and is the
// first of them.
func (t *columns) findLabels(called string) (int, error) {
	for name := range strings.SplitSeq(called, ",") {
		j, err := t.find("label column", strings.TrimSpace(name))
		if err != nil {
			return 0, err
		}
		if slices.Contains(t.labels, j) {
			return 0, inputf("%s: label column %s comes twice", t.Name, t.name(j))
		}
		t.labels = append(t.labels, j)
	}
	return t.labels[0], nil
}

// nameOfLabels is the names of the label columns with commas between, however they were
// given; as they were given, if names do not tell.
func (t *columns) nameOfLabels(given string) string {
	names := make([]string, len(t.labels))
	for i, j := range t.labels {
		n := t.Columns[j].Name
		if found, err := t.find("label column", n); err != nil || found != j || strings.Contains(n, ",") || n != strings.TrimSpace(n) {
			return given
		}
		names[i] = n
	}
	return strings.Join(names, ",")
}

// values makes several columns of t the values of d.
func (d *Dataset) values(t *columns, o Options) error {
	if o.Classes != nil || o.Task == Classification {
		return inputf("%s: %d label columns are values to predict together, and cannot be classes", t.Name, len(t.labels))
	}
	d.Value = mat.New(t.Rows, len(t.labels))
	one := make([]float32, t.Rows)
	for k, j := range t.labels {
		c := t.Columns[j]
		is, err := comm.Any(o.ranks(), c.Kind != table.Number && c.Kind != table.Boolean, c.Missing() > 0)
		if err != nil {
			return err
		}
		if !is[0] && c.Missing() > 0 {
			return t.missingLabel(j)
		}
		if is[0] || is[1] {
			return inputf("%s: column %s: one of %d labels, and not all of its values are numbers", t.Name, t.name(j), len(t.labels))
		}
		if err := t.copyValues(one, j); err != nil {
			return err
		}
		for i, v := range one {
			d.Value.Row(i)[k] = v
		}
		if err := d.noteValues(t, j, "one of several labels", o); err != nil {
			return err
		}
	}
	return nil
}

// missingLabel says where the first value of label column j is missing.
func (t *columns) missingLabel(j int) error {
	c := t.Columns[j]
	row, line := c.FirstMissing()
	return inputf("%s: %s, column %s: the label is missing (%d of %d are): leave these rows out, or name another label (--label)", t.Name, t.at(row, line), t.name(j), c.Missing(), t.Rows)
}

// label makes column j of t the label of d: classes, or values. Texts, truth values
// and times mean classes; numbers mean what o says, or else what areValues says.
func (d *Dataset) label(t *columns, j int, o Options) error {
	if t.labels != nil {
		return d.values(t, o)
	}
	c := t.Columns[j]
	if c.Missing() > 0 {
		return t.missingLabel(j)
	}
	const each = 8 // bytes of a row: the class, and the name that it is one of
	if err := t.budget.Take(each * int64(t.Rows)); err != nil {
		return readError(t.Name, err)
	}
	if o.Classes != nil {
		return d.classify(labelsOf(t, j), o)
	}
	values, why, err := areValues(t, j, o)
	if err != nil {
		return err
	}
	if values {
		d.Value = mat.New(t.Rows, 1)
		if err := t.copyValues(d.Value.Data, j); err != nil {
			return err
		}
		return d.noteValues(t, j, why, o)
	}
	if c.Rounded() {
		return inputf("%s: column %s: whole numbers of more than 64 bits cannot be told apart as classes: write them with a letter in front, or make them values (--task regression), of at most 3.4e38", t.Name, t.name(j))
	}
	if err := d.classify(labelsOf(t, j), o); err != nil {
		return err
	}
	d.noteClasses(t, j, why)
	return t.refuseNames(j, len(d.Classes), o)
}

// areValues decides over all processes' labels, and says why.
func areValues(t *columns, j int, o Options) (values bool, why string, err error) {
	c := t.Columns[j]
	is, err := comm.Any(o.ranks(), c.Kind != table.Number, !c.Whole())
	switch {
	case err != nil:
		return false, "", err
	case is[0] && o.Task == Regression && c.Kind == table.Boolean:
		return true, "as asked for (--task)", nil
	case is[0] && o.Task == Regression:
		row, line := c.First()
		return false, "", inputf("%s: %s, column %s: got the label %q, want a number for a regression", t.Name, t.at(row, line), t.name(j), c.Format(row))
	case is[0]:
		return false, c.Kind.String(), nil
	case o.Task != "":
		return o.Task == Regression, "as asked for (--task)", nil
	case is[1]:
		return true, "numbers with fractions", nil
	}
	all, err := union(o.ranks(), firstTexts(c, maxClasses+1))
	if err != nil {
		return false, "", err
	}
	if len(all) > maxClasses {
		return true, fmt.Sprintf("more than %d different whole numbers; --task classification makes them classes", maxClasses), nil
	}
	rows, err := fewestRows(c, all, o)
	if err != nil {
		return false, "", err
	}
	if rows < classRows && len(all) > 2 {
		return true, fmt.Sprintf("%d different whole numbers, of which one is in %d rows only; --task classification makes them classes", len(all), rows), nil
	}
	return false, fmt.Sprintf("%d different whole numbers; --task regression makes them values", len(all)), nil
}

// fewestRows is in how many rows of all processes the rarest value of a column is.
func fewestRows(c *table.Column, all []string, o Options) (int, error) {
	counts := make([]float64, len(all))
	number := map[int64]int{}
	eachInteger(c, func(row int, v int64) bool {
		i, ok := number[v]
		if !ok {
			i = slices.Index(all, c.Format(row))
			number[v] = i
		}
		counts[i]++
		return true
	})
	if err := o.ranks().Sum(counts); err != nil {
		return 0, err
	}
	return int(slices.Min(counts)), nil
}

// refuseNames refuses classes of which nearly every sample has its own: the column
// names the samples.
func (t *columns) refuseNames(j, classes int, o Options) error {
	_, rows, err := comm.Offset(o.ranks(), t.Rows)
	if err != nil || o.Classes != nil || o.Task == Classification || classes < idRows || 2*classes <= rows {
		return err
	}
	return inputf("%s: column %s, the label, has %d different texts in %d rows, so it names them: name another label (--label), or say --task classification", t.Name, t.name(j), classes, rows)
}

// noteClasses tells what the label was taken for.
func (d *Dataset) noteClasses(t *columns, j int, why string) {
	d.noteLabel(t, j, fmt.Sprintf("%d classes (%s), %s", len(d.Classes), table.List(d.Classes), why))
}

// noteValues tells what values the label has.
func (d *Dataset) noteValues(t *columns, j int, why string, o Options) error {
	s, err := t.look(j, o.ranks())
	if err == nil {
		d.noteLabel(t, j, fmt.Sprintf("values from %s to %s, %s", short(s.low), short(s.high), why))
	}
	return err
}

func (d *Dataset) noteLabel(t *columns, j int, about string) {
	if t.why != "" && !t.asIs { // a table's, not of an array that is labels
		d.Taken = append(d.Taken, Taken{Name: t.Columns[j].Name, Label: true, About: about + "; the label " + t.why})
	}
}
