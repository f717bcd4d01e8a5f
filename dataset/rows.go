package dataset

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/table"
)

// Number is the kinds of numbers that samples in memory may consist of.
type Number interface{ ~float32 | ~float64 }

// Label is the kinds of labels that samples in memory may have: integers and
// texts are classes, floating-point numbers are values to predict.
type Label interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~string | ~float32 | ~float64
}

// FromRows is the data set called name of samples in memory, a row each, which it
// copies. labels are the samples' classes or values, in the order of the rows; nil
// for none. Classes are ordered as those of a file: numbers by size, then texts.
// columns are the names of the features, or none.
func FromRows[T Number, L Label](name string, rows [][]T, labels []L, columns ...string) (Dataset, error) {
	d := Dataset{Name: name}
	if len(rows) == 0 {
		return d, inputf("%s: no samples", name)
	}
	d.X = mat.New(len(rows), len(rows[0]))
	for i, row := range rows {
		if len(row) != d.X.Cols {
			return d, inputf("%s: sample %d has %d features, want %d as the first", name, i+1, len(row), d.X.Cols)
		}
		to := d.X.Row(i)
		for j, v := range row {
			to[j] = float32(v)
		}
	}
	if len(columns) > 0 {
		if len(columns) != d.X.Cols {
			return d, inputf("%s: %d names of columns, want %d", name, len(columns), d.X.Cols)
		}
		d.Features = columns
	}
	if labels == nil {
		return d, d.Validate()
	}
	if len(labels) != len(rows) {
		return d, inputf("%s: %d labels for %d samples", name, len(labels), len(rows))
	}
	if err := labelRows(&d, labels); err != nil {
		return d, err
	}
	return d, d.Validate()
}

// labelRows turns labels into d's classes or values.
func labelRows[L Label](d *Dataset, labels []L) error {
	text := make([]string, len(labels))
	for i, l := range labels {
		switch v := reflect.ValueOf(l); {
		case v.CanFloat():
			if d.Value.Rows == 0 {
				d.Value = mat.New(len(labels), 1)
			}
			d.Value.Row(i)[0] = float32(v.Float())
		case v.CanInt():
			text[i] = strconv.FormatInt(v.Int(), 10)
		case v.CanUint():
			text[i] = strconv.FormatUint(v.Uint(), 10)
		default:
			if text[i] = strings.TrimSpace(v.String()); text[i] == "" {
				return inputf("%s: sample %d: the label is empty", d.Name, i+1)
			}
		}
	}
	if d.Value.Rows > 0 {
		return nil
	}
	return d.classify(labelsOfTexts(d.Name, text), Options{})
}

// WithClasses is d with its classes numbered as in names, as those of other data
// are. A class that is not among names is an error.
func (d Dataset) WithClasses(names []string) (Dataset, error) {
	if d.Class == nil {
		return d, inputf("%s: no classes, want some of %s", d.Name, table.List(names))
	}
	err := d.classify(labels{path: d.Name, names: d.Classes, of: d.Class}, Options{Classes: names})
	return d, err
}

// WithColumns is d with the columns of the samples to train on, for testing what is
// trained on them: by name where both have names, in the order of train and without
// others, and by place else. A column that is missing, or was taken for something else,
// is an error.
func (d Dataset) WithColumns(train Dataset) (Dataset, error) {
	if d.Frame != nil && train.Frame == nil {
		return d, inputf("%s: it was taken for a table with texts, dates, gaps or far values, and the training samples for numbers alone", d.Name)
	}
	place, err := d.places(train)
	if err != nil {
		return d, err
	}
	if train.Frame != nil {
		for k, c := range train.Frame.columns {
			got := c.kind
			switch {
			case d.Frame != nil:
				got = d.Frame.columns[place[k]].kind
			case d.Taken != nil && c.kind != KindBoolean: // numbers in memory may be times
				got = KindNumber
			}
			if got != c.kind {
				return d, inputf("%s: column %q was taken for a %s, and in the training samples for a %s", d.Name, c.name, got, c.kind)
			}
		}
	}
	if len(place) == d.RawFeatures() && slices.IsSorted(place) {
		return d, nil
	}
	d.Features = entries(d.Features, place)
	if d.Frame != nil {
		frame := *d.Frame
		frame.columns = entries(frame.columns, place)
		d.Frame = &frame
		return d, nil
	}
	from := d.X
	if d.X, err = d.Scratch.matrix(d.Name, from.Rows, len(place)); err != nil {
		return d, err
	}
	for i := range from.Rows {
		copy(d.X.Row(i), entries(from.Row(i), place))
	}
	return d, nil
}

// places is where d has each of the columns of train.
func (d Dataset) places(train Dataset) ([]int, error) {
	if d.Features == nil || train.Features == nil || slices.Equal(d.Features, train.Features) {
		if got, want := d.RawFeatures(), train.RawFeatures(); got != want {
			return nil, inputf("%s: %d features, and the training samples have %d", d.Name, got, want)
		}
		return numbersTo(d.RawFeatures()), nil
	}
	at := make(map[string]int, len(d.Features))
	for j, name := range d.Features {
		if _, twice := at[name]; twice {
			return nil, inputf("%s: several columns are called %q, and their names are not those of the training samples in their order", d.Name, name)
		}
		at[name] = j
	}
	place := make([]int, len(train.Features))
	for k, name := range train.Features {
		j, ok := at[name]
		if !ok {
			return nil, inputf("%s: no column %q, which the training samples have (there are %s)", d.Name, name, table.List(d.Features))
		}
		place[k] = j
		delete(at, name) // a second column of train of this name is another
	}
	return place, nil
}
