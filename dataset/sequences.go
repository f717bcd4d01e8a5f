package dataset

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/table"
)

// In a table in long format a row is a step: the rows with one value in one column are a
// sequence, which is one sample.

// sequenceOf is the columns that say which sequence a row is a step of, and when it is:
// those of a model, or those that are asked for.
func (o Options) sequenceOf() (sequence, time string) {
	if m := o.Model; m != nil {
		return m.Table.Sequence, m.Table.Time
	}
	return o.Sequence, o.Time
}

// findSequence finds the columns of sequences, if there are to be some.
func (t *columns) findSequence(o Options) error {
	sequence, time := o.sequenceOf()
	switch {
	case sequence == "" && time != "":
		return inputf("%s: time column %q: rows are steps of sequences, which a column has to tell apart (--sequence-column)", t.Name, time)
	case sequence == "":
		return nil
	case !t.named:
		return inputf("%s: sequence column %q: the columns have no names, by which the model could find it again", t.Name, sequence)
	}
	t.steps = nil
	for _, c := range []struct{ what, name string }{{"sequence column", sequence}, {"time column", time}} {
		if c.name == "" {
			continue
		}
		j, err := t.find(c.what, c.name)
		if err != nil {
			return err
		}
		if slices.Contains(t.steps, j) || slices.Contains(t.weight, j) {
			return inputf("%s: %s %s has another part already", t.Name, c.what, t.name(j))
		}
		t.steps = append(t.steps, j)
	}
	return nil
}

// refuseSequence reports a column of sequences that is something else too.
func (t *columns) refuseSequence(label int, features []int, o Options) error {
	for _, j := range t.steps {
		if as := t.otherPart(j, label, features, o); as != "" {
			return inputf("%s: column %s %s, and cannot say which sequence a row is a step of, or when", t.Name, t.name(j), as)
		}
	}
	return nil
}

// sequences are how rows follow each other: order has the numbers of the rows, one sequence
// after another, each in the order of time, and ends where each sequence ends in it.
type sequences struct {
	names   []string
	order   []int
	ends    []int32
	longest int
}

// sequences divides the rows of t: sequences come in the order of their first rows.
func (t *columns) sequences() (s sequences, err error) {
	c := t.Columns[t.steps[0]]
	if c.Missing() > 0 {
		row, _ := c.FirstMissing()
		return s, inputf("%s: row %d, column %s: got nothing, want the sequence that the row is a step of", t.Name, row+1, t.name(t.steps[0]))
	}
	var times []float64
	if len(t.steps) > 1 {
		if times, err = t.times(t.steps[1]); err != nil {
			return s, err
		}
	}
	number := map[string]int{}
	var rows [][]int
	for i := range t.Rows {
		name := LevelOf(c.Format(i))
		n, ok := number[name]
		if !ok {
			n = len(rows)
			number[name], s.names, rows = n, append(s.names, name), append(rows, nil)
		}
		rows[n] = append(rows[n], i)
	}
	for n, list := range rows {
		if times != nil {
			slices.SortStableFunc(list, func(a, b int) int {
				switch {
				case times[a] < times[b]:
					return -1
				case times[a] > times[b]:
					return 1
				}
				return 0
			})
			for k, i := range list[1:] {
				if times[i] == times[list[k]] {
					return s, inputf("%s: rows %d and %d, column %s: sequence %q has the time %s twice: which step comes first?", t.Name, list[k]+1, i+1, t.name(t.steps[1]), s.names[n], t.Columns[t.steps[1]].Format(i))
				}
			}
		}
		s.order, s.longest = append(s.order, list...), max(s.longest, len(list))
		s.ends = append(s.ends, int32(len(s.order)))
	}
	return s, nil
}

// times are the values of column j, numbers or dates.
func (t *columns) times(j int) ([]float64, error) {
	c := t.Columns[j]
	if c.Missing() > 0 {
		row, _ := c.FirstMissing()
		return nil, inputf("%s: row %d, column %s: got nothing, want the time of the step", t.Name, row+1, t.name(j))
	}
	values := make([]float64, t.Rows)
	c.Floats(values, 0)
	if c.Kind != table.Text {
		return values, nil
	}
	layout := dateLayout(c.Levels())
	for i, level := range values {
		text := c.Levels()[int(level)]
		v, ok := parseDate(strings.TrimSpace(text), layout)
		if !ok {
			return nil, inputf("%s: row %d, column %s: got %q, want a number or a date: the time of the step", t.Name, i+1, t.name(j), text)
		}
		values[i] = v
	}
	return values, nil
}

