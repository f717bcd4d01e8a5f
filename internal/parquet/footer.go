package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Open reads the footer of the file r, which has size bytes, and refuses one that
// claims what a file of this size cannot hold. The File reads from r when values
// are asked for, so r must stay open. allow is asked before the footer or a page is
// read that takes so many bytes of memory for a time, and refuses it with an error;
// nil allows all.
func Open(r io.ReaderAt, size int64, allow func(bytes int64) error) (*File, error) {
	const magic, tail = "PAR1", 8
	if allow == nil {
		allow = func(int64) error { return nil }
	}
	f := &File{r: r, size: size, allow: allow, metadata: map[string]string{}, remaining: size * maxExpansion}
	if size < tail+int64(len(magic)) {
		return nil, errors.New("not a Parquet file: it is too short")
	}
	head, end := make([]byte, len(magic)), make([]byte, tail)
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, err
	}
	if _, err := r.ReadAt(end, size-tail); err != nil {
		return nil, err
	}
	if string(end[4:]) == "PARE" {
		return nil, errors.New("an encrypted Parquet file, which is not supported")
	}
	if string(head) != magic || string(end[4:]) != magic {
		return nil, fmt.Errorf("not a Parquet file: it starts with %q and ends with %q, want %s", head, end[4:], magic)
	}
	length := int64(binary.LittleEndian.Uint32(end))
	if most := size - tail - int64(len(magic)); length > most {
		return nil, fmt.Errorf("claims a footer of %d bytes, want at most %d", length, most)
	}
	const each = 12 // bytes in memory for a byte of the footer, at most about
	if err := allow(length * each); err != nil {
		return nil, err
	}
	raw := make([]byte, length)
	if _, err := r.ReadAt(raw, size-tail-length); err != nil {
		return nil, err
	}
	if err := f.readFooter(raw); err != nil {
		return nil, err
	}
	return f, f.checkFooter()
}

// readFooter reads FileMetaData.
func (f *File) readFooter(raw []byte) error {
	var s schema
	r := &thriftReader{data: raw}
	r.structure(thriftStruct, func(id int64, kind byte) {
		switch id {
		case 2:
			r.list(kind, func(kind byte) { s.elements = append(s.elements, readElement(r, kind)) })
		case 3:
			f.rows = r.int(kind)
		case 4:
			r.list(kind, func(kind byte) { f.groups = append(f.groups, readGroup(r, kind)) })
		case 5:
			r.list(kind, func(kind byte) { f.readMetadata(r, kind) })
		default:
			r.skip(kind)
		}
	})
	if r.err != nil {
		return fmt.Errorf("malformed Parquet footer: %w", r.err)
	}
	columns, err := s.leaves()
	if err != nil {
		return fmt.Errorf("malformed Parquet schema: %w", err)
	}
	f.columns = columns
	return nil
}

// readMetadata reads KeyValue.
func (f *File) readMetadata(r *thriftReader, kind byte) {
	var key, value string
	r.structure(kind, func(id int64, kind byte) {
		switch id {
		case 1:
			key = string(r.text(kind))
		case 2:
			value = string(r.text(kind))
		default:
			r.skip(kind)
		}
	})
	f.metadata[key] = value
}

// readGroup reads RowGroup.
func readGroup(r *thriftReader, kind byte) (g rowGroup) {
	r.structure(kind, func(id int64, kind byte) {
		switch id {
		case 1:
			r.list(kind, func(kind byte) { g.chunks = append(g.chunks, readChunk(r, kind)) })
		case 3:
			g.rows = r.int(kind)
		default:
			r.skip(kind)
		}
	})
	return g
}

// readChunk reads ColumnChunk and, in it, ColumnMetaData.
func readChunk(r *thriftReader, kind byte) (c columnChunk) {
	var dictionary int64
	metadata := func(id int64, kind byte) {
		switch id {
		case 4:
			c.codec = r.int(kind)
		case 7:
			c.size = r.int(kind)
		case 9:
			c.offset = r.int(kind)
		case 11:
			dictionary = r.int(kind)
		default:
			r.skip(kind)
		}
	}
	r.structure(kind, func(id int64, kind byte) {
		switch id {
		case 1: // the name of another file
			c.elsewhere = c.elsewhere || len(r.text(kind)) > 0
		case 3:
			r.structure(kind, metadata)
		case 8, 9: // encryption
			c.elsewhere = true
			r.skip(kind)
		default:
			r.skip(kind)
		}
	})
	if dictionary > 0 && dictionary < c.offset { // some writers leave it out, or write 0
		c.offset = dictionary
	}
	return c
}

// checkFooter compares the footer's numbers with each other and with the size of
// the file.
func (f *File) checkFooter() error {
	rows, bytes := f.rows, f.size // that are not accounted for yet
	for i, g := range f.groups {
		fault := func(format string, args ...any) error {
			return fmt.Errorf("row group %d: "+format, append([]any{i}, args...)...)
		}
		if len(g.chunks) != len(f.columns) {
			return fault("%d columns, the schema has %d", len(g.chunks), len(f.columns))
		}
		if g.rows < 0 || g.rows > rows {
			if f.nested() { // of which some writers count their rows otherwise
				return errNested
			}
			return fault("claims %d rows, want 0 to %d", g.rows, rows)
		}
		rows -= g.rows
		for j, c := range g.chunks {
			if c.size < 0 || c.offset < 0 || c.offset > f.size || c.size > f.size-c.offset {
				return fault("column %q: claims %d bytes from %d, the file has %d", f.columns[j].Name, c.size, c.offset, f.size)
			}
			if bytes -= c.size; bytes < 0 {
				return fault("column %q: the columns claim more than the file's %d bytes", f.columns[j].Name, f.size)
			}
		}
	}
	if rows != 0 && f.nested() {
		return errNested
	}
	if rows != 0 {
		return fmt.Errorf("claims %d rows, its row groups have %d", f.rows, f.rows-rows)
	}
	return nil
}

// nested reports whether some column is a list.
func (f *File) nested() bool {
	return slices.ContainsFunc(f.columns, func(c Column) bool { return c.repeated })
}
