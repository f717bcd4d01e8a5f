package dataset

import (
	"archive/zip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/npy"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/table"
)

// array is an array whose elements are to be read, one after another.
type array struct {
	npy.Header
	path string
	cols int // the product of the dimensions after the first
	r    io.Reader
	skip func(bytes int64) error // passes over elements
	step func() error            // is called from time to time; its error ends the reading
}

// openArray reads the header of an array of which there are at most so many bytes.
func openArray(path string, r io.Reader, bytes int64) (*array, error) {
	h, err := npy.ReadHeader(r)
	switch {
	case err != nil:
		return nil, readError(path, err)
	case len(h.Shape) == 0:
		return nil, inputf("%s: a single number, want an array of samples", path)
	case h.Length+int64(h.Elements())*int64(h.Type.Size) > bytes:
		return nil, inputf("%s: shape %v does not fit in a file of %d bytes", path, h.Shape, bytes)
	}
	a := &array{Header: h, path: path, r: r, cols: 1}
	for _, d := range h.Shape[1:] {
		a.cols *= d
	}
	a.skip = func(n int64) error {
		_, err := io.CopyN(io.Discard, a.r, n)
		return err
	}
	return a, nil
}

// rows is the first dimension.
func (a *array) rows() int { return a.Shape[0] }

// openNPY opens the array that a file is.
func openNPY(ctx context.Context, in *input) (*array, error) {
	s, err := in.content()
	if err != nil {
		return nil, err
	}
	most := s.size
	if most < 0 {
		most = math.MaxInt64
	}
	a, err := openArray(in.path, s.Reader, most)
	if err != nil {
		return nil, err
	}
	a.skip = s.skip
	a.step = func() error { in.progress(); return ctx.Err() }
	return a, nil
}

// npyDataset reads an array from an NPY file: samples by features, the last column
// being nothing special. It has no labels.
func npyDataset(ctx context.Context, in *input, o Options, budget *table.Budget) (Dataset, error) {
	a, err := openNPY(ctx, in)
	if err != nil {
		return Dataset{}, err
	}
	o.NoLabel = true
	return a.samples(o, budget)
}

// npyTable reads an array of one or two dimensions as a table.
func npyTable(ctx context.Context, in *input, o Options, budget *table.Budget) (*columns, error) {
	a, err := openNPY(ctx, in)
	if err != nil {
		return nil, err
	}
	if len(a.Shape) > 2 {
		return nil, inputf("%s: shape %v, want at most two dimensions", in.path, a.Shape)
	}
	return a.table(numbered(a.cols), o, budget)
}

// samples is the array as samples: with one or two dimensions a table, with more a
// row of numbers each, which may be a picture.
func (a *array) samples(o Options, budget *table.Budget) (Dataset, error) {
	if len(a.Shape) > 2 {
		return a.pictures(o, budget)
	}
	t, err := a.table(numbered(a.cols), o, budget)
	return t.dataset(o, err)
}

// each calls f for the elements of rows lo to hi-1, in the order of the file: n of one
// column at a time, from a row on, the first of them at the start of raw, each stride
// bytes after the one before it.
func (a *array) each(lo, hi int, f func(row, column, n int, raw []byte, stride int)) error {
	if a.rows()*a.cols == 0 {
		return nil
	}
	if a.Fortran && len(a.Shape) > 1 {
		return a.eachColumn(lo, hi, f)
	}
	const block = 1 << 18
	size := a.Type.Size
	line := a.cols * size
	if err := a.skip(int64(lo) * int64(line)); err != nil {
		return a.incomplete(0, err)
	}
	buf := make([]byte, max(1, min(block/line, hi-lo))*line)
	for row := lo; row < hi; {
		raw := buf[:min(len(buf), (hi-row)*line)]
		if n, err := io.ReadFull(a.r, raw); err != nil {
			return a.incomplete(row+n/line, err)
		}
		for j := range a.cols {
			f(row, j, len(raw)/line, raw[j*size:], line)
		}
		row += len(raw) / line
		if err := a.step(); err != nil {
			return err
		}
	}
	return nil
}

