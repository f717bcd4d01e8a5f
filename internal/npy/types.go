package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlam-go/dlam/internal/half"
)

// Kind is what the elements of an array are.
type Kind byte

// The kinds of elements that can be read.
const (
	Boolean  Kind = 'b'
	Integer  Kind = 'i'
	Unsigned Kind = 'u'
	Float    Kind = 'f'
	Time     Kind = 'M'
	Bytes    Kind = 'S' // texts of one byte a character
	Unicode  Kind = 'U' // texts of four bytes a character
)

// Type is the type of an array's elements.
type Type struct {
	Name string // as NumPy calls it, without the byte order: "f8"
	Kind Kind
	Size int  // bytes of an element
	Big  bool // the first byte is the most significant
	unit timeUnit
}

// check refuses types that cannot be read, and makes Size that of an element.
func (t *Type) check() error {
	sizes := map[Kind][]int{Boolean: {1}, Integer: {1, 2, 4, 8}, Unsigned: {1, 2, 4, 8}, Float: {2, 4, 8}, Time: {8}}
	for _, size := range sizes[t.Kind] {
		if t.Size == size {
			return nil
		}
	}
	const longest = 1 << 20
	switch t.Kind {
	case Bytes, Unicode:
		if t.Size < 1 || t.Size > longest {
			return fmt.Errorf("elements of type %q: want texts of 1 to %d characters", t.Name, longest)
		}
		if t.Kind == Unicode {
			t.Size *= 4
		}
		return nil
	case 'O':
		return errors.New("elements are Python objects: save numbers or texts (astype)")
	}
	return fmt.Errorf("elements of type %q, want truth values, integers, floats of 16 to 64 bits, texts or times", t.Name)
}

// Text reports whether the elements are texts.
func (t Type) Text() bool { return t.Kind == Bytes || t.Kind == Unicode }

// order is the byte order.
func (t Type) order() binary.ByteOrder {
	if t.Big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// bits is an element's bits.
func (t Type) bits(raw []byte) uint64 {
	switch o := t.order(); t.Size {
	case 1:
		return uint64(raw[0])
	case 2:
		return uint64(o.Uint16(raw))
	case 4:
		return uint64(o.Uint32(raw))
	default:
		return o.Uint64(raw)
	}
}

// Int is the element at the start of raw, of an array of integers or truth values.
// One of Unsigned is to be converted to uint64.
func (t Type) Int(raw []byte) int64 {
	v := t.bits(raw)
	switch {
	case t.Kind == Boolean && v != 0:
		return 1
	case t.Kind != Integer:
		return int64(v)
	}
	shift := 64 - 8*t.Size
	return int64(v<<shift) >> shift
}

// Float is the element at the start of raw, of an array of numbers or truth values.
func (t Type) Float(raw []byte) float64 {
	switch {
	case t.Kind == Unsigned:
		return float64(t.bits(raw))
	case t.Kind != Float:
		return float64(t.Int(raw))
	case t.Size == 2:
		return half.Float(uint16(t.bits(raw)))
	case t.Size == 4:
		return float64(math.Float32frombits(uint32(t.bits(raw))))
	}
	return math.Float64frombits(t.bits(raw))
}

// Ints fills dst with elements of an array of integers or truth values: the first at
// the start of raw, each stride bytes after the one before it.
func (t Type) Ints(dst []int64, raw []byte, stride int) {
	switch {
	case t.Kind == Unsigned && t.Size == 1:
		for i := range dst {
			dst[i] = int64(raw[i*stride])
		}
	case t.Kind == Integer && t.Size == 8 && !t.Big:
		for i := range dst {
			dst[i] = int64(binary.LittleEndian.Uint64(raw[i*stride:]))
		}
	default:
		for i := range dst {
			dst[i] = t.Int(raw[i*stride:])
		}
	}
}

// Floats fills dst with elements of an array of numbers or truth values, as Ints
// does.
func (t Type) Floats(dst []float64, raw []byte, stride int) {
	switch {
	case t.Kind == Float && t.Size == 4 && !t.Big:
		for i := range dst {
			dst[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[i*stride:])))
		}
	case t.Kind == Float && t.Size == 8 && !t.Big:
		for i := range dst {
			dst[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[i*stride:]))
		}
	case t.Kind == Unsigned && t.Size == 1:
		for i := range dst {
			dst[i] = float64(raw[i*stride])
		}
	default:
		for i := range dst {
			dst[i] = t.Float(raw[i*stride:])
		}
	}
}

// AppendText appends the text at the start of raw, without the zeros that fill it
// up, as UTF-8 if the array is of Unicode.
func (t Type) AppendText(dst, raw []byte) []byte {
	raw = raw[:t.Size]
	if t.Kind == Bytes {
		for len(raw) > 0 && raw[len(raw)-1] == 0 {
			raw = raw[:len(raw)-1]
		}
		return append(dst, raw...)
	}
	o := t.order()
	for len(raw) > 0 && o.Uint32(raw[len(raw)-4:]) == 0 {
		raw = raw[:len(raw)-4]
	}
	for ; len(raw) > 0; raw = raw[4:] {
		c := o.Uint32(raw)
		if c > utf8.MaxRune {
			c = utf8.RuneError
		}
		dst = utf8.AppendRune(dst, rune(c))
	}
	return dst
}

// Micros is the time at the start of raw, in microseconds since 1970, rounded down;
// ok is false if it is missing (NaT) or beyond what microseconds count.
func (t Type) Micros(raw []byte) (micros int64, ok bool) {
	v := int64(t.bits(raw))
	if v == math.MinInt64 {
		return 0, false
	}
	return t.unit.count(v)
}

// timeUnit is the unit of times: a number of months, of microseconds, or a fraction
// of one.
type timeUnit struct {
	times  int64 // so many
	months int64 // of these
	micros int64 // or of these
	parts  int64 // or of these to a microsecond
}

// parseUnit reads a unit of times, as ms or 10us.
func parseUnit(text string) (u timeUnit, err error) {
	number := strings.TrimRight(text, "YMWDhmsunpfa")
	u.times = 1
	if number != "" {
		if u.times, err = strconv.ParseInt(number, 10, 32); err != nil || u.times < 1 {
			return u, fmt.Errorf("times in units of %q", text)
		}
	}
	second := time.Second.Microseconds()
	switch text[len(number):] {
	case "Y":
		u.months = 12
	case "M":
		u.months = 1
	case "W":
		u.micros = 7 * 24 * 3600 * second
	case "D":
		u.micros = 24 * 3600 * second
	case "h":
		u.micros = 3600 * second
	case "m":
		u.micros = 60 * second
	case "s":
		u.micros = second
	case "ms":
		u.micros = 1000
	case "us":
		u.micros = 1
	case "ns":
		u.parts = 1000
	default:
		return u, fmt.Errorf("times in units of %q", text)
	}
	return u, nil
}

func (u timeUnit) count(v int64) (int64, bool) {
	if v > math.MaxInt64/u.times || v < math.MinInt64/u.times {
		return 0, false
	}
	v *= u.times
	switch {
	case u.parts > 0:
		if v < 0 {
			v -= u.parts - 1
		}
		return v / u.parts, true
	case u.months > 0:
		const farthest = 1 << 20 // years
		if v > farthest || v < -farthest {
			return 0, false
		}
		return time.Date(1970, 1+time.Month(v*u.months), 1, 0, 0, 0, 0, time.UTC).UnixMicro(), true
	case v > math.MaxInt64/u.micros || v < math.MinInt64/u.micros:
		return 0, false
	}
	return v * u.micros, true
}