// group makes sequences of d, whose samples are the rows of t: what is said of a sample must
// be the same in all rows of a sequence.
func (d *Dataset) group(t *columns) error {
	s, err := t.sequences()
	if err != nil {
		return err
	}
	lo := 0
	var first []int // row of each sequence
	for n, end := range s.ends {
		list := s.order[lo:end]
		for _, i := range list[1:] {
			what := ""
			switch {
			case d.Class != nil && d.Class[i] != d.Class[list[0]], d.Value.Rows > 0 && !slices.Equal(d.Value.Row(i), d.Value.Row(list[0])):
				what = fmt.Sprintf("the label (%s)", d.Table.Name)
			case d.Weight != nil && d.Weight[i] != d.Weight[list[0]]:
				what = fmt.Sprintf("the weight (%s)", d.Table.Weight)
			}
			for _, k := range d.Kept {
				if what == "" && k.Values[i] != k.Values[list[0]] {
					what = fmt.Sprintf("column %q, which is to be kept,", k.Name)
				}
			}
			if what != "" {
				return inputf("%s: rows %d and %d: %s differs, and both are steps of sequence %q, which has one answer", t.Name, list[0]+1, i+1, what, s.names[n])
			}
		}
		first = append(first, list[0])
		lo = int(end)
	}
	names := Kept{Name: t.Columns[t.steps[0]].Name, Values: s.names}
	kept := slices.DeleteFunc(slices.Clone(d.Kept), func(k Kept) bool { return k.Name == names.Name })
	for k := range kept {
		kept[k].Values = entries(kept[k].Values, first)
	}
	frame := d.Frame.pick(s.order)
	frame.ends, frame.names, frame.longest = s.ends, s.names, s.longest
	d.Frame, d.Kept, d.X = frame, append([]Kept{names}, kept...), mat.New(len(first), 0)
	if d.Class != nil {
		d.Class = entries(d.Class, first)
	}
	if d.Weight != nil {
		d.Weight = entries(d.Weight, first)
	}
	if d.Value.Rows > 0 {
		all := d.Value
		d.Value = mat.New(len(first), all.Cols)
		for i, row := range first {
			copy(d.Value.Row(i), all.Row(row))
		}
	}
	d.noteSequences(t, s)
	return nil
}

// noteSequences says what columns the sequences are by.
func (d *Dataset) noteSequences(t *columns, s sequences) {
	shortest, lo := s.longest, int32(0)
	for _, end := range s.ends {
		shortest, lo = min(shortest, int(end-lo)), end
	}
	d.Table.Sequence, d.Table.IDs = t.Columns[t.steps[0]].Name, nil // ids are of rows
	about := fmt.Sprintf("%d sequences of %d to %d steps, in the order of the rows", len(s.ends), shortest, s.longest)
	if len(t.steps) > 1 {
		d.Table.Time = t.Columns[t.steps[1]].Name
		d.Taken = append(d.Taken, Taken{Name: d.Table.Time, Sequence: true, About: "when a step is: the order of the rows of a sequence, and no feature"})
		about = fmt.Sprintf("%d sequences of %d to %d steps", len(s.ends), shortest, s.longest)
	}
	d.Taken = append(d.Taken, Taken{Name: d.Table.Sequence, Sequence: true, About: about})
}

// entries are some entries of a list.
func entries[T any](list []T, index []int) []T {
	some := make([]T, len(index))
	for i, from := range index {
		some[i] = list[from]
	}
	return some
}

// Longest is the number of steps of the longest sequence of the file that the samples are
// from; 0 where samples are rows.
func (d Dataset) Longest() int {
	if d.Frame == nil {
		return 0
	}
	return d.Frame.longest
}

// SameLongest lets both parts of s have room for the longest sequence of either.
func (s *Split) SameLongest() {
	longest := max(s.Train.Longest(), s.Test.Longest())
	for _, d := range []*Dataset{&s.Train, &s.Test} {
		if d.Longest() > 0 {
			frame := *d.Frame
			frame.longest = longest
			d.Frame = &frame
		}
	}
}

// stack makes a row of x, which has a row a step, for each sequence of d: its steps come last,
// and what is before them is NaN, which is no step.
func (t *Transform) stack(d Dataset, x mat.Dense) (mat.Dense, error) {
	ends := d.Frame.ends
	wide, err := d.Scratch.matrix(d.Name, len(ends), t.Steps*x.Cols)
	if err != nil {
		return wide, err
	}
	lo := 0
	for i, end := range ends {
		row, absent := wide.Row(i), t.Steps-(int(end)-lo)
		if absent < 0 {
			return wide, inputf("%s: sequence %q has %d steps, and the model takes %d at most", d.Name, d.Frame.names[i], int(end)-lo, t.Steps)
		}
		for j := range absent * x.Cols {
			row[j] = float32(math.NaN())
		}
		for k := lo; k < int(end); k++ {
			copy(row[(absent+k-lo)*x.Cols:], x.Row(k))
		}
		lo = int(end)
	}
	return wide, nil
}
