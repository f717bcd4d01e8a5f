package dataset

import (
	"slices"
	"strings"

	"github.com/dlam-go/dlam/table"
)

// firstColumn is what the first lines of a text say about a column: its field in
// the first line, which may be its name, and the fields below that are not missing.
type firstColumn struct {
	field []byte
	below [][]byte
	gaps  bool // some field below is missing

	number, integer bool // the field is a number that is not infinite; an integer that is not negative
	numbers         bool // the fields below are numbers
	integers        bool // one of them is written as an integer
	typed           bool // the fields below are all numbers, all truth values or all times
	recurs          bool // the field is among those below
}

// hasHeader decides from the first records of a text whether the first one is the
// names of the columns. It is, if it differs from what is below it as names do:
// words above numbers, a known name of a label, years or counted columns above
// fractions. Where every field is a text, it is unless its fields come again below.
func hasHeader(records [][][]byte, point byte) bool {
	first, below := records[0], records[1:]
	if len(below) > 0 && isRowNamed(records) {
		return true
	}
	columns := make([]firstColumn, len(first))
	for j := range first {
		columns[j] = columnHead(first[j], below, j, point)
	}
	if !slices.ContainsFunc(columns, func(c firstColumn) bool { return c.number }) {
		return wordsAreHeader(columns)
	}
	return numbersAreHeader(columns, records, point)
}

// isRowNamed reports whether all lines have one field more than the first one, as R
// writes tables: the first field of a line is its name.
func isRowNamed(records [][][]byte) bool {
	for _, r := range records[1:] {
		if len(r) != len(records[0])+1 {
			return false
		}
	}
	return true
}

func columnHead(field []byte, below [][][]byte, j int, point byte) firstColumn {
	c := firstColumn{field: field}
	if is, integer := table.IsNumber(field, point); is && !isInfinite(field) {
		c.number, c.integer = true, integer && field[0] != '-'
	}
	booleans, times := true, true
	c.numbers = true
	for _, r := range below {
		if j >= len(r) || table.IsMissing(r[j]) {
			c.gaps = true
			continue
		}
		f := r[j]
		c.below = append(c.below, f)
		is, integer := table.IsNumber(f, point)
		c.numbers, c.integers = c.numbers && is, c.integers || integer
		booleans, times = booleans && table.IsBoolean(f), times && table.IsTime(f)
		c.recurs = c.recurs || string(f) == string(field)
	}
	if len(c.below) == 0 {
		c.numbers, booleans, times = false, false, false
	}
	c.typed = c.numbers || booleans || times
	c.recurs = c.recurs || booleans && table.IsBoolean(field) || times && table.IsTime(field)
	return c
}

// isInfinite reports whether a number is written as a word.
func isInfinite(field []byte) bool { return strings.ContainsAny(string(field), "nN") }

// word reports whether the field is a text that stands for itself.
func (c *firstColumn) word() bool { return !c.number && !table.IsMissing(c.field) }

// isName reports whether the field cannot be a value of the column: a word above
// numbers, truth values or times, a number above words, the name of a label above
// words that it is not among.
func (c *firstColumn) isName() bool {
	const enough = 5
	switch {
	case c.number:
		return len(c.below) >= enough && !c.numbers && !slices.ContainsFunc(c.below, func(f []byte) bool { return f[0] <= '9' })
	case !c.word() || c.recurs:
		return false
	}
	return c.typed || isLabelName(string(c.field))
}

// isLabel reports whether the field is the name of a label, and no value: y may be one.
func (c *firstColumn) isLabel() bool {
	return len(c.field) > 1 && !c.recurs && len(c.below) > 0 && isLabelName(string(c.field))
}

// wordsAreHeader decides where no field of the first line is a number.
func wordsAreHeader(columns []firstColumn) bool {
	words, recurring := 0, 0
	for _, c := range columns {
		if c.isName() {
			return true
		}
		if c.word() {
			words++
			if c.recurs {
				recurring++
			}
		}
	}
	return words > 0 && 2*recurring < words
}

// numbersAreHeader decides where some fields of the first line are numbers: years,
// 0, 1, 2, wavelengths.
func numbersAreHeader(columns []firstColumn, records [][][]byte, point byte) bool {
	const many = 5
	named, plain, unlike, recurring, numbers := false, true, true, true, 0
	for _, c := range columns {
		if named = named || c.isName(); !c.number {
			continue
		}
		numbers++
		plain = plain && c.integer
		unlike = unlike && c.numbers && !c.integers && len(c.below) >= many // an integer above fractions alone
		recurring = recurring && c.recurs
	}
	steps, rising := sequence(records[0], point)
	if len(records) > 1 {
		s, r := sequence(records[1], point)
		steps, rising = steps && !s, rising && !r
	}
	counted := steps && len(records) > 1 && (numbers >= many || numbers >= 3 && !recurring)
	label := slices.ContainsFunc(columns, func(c firstColumn) bool { return c.isLabel() })
	switch {
	case label, rising && numbers >= many && named:
		return true
	case !plain:
		return false
	}
	return named || counted || unlike && (numbers > 1 || hasNewWord(columns))
}

// hasNewWord reports whether a field is a word that the lines below do not have.
func hasNewWord(columns []firstColumn) bool {
	return slices.ContainsFunc(columns, func(c firstColumn) bool { return c.word() && !c.recurs && len(c.below) > 0 })
}

// sequence reports whether the numbers of a record go up by one each, and whether
// they rise at all.
func sequence(record [][]byte, point byte) (steps, rising bool) {
	var last float64
	n := 0
	steps, rising = true, true
	for _, f := range record {
		v, ok := table.ParseNumber(f, point)
		if !ok {
			continue
		}
		if n > 0 {
			steps, rising = steps && v == last+1, rising && v > last
		}
		last = v
		n++
	}
	return steps && n > 1, rising && n > 1
}
