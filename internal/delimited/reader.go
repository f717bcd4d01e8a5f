package delimited

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// Blanks is the separator of columns that are aligned by blanks: any number of
// spaces and tabs.
const Blanks = ' '

// Reader reads records.
type Reader struct {
	// Grow is asked before buffers take so many bytes more than the 64 kB that they
	// start with, and told of what they give back; nil for any.
	Grow func(bytes int) error

	r         io.Reader
	separator byte
	buf       []byte
	start     int   // of the records that are being read, in buf
	at        int   // of the next byte to look at
	end       int   // of what has been read into buf
	base      int64 // of buf in the input
	line      int   // of the next byte, from 1
	first     int   // line of the record
	multiline bool
	special   [256]bool // bytes that end a field
	ends      []uint32  // of the fields, in pairs: where one starts and ends, from start
	fields    [][]byte
	readErr   error
	taken     int   // bytes that Grow allowed
	fault     error // of the record after the last that was read
}

// NewReader reads from r records whose fields are between separators: a comma, a
// semicolon, a tab, another ASCII character, or Blanks.
func NewReader(r io.Reader, separator byte) *Reader {
	reader := &Reader{r: r, separator: separator, line: 1}
	for _, c := range []byte{separator, '\n', '\r'} {
		reader.special[c] = true
	}
	return reader
}

// ErrQuote is the fault of a quoted field that does not end.
var ErrQuote = errors.New(`a field that starts with a quote (") has no closing quote`)

