package table

import (
	"fmt"
	"math"
	"strconv"
)

// Kind is what the values of a column are.
type Kind uint8

// The kinds of columns.
const (
	Unknown Kind = iota // every value is missing
	Number
	Boolean
	Time
	Text
)

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprint("kind ", uint8(k))
}

var kindNames = [...]string{"empty", "numbers", "truth values", "dates", "texts"}

// Column is a column of a table.
type Column struct {
	Name string
	Kind Kind

	rows    int
	every   int // rows of a chunk
	chunks  []chunk
	levels  []string // of texts; of truth values, how false and true are written
	whole   bool     // every number is an integer
	rounded bool     // some integer is not held exactly
	missing int      // how many values
	first   place    // see First
	gap     place    // of the first missing value
}

// place is a row, and where it is in the file.
type place struct{ row, line int }

// chunk is consecutive values of a column, in the narrowest type that holds them
// exactly.
type chunk struct {
	rows    int
	scale   int      // integers are in units of 10^-scale
	data    any      // []int8, []int16, []int32, []int64, []float32 or []float64; nil if all are missing
	missing []uint64 // a bit a row; nil if none is missing, or all are
}

// Rows is the number of values, missing ones with them.
func (c *Column) Rows() int { return c.rows }

// Missing is how many values are missing.
func (c *Column) Missing() int { return c.missing }

// Whole reports whether all values are numbers without a fraction.
func (c *Column) Whole() bool { return c.Kind == Number && c.whole }

// Rounded reports whether there are integers that cannot be told apart from others
// near them: beyond 64 bits, or beyond 53 near numbers that are none.
func (c *Column) Rounded() bool { return c.rounded }

// Levels are the different texts of a column of texts, in the order in which they
// first come; of a column of truth values, how false and true are written.
func (c *Column) Levels() []string { return c.levels }

// First is where the first value is that is not missing, of texts the first one that
// is not a number too: its row from 0, -1 if there is none, and its line in the file,
// 0 if lines are not counted.
func (c *Column) First() (row, line int) { return c.first.row, c.first.line }

// FirstMissing is First of the first missing value.
func (c *Column) FirstMissing() (row, line int) { return c.gap.row, c.gap.line }

// Floats fills dst with the values from row from on: numbers, truth values as 0
// and 1, times in seconds since 1970, texts as their place among Levels. A missing
// value is NaN.
func (c *Column) Floats(dst []float64, from int) {
	c.parts(len(dst), from, func(at, lo, hi int, k *chunk) {
		part := dst[at : at+hi-lo]
		switch data := k.data.(type) {
		case nil:
			for i := range part {
				part[i] = math.NaN()
			}
		case []int8:
			toFloats(part, data[lo:hi], c.unit(k))
		case []int16:
			toFloats(part, data[lo:hi], c.unit(k))
		case []int32:
			toFloats(part, data[lo:hi], c.unit(k))
		case []int64:
			toFloats(part, data[lo:hi], c.unit(k))
		case []float32:
			toFloats(part, data[lo:hi], 1)
		case []float64:
			copy(part, data[lo:hi])
		}
		if k.missing != nil {
			for i := range part {
				if k.isMissing(lo + i) {
					part[i] = math.NaN()
				}
			}
		}
	})
}

// Integers fills dst with the values from row from on, which must be whole numbers,
// truth values, times in microseconds since 1970, or texts by their places among
// Levels. A missing value is 0, and a number beyond 64 bits the nearest there is.
func (c *Column) Integers(dst []int64, from int) {
	c.parts(len(dst), from, func(at, lo, hi int, k *chunk) {
		part := dst[at : at+hi-lo]
		switch data := k.data.(type) {
		case nil:
			clear(part)
		case []int8:
			toIntegers(part, data[lo:hi])
		case []int16:
			toIntegers(part, data[lo:hi])
		case []int32:
			toIntegers(part, data[lo:hi])
		case []int64:
			copy(part, data[lo:hi])
		case []float32:
			floatsToIntegers(part, data[lo:hi])
		case []float64:
			floatsToIntegers(part, data[lo:hi])
		}
	})
}

// MissingAt reports whether the value of a row is missing.
func (c *Column) MissingAt(row int) bool {
	k := &c.chunks[row/c.every]
	return k.data == nil || k.missing != nil && k.isMissing(row%c.every)
}

// Format is the value of a row as a text. An integer is written in digits however
// large it is.
func (c *Column) Format(row int) string {
	if c.MissingAt(row) {
		return ""
	}
	if k := &c.chunks[row/c.every]; c.Kind == Number {
		switch k.data.(type) {
		case []float32, []float64:
		default:
			if k.scale == 0 {
				return strconv.FormatInt(c.integer(row), 10)
			}
		}
		var v [1]float64
		c.Floats(v[:], row)
		return FormatNumber(v[0])
	}
	i := c.integer(row)
	if c.Kind == Time {
		return FormatTime(i)
	}
	return c.levels[i]
}

// FormatNumber writes a number so that it reads back the same: in digits without
// an exponent where it is an integer that float64 holds exactly.
func FormatNumber(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) <= maxExact {
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func (c *Column) integer(row int) int64 {
	var v [1]int64
	c.Integers(v[:], row)
	return v[0]
}

// unit is what the integers of k are divided by.
func (c *Column) unit(k *chunk) float64 {
	if c.Kind == Time {
		return 1e6
	}
	return powers[k.scale]
}

// parts calls f for each chunk that has some of the n rows from row from on: rows
// lo to hi-1 of it come at places at and on.
func (c *Column) parts(n, from int, f func(at, lo, hi int, k *chunk)) {
	for at := 0; at < n; {
		k := &c.chunks[(from+at)/c.every]
		lo := (from + at) % c.every
		hi := min(k.rows, lo+n-at)
		f(at, lo, hi, k)
		at += hi - lo
	}
}

func (k *chunk) isMissing(i int) bool { return k.missing[i/64]>>(i%64)&1 != 0 }

// bytes is the memory that the chunk takes.
func (k *chunk) bytes() int64 {
	size := 0
	switch k.data.(type) {
	case []int8:
		size = 1
	case []int16:
		size = 2
	case []int32, []float32:
		size = 4
	case []int64, []float64:
		size = 8
	}
	return chunkBytes + int64(k.rows*size) + int64(8*len(k.missing))
}

// chunkBytes is about what a chunk takes beside its values.
const chunkBytes = 96

func toFloats[T int8 | int16 | int32 | int64 | float32](dst []float64, src []T, unit float64) {
	if unit == 1 {
		for i, v := range src {
			dst[i] = float64(v)
		}
		return
	}
	for i, v := range src {
		dst[i] = float64(v) / unit
	}
}

func toIntegers[T int8 | int16 | int32](dst []int64, src []T) {
	for i, v := range src {
		dst[i] = int64(v)
	}
}

func floatsToIntegers[T float32 | float64](dst []int64, src []T) {
	for i, v := range src {
		switch f := float64(v); {
		case f >= math.MaxInt64:
			dst[i] = math.MaxInt64
		case f <= math.MinInt64:
			dst[i] = math.MinInt64
		default:
			dst[i] = int64(f)
		}
	}
}

// Bytes is about how much memory the column takes.
func (c *Column) Bytes() (bytes int64) {
	bytes = columnBytes
	for i := range c.chunks {
		bytes += c.chunks[i].bytes()
	}
	const entry = 64
	for _, l := range c.levels {
		bytes += int64(len(l)) + entry
	}
	return bytes
}
