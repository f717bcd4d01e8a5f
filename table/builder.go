package table

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Settings say how a Builder reads texts.
type Settings struct {
	Point   byte     // the decimal sign; 0 for a point
	Kinds   []Kind   // of columns whose kind is known; Unknown, and nil, for others
	Missing []string // texts, and numbers, that say that there is no value, beside the customary ones
	Budget  *Budget  // what the table takes its memory from; nil for any
}

// Builder makes a table, a row at a time.
type Builder struct {
	// Line is where the row that is being added is in the file.
	Line int

	name    string
	point   byte
	gaps    map[string]bool // texts that say that there is no value
	gapAt   []float64       // those that are numbers
	budget  *Budget
	every   int // rows of a chunk
	columns []builder

	mu  sync.Mutex // of what follows
	err error
	at  [2]int // the row and the column of err
}

// ErrUTF8 is the fault of a text that is not UTF-8.
var ErrUTF8 = errors.New("not UTF-8")

// builder makes a column.
type builder struct {
	*Column
	number  int // from 0
	line    int // of the value that is being added, where it is not the Builder's
	n       int // rows of the chunk that is not sealed yet
	ints    []int64
	floats  []float64
	missing []uint64
	present int // values that are not missing
	scale   int // of ints
	largest int64
	real    bool // the chunk's values are in floats, not in ints
	numbers map[string]int64
	dash    bool // some value is "-", which is no value unless the column is of texts
	spoiled bool // the values are of no one kind but Text, which the column is not
	taken   int64
}

// columnBytes is about what a column takes beside its chunks.
const columnBytes = 400

// NewBuilder starts a table with the given columns.
func NewBuilder(name string, columns []string, s Settings) (*Builder, error) {
	b := &Builder{name: name, point: s.Point, budget: s.Budget, every: chunkRows(len(columns))}
	if b.point == 0 {
		b.point = '.'
	}
	for _, text := range s.Missing {
		if b.gaps == nil {
			b.gaps = map[string]bool{}
		}
		b.gaps[text] = true
		if v, ok := ParseNumber([]byte(text), b.point); ok {
			b.gapAt = append(b.gapAt, v)
		}
	}
	if err := b.budget.Take(columnBytes * int64(len(columns))); err != nil {
		return nil, err
	}
	all := make([]Column, len(columns))
	b.columns = make([]builder, len(columns))
	for j, name := range columns {
		all[j] = Column{Name: name, every: b.every, whole: true, first: place{row: -1}, gap: place{row: -1}}
		if s.Kinds != nil {
			all[j].Kind = s.Kinds[j]
		}
		b.columns[j].Column, b.columns[j].number = &all[j], j
		b.columns[j].setKind(all[j].Kind)
	}
	return b, nil
}

// chunkRows is how many rows a chunk has: fewer where many columns fill theirs at
// the same time.
func chunkRows(columns int) int {
	rows := 4096
	for rows > 64 && rows*columns > 1<<20 {
		rows /= 4
	}
	return rows
}

// AddColumn adds a column, whose values in the given number of rows, those that have
// ended, are missing.
func (b *Builder) AddColumn(name string, rows int) error {
	if err := b.budget.Take(columnBytes); err != nil {
		return err
	}
	b.columns = append(b.columns, builder{number: len(b.columns), Column: &Column{Name: name, every: b.every, whole: true, first: place{row: -1}, gap: place{row: -1}}})
	line := b.Line
	b.Line = 0
	for range rows {
		b.addMissing(&b.columns[len(b.columns)-1])
	}
	b.Line = line
	return b.err
}

func (c *builder) setKind(k Kind) {
	c.Kind = k
	switch k {
	case Text:
		c.numbers = map[string]int64{}
	case Boolean:
		c.levels = []string{"False", "True"}
	}
}

// AddText adds a value to column j that is written as text, without blanks around
// it: a number, a truth value, a time, or else a text, in columns whose kind is not
// known beforehand. An empty text is no value, nor is one that says so, as NA.
func (b *Builder) AddText(j int, text []byte) { b.addUntyped(&b.columns[j], text) }

// AddTexts adds values to column j as AddText does, of rows that begin on the given
// lines; nil for the Builder's Line. Several columns can be added to at a time.
func (b *Builder) AddTexts(j int, texts [][]byte, lines []int) {
	c := &b.columns[j]
	for i := 0; i < len(texts); i++ {
		if i += b.addDecimals(c, texts[i:]); i == len(texts) {
			break
		}
		if lines != nil {
			c.line = lines[i]
		}
		b.addUntyped(c, texts[i])
	}
	c.line = 0
}

