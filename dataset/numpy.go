package dataset

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"codeberg.org/sbinet/npyio"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/picture"
)

// npy reads a two-dimensional array: samples by features, the last column
// being nothing special. It has no labels.
func npy(path string, r io.ReaderAt, size int64, o Options) (Dataset, error) {
	_, x, err := readNPY(path, r, size, o)
	return Dataset{Name: path, X: x, Comm: o.Comm}, err
}

// readNPY reads this process's share of an array with one or more dimensions as
// rows of float32. limit is how many bytes there can be: a header that claims
// more is refused before anything is allocated.
func readNPY(path string, r io.ReaderAt, limit int64, o Options) (shape []int, m mat.Dense, err error) {
	defer func() { // the decoder panics on some malformed headers
		if p := recover(); p != nil {
			err = inputf("%s: malformed NPY header: %v", path, p)
		}
	}()
	head, err := npyHeader(path, io.NewSectionReader(r, 0, limit))
	if err != nil {
		return nil, mat.Dense{}, err
	}
	reader, err := npyio.NewReader(bytes.NewReader(head))
	if err != nil {
		return nil, mat.Dense{}, inputf("%s: not an NPY file: %w", path, err)
	}
	shape = reader.Header.Descr.Shape
	if len(shape) == 0 {
		return nil, mat.Dense{}, inputf("%s: a single number, want an array of samples", path)
	}
	if reader.Header.Descr.Fortran && len(shape) > 1 {
		return nil, mat.Dense{}, inputf("%s: Fortran order; save it with numpy.ascontiguousarray", path)
	}
	total := int64(1)
	for _, d := range shape {
		if d < 0 || d > 0 && total > limit/int64(d) {
			return nil, mat.Dense{}, inputf("%s: shape %v does not fit in a file of %d bytes", path, shape, limit)
		}
		total *= int64(d)
	}
	if shape[0] == 0 {
		return shape, mat.Dense{}, nil
	}
	lo, hi := o.rows(shape[0])
	cols := int(total) / shape[0]
	kind := strings.Trim(reader.Header.Descr.Type, "<>|='\"")
	size, err := strconv.Atoi(strings.TrimLeft(kind, "abcdefghijklmnopqrstuvwxyz"))
	if err != nil {
		return nil, mat.Dense{}, inputf("%s: %w", path, npyType(kind))
	}
	from := int64(len(head)) + int64(lo)*int64(cols*size)
	part := bufio.NewReader(io.NewSectionReader(r, from, limit-from))
	if reader, err = npyio.NewReader(io.MultiReader(bytes.NewReader(head), part)); err != nil {
		return nil, mat.Dense{}, readError(path, err)
	}
	reader.Header.Descr.Shape = append([]int{hi - lo}, shape[1:]...)
	data, err := npyElements(reader, kind, (hi-lo)*cols)
	if err != nil {
		return nil, mat.Dense{}, inputf("%s: %w", path, err)
	}
	return shape, mat.FromSlice(hi-lo, cols, data), nil
}

// npyHeader reads the header. It refuses a length that no header has: the
// decoder allocates what it says.
func npyHeader(path string, r io.Reader) ([]byte, error) {
	const longest = 1 << 16
	head := make([]byte, 12)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, inputf("%s: not an NPY file: it is too short", path)
	}
	length := 10 + int(binary.LittleEndian.Uint16(head[8:]))
	if head[6] > 1 {
		n := binary.LittleEndian.Uint32(head[8:])
		if n > longest {
			return nil, inputf("%s: not an NPY file: its header claims %d bytes, want at most %d", path, n, longest)
		}
		length = 12 + int(n)
	}
	head = append(head, make([]byte, max(0, length-len(head)))...)
	if _, err := io.ReadFull(r, head[12:]); err != nil {
		return nil, inputf("%s: not an NPY file: its header of %d bytes is cut off", path, length)
	}
	return head, nil
}

