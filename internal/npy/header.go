package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Magic is what an NPY file starts with.
const Magic = "\x93NUMPY"

// Header says what an array is.
type Header struct {
	Shape   []int
	Fortran bool // the first index runs fastest, not the last
	Type    Type
	Length  int64 // bytes of the header, after which the elements follow
}

// Elements is how many elements the array has.
func (h Header) Elements() int {
	n := 1
	for _, d := range h.Shape {
		n *= d
	}
	return n
}

// longestHeader is more than any header takes that is not made to exhaust memory.
const longestHeader = 1 << 16

// ReadHeader reads the header of an array. It refuses an array of more elements, or
// of a type, that cannot be read.
func ReadHeader(r io.Reader) (h Header, err error) {
	head := make([]byte, 10)
	if _, err := io.ReadFull(r, head); err != nil {
		return h, cutOff("not an NPY file: it is too short", err)
	}
	if string(head[:len(Magic)]) != Magic {
		return h, fmt.Errorf("not an NPY file: it starts with %q", head[:len(Magic)])
	}
	length, prefix := int64(binary.LittleEndian.Uint16(head[8:])), int64(len(head))
	switch version := head[6]; version {
	case 1:
	case 2, 3:
		more := make([]byte, 2)
		if _, err := io.ReadFull(r, more); err != nil {
			return h, cutOff("not an NPY file: it is too short", err)
		}
		prefix += 2
		length |= int64(binary.LittleEndian.Uint16(more)) << 16
	default:
		return h, fmt.Errorf("NPY version %d, want 1 to 3", version)
	}
	if length > longestHeader {
		return h, fmt.Errorf("not an NPY file: its header claims %d bytes, want at most %d", length, longestHeader)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, cutOff(fmt.Sprintf("not an NPY file: its header of %d bytes is cut off", length), err)
	}
	if h, err = parseHeader(string(text)); err != nil {
		return h, fmt.Errorf("NPY header: %w", err)
	}
	h.Length = prefix + length
	return h, nil
}

// cutOff is what is said of a file that ends early; another fault stays what it is.
func cutOff(what string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New(what)
	}
	return err
}

// parseHeader reads {'descr': …, 'fortran_order': …, 'shape': …}.
func parseHeader(text string) (h Header, err error) {
	v, err := parseLiteral(text)
	if err != nil {
		return h, err
	}
	dict, ok := v.(map[string]any)
	if !ok {
		return h, errors.New("it is no dictionary")
	}
	for key := range dict {
		if key != "descr" && key != "fortran_order" && key != "shape" {
			return h, fmt.Errorf("the key %q is not known", key)
		}
	}
	if h.Fortran, ok = dict["fortran_order"].(bool); !ok {
		return h, errors.New("'fortran_order': want True or False")
	}
	shape, ok := dict["shape"].([]any)
	if !ok {
		return h, errors.New("'shape': want a tuple")
	}
	elements := int64(1)
	for _, v := range shape {
		d, ok := v.(int64)
		if !ok || d < 0 || d > math.MaxInt32*16 {
			return h, fmt.Errorf("'shape': got %v, want lengths", shape)
		}
		if d > 0 && elements > math.MaxInt64/64/d {
			return h, fmt.Errorf("'shape': %v is too large", shape)
		}
		elements *= max(1, d)
		h.Shape = append(h.Shape, int(d))
	}
	h.Type, err = parseType(dict["descr"])
	return h, err
}

// parseType reads the name of a type, as <f8.
func parseType(descr any) (t Type, err error) {
	name, ok := descr.(string)
	if list, is := descr.([]any); is {
		return t, fmt.Errorf("a structured array of %d fields: save each field as an array of its own", len(list))
	}
	if !ok || len(name) < 2 {
		return t, fmt.Errorf("'descr': got %v, want the name of a type", descr)
	}
	if strings.ContainsRune("<>=|", rune(name[0])) {
		t.Big = name[0] == '>'
		name = name[1:]
	}
	t.Name = name
	if name == "" {
		return t, errors.New("'descr': want the name of a type")
	}
	t.Kind = Kind(name[0])
	size := name[1:]
	if t.Kind == Time {
		n, unit, _ := strings.Cut(size, "[")
		unit, ok := strings.CutSuffix(unit, "]")
		if !ok || n != "8" {
			return t, fmt.Errorf("elements of type %q: times without a unit", name)
		}
		size = n
		if t.unit, err = parseUnit(unit); err != nil {
			return t, fmt.Errorf("elements of type %q: %w", name, err)
		}
	}
	if t.Size, err = strconv.Atoi(size); err != nil && t.Kind != 'O' {
		return t, fmt.Errorf("'descr': got %q, want the name of a type", name)
	}
	return t, t.check()
}
