package dataset

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/delimited"
	"github.com/dlam-go/dlam/table"
)

// headBytes is how much of a text is looked at to find out how it is written.
const headBytes = 1 << 16

// csvReader reads a table of text.
type csvReader struct {
	ctx    context.Context
	in     *input
	o      Options
	budget *table.Budget

	names     []string // of the columns
	named     bool     // the file has names, in its first line
	rowNamed  bool     // but for the first column, which names the rows
	repeated  []string // names that several columns have
	separator byte
	point     byte
	notes     []string
	part      textPart
}

// csvTable reads a table of text: the names of the columns, if the file has them,
// then a row a line. A file in which a column of numbers turns out to have words is
// read again.
func csvTable(ctx context.Context, in *input, o Options, budget *table.Budget) (*columns, error) {
	c := &csvReader{ctx: ctx, in: in, o: o, budget: budget}
	var kinds []table.Kind
	for {
		t, again, err := c.read(kinds)
		if err != nil {
			return nil, err
		}
		if again == nil {
			if c.part.divided {
				again, err = agree(o.ranks(), t)
			}
			if err != nil {
				return nil, err
			}
		}
		if again == nil {
			return &columns{Table: t, named: c.named, repeated: c.repeated, notes: c.notes, place: "line", line: c.part.line, part: c.part.divided, budget: c.budget}, nil
		}
		if !in.seekable() {
			return nil, c.refuseAgain(t, again)
		}
		t.Free(t.Rows)
		kinds = again
	}
}

// refuseAgain says why a stream cannot be read.
func (c *csvReader) refuseAgain(t *table.Table, again []table.Kind) error {
	for j, k := range again {
		if col := t.Columns[j]; k != col.Kind {
			return inputf("%s: column %s: %s and then other texts, and a pipe cannot be read a second time to keep both as they are written: put it in a file", c.in.path, c.name(col.Name), col.Kind)
		}
	}
	return nil
}

// agree makes the kinds of the columns those that all processes' parts need, and
// gives the kinds with which this one's has to be read again, nil if it has not.
func agree(ranks comm.Comm, t *table.Table) (again []table.Kind, err error) {
	mine := make([]float64, len(t.Columns))
	for j, c := range t.Columns {
		mine[j] = float64(c.Kind)
	}
	all, err := comm.Gather(ranks, mine)
	if err != nil {
		return nil, err
	}
	kinds := make([]table.Kind, len(t.Columns))
	reread := false
	for j, c := range t.Columns {
		for _, theirs := range all {
			switch k := table.Kind(theirs[j]); {
			case kinds[j] == table.Unknown:
				kinds[j] = k
			case k != table.Unknown && k != kinds[j]:
				kinds[j] = table.Text
			}
		}
		reread = reread || kinds[j] == table.Text && c.Kind != table.Text
		if c.Kind == table.Unknown {
			c.Kind = kinds[j]
		}
	}
	if !reread {
		return nil, nil
	}
	return kinds, nil
}

// read reads the table once, with kinds for columns whose kinds are known; nil for
// none. If again is not nil, it has to be read once more, with these kinds.
func (c *csvReader) read(kinds []table.Kind) (t *table.Table, again []table.Kind, err error) {
	s, err := c.in.content()
	if err != nil {
		return nil, nil, err
	}
	if s, err = decoded(c.in.path, s, c.o.Encoding); err != nil {
		return nil, nil, err
	}
	source := newAhead(c.ctx, s.Reader)
	defer source.close()
	r := bufio.NewReaderSize(source, headBytes)
	bom := skipBOM(r)
	if err := c.detect(r); err != nil {
		return nil, nil, err
	}
	lines := c.lines(r)
	first, err := lines.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, inputf("%s: no samples", c.in.path)
	}
	if err != nil {
		return nil, nil, c.fault(err)
	}
	if c.names == nil {
		const each = 250 // bytes of a name, and to tell it from others
		if err := c.budget.Take(each * int64(len(first))); err != nil {
			return nil, nil, c.fault(err)
		}
		if err := c.nameColumns(texts(first)); err != nil {
			return nil, nil, c.fault(err)
		}
	}
	b, err := table.NewBuilder(c.in.path, c.names, table.Settings{Point: c.point, Kinds: kinds, Budget: c.budget})
	if err != nil {
		return nil, nil, c.fault(err)
	}
	switch {
	case s.in != nil && c.o.ranks().Size() > 1 && c.o.Limit == 0: // with a limit, the classes are those of all rows
		if c.named {
			bom += lines.Offset()
		}
		if err := c.share(s, bom); err != nil {
			return nil, nil, readError(c.in.path, err)
		}
		part := newAhead(c.ctx, io.NewSectionReader(c.in.f, c.part.from, c.part.to-c.part.from))
		defer part.close()
		lines = c.lines(part)
	case !c.named:
		if err := c.row(lines, b, first); err != nil {
			return nil, nil, err
		}
	}
	if err := c.rows(lines, b); err != nil {
		return nil, nil, err
	}
	again = b.Again()
	t, err = b.Table()
	return t, again, err
}

func (c *csvReader) lines(r io.Reader) *delimited.Reader {
	lines := delimited.NewReader(r, c.separator)
	lines.Grow = func(bytes int) error { return c.budget.Take(int64(bytes)) }
	return lines
}

