package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// forged is a Parquet file of one column and one page that can claim anything.
type forged struct {
	kind       format.Type
	repetition format.FieldRepetitionType
	means      func(*format.SchemaElement) // if not nil, completes the column
	codec      format.CompressionCodec
	rows       int64
	page       format.PageHeader
	body       []byte
	footer     []byte // if not nil, instead of what the rest gives
	length     uint32 // of the footer, if not 0
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := thrift.Marshal(&thrift.CompactProtocol{}, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (f forged) bytes(t testing.TB) []byte {
	t.Helper()
	if f.page.CompressedPageSize == 0 {
		f.page.CompressedPageSize = int32(len(f.body))
	}
	if f.page.UncompressedPageSize == 0 {
		f.page.UncompressedPageSize = int32(len(f.body))
	}
	page := append(marshal(t, &f.page), f.body...)
	if f.footer == nil {
		chunk := format.ColumnMetaData{Type: f.kind, Codec: f.codec, NumValues: f.rows, DataPageOffset: 4, TotalCompressedSize: int64(len(page))}
		column := format.SchemaElement{Name: "y", Type: thrift.New(f.kind), RepetitionType: thrift.New(f.repetition)}
		if f.means != nil {
			f.means(&column)
		}
		f.footer = marshal(t, &format.FileMetaData{
			NumRows:   f.rows,
			Schema:    []format.SchemaElement{{Name: "root", NumChildren: thrift.New[int32](1)}, column},
			RowGroups: []format.RowGroup{{NumRows: f.rows, Columns: []format.ColumnChunk{{MetaData: chunk}}}},
		})
	}
	if f.length == 0 {
		f.length = uint32(len(f.footer))
	}
	b := append(append([]byte("PAR1"), page...), f.footer...)
	return append(binary.LittleEndian.AppendUint32(b, f.length), "PAR1"...)
}

// data is the header of a page of values in an encoding.
func data(values int32, e format.Encoding) format.PageHeader {
	return format.PageHeader{Type: format.DataPage, DataPageHeader: thrift.New(format.DataPageHeader{
		NumValues: values, Encoding: e, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE})}
}

func uvarints(v ...uint64) (b []byte) {
	for _, x := range v {
		b = binary.AppendUvarint(b, x)
	}
	return b
}

// nested is a Thrift struct that contains another, and so on.
func nested(depth int) []byte {
	return append(bytes.Repeat([]byte{0x1c}, depth), make([]byte, depth+1)...)
}

// claim is a file that claims something false, and what the error must say.
type claim struct {
	name    string
	content []byte
	want    string
}

// falseClaims are files of a few hundred bytes, each of which claims one thing that
// it does not hold.
func falseClaims(t testing.TB) (claims []claim) {
	const many = 1<<31 - 1
	zeros := make([]byte, 8)
	add := func(name, want string, f forged) {
		claims = append(claims, claim{name, f.bytes(t), want})
	}
	large := func(h format.PageHeader, size, plain int32) format.PageHeader {
		h.CompressedPageSize, h.UncompressedPageSize = size, plain
		return h
	}
	add("footer", "claims a footer of 4294967295 bytes", forged{length: math.MaxUint32})
	add("list of row groups", "a list longer than itself", forged{footer: append([]byte{0x49, 0xfc}, uvarints(many)...)})
	add("a text in the footer", "it is cut off", forged{footer: append([]byte{0x68}, uvarints(many)...)})
	add("deep", "nested too deeply", forged{footer: nested(100)})
	add("rows", "claims 1000000 rows of 4 bytes, want at most", forged{kind: format.Double, rows: 1e6, page: data(1e6, format.Plain)})
	add("page bytes", "a page claims 2147483647 bytes", forged{kind: format.Double, rows: 1, page: large(data(1, format.Plain), many, many), body: zeros})
	add("inflated bytes", "more than 1032 times", forged{kind: format.Double, codec: format.Gzip, rows: 1, page: large(data(1, format.Plain), 8, many), body: zeros})
	add("page values", "a page claims 2147483647 values where 1 rows are left", forged{kind: format.Double, rows: 1, page: data(many, format.Plain), body: zeros})
	add("plain values", "9 values claimed in 8 bytes", forged{kind: format.Float, rows: 9, page: data(9, format.Plain), body: zeros})
	levels := uvarints(many<<1, 1)
	add("run of levels", "a run claims 2147483647 values where 1 are left", forged{
		kind: format.Double, repetition: format.Optional, rows: 1, page: data(1, format.Plain),
		body: append(binary.LittleEndian.AppendUint32(nil, uint32(len(levels))), append(levels, zeros...)...)})
	add("levels", "bytes of levels in a page of 8", forged{
		kind: format.Double, repetition: format.Optional, rows: 1, page: data(1, format.Plain), body: bytes.Repeat([]byte{255}, 8)})
	add("run of indexes", "a run claims 2147483647 values", forged{kind: format.Double, rows: 3, page: data(3, format.RLEDictionary), body: append([]byte{1}, levels...)})
	add("deltas", "deltas claim 2147483647 values", forged{kind: format.Int64, rows: 3, page: data(3, format.DeltaBinaryPacked), body: uvarints(128, 4, many, 0)})
	add("delta block", "delta blocks of", forged{kind: format.Int64, rows: 3, page: data(3, format.DeltaBinaryPacked), body: uvarints(1<<62, 1, 3, 0)})
	add("text", "a text claims 4294967295 bytes", forged{kind: format.ByteArray, rows: 1, page: data(1, format.Plain), body: bytes.Repeat([]byte{255}, 8)})
	dictionary := format.PageHeader{Type: format.DictionaryPage, DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: many})}
	add("dictionary", "a dictionary claims 2147483647 values in 8 bytes", forged{kind: format.Double, rows: 1, page: dictionary, body: zeros})
	add("Snappy", fmt.Sprintf("a compressed page holds %d bytes, its header claims 8", many), forged{
		kind: format.Double, codec: format.Snappy, rows: 1, page: large(data(1, format.Plain), 0, 8), body: append(uvarints(many), zeros...)})
	z, err := parquet.Zstd.Encode(nil, make([]byte, 1<<24))
	if err != nil {
		t.Fatal(err)
	}
	add("Zstandard", "malformed compressed page", forged{kind: format.Double, codec: format.Zstd, rows: 1, page: large(data(1, format.Plain), 0, 8), body: z})
	return claims
}

