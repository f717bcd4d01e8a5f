package dataset

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio"
	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/fixedseed"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/picture"
)

func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, path string, o Options) Split {
	t.Helper()
	s, err := Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func zipped(content []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(content)
	_ = z.Close()
	return b.Bytes()
}

// idxBytes is an IDX file of the given type, shape and raw elements.
func idxBytes(kind byte, dims []int, raw []byte) []byte {
	b := []byte{0, 0, kind, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
	}
	return append(b, raw...)
}

func TestDigits(t *testing.T) {
	s := open(t, "digits", Options{})
	if s.Train.Rows() != 1437 || s.Test.Rows() != 360 || s.Train.X.Cols != 64 || len(s.Train.Classes) != 10 {
		t.Errorf("got %d + %d rows of %d features in %d classes, want 1437 + 360 of 64 in 10",
			s.Train.Rows(), s.Test.Rows(), s.Train.X.Cols, len(s.Train.Classes))
	}
	sum := s.Train.Summarize()
	if sum.Min != 0 || sum.Max != 16 {
		t.Errorf("pixels from %v to %v, want 0 to 16", sum.Min, sum.Max)
	}
}

// TestIDXRoundTrip: every type and any small shape reads back what was written.
func TestIDXRoundTrip(t *testing.T) {
	dir := t.TempDir()
	fixedseed.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]byte{0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E}).Draw(t, "kind")
		dims := rapid.SliceOfN(rapid.IntRange(1, 5), 1, 4).Draw(t, "dims")
		n := 1
		for _, d := range dims {
			n *= d
		}
		values := rapid.SliceOfN(rapid.IntRange(0, 127), n, n).Draw(t, "values")
		var raw []byte
		for _, v := range values {
			switch kind {
			case 0x08, 0x09:
				raw = append(raw, byte(v))
			case 0x0B:
				raw = binary.BigEndian.AppendUint16(raw, uint16(v))
			case 0x0C:
				raw = binary.BigEndian.AppendUint32(raw, uint32(v))
			case 0x0D:
				raw = binary.BigEndian.AppendUint32(raw, math.Float32bits(float32(v)))
			case 0x0E:
				raw = binary.BigEndian.AppendUint64(raw, math.Float64bits(float64(v)))
			}
		}
		b := idxBytes(kind, dims, raw)
		if rapid.Bool().Draw(t, "gz") {
			b = zipped(b)
		}
		path := filepath.Join(dir, "x")
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := Open(context.Background(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range s.Train.X.Elements() {
			if v != float32(values[i]) {
				t.Fatalf("element %d: got %v, want %d", i, v, values[i])
			}
		}
	})
}

func TestIDXPairsLabelsAndTest(t *testing.T) {
	dir := t.TempDir()
	for name, b := range map[string][]byte{
		"train-images-idx3-ubyte": idxBytes(8, []int{3, 2, 2}, []byte("abcdefghijkl")),
		"train-labels-idx1-ubyte": idxBytes(8, []int{3}, []byte{7, 2, 7}),
		"t10k-images-idx3-ubyte":  idxBytes(8, []int{1, 2, 2}, []byte("wxyz")),
		"t10k-labels-idx1-ubyte":  idxBytes(8, []int{1}, []byte{7}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, filepath.Join(dir, "train-images-idx3-ubyte"), Options{})
	if !slices.Equal(s.Train.Class, []int32{1, 0, 1}) || !slices.Equal(s.Test.Class, []int32{1}) || !slices.Equal(s.Test.Classes, []string{"2", "7"}) {
		t.Errorf("got classes %v, %v of %v", s.Train.Class, s.Test.Class, s.Test.Classes)
	}
	if s.Train.Image.Height != 2 || s.Train.Image.Max != 255 {
		t.Errorf("got picture %+v", s.Train.Image)
	}
}

func TestCSV(t *testing.T) {
	tests := map[string]struct {
		text    string
		o       Options
		class   []int32
		classes []string
		value   []float32
		x       []float32
	}{
		"header, text label in the middle": {text: "a,class,b\n1,x y,2\n3,\"u,v\",4\n", class: []int32{1, 0}, classes: []string{"u,v", "x y"}, x: []float32{1, 2, 3, 4}},
		"no header, last column":           {text: "1;2;0\n3;4;1\n5;6;1\n", class: []int32{0, 1, 1}, classes: []string{"0", "1"}, x: []float32{1, 2, 3, 4, 5, 6}},
		"label by number":                  {text: "9\t1\n8\t2\n", o: Options{Label: "0"}, class: []int32{1, 0}, classes: []string{"8", "9"}, x: []float32{1, 2}},
		"label from the end":               {text: "1,5,2\n3,6,4\n", o: Options{Label: "-2"}, class: []int32{0, 1}, classes: []string{"5", "6"}, x: []float32{1, 2, 3, 4}},
		"regression by choice":             {text: "x,y\n1,3\n2,4\n", o: Options{Task: Regression}, value: []float32{3, 4}, x: []float32{1, 2}},
		"regression by fractions":          {text: "x,y\n1,3.5\n2,4\n", value: []float32{3.5, 4}, x: []float32{1, 2}},
		"unlabelled":                       {text: "1,2\n3,4\n", o: Options{NoLabel: true}, x: []float32{1, 2, 3, 4}},
		"columns of a model":               {text: "b,a,label\n2,1,p\n4,3,q\n", o: Options{Features: []string{"a", "b"}, Classes: []string{"q", "p"}}, class: []int32{1, 0}, classes: []string{"q", "p"}, x: []float32{1, 2, 3, 4}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			for _, gz := range []bool{false, true} {
				b := []byte(c.text)
				if gz {
					b = zipped(b)
				}
				d := open(t, write(t, "t.csv", b), c.o).Train
				if !slices.Equal(d.X.Elements(), c.x) || !slices.Equal(d.Class, c.class) || !slices.Equal(d.Classes, c.classes) || !slices.Equal(d.Value.Data, c.value) {
					t.Errorf("got x %v class %v of %v value %v", d.X.Data, d.Class, d.Classes, d.Value.Data)
				}
			}
		})
	}
}

