package dataset

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/picture"
)

// The IDX format: two zero bytes, a type, the number of dimensions, the
// dimensions as big-endian 32-bit integers, then the elements, big-endian.
var idxSize = map[byte]int{0x08: 1, 0x09: 1, 0x0B: 2, 0x0C: 4, 0x0D: 4, 0x0E: 8}

func isIDX(head []byte) bool {
	return len(head) == 4 && head[0] == 0 && head[1] == 0 && idxSize[head[2]] > 0 && head[3] >= 1
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
func readIDX(path string, r *stream, o Options) (idxHeader, mat.Dense, error) {
	h, err := readIDXHeader(path, r)
	if err != nil {
		return h, mat.Dense{}, err
	}
	cols, size := h.elements(), idxSize[h.kind]
	if cols == 0 {
		return h, mat.Dense{}, inputf("%s: dimensions %v hold nothing", path, h.dims)
	}
	lo, hi := o.rows(h.dims[0])
	if err := o.Scratch.allow(path, hi-lo, cols); err != nil {
		return h, mat.Dense{}, err
	}
	total := (hi - lo) * cols
	var data []float32
	if body := int64(h.dims[0]) * int64(cols*size); r.size >= 0 && body <= r.size {
		m, err := o.Scratch.matrix(path, hi-lo, cols)
		if err != nil {
			return h, mat.Dense{}, err
		}
		data = m.Data[:0]
	}
	incomplete := func(row int) error {
		return inputf("%s: the file is truncated: sample %d of %d is incomplete", path, row+1, h.dims[0])
	}
	if err := r.skip(int64(lo) * int64(cols*size)); err != nil {
		return h, mat.Dense{}, incomplete(lo)
	}
	buf := make([]byte, 1<<16)
	for len(data) < total {
		want := min(len(buf), (total-len(data))*size)
		if _, err := io.ReadFull(r, buf[:want]); err != nil {
			return h, mat.Dense{}, incomplete(lo + len(data)/cols)
		}
		data = appendIDX(grow(data, want/size, total), buf[:want], h.kind)
	}
	if n, _ := r.Read(buf[:1]); n > 0 && hi == h.dims[0] {
		return h, mat.Dense{}, inputf("%s: bytes left after the last of %d samples", path, h.dims[0])
	}
	return h, mat.FromSlice(hi-lo, cols, data), nil
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
	case 0x0D:
		for ; len(b) > 0; b = b[4:] {
			dst = append(dst, math.Float32frombits(be.Uint32(b)))
		}
	case 0x0E:
		for ; len(b) > 0; b = b[8:] {
			dst = append(dst, float32(math.Float64frombits(be.Uint64(b))))
		}
	}
	return dst
}

// idxDataset reads samples from r, and their labels from the file beside path
// whose name says labels instead of images.
func idxDataset(path string, r *stream, o Options) (Dataset, error) {
	h, x, err := readIDX(path, r, o)
	if err != nil {
		return Dataset{}, err
	}
	d := Dataset{Name: path, X: x, Image: idxImage(h), Comm: o.Comm, Scratch: o.Scratch}
	labels, ok := labelFile(path)
	if !ok || o.NoLabel {
		return d, nil
	}
	f, err := os.Open(labels)
	if err != nil {
		return d, nil // unlabelled
	}
	defer func() { _ = f.Close() }()
	lr, err := plain(labels, f)
	if err != nil {
		return Dataset{}, err
	}
	lo := o
	lo.Scratch = nil
	if o.Limit > 0 {
		lo = o.whole() // classes are those of all samples
	}
	lh, y, err := readIDX(labels, lr, lo)
	if err != nil {
		return Dataset{}, err
	}
	if len(lh.dims) != 1 {
		return Dataset{}, inputf("%s: labels have dimensions %v, want one", labels, lh.dims)
	}
	if lh.dims[0] != h.dims[0] {
		return Dataset{}, inputf("%s: %d labels for the %d samples of %s", labels, lh.dims[0], h.dims[0], path)
	}
	if o.Regression && lh.kind >= 0x0D {
		d.Value = y
	} else if d.Class, d.Classes, err = numberedClasses(labels, y.Data, lo); err != nil {
		return Dataset{}, err
	}
	if o.Limit > 0 {
		from, to := o.rows(h.dims[0])
		cut := Dataset{X: y, Class: d.Class, Value: d.Value}.RowRange(from, to)
		d.Class, d.Value = cut.Class, cut.Value
	}
	return d, nil
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
	_, err := os.Stat(companion)
	return companion, err == nil
}

// idxSplit reads a training file and its test companion.
func idxSplit(train, test string, o Options) (s Split, err error) {
	for _, part := range []struct {
		path string
		d    *Dataset
	}{{train, &s.Train}, {test, &s.Test}} {
		info, err := os.Stat(part.path)
		if err != nil {
			return Split{}, inputError{err}
		}
		if *part.d, err = openFile(part.path, info.Size(), o); err != nil {
			return Split{}, err
		}
		o.Classes, o.Limit = s.Train.Classes, 0
	}
	return s, nil
}
