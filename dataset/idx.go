package dataset

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/table"
)

// The IDX format: two zero bytes, a type, the number of dimensions, the
// dimensions as big-endian 32-bit integers, then the elements, big-endian.
var idxSize = map[byte]int{0x08: 1, 0x09: 1, 0x0B: 2, 0x0C: 4, idxFloat: 4, idxDouble: 8}

// Types of elements that are no integers.
const (
	idxFloat  = 0x0D
	idxDouble = 0x0E
)

func isIDX(head []byte) bool {
	return len(head) == 4 && head[0] == 0 && head[1] == 0 && idxSize[head[2]] > 0 && head[3] >= 1
}

// isIDXName reports whether a file is called as IDX files are: …-idx3-ubyte.
func isIDXName(path string) bool {
	_, after, ok := strings.Cut(filepath.Base(path), "-idx")
	return ok && after != "" && after[0] >= '1' && after[0] <= '9'
}

// idxHeader is the type and the shape of an IDX file.
type idxHeader struct {
	kind byte
	dims []int
}

// elements is the product of all dimensions but the first.
func (h idxHeader) elements() int {
	n := 1
	for _, d := range h.dims[1:] {
		n *= d
	}
	return n
}

func readIDXHeader(path string, r io.Reader) (idxHeader, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return idxHeader{}, readError(path, err)
	}
	if !isIDX(head[:]) {
		return idxHeader{}, inputf("%s: wrong magic number 0x%x, want an IDX file (0x0000 type dimensions)", path, head)
	}
	h := idxHeader{kind: head[2], dims: make([]int, head[3])}
	size := int64(1)
	for i := range h.dims {
		var d uint32
		if err := binary.Read(r, binary.BigEndian, &d); err != nil {
			return idxHeader{}, readError(path, err)
		}
		h.dims[i] = int(d)
		if d > 0 && size > math.MaxInt32*16/int64(d) {
			return idxHeader{}, inputf("%s: dimensions %v are too large", path, h.dims[:i+1])
		}
		size *= max(1, int64(d))
	}
	return h, nil
}

// readIDX reads this process's share of the rows as float32. It grows as it
// reads, so that a header that lies costs nothing; a file that cannot hold what
// its header says is refused at once.
func readIDX(path string, r *stream, o Options, budget *table.Budget) (idxHeader, mat.Dense, error) {
	h, err := readIDXHeader(path, r)
	if err != nil {
		return h, mat.Dense{}, err
	}
	cols := h.elements()
	if cols == 0 {
		return h, mat.Dense{}, inputf("%s: dimensions %v hold nothing", path, h.dims)
	}
	lo, hi := o.rows(h.dims[0])
	if err := o.Scratch.allow(path, hi-lo, cols); err != nil {
		return h, mat.Dense{}, err
	}
	total := (hi - lo) * cols
	if o.Scratch == nil || o.Scratch.Dir == "" {
		if err := budget.Take(4 * int64(total)); err != nil {
			return h, mat.Dense{}, TooLarge{Name: path, Bytes: 4 * float64(total), Most: o.MaxMemory}
		}
	}
	var data []float32
	if body := int64(h.dims[0]) * int64(cols*idxSize[h.kind]); r.size >= 0 && body <= r.size {
		m, err := o.Scratch.matrix(path, hi-lo, cols)
		if err != nil {
			return h, mat.Dense{}, err
		}
		data = m.Data[:0]
	}
	err = h.blocks(path, r, lo, hi, func(b []byte) {
		data = appendIDX(grow(data, len(b)/idxSize[h.kind], total), b, h.kind)
	})
	if err != nil {
		return h, mat.Dense{}, err
	}
	return h, mat.FromSlice(hi-lo, cols, data), nil
}

// blocks calls f for the elements of rows lo to hi-1, some at a time.
func (h idxHeader) blocks(path string, r *stream, lo, hi int, f func(b []byte)) error {
	row := h.elements() * idxSize[h.kind] // bytes
	incomplete := func(row int, err error) error {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return inputf("%s: the file is truncated: sample %d of %d is incomplete", path, row+1, h.dims[0])
		}
		return readError(path, err)
	}
	if err := r.skip(int64(lo) * int64(row)); err != nil {
		return incomplete(lo, err)
	}
	buf := make([]byte, 1<<16)
	total := (hi - lo) * row
	for done := 0; done < total; {
		b := buf[:min(len(buf), total-done)]
		if n, err := io.ReadFull(r, b); err != nil {
			return incomplete(lo+(done+n)/row, err)
		}
		f(b)
		done += len(b)
		r.progress()
	}
	if n, _ := r.Read(buf[:1]); n > 0 && hi == h.dims[0] {
		return inputf("%s: bytes left after the last of %d samples", path, h.dims[0])
	}
	return nil
}

// grow makes room for n more elements, doubling up to total.
func grow(data []float32, n, total int) []float32 {
	if len(data)+n <= cap(data) {
		return data
	}
	bigger := make([]float32, len(data), min(total, max(2*cap(data), len(data)+n)))
	copy(bigger, data)
	return bigger
}

