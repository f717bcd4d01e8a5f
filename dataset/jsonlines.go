package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/dlam-go/dlam/table"
)

// isJSONLines reports whether a text is JSON Lines: by its name, or since it starts
// as an object does.
func isJSONLines(path string, head []byte) bool {
	switch strings.ToLower(filepath.Ext(strings.TrimSuffix(path, ".gz"))) {
	case ".jsonl", ".ndjson":
		return true
	}
	rest, ok := bytes.CutPrefix(bytes.TrimSpace(head), []byte("{"))
	rest = bytes.TrimSpace(rest)
	return ok && len(rest) > 0 && (rest[0] == '"' || rest[0] == '}')
}

// jsonLines adds the rows of a text that has an object a line, whose keys name the
// columns. Strings are read as the fields of a CSV file are; a key that a line lacks
// is a missing value, as null is.
func (c *textReader) jsonLines(r *bufio.Reader, b *table.Builder, kinds []table.Kind) (*table.Builder, error) {
	if b == nil {
		var err error
		if b, err = table.NewBuilder(c.files[0], c.names, table.Settings{Missing: c.o.Missing, Kinds: kinds, Budget: c.budget}); err != nil {
			return nil, readError(c.in.path, err)
		}
	}
	j := &jsonReader{textReader: c, b: b, number: make(map[string]int, len(c.names)), set: make([]bool, len(c.names))}
	for i, name := range c.names {
		j.number[name] = i
	}
	before := c.jsonRows
	for line := 1; ; line++ {
		text, held, err := c.longLine(r)
		if len(bytes.TrimSpace(text)) > 0 {
			c.setLine(b, line)
			if err := j.object(text); err != nil {
				return nil, c.jsonFault(line, err)
			}
			c.jsonRows++
			if err := c.step(c.jsonRows); err != nil {
				return nil, err
			}
		}
		c.budget.Give(held)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, readError(c.in.path, err)
		}
	}
	if c.jsonRows == before {
		return nil, inputf("%s: no samples", c.in.path)
	}
	return b, nil
}

// jsonFault says in which line an error is.
func (c *textReader) jsonFault(line int, err error) error {
	var m *table.MemoryError
	var v *table.ValueError
	switch {
	case errors.As(err, &m):
		return readError(c.in.path, err)
	case errors.As(err, &v):
		return inputf("%s: line %d, key %q: %w", c.in.path, line, v.Column, v.Err)
	}
	return inputf("%s: line %d: %w", c.in.path, line, err)
}

// longLine is the next line, which the next one may overwrite, and how many bytes of
// memory were taken out of the budget for it. The error of the last line is io.EOF.
func (c *textReader) longLine(r *bufio.Reader) (line []byte, held int64, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if line == nil && !errors.Is(err, bufio.ErrBufferFull) {
			return part, 0, err
		}
		if n := len(line) + len(part); n > cap(line) {
			room := max(2*cap(line), n)
			if err := c.budget.Take(int64(room)); err != nil { // for a time there are both
				return nil, held, err
			}
			c.budget.Give(held)
			held = int64(room)
			line = append(make([]byte, 0, room), line...)
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, held, err
		}
	}
}

// jsonReader adds objects to a table.
type jsonReader struct {
	*textReader
	b      *table.Builder
	number map[string]int // of each column
	set    []bool         // columns of which the object has a value

	line    bytes.Buffer
	decoder jsontext.Decoder
	text    []byte // a key or a string, unquoted; used again
}

var errNestedJSON = errors.New("it holds a list or an object: want numbers, strings, true, false and null")

// object adds a row: the object that a line is.
func (j *jsonReader) object(line []byte) error {
	if !utf8.Valid(line) {
		return fmt.Errorf("%w: say how it is encoded (--encoding latin-1, for instance)", table.ErrUTF8)
	}
	j.line = *bytes.NewBuffer(line) // which is parsed where it is
	d := &j.decoder
	d.Reset(&j.line, jsontext.AllowDuplicateNames(true)) // they are told with their names
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return errors.Join(errors.New("want a JSON object a line"), err)
	}
	clear(j.set)
	for d.PeekKind() != '}' {
		key, err := d.ReadValue()
		if err == nil {
			j.text, err = jsontext.AppendUnquote(j.text[:0], key)
		}
		if err != nil {
			return err
		}
		i, err := j.column(j.text)
		if err != nil {
			return err
		}
		if j.set[i] {
			return fmt.Errorf("the key %q comes twice", j.text)
		}
		j.set[i] = true
		if err := j.value(i); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.Join(errors.New("more follows after the object"), err)
	}
	for i, set := range j.set {
		if !set {
			j.b.AddMissing(i)
		}
	}
	return j.b.Err()
}

// value adds the value that follows to column i.
func (j *jsonReader) value(i int) error {
	switch j.decoder.PeekKind() {
	case '{', '[':
		return fmt.Errorf("key %q: %w", j.text, errNestedJSON)
	}
	v, err := j.decoder.ReadValue()
	if err != nil {
		return err
	}
	switch v.Kind() {
	case '"':
		if j.text, err = jsontext.AppendUnquote(j.text[:0], v); err != nil {
			return err
		}
		j.b.AddText(i, bytes.TrimSpace(j.text))
	case 'n':
		j.b.AddMissing(i)
	default:
		j.b.AddText(i, v)
	}
	return nil
}

// column is the number of the column whose name text is, which is added if it is new.
func (j *jsonReader) column(text []byte) (int, error) {
	if i, ok := j.number[string(text)]; ok {
		return i, nil
	}
	name := string(text)
	const each = 100 // bytes of a name, and to find it
	if err := j.budget.Take(each + int64(len(name))); err != nil {
		return 0, err
	}
	i := len(j.names)
	j.names, j.set = append(j.names, name), append(j.set, false)
	j.number[name] = i
	return i, j.b.AddColumn(name, j.jsonRows)
}
