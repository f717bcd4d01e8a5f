package dataset

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

// parquetTable reads a flat Parquet file: numeric columns are features, the
// label may be text. Only the pages of these columns that hold this process's
// rows are read. The reader is our own since files are not trusted: by its form
// it takes no more memory than the size of the file justifies.
func parquetTable(path string, r io.ReaderAt, size int64, o Options) (Dataset, error) {
	f, err := openParquet(path, r, size)
	if err != nil {
		return Dataset{}, err
	}
	var columns []string
	for _, c := range f.columns {
		columns = append(columns, c.name)
	}
	t, err := newTable(path, columns, len(columns), o)
	if err != nil {
		return Dataset{}, err
	}
	if err := f.fits(t); err != nil {
		return Dataset{}, err
	}
	lo, hi := o.rows(int(f.rows))
	t.data = make([]float32, (hi-lo)*len(t.take))
	before := 0
	for i, g := range f.groups {
		n := int(g.rows)
		if from, to := max(lo-before, 0), min(hi-before, n); from < to {
			into := t.data[(before+from-lo)*len(t.take):]
			if err := f.addGroup(t, i, before, from, to, into); err != nil {
				return Dataset{}, err
			}
		}
		before += n
	}
	return t.dataset(o)
}

// fits refuses columns that are neither features nor a label, and more rows than
// a file of this size may have.
func (f *parquetFile) fits(t *table) error {
	used, each := t.take, 4*len(t.take)
	if t.label >= 0 {
		const text = 16 // a string, without what it holds
		used, each = append(used[:len(used):len(used)], t.label), each+text
	}
	for _, j := range used {
		c := f.columns[j]
		switch {
		case c.repeated:
			return inputf("%s: column %s: nested columns are not supported", f.path, t.name(j))
		case c.kind == parquetInt96:
			return inputf("%s: column %s: times of 96 bits are not supported", f.path, t.name(j))
		case c.kind < 0 || c.kind > parquetFixedArray:
			return inputf("%s: column %s: type number %d, want 0 to %d", f.path, t.name(j), c.kind, parquetFixedArray)
		case c.decimal && (!c.numeric() || c.scale < 0 || c.scale > 18):
			return inputf("%s: column %s: a decimal of scale %d and type number %d, want 0 to 18 and an integer type: store it as DOUBLE", f.path, t.name(j), c.scale, c.kind)
		case j != t.label && !c.numeric():
			return inputf("%s: column %s: it holds texts, want numbers", f.path, t.name(j))
		}
	}
	if most := f.size * inflation / int64(max(4, each)); f.rows > most {
		return inputf("%s: claims %d rows of %d columns, want at most %d in a file of %d bytes", f.path, f.rows, len(used), most, f.size)
	}
	return nil
}

// addGroup adds rows from to to-1 of row group i, which has so many before it:
// features to into, row by row, and labels.
func (f *parquetFile) addGroup(t *table, i, before, from, to int, into []float32) error {
	for k, j := range t.take {
		err := f.column(i, j, from, to, func(row int, v parquetValues) {
			for r, x := range v.numbers {
				into[(row+r-from)*len(t.take)+k] = x
			}
		})
		if err != nil {
			return f.columnError(t, j, before, err)
		}
	}
	if t.label < 0 {
		return nil
	}
	err := f.column(i, t.label, from, to, func(_ int, v parquetValues) {
		for _, x := range v.numbers {
			t.labels = append(t.labels, strconv.FormatFloat(float64(x), 'g', -1, 32))
		}
		t.labels = append(t.labels, v.texts...)
	})
	if err != nil {
		return f.columnError(t, t.label, before, err)
	}
	return nil
}

// columnError says where in the file err is.
func (f *parquetFile) columnError(t *table, j, before int, err error) error {
	var m missing
	switch {
	case !errors.As(err, &m):
		return readError(fmt.Sprintf("%s: rows %d and on, column %s", f.path, before+1, t.name(j)), err)
	case j == t.label:
		return inputf("%s: row %d, column %s: the label is empty", f.path, before+int(m)+1, t.name(j))
	}
	return inputf("%s: row %d, column %s: got null, want a number", f.path, before+int(m)+1, t.name(j))
}

// column gives put the values of rows from to to-1 of column j in row group i,
// in parts.
func (f *parquetFile) column(i, j, from, to int, put func(row int, v parquetValues)) error {
	chunk, rows := f.groups[i].chunks[j], f.groups[i].rows
	if chunk.elsewhere {
		return errors.New("it is encrypted or in another file, which is not supported")
	}
	p := newParquetPages(f, f.columns[j], chunk)
	for row := 0; row < to; {
		h, err := p.header()
		if err != nil {
			return err
		}
		switch {
		case h.kind == parquetDictionary:
			err = p.learn(h)
		case h.kind != parquetData && h.kind != parquetDataV2:
			p.at += h.size
		case h.values > rows-int64(row):
			err = fmt.Errorf("a page claims %d values where %d rows are left", h.values, rows-int64(row))
		case row+int(h.values) <= from: // another process's
			p.at += h.size
			row += int(h.values)
		default:
			var v parquetValues
			if v, err = p.values(h); err != nil {
				return inRow(row, err)
			}
			v = v.part(max(from-row, 0), min(to-row, int(h.values)))
			put(max(row, from), v)
			row += int(h.values)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
