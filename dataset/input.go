package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
)

// StandardInput is the name of the standard input as a source.
const StandardInput = "-"

// input is a file that is open for reading: one that has a size and can be read
// from any place, or a stream (a pipe, the standard input), which can be read once.
type input struct {
	path string
	f    *os.File
	size int64        // -1 for a stream
	r    io.Reader    // what is read: f, or a stream that heeds the context
	done atomic.Int64 // bytes that have been read
	tell func(file string, done, total int64)

	first *stream // its content, of which nothing has been read yet; nil once it was asked for
}

// openInput opens a file. Folders and devices are refused; so is a file that
// nothing has been written to within the context, if it is a pipe.
func openInput(ctx context.Context, path string, o Options) (*input, error) {
	f, err := openPath(ctx, path)
	if err != nil {
		return nil, err
	}
	in := &input{path: path, f: f, size: -1, tell: o.Progress}
	info, err := f.Stat()
	if err != nil {
		in.close()
		return nil, inputError{err}
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		in.size, in.r = info.Size(), &interruptible{ctx, f}
	case mode&(fs.ModeNamedPipe|fs.ModeSocket) != 0 || path == StandardInput && mode&fs.ModeCharDevice != 0:
		in.r = newAhead(ctx, f)
	default:
		in.close()
		return nil, inputf("%s: neither a file nor a pipe", path)
	}
	return in, nil
}

// openPath opens a file. A pipe that nobody writes to would take for ever, so the
// context is heeded.
func openPath(ctx context.Context, path string) (*os.File, error) {
	if path == StandardInput {
		return os.Stdin, nil
	}
	if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeDevice != 0 {
		return nil, inputf("%s: a device, want a file", path)
	}
	type opened struct {
		f   *os.File
		err error
	}
	c := make(chan opened, 1)
	go func() {
		f, err := os.Open(path)
		c <- opened{f, err}
	}()
	select {
	case o := <-c:
		if o.err != nil {
			return nil, inputError{o.err}
		}
		return o.f, nil
	case <-ctx.Done():
		go func() { // it may be opened yet
			if o := <-c; o.f != nil {
				_ = o.f.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

func (in *input) close() {
	if in.path != StandardInput {
		_ = in.f.Close()
	}
}

// seekable reports whether the input can be read again and from any place.
func (in *input) seekable() bool { return in.size >= 0 }

// ReadAt makes a seekable input an io.ReaderAt.
func (in *input) ReadAt(p []byte, off int64) (int, error) {
	n, err := in.f.ReadAt(p, off)
	in.done.Add(int64(n))
	return n, err
}

func (in *input) Read(p []byte) (int, error) {
	n, err := in.r.Read(p)
	in.done.Add(int64(n))
	return n, err
}

// progress tells how much has been read.
func (in *input) progress() {
	if in.tell != nil {
		done := in.done.Load()
		if in.seekable() {
			done = min(done, in.size) // some of it may have been read twice
		}
		in.tell(in.path, done, max(0, in.size))
	}
}

// stream is the decompressed content of an input. One that is not compressed can
// be read from the middle, if the input can.
type stream struct {
	*bufio.Reader
	in       *input // nil if what is read is not the file itself
	size     int64  // of the content; -1 if unknown
	progress func() // tells how much has been read
}

// content is what in holds, decompressed if it is gzip. It may be asked for again
// if the input is seekable.
func (in *input) content() (*stream, error) {
	if s := in.first; s != nil {
		in.first = nil
		return s, nil
	}
	if in.done.Load() > 0 {
		if _, err := in.f.Seek(0, io.SeekStart); err != nil {
			return nil, inputf("%s: it cannot be read a second time: %w", in.path, err)
		}
		in.done.Store(0)
	}
	b := bufio.NewReaderSize(in, 1<<16)
	if head, _ := b.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, inputf("%s: not a gzip file: %w", in.path, err)
		}
		return &stream{Reader: bufio.NewReaderSize(z, 1<<16), size: -1, progress: in.progress}, nil
	}
	if in.seekable() {
		return &stream{Reader: b, in: in, size: in.size, progress: in.progress}, nil
	}
	return &stream{Reader: b, size: -1, progress: in.progress}, nil
}

// skip passes over n bytes without reading them, if the content can be read
// from the middle.
func (s *stream) skip(n int64) error {
	if s.in == nil {
		_, err := io.CopyN(io.Discard, s.Reader, n)
		return err
	}
	if _, err := s.in.f.Seek(n-int64(s.Buffered()), io.SeekCurrent); err != nil {
		return err
	}
	s.Reset(s.in)
	return nil
}

// interruptible is a file that is read no further once the context is done.
type interruptible struct {
	ctx context.Context
	f   *os.File
}

func (r *interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.f.Read(p)
}

// ahead reads from another reader in a goroutine of its own, so that inflating goes
// on beside parsing, and so that a reader that hangs does not make the program hang
// once the context is done.
type ahead struct {
	ctx   context.Context
	full  chan block
	empty chan []byte
	done  chan struct{}
	block block
	left  []byte // of block, not read yet
}

type block struct {
	buf []byte
	n   int
	err error
}

// newAhead starts reading. The goroutine ends at the end, at an error, when the
// context is done or at close.
func newAhead(ctx context.Context, r io.Reader) *ahead {
	const blocks, size = 3, 1 << 18
	a := &ahead{ctx: ctx, full: make(chan block, blocks), empty: make(chan []byte, blocks), done: make(chan struct{})}
	for range blocks {
		a.empty <- make([]byte, size)
	}
	go a.run(r)
	return a
}

func (a *ahead) run(r io.Reader) {
	for {
		var buf []byte
		select {
		case buf = <-a.empty:
		case <-a.done:
			return
		case <-a.ctx.Done():
			return
		}
		n, err := r.Read(buf)
		a.full <- block{buf, n, err} // there is room for all blocks
		if err != nil {
			return
		}
	}
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.left) == 0 {
		if a.block.err != nil {
			return 0, a.block.err
		}
		if a.block.buf != nil {
			a.empty <- a.block.buf
			a.block.buf = nil
		}
		if err := a.ctx.Err(); err != nil {
			return 0, err
		}
		select {
		case a.block = <-a.full:
			a.left = a.block.buf[:a.block.n]
		case <-a.ctx.Done():
			return 0, a.ctx.Err()
		}
	}
	n := copy(p, a.left)
	a.left = a.left[n:]
	return n, nil
}

// close stops reading ahead.
func (a *ahead) close() { close(a.done) }
