package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/dlam-go/dlam/comm"
)

// textPart is this process's part of a text. Its zero value is all of it.
type textPart struct {
	divided  bool
	from, to int64 // bytes of the file
	cr       bool  // lines end with CR
	file     io.ReaderAt
}

// share makes the part this process's share of the lines from byte from on: those
// that begin in its part of the bytes. Where lines end is not known without
// reading them, so the parts are of equal length, not of equal numbers of
// lines; and a quoted field must not go over several lines.
func (c *textReader) share(s *stream, from int64) error {
	ranks, p := c.o.ranks(), &c.part
	p.divided, p.file = true, c.in.f
	lo, hi := comm.Share(int(s.size-from), ranks.Rank(), ranks.Size())
	var err error
	if p.from, err = p.nextLine(from+int64(lo), from); err != nil {
		return err
	}
	p.to, err = p.nextLine(from+int64(hi), from)
	return err
}

// nextLine is where the first line begins that begins at byte at or later;
// from begins one.
func (p *textPart) nextLine(at, from int64) (int64, error) {
	if at == from {
		return at, nil
	}
	b := bufio.NewReader(io.NewSectionReader(p.file, at-1, 1<<62))
	for at--; ; {
		line, err := b.ReadSlice(p.lineEnd())
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

func (p *textPart) lineEnd() byte {
	if p.cr {
		return '\r'
	}
	return '\n'
}

// line is the number in the file of a line of the part. It reads the lines before
// it, for the sake of an error message.
func (p *textPart) line(n int) int {
	if !p.divided {
		return n
	}
	before := io.NewSectionReader(p.file, 0, p.from)
	buf := make([]byte, 1<<16)
	for {
		k, err := before.Read(buf)
		n += bytes.Count(buf[:k], []byte{p.lineEnd()})
		if err != nil {
			return n
		}
	}
}