// addDecimals adds the texts that come first as long as they are decimal numbers which
// the chunk holds as it is, as most are, and gives how many these were: what addUntyped
// does for them, without what they have no need of.
func (b *Builder) addDecimals(c *builder, texts [][]byte) int {
	if c.Kind != Number || c.real || c.first.row < 0 || b.gaps != nil {
		return 0
	}
	n := min(len(texts), cap(c.ints)-len(c.ints))
	for i, text := range texts[:n] {
		v, scale, ok := parseDecimal(text, b.point)
		for ; ok && scale < c.scale; scale++ {
			ok = -maxExact/10 <= v && v <= maxExact/10
			v *= 10
		}
		if !ok || scale > c.scale {
			n = i
			break
		}
		c.ints = append(c.ints, v)
		c.largest = max(c.largest, v, -v)
	}
	if n > 0 {
		c.present += n
		b.added(c, n)
	}
	return n
}

func (b *Builder) addUntyped(c *builder, text []byte) {
	if b.gaps != nil && b.gaps[string(text)] {
		b.addMissing(c)
		return
	}
	switch c.Kind {
	case Number:
		if n, ok := parseNumber(text, b.point); ok {
			b.addNumber(c, n)
			return
		}
	case Text:
		if !isMissing(text) {
			b.addText(c, text)
			return
		}
	case Boolean:
		if v, ok := parseBoolean(text); ok {
			b.addBoolean(c, v)
			return
		}
	case Time:
		if t, ok := ParseTime(text); ok {
			b.addInteger(c, t)
			return
		}
	case Unknown:
		if !IsMissing(text) {
			c.setKind(b.kindOf(text))
			if c.Kind == Boolean {
				c.levels = spelling(text)
			}
			c.spoiled = c.dash && c.Kind == Text
			b.addUntyped(c, text)
			return
		}
	}
	if IsMissing(text) {
		c.dash = c.dash || string(text) == "-"
		b.addMissing(c)
		return
	}
	c.spoiled = true
	b.addMissing(c)
}

// kindOf is the kind of a single value.
func (b *Builder) kindOf(text []byte) Kind {
	if _, ok := parseNumber(text, b.point); ok {
		return Number
	}
	if IsBoolean(text) {
		return Boolean
	}
	if IsTime(text) {
		return Time
	}
	return Text
}

// spelling is how false and true are written where one of them is written so.
func spelling(text []byte) []string {
	switch text[1] {
	case 'R', 'A':
		return []string{"FALSE", "TRUE"}
	}
	if text[0] == 't' || text[0] == 'f' {
		return []string{"false", "true"}
	}
	return []string{"False", "True"}
}

// AddInteger adds a number to column j, which has the kind Number.
func (b *Builder) AddInteger(j int, v int64) { b.addNumber(&b.columns[j], number{integer: v}) }

// AddIntegers adds numbers to column j, which has the kind Number.
func (b *Builder) AddIntegers(j int, values []int64) {
	c := &b.columns[j]
	for len(values) > 0 {
		n := min(len(values), b.every-c.n)
		if c.real || c.scale > 0 || b.gapAt != nil {
			b.AddInteger(j, values[0])
			values = values[1:]
			continue
		}
		b.begin(c, n)
		c.ints = append(c.ints, values[:n]...)
		for _, v := range values[:n] {
			c.largest = max(c.largest, v, -v)
			if v == math.MinInt64 {
				c.largest = math.MaxInt64
			}
		}
		values = values[n:]
		b.added(c, n)
	}
}

// AddFloats adds numbers to column j, which has the kind Number. NaN is a missing
// value.
func (b *Builder) AddFloats(j int, values []float64) {
	c := &b.columns[j]
	for len(values) > 0 {
		n := min(len(values), b.every-c.n)
		for i, v := range values[:n] {
			if v != v || b.gapAt != nil && slices.Contains(b.gapAt, v) {
				n = i
				break
			}
		}
		if n == 0 {
			b.addMissing(c)
			values = values[1:]
			continue
		}
		if !c.real {
			b.toReal(c)
		}
		b.begin(c, n)
		c.floats = append(c.floats, values[:n]...)
		for _, v := range values[:n] {
			if n := floatNumber(v); n.fraction || n.rounded {
				c.whole, c.rounded = c.whole && !n.fraction, c.rounded || n.rounded
			}
		}
		values = values[n:]
		b.added(c, n)
	}
}

