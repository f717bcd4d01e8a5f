package dataset

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/dlam-go/dlam/internal/parquet"
)

// parquetTable reads a flat Parquet file: numeric columns are features, the label
// may be text. Only pages of these columns that hold this process's rows are read.
func parquetTable(path string, r io.ReaderAt, size int64, o Options) (Dataset, error) {
	f, err := parquet.Open(r, size)
	if err != nil {
		return Dataset{}, readError(path, err)
	}
	var columns []string
	for _, c := range f.Columns() {
		columns = append(columns, c.Name)
	}
	t, err := newTable(path, columns, len(columns), o)
	if err != nil {
		return Dataset{}, err
	}
	used := t.take
	if t.label >= 0 {
		used = append(used[:len(used):len(used)], t.label)
	}
	if err := t.checkParquet(f, used); err != nil {
		return Dataset{}, err
	}
	lo, hi := o.rows(int(f.Rows()))
	t.data = make([]float32, (hi-lo)*len(t.take))
	err = f.Read(used, lo, hi, func(k, row int, v parquet.Values) {
		if k == len(t.take) {
			t.addLabels(v)
			return
		}
		for i, x := range v.Numbers {
			t.data[(row-lo+i)*len(t.take)+k] = x
		}
	})
	if err != nil {
		return Dataset{}, t.parquetError(err)
	}
	return t.dataset(o)
}

// checkParquet refuses used columns that are neither features nor a label, and more
// rows than a file of this size may have.
func (t *table) checkParquet(f *parquet.File, used []int) error {
	for _, j := range used {
		c := f.Columns()[j]
		if err := c.Supported(); err != nil {
			return inputf("%s: column %s: %w", t.path, t.name(j), err)
		}
		if j != t.label && !c.Numeric() {
			return inputf("%s: column %s: it holds texts, want numbers", t.path, t.name(j))
		}
	}
	each := 4 * len(t.take) // bytes of a row in memory
	if t.label >= 0 {
		const text = 16 // bytes of a string without its content
		each += text
	}
	if err := f.CheckRows(each); err != nil {
		return inputf("%s: %w", t.path, err)
	}
	return nil
}

// addLabels adds labels, numbers as text.
func (t *table) addLabels(v parquet.Values) {
	for _, x := range v.Numbers {
		t.labels = append(t.labels, strconv.FormatFloat(float64(x), 'g', -1, 32))
	}
	t.labels = append(t.labels, v.Texts...)
}

// parquetError says in which column and row of the file err is.
func (t *table) parquetError(err error) error {
	var c *parquet.ColumnError
	switch {
	case !errors.As(err, &c):
		return readError(t.path, err)
	case !errors.Is(err, parquet.ErrNull):
		return readError(fmt.Sprintf("%s: rows %d and on, column %s", t.path, c.Row+1, t.name(c.Column)), c.Err)
	case c.Column == t.label:
		return inputf("%s: row %d, column %s: the label is empty", t.path, c.Row+1, t.name(c.Column))
	}
	return inputf("%s: row %d, column %s: %w, want a number", t.path, c.Row+1, t.name(c.Column), parquet.ErrNull)
}
