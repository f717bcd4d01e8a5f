package parquet

import (
	"errors"
	"fmt"
	"time"
)

// Column is a column of a file: a leaf of its schema.
type Column struct {
	Name string // with the names of the groups it is in: "a.b"

	physical  int64 // the type of the stored values
	length    int64 // bytes of a value of typeFixedArray
	optional  int   // how many of it and the groups it is in may be absent
	repeated  bool  // whether it or a group it is in is a list
	unsigned  bool
	meaning   meaning
	scale     int64         // decimals are integers in units of 10^-scale
	precision int64         // digits of a decimal, 0 if unknown
	unit      time.Duration // of times
}

// meaning is what the stored values stand for, if not for themselves.
type meaning int

const (
	meansItself meaning = iota
	meansDecimal
	meansTime
	meansUUID
	meansHalf // a floating-point number of 16 bits
	meansInterval
)

const day = 24 * time.Hour

// Kind is what the values of a column are.
type Kind int

// The kinds of columns. Decimals are integers in units of a power of ten.
const (
	Text Kind = iota
	Integer
	Unsigned
	Decimal
	Float
	Boolean
	Time
)

// Kind says what the values of the column are.
func (c *Column) Kind() Kind {
	switch {
	case c.meaning == meansTime || c.physical == typeInt96:
		return Time
	case c.meaning == meansDecimal && c.wide():
		return Float
	case c.meaning == meansDecimal:
		return Decimal
	case c.meaning == meansHalf, c.physical == typeFloat, c.physical == typeDouble:
		return Float
	case c.bytes():
		return Text
	case c.physical == typeBoolean:
		return Boolean
	case c.unsigned:
		return Unsigned
	}
	return Integer
}

// Scale is how many decimal places the values of a column of decimals have.
func (c *Column) Scale() int { return int(c.scale) }

// bytes reports whether the stored values are strings of bytes.
func (c *Column) bytes() bool { return c.physical == typeByteArray || c.physical == typeFixedArray }

// wide reports whether decimals may have more digits than an int64 has.
func (c *Column) wide() bool {
	const most = 18
	return c.bytes() && (c.precision > most || c.precision == 0 && c.length > 8)
}

var errNested = errors.New("nested columns are not supported")

// Supported reports, as an error, why the values of the column cannot be read, and
// nil if they can.
func (c *Column) Supported() error {
	const widest = 76 // digits of a decimal
	switch {
	case c.repeated:
		return errNested
	case c.physical < 0 || c.physical > typeFixedArray:
		return fmt.Errorf("type number %d, want 0 to %d", c.physical, typeFixedArray)
	case c.meaning == meansInterval:
		return errors.New("intervals of time are not supported")
	case c.meaning == meansDecimal && (c.scale < 0 || c.scale > widest || !c.bytes() && c.physical != typeInt32 && c.physical != typeInt64):
		return fmt.Errorf("a decimal of scale %d and type number %d, want 0 to %d and integers or bytes", c.scale, c.physical, widest)
	case c.meaning == meansTime && (c.unit == 0 || c.physical != typeInt32 && c.physical != typeInt64):
		return fmt.Errorf("times of type number %d in an unknown unit", c.physical)
	case c.meaning == meansHalf && (c.physical != typeFixedArray || c.length != 2):
		return fmt.Errorf("floats of 16 bits of type number %d and %d bytes", c.physical, c.length)
	case c.meaning == meansUUID && (c.physical != typeFixedArray || c.length != 16):
		return fmt.Errorf("UUIDs of type number %d and %d bytes", c.physical, c.length)
	}
	return nil
}

// valueBytes is how many bytes a value of the column takes in memory, without the
// content of a text.
func (c *Column) valueBytes() int {
	if c.Kind() == Text {
		return 16
	}
	return 4
}

// plainBytes is how many bytes a plainly encoded value takes in the file: 0 if it
// takes less than one, or if values differ in it.
func (c *Column) plainBytes() int64 {
	switch c.physical {
	case typeInt32, typeFloat:
		return 4
	case typeInt64, typeDouble:
		return 8
	case typeInt96:
		return 12
	case typeFixedArray:
		return c.length
	}
	return 0
}