// AddUnsigned adds a number to column j, which has the kind Number.
func (b *Builder) AddUnsigned(j int, v uint64) {
	n := number{integer: int64(v)}
	if n.integer < 0 {
		n = floatNumber(float64(v))
		n.rounded = true
	}
	b.addNumber(&b.columns[j], n)
}

// AddDecimal adds the number v / 10^scale to column j, which has the kind Number.
func (b *Builder) AddDecimal(j int, v int64, scale int) {
	n := number{integer: v, scale: scale}
	for n.scale > 0 && n.integer%10 == 0 {
		n.integer, n.scale = n.integer/10, n.scale-1
	}
	if n.scale > maxScale || n.scale > 0 && (n.integer > maxExact || n.integer < -maxExact) {
		text := fmt.Appendf(nil, "%de-%d", v, scale)
		n, _ = parseNumber(text, '.')
	}
	b.addNumber(&b.columns[j], n)
}

// AddFloat adds a number to column j, which has the kind Number. NaN is a missing
// value.
func (b *Builder) AddFloat(j int, v float64) {
	if v != v {
		b.addMissing(&b.columns[j])
		return
	}
	b.addNumber(&b.columns[j], floatNumber(v))
}

// AddBoolean adds a truth value to column j, which has the kind Boolean.
func (b *Builder) AddBoolean(j int, v bool) { b.addBoolean(&b.columns[j], v) }

// AddTime adds a time, in microseconds since 1970 in UTC, to column j, which has
// the kind Time.
func (b *Builder) AddTime(j int, micros int64) { b.addInteger(&b.columns[j], micros) }

// AddString adds a text to column j, which has the kind Text: any text, also an
// empty one.
func (b *Builder) AddString(j int, text []byte) {
	if b.gaps != nil && b.gaps[string(text)] {
		b.AddMissing(j)
		return
	}
	b.addText(&b.columns[j], text)
}

// AddMissing adds a missing value to column j.
func (b *Builder) AddMissing(j int) { b.addMissing(&b.columns[j]) }

// Err is the first fault in what was added, row by row: a text that is not UTF-8, or a
// table that is too large for its Budget. It is to be asked after each row, or after
// some values: what is added after a fault is of no use.
func (b *Builder) Err() error { return b.err }

// fault keeps the first error of c, unless there is one before it.
func (b *Builder) fault(c *builder, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := [2]int{c.rows + c.n, c.number}
	if b.err == nil || slices.Compare(at[:], b.at[:]) < 0 {
		b.err, b.at = err, at
	}
}

// here is the place of the value that is being added to c.
func (b *Builder) here(c *builder) place {
	return place{row: c.rows + c.n, line: cmp.Or(c.line, b.Line)}
}

func (b *Builder) addMissing(c *builder) {
	if c.gap.row < 0 {
		c.gap = b.here(c)
	}
	c.Column.missing++
	if c.missing == nil {
		c.missing = make([]uint64, (b.every+63)/64)
		b.take(c, 8*len(c.missing))
	}
	c.missing[c.n/64] |= 1 << (c.n % 64)
	b.grow(c, c.n+1)
	if c.real {
		c.floats = append(c.floats, 0)
	} else {
		c.ints = append(c.ints, 0)
	}
	b.added(c, 1)
}

func (b *Builder) addBoolean(c *builder, v bool) {
	i := int64(0)
	if v {
		i = 1
	}
	b.addInteger(c, i)
}

// addText adds a text by its number among the different ones.
func (b *Builder) addText(c *builder, text []byte) {
	if c.spoiled {
		b.addMissing(c)
		return
	}
	i, ok := c.numbers[string(text)]
	if !ok {
		if !utf8.Valid(text) {
			at := b.here(c)
			b.fault(c, &ValueError{Column: c.Name, Row: at.row, Line: at.line, Err: ErrUTF8})
		}
		const entry = 64 // bytes of a text's header, and of its place in the map
		if err := b.budget.Take(int64(len(text)) + entry); err != nil {
			b.fault(c, err)
		}
		level := string(text)
		if _, ok := parseNumber(text, b.point); !ok && c.first.row < 0 {
			c.first = b.here(c)
		}
		i = int64(len(c.levels))
		c.levels = append(c.levels, level)
		c.numbers[level] = i
	}
	b.addInteger(c, i)
}

