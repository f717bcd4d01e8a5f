package dataset

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// inflation is how many times its size a file may take once read: deflate cannot
// shrink data further.
const inflation = 1032

// parquetFile is a Parquet file and what its footer says (Apache Parquet,
// "File Format" and parquet.thrift).
type parquetFile struct {
	path    string
	r       io.ReaderAt
	size    int64
	rows    int64
	columns []parquetColumn
	groups  []parquetGroup
	budget  int64 // bytes that may still be inflated
	zstd    *zstd.Decoder
}

// parquetColumn is a leaf of the schema.
type parquetColumn struct {
	name     string // with the names of the groups it is in, "a.b"
	kind     int64
	length   int64 // bytes of a parquetFixedArray
	optional int   // how many of it and the groups it is in may be absent
	repeated bool
	unsigned bool
	decimal  bool  // an integer, of
	scale    int64 // units of 10^-scale
}

// Physical types.
const (
	parquetBoolean = iota
	parquetInt32
	parquetInt64
	parquetInt96
	parquetFloat
	parquetDouble
	parquetByteArray
	parquetFixedArray
)

// parquetGroup is a group of rows: a chunk for each column.
type parquetGroup struct {
	rows   int64
	chunks []parquetChunk
}

// parquetChunk is where the pages of a column in a group are.
type parquetChunk struct {
	codec        int64
	offset, size int64
	elsewhere    bool // encrypted, or in another file
}

// openParquet reads the footer, and refuses one that claims what a file of this
// size cannot hold.
func openParquet(path string, r io.ReaderAt, size int64) (*parquetFile, error) {
	const magic, tail = "PAR1", 8
	f := &parquetFile{path: path, r: r, size: size, budget: size * inflation}
	head, end := make([]byte, len(magic)), make([]byte, tail)
	if size < tail+int64(len(magic)) {
		return nil, inputf("%s: not a Parquet file: it is too short", path)
	}
	for at, b := range map[int64][]byte{0: head, size - tail: end} {
		if _, err := r.ReadAt(b, at); err != nil {
			return nil, readError(path, err)
		}
	}
	if string(end[4:]) == "PARE" {
		return nil, inputf("%s: an encrypted Parquet file, which is not supported", path)
	}
	if string(head) != magic || string(end[4:]) != magic {
		return nil, inputf("%s: not a Parquet file: it starts with %q and ends with %q, want %s", path, head, end[4:], magic)
	}
	length := int64(binary.LittleEndian.Uint32(end))
	if most := size - tail - int64(len(magic)); length > most {
		return nil, inputf("%s: claims a footer of %d bytes, want at most %d", path, length, most)
	}
	raw := make([]byte, length)
	if _, err := r.ReadAt(raw, size-tail-length); err != nil {
		return nil, readError(path, err)
	}
	if err := f.footer(raw); err != nil {
		return nil, err
	}
	return f, f.check()
}

// footer reads FileMetaData.
func (f *parquetFile) footer(raw []byte) error {
	var schema parquetSchema
	r := &compact{data: raw}
	r.structure(thriftStruct, func(id int64, kind byte) {
		switch id {
		case 2:
			r.list(kind, func(kind byte) { schema.elements = append(schema.elements, parquetElementOf(r, kind)) })
		case 3:
			f.rows = r.int(kind)
		case 4:
			r.list(kind, func(kind byte) { f.groups = append(f.groups, parquetGroupOf(r, kind)) })
		default:
			r.skip(kind)
		}
	})
	if r.err != nil {
		return inputf("%s: malformed Parquet footer: %w", f.path, r.err)
	}
	columns, err := schema.leaves()
	if err != nil {
		return inputf("%s: malformed Parquet schema: %w", f.path, err)
	}
	f.columns = columns
	return nil
}

func parquetGroupOf(r *compact, kind byte) (g parquetGroup) {
	r.structure(kind, func(id int64, kind byte) {
		switch id {
		case 1:
			r.list(kind, func(kind byte) { g.chunks = append(g.chunks, parquetChunkOf(r, kind)) })
		case 3:
			g.rows = r.int(kind)
		default:
			r.skip(kind)
		}
	})
	return g
}

// parquetChunkOf reads ColumnChunk and, in it, ColumnMetaData.
func parquetChunkOf(r *compact, kind byte) (c parquetChunk) {
	var dictionary int64
	meta := func(id int64, kind byte) {
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
		case 1:
			c.elsewhere = c.elsewhere || len(r.text(kind)) > 0
		case 3:
			r.structure(kind, meta)
		case 8, 9:
			c.elsewhere = true
			r.skip(kind)
		default:
			r.skip(kind)
		}
	})
	if dictionary > 0 && dictionary < c.offset { // some writers leave it out, or 0
		c.offset = dictionary
	}
	return c
}

// check holds the footer's numbers against each other and the size of the file.
func (f *parquetFile) check() error {
	rows, bytes := f.rows, f.size
	for i, g := range f.groups {
		place := func(format string, args ...any) error {
			return inputf("%s: row group %d: "+format, append([]any{f.path, i}, args...)...)
		}
		if len(g.chunks) != len(f.columns) {
			return place("%d columns, the schema has %d", len(g.chunks), len(f.columns))
		}
		if g.rows < 0 || g.rows > rows {
			return place("claims %d rows, want 0 to %d", g.rows, rows)
		}
		rows -= g.rows
		for j, c := range g.chunks {
			if c.size < 0 || c.offset < 0 || c.offset > f.size || c.size > f.size-c.offset {
				return place("column %q: claims %d bytes from %d, the file has %d", f.columns[j].name, c.size, c.offset, f.size)
			}
			if bytes -= c.size; bytes < 0 {
				return place("column %q: the columns claim more than the file's %d bytes", f.columns[j].name, f.size)
			}
		}
	}
	if rows != 0 {
		return inputf("%s: claims %d rows, its row groups have %d", f.path, f.rows, f.rows-rows)
	}
	return nil
}

// spend allows n bytes more to be made of the file, within what its size
// justifies.
func (f *parquetFile) spend(n int64) error {
	if f.budget -= n; f.budget < 0 {
		return fmt.Errorf("its pages claim more than %d times the file's %d bytes", inflation, f.size)
	}
	return nil
}