// rows adds all lines that are left.
func (c *csvReader) rows(lines *delimited.Reader, b *table.Builder) error {
	for n := 1; ; n++ {
		record, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return c.fault(err)
		}
		if err := c.row(lines, b, record); err != nil {
			return err
		}
		const often = 1 << 12 // rows
		if n%often == 0 {
			if err := c.ctx.Err(); err != nil {
				return err
			}
			c.in.progress()
		}
	}
}

// row adds a line.
func (c *csvReader) row(lines *delimited.Reader, b *table.Builder, record [][]byte) error {
	b.Line = lines.Line()
	if len(record) != len(c.names) {
		return inputf("%s: line %d: %d fields, want %d as in the first line", c.in.path, c.part.line(b.Line), len(record), len(c.names))
	}
	if c.part.divided && lines.Multiline() {
		return inputf("%s: line %d: a quoted field goes over several lines, so the file cannot be divided over processes", c.in.path, c.part.line(b.Line))
	}
	for j, f := range record {
		b.AddText(j, f)
	}
	if err := b.Err(); err != nil {
		return c.fault(err)
	}
	return nil
}

// detect finds out how the text is written: what separates its fields, and whether
// it has names for the columns.
func (c *csvReader) detect(r *bufio.Reader) error {
	if c.separator != 0 { // the text is read again
		return nil
	}
	head, err := r.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return readError(c.in.path, err)
	}
	whole := err != nil
	if bytes.IndexByte(head, 0) >= 0 {
		return inputf("%s: neither text nor a known binary format (IDX, NPY, NPZ, Parquet)", c.in.path)
	}
	c.part.cr = bytes.IndexByte(head, '\r') >= 0 && bytes.IndexByte(head, '\n') < 0
	if c.point, err = decimal(c.o.Decimal); err != nil {
		return err
	}
	if c.separator, err = separator(c.o.Separator); err != nil {
		return err
	}
	if c.separator == 0 {
		c.separator = delimited.Detect(head, whole)
	}
	if c.separator == c.point {
		return inputf("%s: %q separates the columns, so it cannot be the decimal sign too: set the separator (--separator)", c.in.path, c.point)
	}
	records := delimited.Head(head, whole, c.separator)
	if len(records) == 0 || c.o.NoHeader {
		return nil
	}
	c.rowNamed = len(records) > 1 && isRowNamed(records)
	c.named = c.o.Header || isModelHeader(records[0], c.o.Features) || hasHeader(records, c.point)
	return nil
}

// decimal is the decimal sign that a user says.
func decimal(text string) (byte, error) {
	switch text {
	case "", ".", ",":
		return cmp.Or(text, ".")[0], nil
	}
	return 0, inputf("decimal: got %q, want . or ,", text)
}

// separator is the separator that a user says; 0 for none.
func separator(text string) (byte, error) {
	switch text {
	case "":
		return 0, nil
	case "tab", `\t`:
		return '\t', nil
	case "blank", "blanks":
		return delimited.Blanks, nil
	}
	if len(text) != 1 || text[0] >= 0x80 || strings.ContainsAny(text, "\"\r\n") {
		return 0, inputf("separator: got %q, want an ASCII character, tab or blanks", text)
	}
	return text[0], nil
}

// isModelHeader reports whether a first line has all columns that a model needs.
func isModelHeader(first [][]byte, features []string) bool {
	names := texts(first)
	for _, f := range features {
		if !slices.Contains(names, f) {
			return false
		}
	}
	return len(features) > 0
}

// nameColumns names the columns: as the first line does, or by their numbers.
func (c *csvReader) nameColumns(first []string) error {
	if !c.named {
		c.names = numbered(len(first))
		return nil
	}
	for _, name := range first {
		if !utf8.ValidString(name) {
			return &table.ValueError{Column: name, Line: 1, Err: table.ErrUTF8}
		}
	}
	numbers := slices.ContainsFunc(first, func(f string) bool { is, _ := table.IsNumber([]byte(f), c.point); return is })
	if numbers && !c.o.Header {
		c.notes = append(c.notes, fmt.Sprintf("%s: the first line is taken for the names of the columns (%s); if it is data, say --no-header", c.in.path, table.List(first)))
	}
	if c.rowNamed {
		first = append([]string{""}, first...)
	}
	if c.names, c.repeated = table.Distinct(first); len(c.repeated) > 0 {
		c.notes = append(c.notes, fmt.Sprintf("%s: columns of the same name are told apart by numbers: %q, %q", c.in.path, c.repeated[0], c.repeated[0]+".1"))
	}
	return nil
}

// fault says where in the file an error is.
func (c *csvReader) fault(err error) error {
	var syntax *delimited.SyntaxError
	var value *table.ValueError
	switch {
	case errors.As(err, &syntax):
		return inputf("%s: line %d: %w", c.in.path, c.part.line(syntax.Line), syntax.Err)
	case errors.Is(err, table.ErrUTF8) && errors.As(err, &value):
		return inputf("%s: line %d, column %s: %w: say how it is encoded (--encoding latin-1, for instance)", c.in.path, c.part.line(value.Line), c.name(value.Column), value.Err)
	}
	return readError(c.in.path, err)
}

// name is how messages call a column.
func (c *csvReader) name(column string) string {
	if c.named {
		return strconv.Quote(column)
	}
	return column
}

// numbered is names for columns that have none: their numbers.
func numbered(n int) []string {
	names := make([]string, n)
	for j := range names {
		names[j] = strconv.Itoa(j)
	}
	return names
}

func texts(fields [][]byte) []string {
	t := make([]string, len(fields))
	for i, f := range fields {
		t[i] = string(f)
	}
	return t
}
