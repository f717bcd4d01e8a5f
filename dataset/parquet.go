package dataset

import (
	"io"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// parquetTable reads a flat Parquet file: numeric columns are features, the
// label may be text.
func parquetTable(path string, f io.ReaderAt, size int64, o Options) (d Dataset, err error) {
	defer func() { // the decoder panics on some malformed files
		if p := recover(); p != nil {
			err = inputf("%s: malformed Parquet file: %v", path, p)
		}
	}()
	file, err := parquet.OpenFile(f, size)
	if err != nil {
		return Dataset{}, inputf("%s: not a Parquet file: %w", path, err)
	}
	var columns []string
	for _, c := range file.Schema().Columns() {
		columns = append(columns, strings.Join(c, "."))
	}
	t, err := newTable(path, columns, len(columns), o)
	if err != nil {
		return Dataset{}, err
	}
	lo, hi := o.rows(int(file.NumRows()))
	before := 0
	for _, g := range file.RowGroups() {
		n := int(g.NumRows())
		if from, to := max(lo-before, 0), min(hi-before, n); from < to {
			if err := t.addGroup(g, before, from, to); err != nil {
				return Dataset{}, err
			}
		}
		before += n
	}
	return t.dataset(o)
}

// addGroup adds rows from to to-1 of a row group that has so many before it.
func (t *table) addGroup(g parquet.RowGroup, before, from, to int) error {
	rows := g.Rows()
	defer func() { _ = rows.Close() }()
	if from > 0 {
		if err := rows.SeekToRow(int64(from)); err != nil {
			return readError(t.path, err)
		}
	}
	buf := make([]parquet.Row, 256)
	for from < to {
		n, err := rows.ReadRows(buf[:min(len(buf), to-from)])
		for _, row := range buf[:n] {
			from++
			if err := t.addValues(row, before+from); err != nil {
				return err
			}
		}
		if from < to && err != nil {
			return readError(t.path, err)
		}
	}
	return nil
}

func (t *table) addValues(row parquet.Row, number int) error {
	if len(row) != t.width {
		return inputf("%s: row %d: %d values, want %d: nested columns are not supported", t.path, number, len(row), t.width)
	}
	for _, j := range t.take {
		v, ok := parquetNumber(row[j])
		if !ok {
			return inputf("%s: row %d, column %s: got %q, want a number", t.path, number, t.name(j), row[j].String())
		}
		t.data = append(t.data, v)
	}
	if t.label < 0 {
		return nil
	}
	v := row[t.label]
	if v.IsNull() {
		return inputf("%s: row %d, column %s: the label is empty", t.path, number, t.name(t.label))
	}
	text := v.String()
	if x, ok := parquetNumber(v); ok {
		text = strconv.FormatFloat(float64(x), 'g', -1, 32)
	}
	t.labels = append(t.labels, strings.Clone(text))
	return nil
}

func parquetNumber(v parquet.Value) (float32, bool) {
	if v.IsNull() {
		return 0, false
	}
	switch v.Kind() {
	case parquet.Boolean:
		if v.Boolean() {
			return 1, true
		}
		return 0, true
	case parquet.Int32:
		return float32(v.Int32()), true
	case parquet.Int64:
		return float32(v.Int64()), true
	case parquet.Float:
		return v.Float(), true
	case parquet.Double:
		return float32(v.Double()), true
	}
	return 0, false
}
