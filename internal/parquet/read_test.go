package parquet

import (
	"bytes"
	"fmt"
	"math"
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

// everyRows are n rows and what is to be read of them: the numbers of the columns
// everyNumber, row by row, and the texts of those of the others that hold words.
func everyRows(n int) (rows []everyRow, x []float64, labels []string) {
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
		bit := 0.0
		if r.Bool {
			bit = 1
		}
		x = append(x, bit, float64(r.Int32), float64(r.Int64), float64(r.Uint32), float64(r.Uint64), float64(r.Float), r.Double,
			r.Dictionary, float64(r.IntIndex), float64(r.Delta32), float64(r.Delta64), float64(r.Split32), r.Split64,
			float64(i)-0.25, d, float64(in))
	}
	return rows, x, labels
}

var everyNumber = []string{"Bool", "Int32", "Int64", "Uint32", "Uint64", "Float", "Double", "Dictionary", "IntIndex", "Delta32", "Delta64", "Split32", "Split64", "Decimal", "Optional", "Group.In"}

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

var codecs = []compress.Codec{&parquet.Uncompressed, &parquet.Snappy, &parquet.Gzip, &parquet.Brotli, &parquet.Zstd, &parquet.Lz4Raw}

// open opens a file that must be in order.
func open(t testing.TB, content []byte) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(content), int64(len(content)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// column is the number of the column called name.
func column(t testing.TB, f *File, name string) int {
	t.Helper()
	j := slices.IndexFunc(f.Columns(), func(c Column) bool { return c.Name == name })
	if j < 0 {
		t.Fatalf("no column %q among %v", name, f.Columns())
	}
	return j
}

// read gives the values of rows from to to-1 of the columns called names: numbers
// row by row, NaN where they are absent, and texts.
func read(t testing.TB, f *File, from, to int, names ...string) (x []float64, texts []string, err error) {
	t.Helper()
	var columns []int
	for _, n := range names {
		columns = append(columns, column(t, f, n))
	}
	x, texts = make([]float64, (to-from)*len(names)), make([]string, to-from)
	seen := make([]int, len(names)) // rows
	err = f.Read(columns, from, to, func(k, row int, v Values) error {
		c := f.Columns()[columns[k]]
		if row != from+seen[k] || v.Absent != nil && len(v.Absent) != v.Len() {
			t.Errorf("column %q: row %d follows %d rows from %d, with %d values, of which %d may be absent", names[k], row, seen[k], from, v.Len(), len(v.Absent))
		}
		for i := range v.Len() {
			at, absent := row-from+i, v.Absent != nil && v.Absent[i]
			number := &x[at*len(names)+k]
			switch kind := c.Kind(); {
			case absent:
				*number = math.NaN()
			case kind == Text:
				texts[at] = string(v.Texts[i])
			case kind == Float:
				*number = v.Floats[i]
			case kind == Unsigned:
				*number = float64(uint64(v.Integers[i]))
			case kind == Decimal:
				*number = float64(v.Integers[i]) / math.Pow10(c.Scale())
			default:
				*number = float64(v.Integers[i])
			}
		}
		seen[k] += v.Len()
		return nil
	})
	if err == nil && !slices.Equal(seen, slices.Repeat([]int{to - from}, len(names))) {
		t.Errorf("got %v rows of the columns, want %d of each", seen, to-from)
	}
	return x, texts, err
}

// Files of another library, of every type, encoding, compression and version of
// pages, are read as they were written, as a whole and in parts.
func TestKinds(t *testing.T) {
	const n = 400
	rows, x, labels := everyRows(n)
	files := map[string][]byte{"one page a column": written(t, rows)}
	for _, codec := range codecs {
		for version := 1; version <= 2; version++ {
			files[fmt.Sprint(codec, version)] = written(t, rows, parquet.Compression(codec), parquet.DataPageVersion(version),
				parquet.PageBufferSize(1000), parquet.MaxRowsPerRowGroup(120))
		}
	}
	for name, content := range files {
		t.Run(name, func(t *testing.T) {
			f := open(t, content)
			if f.Rows() != n {
				t.Errorf("%d rows, want %d", f.Rows(), n)
			}
			most := 1032 * len(content) / n // bytes a row
			if f.CheckRows(most) != nil || f.CheckRows(most+1) == nil {
				t.Errorf("rows of %d bytes: %v; of %d: %v", most, f.CheckRows(most), most+1, f.CheckRows(most+1))
			}
			for _, part := range [][2]int{{0, n}, {0, 133}, {133, 266}, {266, n}, {120, 240}, {77, 78}, {5, 5}} {
				from, to := part[0], part[1]
				got, _, err := read(t, f, from, to, everyNumber...)
				if k := len(everyNumber); err != nil || !slices.Equal(got, x[from*k:to*k]) {
					t.Errorf("rows %d to %d: numbers differ, error %v", from, to, err)
				}
				for _, text := range []string{"Plain", "Words", "Lengths", "Shared", "Maybe"} {
					if _, got, err := read(t, f, from, to, text); err != nil || !slices.Equal(got, labels[from:to]) {
						t.Errorf("rows %d to %d, %s: got %q, error %v", from, to, text, got, err)
					}
				}
			}
			if _, got, err := read(t, f, 0, 3, "Fixed"); err != nil || !slices.Equal(got, []string{"aa", "ab", "aa"}) {
				t.Errorf("fixed length: got %q, error %v", got, err)
			}
		})
	}
}

// Columns say what they hold.
func TestColumns(t *testing.T) {
	rows, _, _ := everyRows(1)
	f := open(t, written(t, rows))
	for _, c := range f.Columns() {
		want := Text
		if slices.Contains(everyNumber, c.Name) {
			want = map[string]Kind{"Bool": Boolean, "Uint32": Unsigned, "Uint64": Unsigned, "Decimal": Decimal, "Float": Float, "Double": Float, "Dictionary": Float, "Split32": Float, "Split64": Float, "Optional": Float}[c.Name]
			if want == Text {
				want = Integer
			}
		}
		if c.Kind() != want || c.Supported() != nil {
			t.Errorf("column %q: kind %v, want %v; %v", c.Name, c.Kind(), want, c.Supported())
		}
	}
	if len(f.Columns()) != len(everyNumber)+6 {
		t.Errorf("%d columns, want %d", len(f.Columns()), len(everyNumber)+6)
	}
}

// Absent values are told from others, wherever they are in a page, and whatever the
// encoding.
func TestAbsent(t *testing.T) {
	type row struct {
		Number *float64
		Index  *int64  `parquet:",dict"`
		Delta  int32   `parquet:",optional,delta"` // 0 is none
		Word   *string `parquet:",dict"`
		Plain  string  `parquet:",optional,plain"` // "" is none
		Truth  *bool
		Group  *struct{ In *float32 }
	}
	const n = 100
	var rows []row
	var want [][]any
	for i := range n {
		x, k, d, w, b, f := float64(i)/4, int64(i%5), int32(7*i+1), fmt.Sprint("w", i%3), i%2 == 0, float32(i)
		r, values := row{&x, &k, d, &w, w, &b, &struct{ In *float32 }{&f}}, []any{x, float64(k), float64(d), w, w, float64((i + 1) % 2), float64(f)}
		for j, gone := range []func(){
			func() { r.Number = nil }, func() { r.Index = nil }, func() { r.Delta = 0 }, func() { r.Word = nil },
			func() { r.Plain = "" }, func() { r.Truth = nil }, func() { r.Group = nil },
		} {
			if (i*i+j)%(3+j) == 0 {
				gone()
				values[j] = nil
			}
		}
		rows, want = append(rows, r), append(want, values)
	}
	for version := 1; version <= 2; version++ {
		var b bytes.Buffer
		w := parquet.NewGenericWriter[row](&b, parquet.DataPageVersion(version), parquet.PageBufferSize(100), parquet.MaxRowsPerRowGroup(40))
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f := open(t, b.Bytes())
		for j, name := range []string{"Number", "Index", "Delta", "Word", "Plain", "Truth", "Group.In"} {
			x, texts, err := read(t, f, 3, n-7, name)
			if err != nil {
				t.Fatal(err)
			}
			for i := range x {
				switch v := want[i+3][j].(type) {
				case nil:
					if x[i] == x[i] || texts[i] != "" {
						t.Errorf("version %d, %s, row %d: got %v %q, want none", version, name, i+3, x[i], texts[i])
					}
				case float64:
					if x[i] != v {
						t.Errorf("version %d, %s, row %d: got %v, want %v", version, name, i+3, x[i], v)
					}
				case string:
					if texts[i] != v {
						t.Errorf("version %d, %s, row %d: got %q, want %q", version, name, i+3, texts[i], v)
					}
				}
			}
		}
	}
}

// Rows outside the file are refused.
func TestRange(t *testing.T) {
	rows, _, _ := everyRows(3)
	f := open(t, written(t, rows))
	for _, part := range [][2]int{{-1, 2}, {2, 1}, {0, 4}} {
		err := f.Read([]int{0}, part[0], part[1], func(int, int, Values) error { t.Error("rows were given"); return nil })
		if err == nil || !strings.Contains(err.Error(), "want a part of the file's 3 rows") {
			t.Errorf("rows %v: got %v", part, err)
		}
	}
}

// Lists are refused where they are asked for, and do no harm where they are not.
func TestLists(t *testing.T) {
	type listed struct {
		A    float64
		List []float64
	}
	var b bytes.Buffer
	if err := parquet.Write(&b, []listed{{1, []float64{1, 2}}, {2, nil}}); err != nil {
		t.Fatal(err)
	}
	f := open(t, b.Bytes())
	list := column(t, f, "List")
	if err := f.Columns()[list].Supported(); err == nil || !strings.Contains(err.Error(), "nested columns are not supported") {
		t.Errorf("got %v", err)
	}
	if _, _, err := read(t, f, 0, 2, "List"); err == nil || !strings.Contains(err.Error(), `column "List": nested columns are not supported`) {
		t.Errorf("got %v", err)
	}
	if x, _, err := read(t, f, 0, 2, "A"); err != nil || !slices.Equal(x, []float64{1, 2}) {
		t.Errorf("got %v, error %v", x, err)
	}
}

// A file that is cut off anywhere is refused, and a page's checksum tells of damage.
func TestDamage(t *testing.T) {
	rows, _, _ := everyRows(20)
	whole := written(t, rows)
	for n := 0; n < len(whole); n += 37 {
		if _, err := Open(bytes.NewReader(whole[:n]), int64(n), nil); err == nil {
			t.Fatalf("the first %d bytes of %d were opened", n, len(whole))
		}
	}
	at := bytes.Index(whole, []byte("\x05\x00\x00\x00word3")) + 4 // the first is in Plain
	damaged := slices.Clone(whole)
	damaged[at] ^= 1
	if _, _, err := read(t, open(t, damaged), 0, 20, "Plain"); err == nil || !strings.Contains(err.Error(), `rows 1 and on, column "Plain": a page's checksum`) {
		t.Errorf("a damaged text: got %v", err)
	}
}

// Numbers of any width are found at any bit.
func TestBitsAt(t *testing.T) {
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