// eachColumn is each of an array in Fortran order: all rows of a column follow one
// another, and the second index runs before the third.
func (a *array) eachColumn(lo, hi int, f func(row, column, n int, raw []byte, stride int)) error {
	const block = 1 << 18
	size := a.Type.Size
	buf := make([]byte, max(1, min(block/size, a.rows()))*size)
	index := make([]int, len(a.Shape)-1) // the second index and the ones after it
	for range a.cols {
		column := 0
		for i, k := range index {
			column = column*a.Shape[i+1] + k
		}
		for row := 0; row < a.rows(); {
			raw := buf[:min(len(buf), (a.rows()-row)*size)]
			if n, err := io.ReadFull(a.r, raw); err != nil {
				return a.incomplete(row+n/size, err)
			}
			end := row + len(raw)/size
			if from, to := max(row, lo), min(end, hi); from < to {
				f(from, column, to-from, raw[(from-row)*size:], size)
			}
			row = end
			if err := a.step(); err != nil {
				return err
			}
		}
		for i := range index {
			if index[i]++; index[i] < a.Shape[i+1] {
				break
			}
			index[i] = 0
		}
	}
	return nil
}

// incomplete says which sample the file ends in, if that is what err says.
func (a *array) incomplete(row int, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return inputf("%s: the file is truncated: sample %d of %d is incomplete", a.path, row+1, a.rows())
	}
	return readError(a.path, err)
}

// table reads the array as a table with the given names of columns: this process's
// rows of it.
func (a *array) table(names []string, o Options, budget *table.Budget) (*columns, error) {
	kind := map[npy.Kind]table.Kind{npy.Boolean: table.Boolean, npy.Time: table.Time, npy.Bytes: table.Text, npy.Unicode: table.Text}[a.Type.Kind]
	if kind == table.Unknown {
		kind = table.Number
	}
	lo, hi := o.rows(a.rows())
	if kind == table.Number || kind == table.Boolean {
		if err := o.allowMatrix(a.path, hi-lo, a.cols, budget); err != nil {
			return nil, err
		}
	}
	b, err := table.NewBuilder(a.path, names, table.Settings{Missing: o.Missing, Budget: budget, Kinds: slices.Repeat([]table.Kind{kind}, len(names))})
	if err != nil {
		return nil, readError(a.path, err)
	}
	var text []byte
	step := a.step
	a.step = func() error { return errors.Join(b.Err(), step()) }
	var ints []int64
	var floats []float64
	err = a.each(lo, hi, func(_, column, n int, raw []byte, stride int) {
		switch {
		case a.Type.Kind == npy.Float:
			floats = slices.Grow(floats[:0], n)[:n]
			a.Type.Floats(floats, raw, stride)
			b.AddFloats(column, floats)
			return
		case a.Type.Kind == npy.Integer, a.Type.Kind == npy.Unsigned && a.Type.Size < 8:
			ints = slices.Grow(ints[:0], n)[:n]
			a.Type.Ints(ints, raw, stride)
			b.AddIntegers(column, ints)
			return
		}
		for i := range n {
			switch element := raw[i*stride:]; a.Type.Kind {
			case npy.Unsigned:
				b.AddUnsigned(column, uint64(a.Type.Int(element)))
			case npy.Boolean:
				b.AddBoolean(column, a.Type.Int(element) != 0)
			case npy.Time:
				if t, ok := a.Type.Micros(element); ok {
					b.AddTime(column, t)
				} else {
					b.AddMissing(column)
				}
			default:
				text = a.Type.AppendText(text[:0], element)
				b.AddString(column, text)
			}
		}
	})
	if err != nil {
		return nil, readError(a.path, err)
	}
	t, err := b.Table()
	if err != nil {
		return nil, readError(a.path, err)
	}
	return &columns{Table: t, place: "row", budget: budget, part: true, array: true, offset: lo}, nil
}