// SyntaxError is a fault in the text.
type SyntaxError struct {
	Line int // from 1, of the record that it is in
	Err  error
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap gives the fault without its place.
func (e *SyntaxError) Unwrap() error { return e.Err }

// Line is the line on which the last record starts.
func (r *Reader) Line() int { return r.first }

// Offset is where in the input the last record ends: that many bytes were read for
// it and what is before it.
func (r *Reader) Offset() int64 { return r.base + int64(r.at) }

// Read reads the next record, of one field or more. The fields are valid until the
// next call. The error at the end is io.EOF.
func (r *Reader) Read() ([][]byte, error) {
	r.start, r.ends = r.at, r.ends[:0]
	if err := r.record(); err != nil {
		return nil, err
	}
	r.fields = slices.Grow(r.fields[:0], len(r.ends)/2)
	text := r.buf[r.start:]
	for i := 0; i < len(r.ends); i += 2 {
		r.fields = append(r.fields, text[r.ends[i]:r.ends[i+1]])
	}
	return r.fields, nil
}

// skipEmpty passes over lines with nothing but blanks. Tabs are no blanks where
// they separate fields.
func (r *Reader) skipEmpty() error {
	if len(r.ends) == 0 {
		r.start = r.at
	}
	line := r.at - r.start // where it begins
	for {
		c, ok := r.peek()
		switch {
		case !ok:
			return r.readErr
		case c == '\n' || c == '\r':
			r.newline(c)
			if len(r.ends) == 0 { // nothing is to be kept
				r.start = r.at
			}
			if line = r.at - r.start; line > batchBytes {
				return errFull
			}
		case r.blank(c):
			r.at++
		default:
			r.at = r.start + line
			r.first = r.line
			return nil
		}
	}
}

// blank reports whether c may be around a field without being part of it.
func (r *Reader) blank(c byte) bool { return c == ' ' || c == '\t' && r.separator != '\t' }

// record adds the fields of the next record to r.ends.
func (r *Reader) record() error {
	if err := r.skipEmpty(); err != nil {
		return err
	}
	r.multiline = false
	for {
		more, err := r.plainFields()
		if err == nil && more {
			more, err = r.field()
		}
		if err != nil || !more {
			return err
		}
	}
}

// plainFields finds the fields that follow as long as they have no quotes and are in
// the buffer with what ends them, and reports whether the record goes on.
func (r *Reader) plainFields() (more bool, err error) {
	if r.separator == Blanks {
		return true, nil
	}
	b := r.buf[:r.end]
	for {
		from := r.at
		for from < len(b) && r.blank(b[from]) {
			from++
		}
		i := from
		for i < len(b) && !r.special[b[i]] {
			i++
		}
		if i == len(b) || b[from] == '"' {
			return true, nil
		}
		to := i
		for to > from && r.blank(b[to-1]) {
			to--
		}
		if err := r.mark(from-r.start, to-r.start); err != nil {
			return false, err
		}
		r.at = i
		if b[i] != r.separator {
			r.newline(b[i])
			return false, nil
		}
		r.at++
	}
}

// field finds the next field, and reports whether another follows.
func (r *Reader) field() (more bool, err error) {
	for {
		c, ok := r.peek()
		if !ok || !r.blank(c) {
			break
		}
		r.at++
	}
	from := r.at - r.start
	to := from // where the field, without its quotes, ends
	if c, ok := r.peek(); ok && c == '"' {
		r.at++
		if to, err = r.quoted(to); err != nil {
			return false, err
		}
	}
	for {
		next := r.scan()
		if n := next - r.at; n > 0 {
			if r.start+to < r.at {
				copy(r.buf[r.start+to:], r.buf[r.at:next])
			}
			to += n
			r.at = next
		}
		c, ok := r.peek()
		switch {
		case !ok && !errors.Is(r.readErr, io.EOF):
			return false, r.readErr
		case ok && c != '\n' && c != '\r' && c != r.separator && (c != '\t' || r.separator != Blanks):
			continue // the buffer had ended
		}
		for to > from && r.blank(r.buf[r.start+to-1]) {
			to--
		}
		for to > from && r.blank(r.buf[r.start+from]) { // inside of quotes
			from++
		}
		if err := r.mark(from, to); err != nil {
			return false, err
		}
		switch {
		case !ok:
			return false, nil
		case c == '\n' || c == '\r':
			r.newline(c)
			return false, nil
		}
		r.at++
		return r.separator != Blanks || r.another(), nil
	}
}

// mark keeps where a field starts and ends.
func (r *Reader) mark(from, to int) error {
	if len(r.ends) == cap(r.ends) {
		const least, each = 1 << 10, 32 // bytes of a field here and in fields
		room := max(least, 2*cap(r.ends))
		if room > least {
			if err := r.take(each * (room - cap(r.ends)) / 2); err != nil {
				return err
			}
		}
		r.ends = append(make([]uint32, 0, room), r.ends...)
	}
	if to > math.MaxUint32 {
		return &SyntaxError{Line: r.first, Err: errLong}
	}
	r.ends = append(r.ends, uint32(from), uint32(to))
	return nil
}

var errLong = errors.New("a record of more than 4 GB")

// scan is where the next separator or end of a line is, or the end of the buffer.
func (r *Reader) scan() int {
	b, i := r.buf[:r.end], r.at
	separator, second := r.separator, r.separator
	if separator == Blanks {
		second = '\t'
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == separator || c == second || c == '\n' || c == '\r' {
			break
		}
	}
	return i
}

// another passes over blanks, and reports whether a field follows on the line. An
// end of the line is passed over too.
func (r *Reader) another() bool {
	for {
		c, ok := r.peek()
		switch {
		case !ok:
			return false
		case c == '\n' || c == '\r':
			r.newline(c)
			return false
		case !r.blank(c):
			return true
		}
		r.at++
	}
}

// quoted reads what is between quotes, of which the first has been passed, and moves
// it to where the field starts: to, from r.start. It gives where it then ends.
func (r *Reader) quoted(to int) (int, error) {
	for {
		part := r.buf[r.at:r.end]
		n := bytes.IndexByte(part, '"')
		if n < 0 {
			n = len(part)
		}
		r.countLines(part[:n])
		copy(r.buf[r.start+to:], part[:n])
		to += n
		r.at += n
		c, ok := r.peek()
		switch {
		case !ok && errors.Is(r.readErr, io.EOF):
			return to, &SyntaxError{Line: r.first, Err: ErrQuote}
		case !ok:
			return to, r.readErr
		case c != '"':
			continue
		}
		r.at++
		if c, ok := r.peek(); !ok || c != '"' {
			return to, nil
		}
		r.buf[r.start+to] = '"'
		to++
		r.at++
	}
}

// countLines counts the ends of lines in a part of a quoted field. Of CR LF the LF
// is counted.
func (r *Reader) countLines(part []byte) {
	n := bytes.Count(part, []byte{'\n'})
	for i, c := range part {
		if c == '\r' {
			r.multiline = true
			if i+1 < len(part) && part[i+1] != '\n' {
				n++
			}
		}
	}
	r.line += n
	r.multiline = r.multiline || n > 0
}

// newline passes over the end of a line that starts with c.
func (r *Reader) newline(c byte) {
	r.at++
	r.line++
	if c != '\r' {
		return
	}
	if c, ok := r.peek(); ok && c == '\n' {
		r.at++
	}
}

// peek is the next byte, if there is one.
func (r *Reader) peek() (byte, bool) {
	if r.at >= r.end && !r.fill() {
		return 0, false
	}
	return r.buf[r.at], true
}

// fill reads more into the buffer, behind the record that is being read.
func (r *Reader) fill() bool {
	if r.readErr != nil {
		return false
	}
	if r.start > 0 {
		copy(r.buf, r.buf[r.start:r.end])
		r.base += int64(r.start)
		r.at -= r.start
		r.end -= r.start
		r.start = 0
	}
	if r.end == len(r.buf) {
		bigger, err := r.buffer(2 * len(r.buf)) // for a time there are both
		if err != nil {
			r.readErr = err
			return false
		}
		copy(bigger, r.buf[:r.end])
		r.drop(r.buf)
		r.buf = bigger
	}
	for range 100 {
		n, err := r.r.Read(r.buf[r.end:])
		r.end += n
		r.readErr = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	r.readErr = io.ErrNoProgress
	return false
}

const leastBuffer = 1 << 16

// buffer is a buffer of at least so many bytes.
func (r *Reader) buffer(bytes int) ([]byte, error) {
	bytes = max(bytes, leastBuffer)
	if bytes > leastBuffer {
		if err := r.take(bytes); err != nil {
			return nil, err
		}
	}
	return make([]byte, bytes), nil
}

// drop gives back what buffer took.
func (r *Reader) drop(buf []byte) {
	if len(buf) > leastBuffer {
		_ = r.take(-len(buf))
	}
}

// take asks for memory, or gives some back.
func (r *Reader) take(bytes int) error {
	if r.Grow == nil {
		return nil
	}
	err := r.Grow(bytes)
	if err == nil {
		r.taken += bytes
	}
	return err
}

// Release gives back all memory that was asked for. Nothing that was read must be
// used any more.
func (r *Reader) Release() { _ = r.take(-r.taken) }