func npyBytes(t testing.TB, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := npyio.Write(&b, v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func npzBytes(t testing.TB, arrays map[string]any) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, v := range arrays {
		w, err := z.Create(name + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(npyBytes(t, v)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestNumpy(t *testing.T) {
	d := open(t, write(t, "x.npy", npyBytes(t, []float64{1, 2, 3})), Options{}).Train
	if d.X.Rows != 3 || d.X.Cols != 1 || d.X.At(2, 0) != 3 {
		t.Errorf("npy: got %+v", d.X)
	}
	b := npzBytes(t, map[string]any{"X": []float32{1, 2, 3, 4}, "y": []int64{5, 6, 5, 6}})
	d = open(t, write(t, "d.npz", b), Options{}).Train
	if d.Rows() != 4 || !slices.Equal(d.Class, []int32{0, 1, 0, 1}) {
		t.Errorf("npz: got %d rows, classes %v", d.Rows(), d.Class)
	}
	// Three dimensions are pictures, whose values go up to what their type or their
	// range says; with values below 0 they are numbers.
	for name, c := range map[string]struct {
		x    any
		max  float32
		note string
	}{
		"bytes":        {[]uint8{0, 1, 2, 3, 4, 5, 6, 7}, 255, "pictures of 2×2 with values from 0 to 255"},
		"to 255":       {[]float32{0, 1, 2, 3, 4, 5, 6, 250}, 255, "values from 0 to 255"},
		"to 1":         {[]float32{0, 0.25, 0.5, 1, 0, 0.25, 0.5, 0.75}, 1, "values from 0 to 1"},
		"to 16":        {[]int64{0, 1, 2, 3, 4, 5, 6, 16}, 16, "values from 0 to 16"},
		"to 4095":      {[]uint16{0, 1, 2, 3, 4, 5, 6, 4095}, 4095, "values from 0 to 4095"},
		"standardised": {[]float64{-1, 0, 1, 2, -1, 0, 1, 2}, 0, "not pictures, whose values are 0 or more; sequences of 2 steps of 2 numbers"},
	} {
		b := npyBytes(t, c.x)
		b = bytes.Replace(b, []byte("'shape': (8,)"), []byte("'shape': (2,2,2)"), 1)
		b[8] += 3 // bytes of the header
		d := open(t, write(t, "x.npy", b), Options{}).Train
		want, steps := picture.Image{Height: 2, Width: 2, Channels: 1, Max: c.max}, 0
		if c.max == 0 {
			want, steps = picture.Image{}, 2
		}
		if d.Image != want || d.Steps != steps || d.X.Rows != 2 || d.X.Cols != 4 || !strings.Contains(strings.Join(d.Notes, ""), c.note) {
			t.Errorf("%s: %+v, want %+v; told %q", name, d.Image, want, d.Notes)
		}
	}
	// The last of four dimensions may be colour.
	for shape, c := range map[string]struct {
		want picture.Image
		note string
	}{
		"(1,2,4,3)":   {picture.Image{Height: 2, Width: 4, Channels: 3, Max: 255}, "pictures of 2×4 with values from 0 to 255"},
		"(2,3,4,1)":   {picture.Image{Height: 3, Width: 4, Channels: 1, Max: 255}, "pictures of 3×4"},
		"(2,3,2,2)":   {picture.Image{}, "shape [2 3 2 2]: taken as 12 numbers each"},
		"(1,2,2,2,3)": {picture.Image{}, "taken as 24 numbers each"},
	} {
		b := bytes.Replace(npyBytes(t, make([]uint8, 24)), []byte("'shape': (24,)"), []byte("'shape': "+shape), 1)
		b[8] += byte(len(shape) - len("(24,)"))
		d := open(t, write(t, "x.npy", b), Options{}).Train
		if d.Image != c.want || d.X.Rows*d.X.Cols != 24 || !strings.Contains(strings.Join(d.Notes, ""), c.note) {
			t.Errorf("%s: %+v, want %+v; told %q", shape, d.Image, c.want, d.Notes)
		}
	}
}

type parquetRow struct {
	A     float64
	B     int32
	Label string
}

func parquetBytes(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := parquet.Write(&b, []parquetRow{{1.5, 2, "cat"}, {3, 4, "ant"}}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestParquet(t *testing.T) {
	d := open(t, write(t, "t.parquet", parquetBytes(t)), Options{}).Train
	if !slices.Equal(d.X.Elements(), []float32{1.5, 2, 3, 4}) || !slices.Equal(d.Class, []int32{1, 0}) || !slices.Equal(d.Features, []string{"A", "B"}) {
		t.Errorf("got %v %v %v", d.X.Data, d.Class, d.Features)
	}
}

// What is wrong with a column or a row of a Parquet file is told with its place.
func TestParquetErrors(t *testing.T) {
	type row struct {
		A     float64
		Maybe *float64
		Word  *string
		List  []float64
	}
	rows := make([]row, 40)
	for i := range rows {
		x, word := float64(i), fmt.Sprint("word", i%2)
		rows[i] = row{x, &x, &word, nil}
	}
	rows[33].Maybe, rows[35].Word = nil, nil
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.MaxRowsPerRowGroup(16), parquet.Compression(&parquet.Uncompressed))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := write(t, "x.parquet", b.Bytes())
	damaged := bytes.Replace(b.Bytes(), binary.LittleEndian.AppendUint64(nil, math.Float64bits(17)), binary.LittleEndian.AppendUint64(nil, math.Float64bits(-17)), 1)
	for _, c := range []struct {
		path string
		o    Options
		want string
	}{
		{path, Options{Features: []string{"Maybe"}, NoLabel: true, Model: &Transform{}}, `x.parquet: row 34, column "Maybe": got no value, want a number`},
		{path, Options{Features: []string{"A"}, Label: "Word"}, `x.parquet: row 36, column "Word": the label is missing`},
		{path, Options{Features: []string{"Word"}, NoLabel: true, Model: &Transform{}}, `x.parquet: row 1, column "Word": got "word0", want a number: leave the column out (--drop "Word")`},
		{path, Options{Features: []string{"List"}, NoLabel: true}, `x.parquet: column "List": nested columns are not supported`},
		{path, Options{Features: []string{"none"}, NoLabel: true}, `x.parquet: no column "none"`},
		{write(t, "y.parquet", damaged), Options{Features: []string{"A"}, NoLabel: true}, `y.parquet: rows 17 and on, column "A": a page's checksum`},
	} {
		wantError(t, c.path, c.o, c.want)
	}
}

func drawing(t testing.TB, path string, side int, c color.Color) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	im := image.NewGray(image.Rect(0, 0, side, side))
	im.Set(1, 0, c)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := png.Encode(f, im); err != nil {
		t.Fatal(err)
	}
}

func TestImageFolder(t *testing.T) {
	dir := t.TempDir()
	drawing(t, filepath.Join(dir, "cat", "1.png"), 2, color.Gray{200})
	drawing(t, filepath.Join(dir, "ant", "1.png"), 2, color.Gray{100})
	d := open(t, dir, Options{}).Train
	if !slices.Equal(d.X.Elements(), []float32{0, 100, 0, 0, 0, 200, 0, 0}) || !slices.Equal(d.Class, []int32{0, 1}) {
		t.Errorf("got %v, classes %v", d.X.Data, d.Class)
	}
	drawing(t, filepath.Join(dir, "cat", "2.png"), 3, color.Gray{1})
	wantError(t, dir, Options{}, "ant/1.png has 2×2")
}

func wantError(t *testing.T, path string, o Options, want string) {
	t.Helper()
	_, err := Open(context.Background(), path, o)
	if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, ErrInput) {
		t.Errorf("got error %v, want ErrInput with %q", err, want)
	}
}

func TestBadInput(t *testing.T) {
	images := idxBytes(8, []int{3, 1, 1}, []byte("abc"))
	tests := []struct {
		name, file string
		content    []byte
		o          Options
		want       string
	}{
		{"truncated gz", "x.gz", zipped(images)[:20], Options{}, "truncated"},
		{"truncated idx", "x", images[:len(images)-1], Options{}, "the file is truncated: sample 3 of 3"},
		{"idx with a tail", "x", append(slices.Clone(images), 1), Options{}, "bytes left after the last of 3 samples"},
		{"idx that lies", "x", idxBytes(8, []int{1 << 30, 28, 28}, nil), Options{}, "too large"},
		{"wrong magic", "x-idx3-ubyte", []byte{0, 0, 99, 3, 0, 0, 0, 1, 0xff, 0xfe}, Options{}, "wrong magic number 0x00006303"},
		{"binary", "x.dat", []byte{0, 0, 99, 3, 0, 0, 0, 1}, Options{}, "neither text nor a known binary format"},
		{"empty", "x.csv", nil, Options{}, "no samples"},
		{"header only", "x.csv", []byte("a,b\n"), Options{}, "no samples"},
		{"ragged", "x.csv", []byte("a,b\n1,2\n1,2,3\n"), Options{}, "line 3: 3 fields, want 2"},
		{"text in a number", "x.csv", []byte("a,b,y\n1,2,0\n1,oops,1\n"), Options{Model: &Transform{}}, `line 3, column "b": got "oops", want a number`},
		{"NaN", "x.csv", []byte("a,y\n1,0\nNaN,1\n"), Options{Model: &Transform{}}, `line 3, column "a": got no value, want a number: 1 of 2 values are missing`},
		{"Inf", "x.csv", []byte("a,y\n1,0\n1e99,1\n"), Options{Model: &Transform{}}, `column "a": got 1e+99, want a finite number of at most 3.4e+38`},
		{"no such label", "x.csv", []byte("a,b\n1,2\n"), Options{Label: "c"}, `no label column "c" (there are a, b)`},
		{"bad quote", "x.csv", []byte("a,b\n1,\"2\n"), Options{}, "line"},
		{"class unknown to the model", "x.csv", []byte("a,y\n1,dog\n"), Options{Classes: []string{"cat"}, Model: &Transform{}}, `label "dog" is none of the classes cat`},
		{"column unknown to the model", "x.csv", []byte("a,y\n1,2\n"), Options{Features: []string{"q"}}, `no column "q"`},
		{"not an npy", "x.npy", []byte("hello"), Options{}, "not an NPY file"},
		{"not an npz", "x.npz", []byte("hello"), Options{}, "not an NPZ archive"},
		{"npz without x", "x.npz", npzBytes(t, map[string]any{"q": []float32{1}}), Options{}, "no array X"},
		{"not a parquet", "x.parquet", []byte("hello"), Options{}, "Parquet file"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) { wantError(t, write(t, c.file, c.content), c.o, c.want) })
	}
	t.Run("missing", func(t *testing.T) { wantError(t, "nosuch", Options{}, "no such file") })
	t.Run("offline", func(t *testing.T) {
		wantError(t, "mnist", Options{Offline: true, CacheDir: t.TempDir()}, "downloading is forbidden")
	})
}

func TestLabelCount(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "images")
	for name, b := range map[string][]byte{"images": idxBytes(8, []int{2, 1}, []byte("ab")), "labels": idxBytes(8, []int{3}, []byte("abc"))} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, path, Options{}, "3 labels for the 2 samples")
}

func TestTrainable(t *testing.T) {
	d := Dataset{Name: "d", X: mat.FromSlice(2, 1, []float32{1, 1}), Class: []int32{1, 1}, Classes: []string{"a", "b"}}
	if err := d.Trainable(); err == nil || !strings.Contains(err.Error(), `every sample is of class "b"`) {
		t.Errorf("got %v", err)
	}
	d.Class[0] = 0 // a constant feature is no reason to refuse
	if err := d.Trainable(); err != nil {
		t.Error(err)
	}
}

func TestTransform(t *testing.T) {
	d := Dataset{X: mat.FromSlice(1, 16, []float32{0, 4, 8, 8, 4, 8, 8, 8, 0, 0, 1, 1, 0, 0, 1, 1}), Image: picture.Image{Height: 4, Width: 4, Channels: 1, Max: 8}}
	tr, err := Fit(d, ScaleUnit, 2)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tr.Apply(d)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float32{0.5, 1, 0, 0.125}; !slices.Equal(got.X.Data, want) {
		t.Errorf("pooled: got %v, want %v", got.X.Data, want)
	}
	table := Dataset{X: mat.FromSlice(3, 2, []float32{1, 5, 2, 5, 3, 5}), Value: mat.FromSlice(3, 1, []float32{10, 20, 30})}
	tr, err = Fit(table, ScaleStandard, 1)
	if err != nil {
		t.Fatal(err)
	}
	got, err = tr.Apply(table)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := momentsOf(got.X, comm.Self{}); err != nil || math.Abs(m.mean[0]) > 1e-6 || math.Abs(m.sd[0]-1) > 1e-6 {
		t.Errorf("standardised: mean %v, deviation %v, %v", m.mean, m.sd, err)
	}
	if got.X.At(1, 1) != 0 {
		t.Errorf("constant feature: got %v, want 0", got.X.At(1, 1))
	}
	back := got.Value.Clone()
	tr.Restore(back)
	for i, v := range back.Data {
		if math.Abs(float64(v-table.Value.Data[i])) > 1e-4 {
			t.Errorf("restored value %d: got %v, want %v", i, v, table.Value.Data[i])
		}
	}
	if table.X.At(0, 0) != 1 || table.Value.At(0, 0) != 10 {
		t.Error("Apply changed its argument")
	}
}

// TestTooFar: a sample so far from the training samples that no network can take it is
// refused, with its column and their range.
func TestTooFar(t *testing.T) {
	train := Dataset{Name: "train", X: mat.FromSlice(3, 2, []float32{1, 5, 2, 6, 3, 7}), Features: []string{"a", "b"}}
	test := Dataset{Name: "test", X: mat.FromSlice(2, 2, []float32{1, 5, 2, -2e38}), Features: []string{"a", "b"}}
	for s, want := range map[Scaling]string{
		ScaleStandard: `test: sample 2, column "b": got about -2e+38, and the training samples have 6 ± 0.816`,
		ScaleUnit:     `test: sample 2, column "b": got about -2e+38, and the training samples have 5 to 7`,
	} {
		tr, err := Fit(train, s, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tr.Apply(test); err == nil || !errors.Is(err, ErrInput) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", s, err, want)
		}
		if _, err := tr.Apply(train); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// TestDivide: the parts are disjoint, cover everything, keep each class's
// share, and depend on the seed alone.
func TestDivide(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(20, 200).Draw(t, "n")
		d := Dataset{X: mat.New(n, 1), Class: make([]int32, n), Classes: []string{"a", "b"}}
		for i := range n {
			d.X.Data[i] = float32(i)
			d.Class[i] = int32(i % 2)
		}
		seed := rapid.Uint64().Draw(t, "seed")
		s, err := Divide(d, 0.2, seed)
		if err != nil {
			t.Fatal(err)
		}
		all := slices.Concat(s.Train.X.Data, s.Test.X.Data)
		slices.Sort(all)
		if !slices.Equal(all, d.X.Data) {
			t.Fatalf("parts do not make up the whole")
		}
		want := int(math.Round(0.2*float64((n+1)/2)) + math.Round(0.2*float64(n/2)))
		if s.Test.Rows() != want {
			t.Fatalf("got %d test samples of %d, want %d", s.Test.Rows(), n, want)
		}
		if got := HeldBack(d, 0.2); got != want {
			t.Fatalf("HeldBack gives %d test samples of %d, want %d", got, n, want)
		}
		values := Dataset{X: d.X, Value: d.X}
		if s, err := Divide(values, 0.2, seed); err != nil || HeldBack(values, 0.2) != s.Test.Rows() {
			t.Fatalf("HeldBack gives %d test samples of %d values, Divide %d: %v", HeldBack(values, 0.2), n, s.Test.Rows(), err)
		}
		again, _ := Divide(d, 0.2, seed)
		if !slices.Equal(again.Test.X.Data, s.Test.X.Data) {
			t.Fatal("the same seed gave another split")
		}
	})
}

func ExampleOpen() {
	split, err := Open(context.Background(), "digits", Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(split.Train.Rows(), split.Test.Rows(), split.Train.X.Cols)
	// Output: 1437 360 64
}