// addInteger adds a value that is kept as an integer.
func (b *Builder) addInteger(c *builder, v int64) {
	b.begin(c, 1)
	c.ints = append(c.ints, v)
	b.added(c, 1)
}

func (b *Builder) addNumber(c *builder, n number) {
	if b.gapAt != nil && slices.Contains(b.gapAt, n.value()) {
		b.addMissing(c)
		return
	}
	b.begin(c, 1)
	switch {
	case c.real:
		c.floats = append(c.floats, n.value())
	case n.isFloat || !c.fits(&n) && !c.fitsReduced(&n):
		b.toReal(c)
		c.floats = append(c.floats, n.value())
	default:
		c.ints = append(c.ints, n.integer)
	}
	if n.isFloat {
		c.whole = c.whole && !n.fraction
		c.rounded = c.rounded || n.rounded
	} else if c.real {
		c.asFloat(n.integer, n.scale)
	}
	b.added(c, 1)
}

// asFloat is the number v / 10^scale in a chunk of floats.
func (c *builder) asFloat(v int64, scale int) float64 {
	f := float64(v) / powers[scale]
	c.whole = c.whole && f == math.Trunc(f)
	c.rounded = c.rounded || scale == 0 && (f >= math.MaxInt64 || int64(f) != v)
	return f
}

// fits brings n and the chunk's integers to one scale, if they stay exact.
func (c *builder) fits(n *number) bool {
	for n.scale < c.scale {
		if n.integer > maxExact/10 || n.integer < -maxExact/10 {
			return false
		}
		n.integer, n.scale = n.integer*10, n.scale+1
	}
	if n.scale > c.scale {
		factor := int64(1)
		for s := n.scale; s > c.scale; s-- {
			factor *= 10
			if factor > maxExact || c.largest > maxExact/factor {
				return false
			}
		}
		for i := range c.ints {
			c.ints[i] *= factor
		}
		c.scale = n.scale
		c.largest *= factor
	}
	size := n.integer
	if size < 0 {
		size = -size
	}
	if size < 0 || size > maxExact && c.scale > 0 {
		return false
	}
	c.largest = max(c.largest, size)
	return true
}

// fitsReduced is fits without the zeros that the numbers end with.
func (c *builder) fitsReduced(n *number) bool {
	for n.scale > 0 && n.integer%10 == 0 {
		n.integer, n.scale = n.integer/10, n.scale-1
	}
	c.reduce()
	return c.fits(n)
}

// toReal makes the chunk's integers floats.
func (b *Builder) toReal(c *builder) {
	if cap(c.floats) < cap(c.ints) {
		b.take(c, 8*cap(c.ints))
		c.floats = make([]float64, 0, cap(c.ints))
	}
	c.floats = c.floats[:0]
	for _, v := range c.ints {
		c.floats = append(c.floats, c.asFloat(v, c.scale))
	}
	c.scale, c.real = 0, true
}

// begin is called before n values are added that are not missing.
func (b *Builder) begin(c *builder, n int) {
	if c.first.row < 0 && c.Kind != Text {
		c.first = b.here(c)
	}
	c.present += n
	b.grow(c, c.n+n)
}

// grow makes room for n values.
func (b *Builder) grow(c *builder, n int) {
	room := cap(c.ints)
	if c.real {
		room = cap(c.floats)
	}
	if n <= room {
		return
	}
	room = min(b.every, max(2*room, n, 16))
	b.take(c, 8*room)
	if c.real {
		c.floats = append(make([]float64, 0, room), c.floats...)
	} else {
		c.ints = append(make([]int64, 0, room), c.ints...)
	}
}

// take takes bytes for what c needs until the table is made.
func (b *Builder) take(c *builder, bytes int) {
	if err := b.budget.Take(int64(bytes)); err != nil {
		b.fault(c, err)
		return
	}
	c.taken += int64(bytes)
}

// added counts n values that were added.
func (b *Builder) added(c *builder, n int) {
	if c.n += n; c.n == b.every {
		b.seal(c)
	}
}

