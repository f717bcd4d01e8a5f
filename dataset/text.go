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

// textReader reads a table of text from one file or several: CSV and its relatives,
// or JSON Lines.
type textReader struct {
	ctx    context.Context
	files  []string
	open   *input // the first file
	in     *input // that is being read
	once   bool   // some file cannot be read again
	o      Options
	budget *table.Budget

	json      bool
	jsonRows  int      // that have been read
	names     []string // of the columns
	header    []string // as the first file has them
	named     bool     // the file has names, in its first line
	rowNamed  bool     // but for the first column, which names the rows
	repeated  []string // names that several columns have
	separator byte
	point     byte
	notes     []string
	part      textPart
}

// textTable reads a table of text: the names of the columns, if the file has them,
// then a row a line. A file in which a column of numbers turns out to have words is
// read again. first is the first of the files.
func textTable(ctx context.Context, first *input, files []string, o Options, budget *table.Budget) (*columns, error) {
	c := &textReader{ctx: ctx, open: first, files: files, o: o, budget: budget}
	if o.Header && o.NoHeader {
		return nil, inputf("%s: the first line cannot be both names and data (--header, --no-header)", first.path)
	}
	var kinds []table.Kind
	agreed := false // every process agrees once: the others do not wait for one that reads again
	for {
		t, again, err := c.read(kinds)
		if err == nil && again == nil && c.part.divided && !agreed {
			again, err = agree(o.ranks(), t)
			agreed = true
		}
		switch {
		case err != nil:
			return nil, err
		case again == nil:
			t := &columns{Table: t, named: c.named, repeated: c.repeated, notes: c.notes, place: "line", line: c.part.line, part: c.part.divided, budget: c.budget}
			if len(files) > 1 {
				t.place = "row"
			}
			return t, nil
		case c.once:
			return nil, c.refuseAgain(t, again)
		}
		t.Free(t.Rows)
		kinds = again
	}
}

