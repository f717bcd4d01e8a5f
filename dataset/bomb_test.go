package dataset

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/png"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/parquet-go/parquet-go"
)

// hugePicture is a PNG of one pixel whose header claims side×side.
func hugePicture(t *testing.T, side uint32) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	raw, be := b.Bytes(), binary.BigEndian
	head := raw[12:29] // "IHDR", width, height, and five bytes more
	be.PutUint32(head[4:], side)
	be.PutUint32(head[8:], side)
	be.PutUint32(raw[29:], crc32.ChecksumIEEE(head))
	return raw
}

// archive is a zip file with one deflated member, of which it claims size.
func archive(t *testing.T, content []byte, size uint64) []byte {
	t.Helper()
	var b, packed bytes.Buffer
	f, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.Write(content)
	_ = f.Close()
	z := zip.NewWriter(&b)
	w, err := z.CreateRaw(&zip.FileHeader{
		Name: "X.npy", Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(content),
		CompressedSize64: uint64(packed.Len()), UncompressedSize64: size,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(packed.Bytes())
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// npyHead is an NPY header of the given shape, and nothing after it.
func npyHead(shape string) []byte {
	text := "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }\n"
	b := append([]byte("\x93NUMPY\x01\x00"), 0, 0)
	binary.LittleEndian.PutUint16(b[8:], uint16(len(text)))
	return append(b, text...)
}

// equalRows is a Parquet file of n equal rows, which takes few bytes.
func equalRows(t *testing.T, n int) []byte {
	t.Helper()
	type row struct {
		A     float64 `parquet:",dict"`
		Label string  `parquet:",dict"`
	}
	var b bytes.Buffer
	if err := parquet.Write(&b, slices.Repeat([]row{{1, "x"}}, n)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bomb is a file that claims too much, and what is to be said of it.
type bomb struct {
	name, file string
	content    []byte
	want       string
}

// TestBombs: what a file claims is not believed. Each is refused, and no more
// is allocated than a file of its size may take.
func TestBombs(t *testing.T) {
	const megabyte = 1 << 20
	for _, c := range []bomb{
		{"picture", "pictures/bomb.png", hugePicture(t, 60000), "60000×60000 pixels, want at most"},
		{"picture beyond int32", "pictures/bomb.png", hugePicture(t, 1<<31-1), "dimension overflow"},
		{"picture within the bound, without the pixels", "pictures/bomb.png", hugePicture(t, 2048), "not enough pixel data"},
		{"NPY", "x.npy", npyHead("1000000000, 1000000"), "does not fit in a file of"},
		{"NPY beyond int64", "x.npy", npyHead("4000000000, 4000000000, 4000000000"), "is too large"},
		{"NPZ that claims a terabyte", "x.npz", archive(t, npyHead("2"), 1<<40), "claims 1099511627776 bytes in an archive of"},
		{"NPZ with a huge array", "x.npz", archive(t, npyHead("1000000000, 1000000"), uint64(len(npyHead("1000000000, 1000000")))), "does not fit in a file of"},
		{"IDX", "x", idxBytes(8, []int{1 << 16, 1 << 10}, nil), "the file is truncated"},
		{"IDX beyond int64", "x", idxBytes(8, []int{1<<31 - 1, 1<<31 - 1, 1<<31 - 1}, nil), "too large"},
		{"zipped IDX", "x.gz", zipped(idxBytes(8, []int{1 << 16, 1 << 10}, nil)), "the file is truncated"},
		{"Parquet of few values that stand for many rows", "x.parquet", equalRows(t, 100000), "claims 100000 rows of 20 bytes, want at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.file, c.content)
			if dir := filepath.Dir(path); filepath.Base(dir) == "pictures" {
				path = dir
			}
			var err error
			got := testprob.Allocated(func() { _, err = Open(context.Background(), path, Options{}) })
			if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, ErrInput) {
				t.Errorf("got error %v, want ErrInput with %q", err, c.want)
			}
			limit := float64(megabyte)
			if strings.Contains(c.name, "within") {
				limit = 8 * megabyte // the decoder's, of one picture of the size allowed
			}
			if got > limit {
				t.Errorf("%.0f bytes allocated for a file of %d, want at most %.0f", got, len(c.content), limit)
			}
		})
	}
}