// seal ends a chunk.
func (b *Builder) seal(c *builder) {
	k := chunk{rows: c.n, scale: c.scale}
	if c.present > 0 {
		if c.real {
			k.data = narrowFloats(c.floats)
		} else {
			c.reduce()
			k.scale = c.scale
			k.data = narrowIntegers(c.ints)
		}
		if c.present < c.n {
			k.missing = append([]uint64(nil), c.missing...)
		}
	}
	c.whole = c.whole && k.scale == 0
	if err := b.budget.Take(k.bytes()); err != nil {
		b.fault(c, err)
	}
	c.chunks = append(c.chunks, k)
	c.rows += c.n
	c.n, c.present, c.scale, c.largest, c.real = 0, 0, 0, 0, false
	c.ints, c.floats = c.ints[:0], c.floats[:0]
	clear(c.missing)
}

// reduce takes powers of ten that all integers have out of them: 2.50 is 25 in
// tenths.
func (c *builder) reduce() {
	for c.scale > 0 {
		for _, v := range c.ints {
			if v%10 != 0 {
				return
			}
		}
		for i := range c.ints {
			c.ints[i] /= 10
		}
		c.scale--
		c.largest /= 10
	}
}

// narrowIntegers copies integers to the narrowest type that holds them.
func narrowIntegers(values []int64) any {
	lo, hi := values[0], values[0]
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	switch {
	case lo == int64(int8(lo)) && hi == int64(int8(hi)):
		return converted[int8](values)
	case lo == int64(int16(lo)) && hi == int64(int16(hi)):
		return converted[int16](values)
	case lo == int64(int32(lo)) && hi == int64(int32(hi)):
		return converted[int32](values)
	}
	return converted[int64](values)
}

func narrowFloats(values []float64) any {
	for _, v := range values {
		if float64(float32(v)) != v {
			return append([]float64(nil), values...)
		}
	}
	return converted[float32](values)
}

func converted[T int8 | int16 | int32 | int64 | float32, S int64 | float64](values []S) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = T(v)
	}
	return out
}

// ValueError is a fault in a value.
type ValueError struct {
	Column    string
	Row, Line int // from 0; in the file, 0 if lines are not counted
	Err       error
}

func (e *ValueError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d, column %q: %v", e.Line, e.Column, e.Err)
	}
	return fmt.Sprintf("row %d, column %q: %v", e.Row+1, e.Column, e.Err)
}

// Unwrap gives the fault without its place.
func (e *ValueError) Unwrap() error { return e.Err }

// Again is nil if the kinds of all columns were right from the first value on, and
// else the kinds with which the texts have to be added again, to another Builder: a
// column that begins with numbers may have a word in it later, so that the numbers
// are texts too, and as such must be kept as they are written.
func (b *Builder) Again() []Kind {
	again := false
	kinds := make([]Kind, len(b.columns))
	for j, c := range b.columns {
		kinds[j] = c.Kind
		if c.spoiled {
			kinds[j], again = Text, true
		}
	}
	if !again {
		return nil
	}
	return kinds
}

// Table is the table of all rows added. The Builder must not be used any more.
func (b *Builder) Table() (*Table, error) {
	t := &Table{Name: b.name, budget: b.budget}
	for j := range b.columns {
		c := &b.columns[j]
		if c.n > 0 {
			b.seal(c)
		}
		b.budget.Give(c.taken)
		t.Columns = append(t.Columns, c.Column)
		t.Rows = c.rows
	}
	b.columns = nil
	return t, b.err
}

// Distinct gives names that are repeated a number, so that all differ: x, x.1,
// x.2. It reports the names that were repeated.
func Distinct(names []string) (distinct, repeated []string) {
	seen := make(map[string]int, len(names))
	for _, n := range names {
		seen[n]++
	}
	next := make(map[string]int, len(names))
	for _, n := range names {
		if seen[n] > 1 {
			k := next[n]
			next[n]++
			if k == 1 {
				repeated = append(repeated, n)
			}
			if k > 0 {
				base := n
				for ; seen[n] > 0; k++ {
					n = fmt.Sprintf("%s.%d", base, k)
				}
				next[base] = k
				seen[n]++
			}
		}
		distinct = append(distinct, n)
	}
	return distinct, repeated
}

// List is names for a message, at most ten.
func List(names []string) string {
	if len(names) > 10 {
		return strings.Join(names[:10], ", ") + fmt.Sprintf(", … (%d)", len(names))
	}
	return strings.Join(names, ", ")
}
