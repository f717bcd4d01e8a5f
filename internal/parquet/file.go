package parquet

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxExpansion is how many times its size a file may take in memory: deflate
// cannot shrink data further.
const maxExpansion = 1032

// File is an open Parquet file. One goroutine at a time may use it.
type File struct {
	r         io.ReaderAt
	size      int64
	rows      int64
	columns   []Column
	groups    []rowGroup
	metadata  map[string]string
	allow     func(bytes int64) error
	remaining int64 // bytes that may still be decompressed
	zstd      *zstd.Decoder
}

// rowGroup is a group of rows, with a chunk for each column.
type rowGroup struct {
	rows   int64
	chunks []columnChunk
}

// columnChunk is where the pages of a column in a row group are.
type columnChunk struct {
	codec        int64
	offset, size int64
	elsewhere    bool // encrypted, or in another file
}

// Values are consecutive values of a column. The Kind of the column says which of
// Integers, Floats and Texts there are; where a value is absent, these have a zero
// value.
type Values struct {
	Absent   []bool    // which values are; nil if none is
	Integers []int64   // of a column of integers, decimals, truth values (0 and 1) or times (in microseconds since 1970)
	Floats   []float64 // of a column of floating-point numbers
	Texts    [][]byte  // of a column of texts
}

// Len is the number of values.
func (v Values) Len() int { return len(v.Integers) + len(v.Floats) + len(v.Texts) }

// ColumnError is a fault in the values of a column.
type ColumnError struct {
	Column int    // the column's place in File.Columns
	Name   string // its name
	Row    int    // from 0; the fault is in this row or a later one
	Err    error
}

// Error names the column, and the row from 1.
func (e *ColumnError) Error() string {
	return fmt.Sprintf("rows %d and on, column %q: %v", e.Row+1, e.Name, e.Err)
}

// Unwrap gives the fault without its place.
func (e *ColumnError) Unwrap() error { return e.Err }

// Rows is the number of rows that the file claims to have. A few bytes can stand
// for any number of equal rows, so ask CheckRows before memory is allocated for them.
func (f *File) Rows() int64 { return f.rows }

// Columns are the columns in the order of the file. The caller must not change
// them.
func (f *File) Columns() []Column { return f.columns }

// CheckRows refuses a file whose rows take more memory than a file of its size may
// take, 1032 times as much, if each row takes so many bytes.
func (f *File) CheckRows(bytes int) error {
	if most := f.size * maxExpansion / int64(max(1, bytes)); f.rows > most {
		return fmt.Errorf("claims %d rows of %d bytes, want at most %d in a file of %d bytes", f.rows, bytes, most, f.size)
	}
	return nil
}

// Metadata is what a writer has stored in the file under a key; "" if nothing.
func (f *File) Metadata(key string) string { return f.metadata[key] }

// Read gives the values of rows from to to-1 of the columns with the given
// numbers, which count from 0 in Columns. It calls put with some values of column
// columns[k] that start at row; put must not keep them, and its error ends the
// reading. The values of one column come in the order of the rows, those of different
// columns one row group after another. Only pages that hold these values are
// decompressed. A file whose rows take too much memory, 4 bytes a number and 16 a
// text beside its content, is refused as by CheckRows.
//
// The error of a fault in a column's values is a *ColumnError.
func (f *File) Read(columns []int, from, to int, put func(k, row int, v Values) error) error {
	if from < 0 || to < from || int64(to) > f.rows {
		return fmt.Errorf("rows %d to %d: want a part of the file's %d rows", from, to, f.rows)
	}
	row := 0 // bytes
	for _, j := range columns {
		if err := f.columns[j].Supported(); err != nil {
			return f.columnError(j, from, err)
		}
		row += f.columns[j].valueBytes()
	}
	if err := f.CheckRows(row); err != nil {
		return err
	}
	first := 0 // row of the row group
	for _, g := range f.groups {
		lo, hi := max(from-first, 0), min(to-first, int(g.rows))
		if lo < hi {
			for k, j := range columns {
				err := f.readColumn(g, j, lo, hi, func(row int, v Values) error { return put(k, first+row, v) })
				var theirs putError
				if errors.As(err, &theirs) {
					return theirs.error
				}
				if err != nil {
					return f.columnError(j, first, err)
				}
			}
		}
		first += int(g.rows)
	}
	return nil
}

// columnError gives err, of column j in the row group that starts at row first, its
// place in the file.
func (f *File) columnError(j, first int, err error) error {
	return &ColumnError{Column: j, Name: f.columns[j].Name, Row: first, Err: err}
}

// putError is an error of the function that values are given to.
type putError struct{ error }

// readColumn gives put the values of rows from to to-1 of column j in the row
// group g, a page at a time.
func (f *File) readColumn(g rowGroup, j, from, to int, put func(row int, v Values) error) error {
	if g.chunks[j].elsewhere {
		return errors.New("it is encrypted or in another file, which is not supported")
	}
	p := newPageReader(f, f.columns[j], g.chunks[j])
	for row := 0; row < to; {
		h, err := p.header()
		if err != nil {
			return err
		}
		switch {
		case h.kind == pageDictionary:
			err = p.readDictionary(h)
		case h.kind != pageData && h.kind != pageDataV2:
			p.skip(h)
		case h.values > g.rows-int64(row):
			err = fmt.Errorf("a page claims %d values where %d rows are left", h.values, g.rows-int64(row))
		case row+int(h.values) <= from:
			p.skip(h)
			row += int(h.values)
		default:
			var v Values
			if v, err = p.values(h); err != nil {
				return err
			}
			if err := put(max(row, from), v.part(max(from-row, 0), min(to-row, int(h.values)))); err != nil {
				return putError{err}
			}
			row += int(h.values)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reserve takes n bytes out of what the file may still make, and refuses more than
// its size justifies.
func (f *File) reserve(n int64) error {
	if f.remaining -= n; f.remaining < 0 {
		return fmt.Errorf("its pages claim more than %d times the file's %d bytes", maxExpansion, f.size)
	}
	return nil
}