// refuseAgain says why a stream cannot be read.
func (c *textReader) refuseAgain(t *table.Table, again []table.Kind) error {
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
func (c *textReader) read(kinds []table.Kind) (t *table.Table, again []table.Kind, err error) {
	var b *table.Builder
	c.jsonRows = 0
	for k, path := range c.files {
		c.in = c.open
		if k > 0 {
			if c.in, err = openInput(c.ctx, path, c.o); err != nil {
				return nil, nil, err
			}
		}
		b, err = c.file(b, kinds)
		c.once = c.once || !c.in.seekable()
		if k > 0 {
			c.in.close()
		}
		if err != nil {
			return nil, nil, err
		}
	}
	again = b.Again()
	t, err = b.Table()
	return t, again, readError(c.in.path, err)
}

// file adds the rows of a file to b; to a new Builder if there is none yet.
func (c *textReader) file(b *table.Builder, kinds []table.Kind) (*table.Builder, error) {
	s, err := c.in.content()
	if err != nil {
		return nil, err
	}
	if s, err = decoded(c.in.path, s, c.o.Encoding); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(c.ctx)
	defer stop()
	source := newAhead(ctx, s.Reader)
	defer source.close()
	r := bufio.NewReaderSize(source, headBytes)
	bom := skipBOM(r)
	if err := c.detect(r); err != nil {
		return nil, err
	}
	if c.json {
		return c.jsonLines(r, b, kinds)
	}
	lines := c.lines(r)
	first, err := lines.Read()
	if errors.Is(err, io.EOF) {
		return nil, inputf("%s: no samples", c.in.path)
	}
	if err == nil {
		err = c.nameColumns(first)
	}
	if err == nil && b == nil {
		if kinds == nil {
			kinds = c.o.textKinds(c.names)
		}
		b, err = table.NewBuilder(c.files[0], c.names, table.Settings{Missing: c.o.Missing, Point: c.point, Kinds: kinds, Budget: c.budget})
	}
	if err != nil {
		return nil, c.fault(err)
	}
	switch {
	case s.in != nil && c.o.ranks().Size() > 1 && c.o.Limit == 0 && len(c.files) == 1: // with a limit, the classes are those of all rows
		if c.named {
			bom += lines.Offset()
		}
		if err := c.share(s, bom); err != nil {
			return nil, readError(c.in.path, err)
		}
		part := newAhead(ctx, io.NewSectionReader(c.in.f, c.part.from, c.part.to-c.part.from))
		defer part.close()
		lines = c.lines(part)
	case !c.named:
		if err := c.firstRow(b, first, lines.Line()); err != nil {
			return nil, err
		}
	}
	return b, c.rows(lines, b, stop)
}

// textKinds are kinds with which columns are read as they are written, whatever their
// texts look like: categories, and columns to keep that are not features too; nil if
// there are none.
func (o Options) textKinds(names []string) (kinds []table.Kind) {
	isText := func(name string) bool {
		if slices.Contains(o.Keep, name) && !slices.Contains(o.Features, name) || o.Kinds[name] == KindCategory {
			return true
		}
		return o.Model != nil && slices.ContainsFunc(o.Model.Columns, func(c Column) bool { return c.Name == name && c.Kind == KindCategory })
	}
	for j, name := range names {
		if isText(name) {
			if kinds == nil {
				kinds = make([]table.Kind, len(names))
			}
			kinds[j] = table.Text
		}
	}
	return kinds
}

func (c *textReader) lines(r io.Reader) *delimited.Reader {
	lines := delimited.NewReader(r, c.separator)
	lines.Grow = func(bytes int) error { return c.budget.Take(int64(bytes)) }
	return lines
}

// step heeds the context and tells how far reading is, after every some rows.
func (c *textReader) step(rows int) error {
	const often = 1 << 12
	if rows%often > 0 {
		return nil
	}
	c.in.progress()
	return c.ctx.Err()
}

// setLine says where the row is in the file. Of several files lines would not say in
// which.
func (c *textReader) setLine(b *table.Builder, line int) {
	if len(c.files) == 1 {
		b.Line = line
	}
}

// detect finds out how the text is written: what separates its fields, and whether
// it has names for the columns.
func (c *textReader) detect(r *bufio.Reader) error {
	if c.separator != 0 || c.json { // it is read again, or another file
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
	if c.json = isJSONLines(c.in.path, head); c.json {
		c.named = true
		return nil
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

// nameColumns names the columns: as the first line does, or by their numbers. Those
// of further files must have the same names.
func (c *textReader) nameColumns(first [][]byte) error {
	switch {
	case c.names == nil:
	case c.named && !slices.Equal(texts(first), c.header):
		return inputf("%s: columns %s, want %s as in %s", c.in.path, table.List(texts(first)), table.List(c.header), c.files[0])
	default:
		return nil
	}
	const each = 250 // bytes of a name, and to tell it from others
	if err := c.budget.Take(each * int64(len(first))); err != nil {
		return err
	}
	if !c.named {
		c.names = numbered(len(first))
		return nil
	}
	c.header = texts(first)
	numbers := false
	for _, name := range first {
		if !utf8.Valid(name) {
			return &table.ValueError{Column: string(name), Line: 1, Err: table.ErrUTF8}
		}
		is, _ := table.IsNumber(name, c.point)
		numbers = numbers || is
	}
	if numbers && !c.o.Header {
		c.notes = append(c.notes, fmt.Sprintf("%s: the first line is taken for the names of the columns (%s); if it is data, say --no-header", c.in.path, table.List(c.header)))
	}
	names := c.header
	if c.rowNamed {
		names = append([]string{""}, names...)
	}
	if c.names, c.repeated = table.Distinct(names); len(c.repeated) > 0 {
		first := slices.Index(names, c.repeated[0])
		second := first + 1 + slices.Index(names[first+1:], c.repeated[0])
		c.notes = append(c.notes, fmt.Sprintf("%s: columns of the same name are told apart by numbers: %q, %q", c.in.path, c.names[first], c.names[second]))
	}
	return nil
}

// fault says where in the file an error is.
func (c *textReader) fault(err error) error {
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
func (c *textReader) name(column string) string {
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