func npyElements(r *npyio.Reader, kind string, n int) ([]float32, error) {
	switch kind {
	case "f4":
		return npyRead[float32](r, n)
	case "f8":
		return npyRead[float64](r, n)
	case "u1":
		return npyRead[uint8](r, n)
	case "i1":
		return npyRead[int8](r, n)
	case "u2":
		return npyRead[uint16](r, n)
	case "i2":
		return npyRead[int16](r, n)
	case "u4":
		return npyRead[uint32](r, n)
	case "i4":
		return npyRead[int32](r, n)
	case "u8":
		return npyRead[uint64](r, n)
	case "i8":
		return npyRead[int64](r, n)
	}
	return nil, npyType(kind)
}

func npyType(kind string) error {
	return fmt.Errorf("elements of type %q, want integers or floats", kind)
}

type number interface {
	~float32 | ~float64 | ~uint8 | ~int8 | ~uint16 | ~int16 | ~uint32 | ~int32 | ~uint64 | ~int64
}

func npyRead[T number](r *npyio.Reader, n int) ([]float32, error) {
	raw := make([]T, n)
	if err := r.Read(&raw); err != nil {
		return nil, fmt.Errorf("the file is truncated or malformed: %w", err)
	}
	out := make([]float32, n)
	for i, v := range raw {
		out[i] = float32(v)
	}
	return out, nil
}

// npz reads an archive of arrays: features under X, x, x_train, data or
// features, labels under y, y_train, labels, label or target; both are the
// training data.
func npz(path string, f io.ReaderAt, size int64, o Options) (Dataset, error) {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return Dataset{}, inputf("%s: not an NPZ archive: %w", path, err)
	}
	arrays := map[string]*zip.File{}
	var names []string
	for _, e := range z.File {
		name := strings.TrimSuffix(e.Name, ".npy")
		arrays[name] = e
		names = append(names, name)
	}
	x, shape, err := npzArray(path, arrays, []string{"X", "x", "x_train", "data", "features"}, size)
	if err != nil {
		return Dataset{}, err
	}
	if shape == nil {
		return Dataset{}, inputf("%s: no array X, x_train, data or features (there are %s)", path, list(slices.Sorted(slices.Values(names))))
	}
	d := Dataset{Name: path, X: x}
	if len(shape) == 3 {
		d.Image = picture.Image{Height: shape[1], Width: shape[2], Channels: 1, Max: 255}
	}
	if o.NoLabel {
		return d, nil
	}
	y, shape, err := npzArray(path, arrays, []string{"y", "y_train", "labels", "label", "target"}, size)
	if err != nil || shape == nil {
		return d, err
	}
	if y.Rows != x.Rows {
		return Dataset{}, inputf("%s: %d labels for %d samples", path, y.Rows, x.Rows)
	}
	if y.Cols > 1 {
		d.Value = y
		return d, nil
	}
	text := make([]string, y.Rows)
	for i := range text {
		text[i] = strconv.FormatFloat(float64(y.Row(i)[0]), 'g', -1, 32)
	}
	return d, d.label(path, text, o)
}

// maxExpansion is how many times its size a file may take once decompressed:
// deflate cannot shrink data further.
const maxExpansion = 1032

// npzArray reads the first of names that the archive has; shape is nil if none.
// It refuses an entry that claims more than maxExpansion allows.
func npzArray(path string, arrays map[string]*zip.File, names []string, size int64) (mat.Dense, []int, error) {
	for _, n := range names {
		e, ok := arrays[n]
		if !ok {
			continue
		}
		place := path + ": " + e.Name
		if e.UncompressedSize64 > uint64(size)*maxExpansion || e.UncompressedSize64 > math.MaxInt32*16 {
			return mat.Dense{}, nil, inputf("%s: claims %d bytes in an archive of %d", place, e.UncompressedSize64, size)
		}
		r, err := e.Open()
		if err != nil {
			return mat.Dense{}, nil, inputf("%s: %w", place, err)
		}
		defer func() { _ = r.Close() }()
		raw, err := io.ReadAll(io.LimitReader(r, int64(e.UncompressedSize64)))
		if err != nil {
			return mat.Dense{}, nil, readError(place, err)
		}
		shape, m, err := readNPY(place, bytes.NewReader(raw), int64(len(raw)), Options{})
		return m, shape, err
	}
	return mat.Dense{}, nil, nil
}
