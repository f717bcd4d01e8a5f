package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"os"
)

// stream is the decompressed content of a file. One that is not compressed can
// be read from the middle.
type stream struct {
	*bufio.Reader
	file *os.File // nil if what is read is not the file itself
	size int64    // of the content; -1 if unknown
}

// plain is the content of f, gzip or not.
func plain(path string, f io.Reader) (*stream, error) {
	r := bufio.NewReaderSize(f, 1<<16)
	if head, _ := r.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, inputf("%s: not a gzip file: %w", path, err)
		}
		return &stream{Reader: bufio.NewReaderSize(z, 1<<16), size: -1}, nil
	}
	s := &stream{Reader: r, size: -1}
	if file, ok := f.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			s.file, s.size = file, info.Size()
		}
	}
	return s, nil
}

// skip passes over n bytes without reading them, if the content can be read
// from the middle.
func (s *stream) skip(n int64) error {
	if s.file == nil {
		_, err := io.CopyN(io.Discard, s.Reader, n)
		return err
	}
	if _, err := s.file.Seek(n-int64(s.Buffered()), io.SeekCurrent); err != nil {
		return err
	}
	s.Reset(s.file)
	return nil
}
