package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/dlam-go/dlam/comm"
)

// shareOfText adds this process's share of the lines from byte from on: those
// that begin in its part of the bytes. Where lines end is not known without
// reading them, so the parts are of equal length, not of equal numbers of
// lines; and a quoted field must not go over several lines.
func (t *table) shareOfText(s *stream, from int64, comma rune, o Options) (Dataset, error) {
	ranks := o.ranks()
	lo, hi := comm.Share(int(s.size-from), ranks.Rank(), ranks.Size())
	start, err := nextLine(s.file, from+int64(lo), from)
	if err != nil {
		return Dataset{}, readError(t.path, err)
	}
	end, err := nextLine(s.file, from+int64(hi), from)
	if err != nil {
		return Dataset{}, readError(t.path, err)
	}
	t.skipped = io.NewSectionReader(s.file, 0, start)
	part := io.NewSectionReader(s.file, start, end-start)
	return t.allText(csvReader(bufio.NewReaderSize(part, 1<<16), comma), o)
}

// nextLine is where the first line begins that begins at byte at or later;
// from begins one.
func nextLine(r io.ReaderAt, at, from int64) (int64, error) {
	if at == from {
		return at, nil
	}
	b := bufio.NewReader(io.NewSectionReader(r, at-1, 1<<62))
	for at--; ; {
		line, err := b.ReadSlice('\n')
		at += int64(len(line))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil || errors.Is(err, io.EOF):
			return at, nil
		default:
			return 0, err
		}
	}
}

// linesBefore is how many lines lie before this process's share. It reads
// them, for the sake of an error message.
func (t *table) linesBefore() (n int) {
	if t.skipped == nil {
		return 0
	}
	if _, err := t.skipped.Seek(0, io.SeekStart); err != nil {
		return 0
	}
	buf := make([]byte, 1<<16)
	for {
		k, err := t.skipped.Read(buf)
		n += bytes.Count(buf[:k], []byte{'\n'})
		if err != nil {
			return n
		}
	}
}
