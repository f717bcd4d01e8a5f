package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/table"
)

// columns is a table as it was read from a file: of all rows, or of this process's.
type columns struct {
	*table.Table
	named      bool               // the columns have names; else they are numbered
	repeated   []string           // names that several columns had
	index      []int              // columns that number or name the rows, and are no data
	indexNames []string           // names of such columns that were not read
	notes      []string           // what people are to be told
	place      string             // what a row is called in messages: "line", "row"
	array      bool               // an array, whose columns count by their places
	asIs       bool               // the columns are numbers, whatever they look like
	part       bool               // of the file, this process's; else all of it
	offset     int                // rows of the file before the first of the table
	line       func(line int) int // the line of the file that a line of this process's part is; nil: the same
	budget     *table.Budget

	features []int             // the columns that are features, and the label, -1 for none, if
	label    int               // the table was read for them; else features is nil
	layouts  map[string]string // of dates, by the columns' names
	labels   []int             // several labels; nil for one
	weight   []int             // the column of the rows' weights; nil for none
	steps    []int             // the column of sequences and, if there is one, of times; nil for none
	why      string            // the label is the column that it is
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

// roles decides which columns may be features, and which is the label, -1 for none;
// and which has the rows' weights.
func (t *columns) roles(o Options) (features []int, label int, err error) {
	if t.features != nil {
		return t.features, t.label, nil
	}
	t.findIndex()
	if err := t.findWeight(o); err != nil {
		return nil, 0, err
	}
	if err := t.findSequence(o); err != nil {
		return nil, 0, err
	}
	if features, label, err = t.featuresAndLabel(o); err == nil {
		err = cmp.Or(t.refuseDropped(label, features, o), t.refuseKinds(features, o), t.refuseWeight(label, features, o), t.refuseSequence(label, features, o))
	}
	return features, label, err
}

// refuseDropped reports a column to leave out that is asked for as the label or a feature, or
// that a model needs.
func (t *columns) refuseDropped(label int, features []int, o Options) error {
	for _, name := range o.Drop {
		j, err := t.find("column to drop", name)
		as := ""
		switch {
		case err != nil: // a model's table may lack it
		case o.Label != "" && t.isLabel(j, label):
			as = "is the label"
		case o.Features != nil && slices.Contains(features, j):
			as = "is a feature of the model"
		case len(o.Only) > 0 && slices.Contains(features, j):
			as = "is to be a feature"
		}
		if as != "" {
			return inputf("%s: column %s %s, and cannot be left out too (--drop)", t.Name, t.name(j), as)
		}
	}
	return nil
}

// refuseKinds reports a kind that is asked for of a column that is no feature, which nobody would
// read, and two of one column.
func (t *columns) refuseKinds(features []int, o Options) error {
	if o.Model != nil { // the model has the kinds
		return nil
	}
	called := map[int]string{}
	for _, name := range slices.Sorted(maps.Keys(o.Kinds)) {
		j, err := t.find("column", name)
		other, twice := called[j]
		switch {
		case err != nil:
			return err
		case twice && o.Kinds[name] != o.Kinds[other]:
			return inputf("%s: column %s: got the kinds %s and %s (--column)", t.Name, t.name(j), o.Kinds[other], o.Kinds[name])
		case !slices.Contains(features, j) && o.Kinds[name] != KindIgnored:
			return inputf("%s: column %s is no feature, and its kind would say nothing: got %s (--column)", t.Name, t.name(j), o.Kinds[name])
		}
		called[j] = name
	}
	return nil
}

func (t *columns) featuresAndLabel(o Options) (features []int, label int, err error) {
	left := make([]int, 0, len(t.Columns)) // columns that may be either
	dropped := slices.Concat(t.index, t.weight, t.steps)
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
	if m := o.Model; m != nil && !t.named && m.Table.Columns > 0 && o.Features != nil {
		return t.numberedRoles(o)
	}
	if m := o.Model; m != nil && o.NoLabel && !t.named && o.Features == nil && m.Table.Label >= 0 && len(t.Columns) == m.Table.Columns {
		unasked, err := t.findLabel(o, left) // the columns are the training table's, and its label may be texts
		return slices.DeleteFunc(left, func(j int) bool { return t.isLabel(j, unasked) }), -1, err
	}
	if !o.NoLabel && (t.named || len(t.Columns) != len(o.Features)) {
		may := left
		if t.named && o.Features != nil { // what a model needs is not its label
			may = slices.DeleteFunc(slices.Clone(left), func(j int) bool { return slices.Contains(o.Features, t.Columns[j].Name) })
		}
		if label, err = t.findLabel(o, may); err != nil {
			return nil, 0, err
		}
	}
	switch {
	case o.Features != nil && (t.named || len(t.Columns) > len(o.Features)+1):
		features, err = t.modelColumns(o)
		return features, label, err
	case o.Features == nil && len(o.Only) > 0:
		for _, name := range o.Only {
			j, err := t.find("feature column", name)
			if err != nil {
				return nil, 0, err
			}
			if t.isLabel(j, label) {
				return nil, 0, inputf("%s: column %s is the label, and cannot be a feature too", t.Name, t.name(j))
			}
			features = append(features, j)
		}
		return features, label, nil
	}
	for _, j := range left {
		if !t.isLabel(j, label) {
			features = append(features, j)
		}
	}
	if len(features) == 0 {
		return nil, 0, inputf("%s: no feature columns: it has %d in all (separators known in text files are , ; tab | and blanks; --separator sets another)", t.Name, len(t.Columns))
	}
	return features, label, nil
}

// numberedRoles is roles by the numbers of the columns of the table that a model was
// trained on: the label may be missing, or all that is no feature.
func (t *columns) numberedRoles(o Options) (features []int, label int, err error) {
	shape := o.Model.Table
	label = -1
	if !o.NoLabel && len(t.Columns) == shape.Columns {
		label, t.why = shape.Label, "is that of the model"
	}
	if o.Label != "" && !o.NoLabel {
		if label, err = t.findLabel(o, nil); err != nil {
			return nil, 0, err
		}
	}
	for i, name := range o.Features {
		j, err := strconv.Atoi(name)
		switch {
		case len(t.Columns) == len(o.Features) && shape.Columns > len(o.Features)+1:
			j = i
		case err != nil:
			return nil, 0, inputf("%s: no column %q, which the model needs: the columns have no names", t.Name, name)
		case len(t.Columns) == shape.Columns-1 && shape.Label >= 0 && j > shape.Label:
			j--
		}
		if j < 0 || j >= len(t.Columns) {
			return nil, 0, inputf("%s: no column %s, which the model needs: it has %d, and the model was trained on %d", t.Name, name, len(t.Columns), shape.Columns)
		}
		features = append(features, j)
	}
	return features, label, nil
}

// isLabel reports whether column j is the label, or one of several.
func (t *columns) isLabel(j, label int) bool { return j == label || slices.Contains(t.labels, j) }

// modelColumns are the columns that a model needs, in its order.
func (t *columns) modelColumns(o Options) (features []int, err error) {
	var missing []string
	for _, name := range o.Features {
		j := t.Column(name)
		if j < 0 {
			missing = append(missing, name)
		}
		features = append(features, j)
	}
	switch len(missing) {
	case 0:
		return features, nil
	case 1:
		return nil, inputf("%s: no column %q, which the model needs (there are %s)", t.Name, missing[0], table.List(t.Names()))
	}
	return nil, inputf("%s: no columns %q, which the model needs (there are %s)", t.Name, missing, table.List(t.Names()))
}

// findIndex finds a column that numbers the rows, as pandas writes one.
func (t *columns) findIndex() {
	if t.array || t.asIs || !t.named || len(t.index) > 0 || len(t.Columns) < 3 {
		return
	}
	c := t.Columns[0]
	if name := strings.ToLower(c.Name); name != "" && name != "unnamed: 0" || c.Kind == table.Unknown {
		return
	}
	t.index = []int{0}
	t.notes = append(t.notes, fmt.Sprintf("%s: the first column, %s, is the index of a pandas table, and no data", t.Name, t.name(0)))
}

// dataset makes the data set of a table: some columns are features, and one is the
// label. Features that are numbers alone are copied to a matrix, and their memory is
// given up. err is an error of reading the table.
func (t *columns) dataset(o Options, err error) (Dataset, error) {
	if err != nil {
		return Dataset{}, err
	}
	lo, hi := 0, t.Rows
	d := Dataset{Name: t.Name, Comm: o.Comm, Scratch: o.Scratch, Missing: o.Missing}
	limit := o.Limit
	if sequence, _ := o.sequenceOf(); sequence != "" {
		if o.ranks().Size() > 1 {
			return d, inputf("%s: sequence column %q: sequences are read by one process alone", t.Name, sequence)
		}
		o = o.whole() // the limit is of sequences
	}
	if !t.part {
		lo, hi = o.rows(t.Rows)
		o = o.whole() // all processes have all rows
	}
	features, label, err := t.roles(o)
	d.Notes = t.notes
	if err != nil || t.Rows == 0 {
		return d, err
	}
	asked := len(o.Drop)+len(o.Only)+len(t.index) > 0
	features, kinds, ignored, err := t.assign(&d, features, o)
	if err != nil {
		return d, err
	}
	frame, err := t.framed(features, kinds, o)
	if err != nil {
		return d, err
	}
	d.Table = Shape{Columns: len(t.Columns), Label: label, IDs: t.ids(d.Taken)}
	d.Kept = t.kept(o.Keep, lo, hi)
	if label >= 0 {
		d.Table.Name = t.Columns[label].Name
		if t.labels != nil {
			d.Table.Name = t.nameOfLabels(o.Label)
		}
		if err := d.label(t, label, o); err != nil {
			return d, err
		}
	}
	t.noteTelling(&d, features, kinds)
	if err := d.weigh(t, lo, hi, o); err != nil {
		return d, err
	}
	if frame {
		d.Frame = t.newFrame(features, kinds, t.layouts, lo, hi) // without constant columns
		d.X, d.Features = mat.New(hi-lo, 0), d.Frame.Names()
		d.cutLabels(lo, hi)
		if t.steps == nil {
			return d, nil
		}
		if err := d.group(t); err != nil || limit == 0 {
			return d, err
		}
		return d.RowRange(0, min(limit, d.Rows())), nil
	}
	for _, j := range features {
		if err := t.refuseFeature(j); err != nil {
			return d, err
		}
	}
	if t.named || asked || ignored {
		for _, j := range features {
			d.Features = append(d.Features, t.Columns[j].Name)
		}
	}
	if err := t.fill(&d, features, lo, hi); err != nil {
		return d, err
	}
	d.cutLabels(lo, hi)
	return d, nil
}

// assign decides which of the columns that may be features are, and of what kinds.
func (t *columns) assign(d *Dataset, may []int, o Options) (features []int, kinds []Kind, ignored bool, err error) {
	if m := o.Model; m != nil && m.Columns != nil {
		if len(may) != len(m.Columns) {
			return nil, nil, false, inputf("%s: %d feature columns, want %d", t.Name, len(may), len(m.Columns))
		}
		for k, j := range may {
			if err := t.convertible(j, m.Columns[k].Kind, m.Columns[k].Layout); err != nil {
				return nil, nil, false, err
			}
			kinds = append(kinds, m.Columns[k].Kind)
			t.setLayout(t.Columns[j].Name, m.Columns[k].Layout)
		}
		return may, kinds, false, nil
	}
	if t.asIs || o.Model != nil || t.array && t.isPlain(may) {
		t.asIs = true
		return may, slices.Repeat([]Kind{KindNumber}, len(may)), false, nil
	}
	all := make([]Taken, len(may))
	if err := share(len(may), o.workers(len(may)), func(_, i int) (err error) {
		all[i], err = t.takes(may[i], o)
		return err
	}); err != nil {
		return nil, nil, false, err
	}
	for _, k := range all {
		if k.layout != "" {
			t.setLayout(k.Name, k.layout)
		}
	}
	if !slices.ContainsFunc(all, func(k Taken) bool { return k.Kind != KindIgnored }) {
		for i := range all { // an id is better than nothing
			if all[i].id && t.Columns[may[i]].Kind == table.Number {
				all[i].Kind, all[i].About = KindNumber, "every whole number is another, but there is no other column"
			}
		}
	}
	d.Taken = all
	plain := t.isPlain(may)
	for i, j := range may {
		switch k := all[i]; {
		case k.Kind != KindIgnored:
			features, kinds = append(features, j), append(kinds, k.Kind)
		case plain && k.constant: // it makes no difference, and is 0 once it is scaled
			features, kinds = append(features, j), append(kinds, KindIgnored)
		default:
			ignored = true
		}
	}
	if !slices.ContainsFunc(kinds, func(k Kind) bool { return k != KindIgnored }) {
		return nil, nil, false, inputf("%s: no feature columns: all are ignored (column %s: %s); --column NAME=KIND takes one nevertheless", t.Name, t.name(may[0]), all[0].About)
	}
	return features, kinds, ignored, nil
}

func (t *columns) setLayout(name, layout string) {
	if t.layouts == nil {
		t.layouts = map[string]string{}
	}
	t.layouts[name] = layout
}

// ids are the names of columns that name the rows.
func (t *columns) ids(all []Taken) (names []string) {
	if !t.named {
		return nil
	}
	names = slices.Clone(t.indexNames)
	for _, j := range t.index {
		names = append(names, t.Columns[j].Name)
	}
	for _, k := range all {
		if k.id && k.Kind == KindIgnored {
			names = append(names, k.Name)
		}
	}
	return names
}

// kept are the columns of some names, as texts.
func (t *columns) kept(names []string, lo, hi int) (list []Kept) {
	for _, name := range names {
		j := t.Column(name)
		if j < 0 || !t.named {
			continue
		}
		k := Kept{Name: name, Values: make([]string, hi-lo)}
		for i := range k.Values {
			k.Values[i] = t.Columns[j].Format(lo + i)
		}
		list = append(list, k)
	}
	return list
}

// isPlain reports whether columns are numbers and truth values without gaps.
func (t *columns) isPlain(list []int) bool {
	for _, j := range list {
		if c := t.Columns[j]; c.Kind != table.Number && c.Kind != table.Boolean || c.Missing() > 0 {
			return false
		}
	}
	return true
}

// framed reports whether the features are to be a Frame; see needsFrame.
func (t *columns) framed(features []int, kinds []Kind, o Options) (bool, error) {
	if o.Model != nil {
		return o.Model.Columns != nil, nil
	}
	if t.steps != nil { // features are of a step, and samples are of several
		return true, nil
	}
	return t.needsFrame(features, kinds, o)
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
