package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// How pages may be compressed (parquet.thrift: CompressionCodec).
const (
	codecNone   = 0
	codecSnappy = 1
	codecGzip   = 2
	codecLZO    = 3
	codecBrotli = 4
	codecLZ4    = 5
	codecZstd   = 6
	codecLZ4Raw = 7
)

// decompress fills dst with what src decompresses to, and fails if that has another
// length. However much src claims to hold, it allocates no memory for more.
func (f *File) decompress(codec int64, dst, src []byte) (err error) {
	defer func() { // a decoder of another library may panic on malformed data
		if p := recover(); p != nil {
			err = fmt.Errorf("malformed compressed page: %v", p)
		}
	}()
	n := 0
	switch codec {
	case codecSnappy:
		if n, err = snappy.DecodedLen(src); err == nil && n == len(dst) {
			_, err = snappy.Decode(dst, src)
		}
	case codecZstd:
		n, err = f.decompressZstd(dst, src)
	case codecLZ4Raw:
		n, err = lz4.UncompressBlock(src, dst)
	case codecLZ4:
		if n, err = unframeLZ4(dst, src); err != nil {
			n, err = lz4.UncompressBlock(src, dst) // as some writers have it
		}
	case codecGzip:
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(src)); err == nil {
			n, err = readFull(z, dst)
		}
	case codecBrotli:
		n, err = readFull(brotli.NewReader(bytes.NewReader(src)), dst)
	default:
		name := fmt.Sprint("number ", codec)
		if codec == codecLZO {
			name = "LZO"
		}
		return fmt.Errorf("compression %s is not supported (Snappy, gzip, Brotli, Zstandard and LZ4 are)", name)
	}
	if err != nil {
		return fmt.Errorf("malformed compressed page: %w", err)
	}
	if n != len(dst) {
		return fmt.Errorf("a compressed page holds %d bytes, its header claims %d", n, len(dst))
	}
	return nil
}

// unframeLZ4 fills dst with blocks that each follow their size in dst and in src, as
// Hadoop has it.
func unframeLZ4(dst, src []byte) (n int, err error) {
	for len(src) > 0 {
		if len(src) < 8 {
			return n, errTruncated
		}
		plain, size := int64(binary.BigEndian.Uint32(src)), int64(binary.BigEndian.Uint32(src[4:]))
		if src = src[8:]; size > int64(len(src)) || plain > int64(len(dst)-n) {
			return n, fmt.Errorf("a block of %d bytes claims %d where %d are left", size, plain, len(dst)-n)
		}
		m, err := lz4.UncompressBlock(src[:size], dst[n:n+int(plain)])
		if err != nil {
			return n, err
		}
		if int64(m) != plain {
			return n, fmt.Errorf("a block of %d bytes claims %d", m, plain)
		}
		n, src = n+m, src[size:]
	}
	return n, nil
}

func (f *File) decompressZstd(dst, src []byte) (int, error) {
	if f.zstd == nil {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return 0, err
		}
		f.zstd = d
	}
	out, err := f.zstd.DecodeAll(src, dst[:0:len(dst)])
	return len(out), err
}

// readFull fills dst from r, and fails if r has more than that.
func readFull(r io.Reader, dst []byte) (int, error) {
	n, err := io.ReadFull(r, dst)
	if err != nil {
		return n, err
	}
	if _, err := io.ReadFull(r, make([]byte, 1)); err != io.EOF {
		return n, errors.Join(errors.New("more follows than its header claims"), err)
	}
	return n, nil
}