// TestFalseClaims: what a file claims is not believed. Each file is refused, and no
// more is allocated than a file of its size may take.
func TestFalseClaims(t *testing.T) {
	const megabyte = 1 << 20
	for _, c := range falseClaims(t) {
		t.Run(c.name, func(t *testing.T) {
			var err error
			got := testprob.Allocated(func() { err = readAll(c.content) })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
			if got > megabyte {
				t.Errorf("%.0f bytes allocated for a file of %d, want at most %d", got, len(c.content), megabyte)
			}
		})
	}
}

// readAll reads all rows of all columns, and counts what it gets.
func readAll(content []byte) error {
	f, err := Open(bytes.NewReader(content), int64(len(content)), nil)
	if err != nil {
		return err
	}
	for j, c := range f.Columns() {
		n := 0
		if err := f.Read([]int{j}, 0, int(f.Rows()), func(_, _ int, v Values) error { n += v.Len(); return nil }); err != nil {
			return err
		}
		if n != int(f.Rows()) {
			return fmt.Errorf("column %q has %d values, the file %d rows: %w", c.Name, n, f.Rows(), errCount)
		}
	}
	return nil
}

var errCount = errors.New("inconsistent")

// What is not supported is named.
func TestUnsupported(t *testing.T) {
	zeros := make([]byte, 8)
	encrypted := forged{rows: 1, page: data(1, format.Plain), body: zeros}.bytes(t)
	copy(encrypted[len(encrypted)-4:], "PARE")
	for want, content := range map[string][]byte{
		"an encrypted Parquet file":  encrypted,
		"compression LZO":            forged{kind: format.Double, codec: format.LZO, rows: 1, page: data(1, format.Plain), body: zeros}.bytes(t),
		"encoding BIT_PACKED":        forged{kind: format.Double, rows: 1, page: data(1, format.BitPacked), body: zeros}.bytes(t),
		"encoding BYTE_STREAM_SPLIT": forged{kind: format.ByteArray, rows: 1, page: data(1, format.ByteStreamSplit), body: zeros}.bytes(t),
	} {
		if err := readAll(content); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
}

// Truth values may be runs, as version 2 writes them.
func TestTruthRuns(t *testing.T) {
	runs := []byte{2 << 1, 1, 1<<1 | 1, 0b0000_0101} // two of 1; then 1, 0, 1 and padding
	file := forged{kind: format.Boolean, rows: 5, page: data(5, format.RLE), body: append(binary.LittleEndian.AppendUint32(nil, uint32(len(runs))), runs...)}
	got, _, err := read(t, open(t, file.bytes(t)), 1, 5, "y")
	if err != nil || !slices.Equal(got, []float64{1, 1, 0, 1}) {
		t.Errorf("got %v, error %v, want 1 1 0 1", got, err)
	}
}
