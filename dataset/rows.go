package dataset

import (
	"reflect"
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
