package dataset

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
)

// everyRow has a column of each type and encoding that the reader knows.
type everyRow struct {
	Bool       bool
	Int32      int32
	Int64      int64
	Uint32     uint32
	Uint64     uint64
	Float      float32
	Double     float64
	Dictionary float64 `parquet:",dict"`
	IntIndex   int64   `parquet:",dict"`
	Delta32    int32   `parquet:",delta"`
	Delta64    int64   `parquet:",delta"`
	Split32    float32 `parquet:",split"`
	Split64    float64 `parquet:",split"`
	Decimal    int64   `parquet:",decimal(2:18)"`
	Optional   *float64
	Group      struct{ In *int32 }
	Plain      string `parquet:",plain"`
	Words      string `parquet:",dict"`
	Lengths    string // by deltas
	Shared     string `parquet:",delta"`
	Fixed      [2]byte
	Maybe      *string `parquet:",dict"`
}

// everyRows are rows, and what is to be read of them: features and a label.
func everyRows(n int) (rows []everyRow, x []float32, labels []string) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		word := fmt.Sprint("word", i/3%4)
		d, in := rng.NormFloat64(), rng.Int32()-1<<30
		r := everyRow{
			Bool: i%3 == 0, Int32: int32(rng.Uint32()), Int64: int64(rng.Uint64()), Uint32: rng.Uint32(), Uint64: rng.Uint64(),
			Float: rng.Float32(), Double: d, Dictionary: float64(i % 5), IntIndex: int64(i/7) - 3,
			Delta32: int32(rng.Uint32()), Delta64: int64(rng.Uint64()) >> (i % 64), Split32: rng.Float32(), Split64: d * 3, Decimal: int64(100*i - 25),
			Optional: &d, Plain: word, Words: word, Lengths: word, Shared: word, Fixed: [2]byte{'a', byte('a' + i%2)}, Maybe: &word,
		}
		r.Group.In = &in
		rows, labels = append(rows, r), append(labels, word)
		bit := float32(0)
		if r.Bool {
			bit = 1
		}
		x = append(x, bit, float32(r.Int32), float32(r.Int64), float32(r.Uint32), float32(r.Uint64), r.Float, float32(r.Double),
			float32(r.Dictionary), float32(r.IntIndex), float32(r.Delta32), float32(r.Delta64), r.Split32, float32(r.Split64),
			float32(i)-0.25, float32(d), float32(in))
	}
	return rows, x, labels
}

var everyFeature = []string{"Bool", "Int32", "Int64", "Uint32", "Uint64", "Float", "Double", "Dictionary", "IntIndex", "Delta32", "Delta64", "Split32", "Split64", "Decimal", "Optional", "Group.In"}

func written(t testing.TB, rows []everyRow, o ...parquet.WriterOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[everyRow](&b, o...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var parquetCodecs = []compress.Codec{&parquet.Uncompressed, &parquet.Snappy, &parquet.Gzip, &parquet.Brotli, &parquet.Zstd, &parquet.Lz4Raw}

// Files of another writer, of every type, encoding, compression and version of
// pages, are read as they were written, as a whole and by shares.
func TestParquetKinds(t *testing.T) {
	rows, x, labels := everyRows(400)
	for _, codec := range parquetCodecs {
		for version := 1; version <= 2; version++ {
			t.Run(fmt.Sprint(codec, version), func(t *testing.T) {
				path := write(t, "x.parquet", written(t, rows, parquet.Compression(codec), parquet.DataPageVersion(version),
					parquet.PageBufferSize(1000), parquet.MaxRowsPerRowGroup(120)))
				for _, label := range []string{"Plain", "Words", "Lengths", "Shared", "Maybe"} {
					o := Options{Features: everyFeature, Label: label}
					d := open(t, path, o).Train
					if !slices.Equal(d.X.Elements(), x) {
						t.Errorf("%s: features differ", label)
					}
					for i, c := range d.Class {
						if d.Classes[c] != labels[i] {
							t.Fatalf("label %s, row %d: %q, want %q", label, i, d.Classes[c], labels[i])
						}
					}
					wantShares(t, d, trainShares(t, path, 3, o))
				}
			})
		}
	}
	d := open(t, write(t, "x.parquet", written(t, rows)), Options{Features: everyFeature, Label: "Fixed"}).Train // one page a column
	if !slices.Equal(d.X.Elements(), x) {
		t.Error("one page a column: features differ")
	}
	if !slices.Equal(d.Classes, []string{"aa", "ab"}) || d.Class[0] != 0 || d.Class[1] != 1 {
		t.Errorf("fixed length: classes %q", d.Classes)
	}
}

// What is missing or no number is told with its row and column.
func TestParquetErrors(t *testing.T) {
	rows, _, _ := everyRows(40)
	rows[33].Optional, rows[35].Maybe = nil, nil
	path := write(t, "x.parquet", written(t, rows, parquet.MaxRowsPerRowGroup(16)))
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Features: []string{"Optional"}, NoLabel: true}, `row 34, column "Optional": got null, want a number`},
		{Options{Features: []string{"Int32"}, Label: "Maybe"}, `row 36, column "Maybe": the label is empty`},
		{Options{Features: []string{"Words"}, NoLabel: true}, `column "Words": it holds texts, want numbers`},
		{Options{Features: []string{"none"}, NoLabel: true}, `no column "none"`},
	} {
		wantError(t, path, c.o, c.want)
	}
}

// Lists are refused where they are asked for, and no harm where they are not.
func TestParquetLists(t *testing.T) {
	type listed struct {
		A    float64
		List []float64
	}
	var b bytes.Buffer
	if err := parquet.Write(&b, []listed{{1, []float64{1, 2}}, {2, nil}}); err != nil {
		t.Fatal(err)
	}
	path := write(t, "x.parquet", b.Bytes())
	wantError(t, path, Options{Features: []string{"List"}, NoLabel: true}, "nested columns are not supported")
	d := open(t, path, Options{Features: []string{"A"}, NoLabel: true}).Train
	if !slices.Equal(d.X.Elements(), []float32{1, 2}) {
		t.Errorf("got %v", d.X.Elements())
	}
}

// A file that is damaged anywhere is refused or read; a page's checksum tells.
func TestParquetDamage(t *testing.T) {
	rows, _, _ := everyRows(20)
	whole := written(t, rows)
	for n := range len(whole) {
		if n%37 > 0 {
			continue
		}
		if _, err := openFile(write(t, "x.parquet", whole[:n]), int64(n), Options{}); err == nil {
			t.Fatalf("the first %d bytes of %d were read", n, len(whole))
		}
	}
	at := bytes.Index(whole, []byte("\x05\x00\x00\x00word3")) + 4 // the first is in Plain
	damaged := slices.Clone(whole)
	damaged[at] ^= 1
	_, err := openFile(write(t, "x.parquet", damaged), int64(len(whole)), Options{Features: []string{"Int32"}, Label: "Plain"})
	if err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("a damaged text: got %v", err)
	}
}

// Values of any width are found at any bit.
func TestParquetBits(t *testing.T) {
	data := []byte{0xff, 0x01, 0x80, 0x7f, 0xaa, 0x55, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc}
	for width := 1; width <= 64; width++ {
		for at := 0; at+width <= 8*len(data); at++ {
			var want uint64
			for k := range width {
				want |= uint64(data[(at+k)/8]>>((at+k)%8)&1) << k
			}
			if got := bitsAt(data, at, width); got != want {
				t.Fatalf("%d bits at %d: %x, want %x", width, at, got, want)
			}
		}
	}
}