// pictures reads an array of three dimensions or more as a row of numbers a sample.
// With three, or with four of which the last is colour, it is pictures, if its type or
// its range says of what range their values are; else with three it is sequences, of steps
// by numbers.
func (a *array) pictures(o Options, budget *table.Budget) (d Dataset, err error) {
	if a.Type.Text() || a.Type.Kind == npy.Time {
		return d, inputf("%s: shape %v of elements of type %q, want numbers", a.path, a.Shape, a.Type.Name)
	}
	lo, hi := o.rows(a.rows())
	bytes := 4 * int64(hi-lo) * int64(a.cols)
	if err := budget.Take(bytes); err != nil {
		return d, TooLarge{Name: a.path, Bytes: float64(bytes), Most: o.MaxMemory}
	}
	d = Dataset{Name: a.path, Comm: o.Comm, X: mat.New(hi-lo, a.cols)}
	low, high := 0.0, 0.0
	var floats []float64
	err = a.each(lo, hi, func(row, column, n int, raw []byte, stride int) {
		floats = slices.Grow(floats[:0], n)[:n]
		a.Type.Floats(floats, raw, stride)
		for i, v := range floats {
			low, high = min(low, v), max(high, v)
			d.X.Row(row - lo + i)[column] = float32(v)
		}
	})
	if err != nil {
		return d, err
	}
	if _, ok := a.channels(); !ok {
		d.Notes = []string{fmt.Sprintf("%s: shape %v: taken as %d numbers each", a.path, a.Shape, a.cols)}
		return d, nil
	}
	ends, err := comm.Gather(o.ranks(), []float64{low, high})
	if err != nil {
		return d, err
	}
	for _, e := range ends {
		low, high = min(low, e[0]), max(high, e[1])
	}
	d.Image, d.Notes = a.image(low, high)
	if d.Image.Width == 0 && len(a.Shape) == 3 {
		d.Steps = a.Shape[1]
		d.Notes = []string{fmt.Sprintf("%s: values from %g to %g: not pictures, whose values are 0 or more; sequences of %d steps of %d numbers", a.path, low, high, a.Shape[1], a.Shape[2])}
	}
	return d, nil
}

// channels is how many numbers a pixel has, if the array may be of pictures: samples ×
// height × width, or with 1 or 3 channels behind.
func (a *array) channels() (n int, ok bool) {
	switch len(a.Shape) {
	case 3:
		return 1, true
	case 4:
		return a.Shape[3], a.Shape[3] == 1 || a.Shape[3] == 3
	}
	return 0, false
}

// image is the shape of the pictures whose values go from low, at most 0, to high;
// none if they are no pictures.
func (a *array) image(low, high float64) (picture.Image, []string) {
	channels, _ := a.channels()
	im := picture.Image{Height: a.Shape[1], Width: a.Shape[2], Channels: channels}
	const most, dark = 255, 128
	switch {
	case low < 0 || math.IsInf(high, 0) || high != high:
		return picture.Image{}, []string{fmt.Sprintf("%s: shape %v with values from %g to %g: not pictures, whose values are 0 or more; taken as %d numbers each", a.path, a.Shape, low, high, a.cols)}
	case a.Type.Kind == npy.Unsigned && a.Type.Size == 1, high > dark && high <= most:
		im.Max = most
	case high <= 1:
		im.Max = 1
	default:
		im.Max = float32(high)
	}
	return im, []string{fmt.Sprintf("%s: pictures of %d×%d with values from 0 to %g", a.path, im.Height, im.Width, im.Max)}
}

