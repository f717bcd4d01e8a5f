package dataset

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// csvTable reads a table of text: a header if the first line has a field that
// is no number where later lines have one, then a sample a line.
func csvTable(path string, r *stream, o Options) (Dataset, error) {
	comma := o.Comma
	if comma == 0 {
		comma = detectComma(r.Reader)
	}
	c := csvReader(r.Reader, comma)
	first, err := c.Read()
	if errors.Is(err, io.EOF) {
		return Dataset{}, inputf("%s: no samples", path)
	}
	if err != nil {
		return Dataset{}, (&table{path: path}).csvError(err)
	}
	if line := strings.Join(first, ""); !utf8.ValidString(line) || strings.ContainsRune(line, 0) {
		return Dataset{}, inputf("%s: neither text nor a known binary format (IDX, NPY, NPZ, Parquet)", path)
	}
	var columns []string
	if !o.NoHeader && isHeader(first) {
		columns = slices.Clone(first)
		columns[0] = strings.TrimPrefix(columns[0], "\ufeff")
	}
	if columns == nil && o.Features != nil && len(o.Features) == len(first) {
		o.NoLabel = true // a model's columns and nothing else
	}
	t, err := newTable(path, columns, len(first), o)
	if err != nil {
		return Dataset{}, err
	}
	if r.file != nil && o.ranks().Size() > 1 {
		from := int64(0)
		if columns != nil {
			from = c.InputOffset()
		}
		return t.shareOfText(r, from, comma, o)
	}
	if columns == nil {
		if err := t.addText(c, first); err != nil {
			return Dataset{}, err
		}
	}
	return t.allText(c, o)
}

// allText adds the lines that are left.
func (t *table) allText(c *csv.Reader, o Options) (Dataset, error) {
	record, err := c.Read()
	for ; err == nil; record, err = c.Read() {
		if err := t.addText(c, record); err != nil {
			return Dataset{}, err
		}
	}
	if !errors.Is(err, io.EOF) {
		return Dataset{}, t.csvError(err)
	}
	return t.dataset(o)
}

func csvReader(r io.Reader, comma rune) *csv.Reader {
	c := csv.NewReader(r)
	c.Comma, c.ReuseRecord, c.TrimLeadingSpace = comma, true, true
	c.FieldsPerRecord = -1
	return c
}

// isHeader reports whether a first line is names: no field of it is a number.
func isHeader(fields []string) bool {
	for _, f := range fields {
		if _, err := strconv.ParseFloat(strings.TrimSpace(f), 64); err == nil {
			return false
		}
	}
	return true
}

// detectComma is the separator most frequent in the first line.
func detectComma(r *bufio.Reader) rune {
	head, _ := r.Peek(1 << 12)
	line, _, _ := strings.Cut(string(head), "\n")
	best, most := ',', 0
	for _, c := range ",;\t|" {
		if n := strings.Count(line, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// addText adds a line.
func (t *table) addText(c *csv.Reader, record []string) error {
	if len(record) != t.width {
		line := t.line(c, 0)
		return inputf("%s: line %d: %d fields, want %d as in the first line", t.path, line, len(record), t.width)
	}
	for _, j := range t.take {
		v, err := strconv.ParseFloat(strings.TrimSpace(record[j]), 32)
		if err != nil {
			line := t.line(c, j)
			return inputf("%s: line %d, column %s: got %q, want a number", t.path, line, t.name(j), record[j])
		}
		t.data = append(t.data, float32(v))
	}
	if t.label >= 0 {
		l := strings.TrimSpace(record[t.label])
		if l == "" {
			line := t.line(c, t.label)
			return inputf("%s: line %d, column %s: the label is empty", t.path, line, t.name(t.label))
		}
		t.labels = append(t.labels, strings.Clone(l))
	}
	return nil
}

// line is the number in the file of the line that field j was read from.
func (t *table) line(c *csv.Reader, j int) int {
	line, _ := c.FieldPos(j)
	return line + t.linesBefore()
}

func (t *table) csvError(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return inputf("%s: line %d, column %d: %w", t.path, p.Line+t.linesBefore(), p.Column, p.Err)
	}
	return readError(t.path, err)
}
