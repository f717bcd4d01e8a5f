package parquet

import (
	"bytes"
	"errors"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
)

// FuzzParquet feeds arbitrary content to the reader, which may refuse it, or give
// as many values of each column as there are rows; it must never panic.
func FuzzParquet(f *testing.F) {
	rows, _, _ := everyRows(20)
	for i, codec := range codecs {
		f.Add(written(f, rows, parquet.Compression(codec), parquet.DataPageVersion(1+i%2), parquet.PageBufferSize(64), parquet.MaxRowsPerRowGroup(12)))
		f.Add(narrow(f, codec, 2-i%2))
	}
	for _, c := range falseClaims(f) {
		f.Add(c.content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := readAll(content); errors.Is(err, errCount) {
			t.Fatal(err)
		}
	})
}

// narrow is a file of few columns, so small that most of it is pages: of
// dictionaries, of values that may be missing, of deltas.
func narrow(t testing.TB, codec compress.Codec, version int) []byte {
	t.Helper()
	type row struct {
		A     *float64
		B     int64   `parquet:",dict"`
		C     int32   `parquet:",delta"`
		Label *string `parquet:",dict"`
	}
	var rows []row
	for i := range 40 {
		x, label := float64(i), string(rune('a'+i%3))
		rows = append(rows, row{&x, int64(i % 4), int32(i), &label})
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.Compression(codec), parquet.DataPageVersion(version), parquet.PageBufferSize(80))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