// npzDataset reads an archive of arrays: features under X, x, x_train, data or
// features, labels under y, y_train, labels, label or target; both are the
// training data.
func npzDataset(ctx context.Context, in *input, o Options, budget *table.Budget) (Dataset, error) {
	directory, err := zipDirectory(in, in.size)
	if err != nil {
		return Dataset{}, inputf("%s: not an NPZ archive: %w", in.path, err)
	}
	const entry = 8 // bytes in memory for a byte in the directory, about
	if err := budget.Take(directory * entry); err != nil {
		return Dataset{}, readError(in.path, err)
	}
	z, err := zip.NewReader(in, in.size)
	if err != nil {
		return Dataset{}, inputf("%s: not an NPZ archive: %w", in.path, err)
	}
	f := &npzArchive{ctx: ctx, in: in, entries: map[string]*zip.File{}}
	for _, e := range z.File {
		name := strings.TrimSuffix(e.Name, ".npy")
		f.entries[name] = e
		f.names = append(f.names, name)
	}
	x, closeX, err := f.open("X", "x", "x_train", "data", "features")
	if err != nil {
		return Dataset{}, err
	}
	defer closeX()
	if x == nil {
		slices.Sort(f.names)
		return Dataset{}, inputf("%s: no array X, x_train, data or features (there are %s)", in.path, table.List(f.names))
	}
	features := o.whole()
	features.NoLabel = true
	d, err := x.samples(features, budget)
	d.Name = in.path
	if err != nil || o.NoLabel {
		return d, err
	}
	return d, f.label(&d, o, budget)
}

// label reads the labels of d.
func (f *npzArchive) label(d *Dataset, o Options, budget *table.Budget) error {
	y, closeY, err := f.open("y", "y_train", "labels", "label", "target")
	if err != nil || y == nil {
		return err
	}
	defer closeY()
	if y.rows() != d.Rows() {
		return inputf("%s: %d labels for %d samples", f.in.path, y.rows(), d.Rows())
	}
	t, err := y.table(numbered(y.cols), o.whole(), budget)
	if err != nil {
		return err
	}
	if y.cols == 1 {
		return d.label(t, 0, o.whole())
	}
	d.Value = mat.New(t.Rows, len(t.Columns))
	column := make([]float32, t.Rows)
	for j, c := range t.Columns {
		if c.Kind != table.Number && c.Kind != table.Boolean {
			return inputf("%s: %d columns of %s for labels, want one, or numbers", t.Name, len(t.Columns), c.Kind)
		}
		if err := t.copyValues(column, j); err != nil {
			return err
		}
		for i, v := range column {
			d.Value.Row(i)[j] = v
		}
	}
	return nil
}

// npzArchive is an open archive of arrays.
type npzArchive struct {
	ctx     context.Context
	in      *input
	entries map[string]*zip.File
	names   []string
}

// maxExpansion is how many times its size a file may take once decompressed:
// deflate cannot shrink data further.
const maxExpansion = 1032

// open opens the first of arrays with the given names that the archive has; nil if
// it has none. It refuses an entry that claims more than maxExpansion allows.
func (f *npzArchive) open(names ...string) (a *array, done func(), err error) {
	done = func() {}
	i := slices.IndexFunc(names, func(n string) bool { return f.entries[n] != nil })
	if i < 0 {
		return nil, done, nil
	}
	e := f.entries[names[i]]
	place := f.in.path + ": " + e.Name
	if e.UncompressedSize64 > uint64(f.in.size)*maxExpansion {
		return nil, done, inputf("%s: claims %d bytes in an archive of %d", place, e.UncompressedSize64, f.in.size)
	}
	r, err := e.Open()
	if err != nil {
		return nil, done, inputf("%s: %w", place, err)
	}
	content := newAhead(f.ctx, r)
	if a, err = openArray(place, content, int64(e.UncompressedSize64)); err != nil {
		content.close()
		return nil, done, err
	}
	a.step = func() error { f.in.progress(); return f.ctx.Err() }
	return a, content.close, nil
}

// zipDirectory is the size of the directory at the end of a zip file, as its last
// record claims it; the size of the file where that has no room for it.
func zipDirectory(r io.ReaderAt, size int64) (int64, error) {
	const record, comment = 22, 1 << 16
	tail := make([]byte, min(size, record+comment))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return 0, err
	}
	i := strings.LastIndex(string(tail), "PK\x05\x06")
	if i < 0 || len(tail)-i < record {
		return 0, zip.ErrFormat
	}
	if n := binary.LittleEndian.Uint32(tail[i+12:]); n != math.MaxUint32 {
		return int64(n), nil
	}
	return size, nil
}
