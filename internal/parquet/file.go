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
	remaining int64 // bytes that may still be decompressed
	zstd      *zstd.Decoder
}

// Column is a column of a file: a leaf of its schema.
type Column struct {
	Name string // with the names of the groups it is in: "a.b"

	physical int64 // the type of the stored values
	length   int64 // bytes of a value of typeFixedArray
	optional int   // how many of it and the groups it is in may be absent
	repeated bool  // whether it or a group it is in is a list
	unsigned bool
	decimal  bool  // whether the values are integers,
	scale    int64 // in units of 10^-scale
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

// Values are consecutive values of a column. One of the two is nil.
type Values struct {
	Numbers []float32 // of a numeric column, rounded to float32
	Texts   []string  // of any other column
}

// ErrNull is the fault of a value that is absent.
var ErrNull = errors.New("got null")

// ColumnError is a fault in the values of a column.
type ColumnError struct {
	Column int    // the column's place in File.Columns
	Name   string // its name
	Row    int    // from 0; if Err is not ErrNull, the fault is in this row or a later one
	Err    error
}

// Error names the column, and the row from 1.
func (e *ColumnError) Error() string {
	if errors.Is(e.Err, ErrNull) {
		return fmt.Sprintf("row %d, column %q: %v", e.Row+1, e.Name, e.Err)
	}
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

// valueBytes is how many bytes a value of the column takes in Values, without the
// content of a text.
func (c Column) valueBytes() int {
	if c.Numeric() {
		return 4
	}
	return 16
}

// Numeric reports whether the values of the column are numbers: integers,
// floating-point numbers, decimals or truth values, which are 0 and 1. Those of
// other columns are texts.
func (c Column) Numeric() bool {
	return c.physical != typeByteArray && c.physical != typeFixedArray
}

// Supported reports, as an error, why the values of the column cannot be read, and
// nil if they can.
func (c Column) Supported() error {
	switch {
	case c.repeated:
		return errors.New("nested columns are not supported")
	case c.physical == typeInt96:
		return errors.New("times of 96 bits are not supported")
	case c.physical < 0 || c.physical > typeFixedArray:
		return fmt.Errorf("type number %d, want 0 to %d", c.physical, typeFixedArray)
	case c.decimal && (!c.Numeric() || c.scale < 0 || c.scale > 18):
		return fmt.Errorf("a decimal of scale %d and type number %d, want 0 to 18 and an integer type: store it as DOUBLE", c.scale, c.physical)
	}
	return nil
}

// Read gives the values of rows from to to-1 of the columns with the given
// numbers, which count from 0 in Columns. It calls put with some values of column
// columns[k] that start at row; put must not keep them. The values of one column
// come in the order of the rows, those of different columns one row group after
// another. Only pages that hold these values are decompressed. A file whose rows
// take too much memory, 4 bytes a number and 16 a text beside its content, is
// refused as by CheckRows.
//
// The error of a fault in a column's values is a *ColumnError; a null is one.
func (f *File) Read(columns []int, from, to int, put func(k, row int, v Values)) error {
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
				err := f.readColumn(g, j, lo, hi, func(row int, v Values) { put(k, first+row, v) })
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
	e := &ColumnError{Column: j, Name: f.columns[j].Name, Row: first, Err: err}
	var null nullAt
	if errors.As(err, &null) {
		e.Row, e.Err = first+int(null), ErrNull
	}
	return e
}

// readColumn gives put the values of rows from to to-1 of column j in the row
// group g, a page at a time.
func (f *File) readColumn(g rowGroup, j, from, to int, put func(row int, v Values)) error {
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
				return inRow(row, err)
			}
			put(max(row, from), v.part(max(from-row, 0), min(to-row, int(h.values))))
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