func appendIDX(dst []float32, b []byte, kind byte) []float32 {
	be := binary.BigEndian
	switch kind {
	case 0x08:
		for _, v := range b {
			dst = append(dst, float32(v))
		}
	case 0x09:
		for _, v := range b {
			dst = append(dst, float32(int8(v)))
		}
	case 0x0B:
		for ; len(b) > 0; b = b[2:] {
			dst = append(dst, float32(int16(be.Uint16(b))))
		}
	case 0x0C:
		for ; len(b) > 0; b = b[4:] {
			dst = append(dst, float32(int32(be.Uint32(b))))
		}
	case idxFloat:
		for ; len(b) > 0; b = b[4:] {
			dst = append(dst, math.Float32frombits(be.Uint32(b)))
		}
	case idxDouble:
		for ; len(b) > 0; b = b[8:] {
			dst = append(dst, float32(math.Float64frombits(be.Uint64(b))))
		}
	}
	return dst
}

// idxDataset reads samples from a file, and their labels from the file beside it
// whose name says labels instead of images.
func idxDataset(ctx context.Context, in *input, o Options, budget *table.Budget) (Dataset, error) {
	r, err := in.content()
	if err != nil {
		return Dataset{}, err
	}
	path := in.path
	h, x, err := readIDX(path, r, o, budget)
	if err != nil {
		return Dataset{}, err
	}
	d := Dataset{Name: path, X: x, Image: idxImage(h), Comm: o.Comm, Scratch: o.Scratch}
	file, ok := labelFile(path)
	if !ok || o.NoLabel || !exists(file) {
		return d, nil
	}
	whole := o
	if o.Limit > 0 {
		whole = o.whole() // classes are those of all samples
	}
	if err := d.idxLabels(ctx, file, h.dims[0], whole, budget); err != nil {
		return Dataset{}, err
	}
	if o.Limit > 0 {
		d.cutLabels(o.rows(h.dims[0]))
	}
	return d, nil
}

// idxLabels reads the labels of this process's share of n samples. Integers are
// classes, however many.
func (d *Dataset) idxLabels(ctx context.Context, path string, n int, o Options, budget *table.Budget) error {
	in, err := openInput(ctx, path, o)
	if err != nil {
		return err
	}
	defer in.close()
	r, err := in.content()
	if err != nil {
		return err
	}
	h, err := readIDXHeader(path, r)
	switch {
	case err != nil:
		return err
	case len(h.dims) != 1:
		return inputf("%s: labels have dimensions %v, want one", path, h.dims)
	case h.dims[0] != n:
		return inputf("%s: %d labels for the %d samples of %s", path, h.dims[0], n, d.Name)
	}
	b, err := table.NewBuilder(path, []string{"label"}, table.Settings{Budget: budget, Kinds: []table.Kind{table.Number}})
	if err != nil {
		return readError(path, err)
	}
	lo, hi := o.rows(n)
	err = h.blocks(path, r, lo, hi, func(raw []byte) { addIDX(b, raw, h.kind) })
	if err != nil {
		return err
	}
	t, err := b.Table()
	if err != nil {
		return readError(path, err)
	}
	column := &columns{Table: t, place: "sample", part: true, offset: lo, budget: budget}
	if h.kind >= idxFloat {
		return d.label(column, 0, o)
	}
	return d.classify(labelsOf(column, 0), o)
}

// addIDX adds elements to the first column of b.
func addIDX(b *table.Builder, raw []byte, kind byte) {
	be := binary.BigEndian
	for size := idxSize[kind]; len(raw) > 0; raw = raw[size:] {
		switch kind {
		case 0x08:
			b.AddInteger(0, int64(raw[0]))
		case 0x09:
			b.AddInteger(0, int64(int8(raw[0])))
		case 0x0B:
			b.AddInteger(0, int64(int16(be.Uint16(raw))))
		case 0x0C:
			b.AddInteger(0, int64(int32(be.Uint32(raw))))
		case idxFloat:
			b.AddFloat(0, float64(math.Float32frombits(be.Uint32(raw))))
		case idxDouble:
			b.AddFloat(0, math.Float64frombits(be.Uint64(raw)))
		}
	}
}

func idxImage(h idxHeader) picture.Image {
	if h.kind != 0x08 || len(h.dims) < 3 || len(h.dims) > 4 {
		return picture.Image{}
	}
	im := picture.Image{Height: h.dims[1], Width: h.dims[2], Channels: 1, Max: 255}
	if len(h.dims) == 4 {
		im.Channels = h.dims[3]
	}
	return im
}

// labelFile is the name of the label file that belongs to an image file.
func labelFile(path string) (string, bool) {
	dir, name := filepath.Split(path)
	if !strings.Contains(name, "images") {
		return "", false
	}
	name = strings.Replace(name, "images", "labels", 1)
	for rank := 2; rank <= 4; rank++ {
		name = strings.Replace(name, fmt.Sprintf("idx%d", rank), "idx1", 1)
	}
	return dir + name, true
}

// testCompanion is the test file that belongs to a training file by name:
// train-images… and t10k-images….
func testCompanion(path string) (string, bool) {
	dir, name := filepath.Split(path)
	rest, ok := strings.CutPrefix(name, "train-images")
	if !ok {
		return "", false
	}
	companion := dir + "t10k-images" + rest
	return companion, exists(companion)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// idxSplit reads a training file and its test companion.
func idxSplit(ctx context.Context, train, test string, o Options) (s Split, err error) {
	for _, part := range []struct {
		path string
		d    *Dataset
	}{{train, &s.Train}, {test, &s.Test}} {
		if *part.d, err = readFile(ctx, part.path, o); err != nil {
			return Split{}, err
		}
		o.Classes, o.Limit = s.Train.Classes, 0
	}
	return s, nil
}
