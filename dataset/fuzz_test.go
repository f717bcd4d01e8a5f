package dataset

import (
	"bytes"
	"errors"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
)

// fuzzFile feeds arbitrary content to openFile under a name: it may refuse it,
// with ErrInput, or give a consistent data set; never panic.
func fuzzFile(f *testing.F, name string, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		path := write(t, name, content)
		d, err := openFile(path, int64(len(content)), Options{})
		if err != nil {
			if !errors.Is(err, ErrInput) {
				t.Fatalf("error is not ErrInput: %v", err)
			}
			return
		}
		if len(d.X.Data) < d.X.Rows*d.X.Cols {
			t.Fatalf("%d×%d matrix of %d elements", d.X.Rows, d.X.Cols, len(d.X.Data))
		}
		if d.Class != nil && len(d.Class) != d.Rows() {
			t.Fatalf("%d classes for %d samples", len(d.Class), d.Rows())
		}
	})
}

func FuzzIDX(f *testing.F) {
	image := idxBytes(8, []int{2, 2, 2}, []byte("abcdefgh"))
	fuzzFile(f, "x-images-idx3", image, zipped(image), idxBytes(0x0E, []int{1}, bytes.Repeat([]byte{1}, 8)), idxBytes(8, []int{1 << 30, 1 << 30}, nil))
}

func FuzzCSV(f *testing.F) {
	fuzzFile(f, "x.csv", []byte("a,b,label\n1,2,x\n3,4,y\n"), []byte("1;2;3\n4;5;6\n"), []byte("\"a\"\"b\",c\n1,2\n"), zipped([]byte("1,2\n")))
}

func FuzzNPY(f *testing.F) {
	fuzzFile(f, "x.npy", npyBytes(f, []float32{1, 2}), npyBytes(f, []int64{1}), []byte("\x93NUMPY\x01\x00"))
}

func FuzzNPZ(f *testing.F) {
	fuzzFile(f, "x.npz", npzBytes(f, map[string]any{"X": []float32{1, 2}, "y": []int64{0, 1}}))
}

func FuzzParquet(f *testing.F) {
	rows, _, _ := everyRows(20)
	seeds := [][]byte{parquetBytes(f)}
	for i, codec := range parquetCodecs {
		seeds = append(seeds,
			written(f, rows, parquet.Compression(codec), parquet.DataPageVersion(1+i%2), parquet.PageBufferSize(64), parquet.MaxRowsPerRowGroup(12)),
			narrow(f, codec, 2-i%2))
	}
	for _, b := range parquetBombs(f) {
		seeds = append(seeds, b.content)
	}
	fuzzFile(f, "x.parquet", seeds...)
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
