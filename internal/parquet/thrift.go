package parquet

import (
	"encoding/binary"
	"errors"
)

// Types of values in Thrift's compact protocol (Apache Thrift, "Thrift Compact
// protocol encoding").
const (
	thriftTrue = 1 + iota
	thriftFalse
	thriftByte
	thriftInt16
	thriftInt32
	thriftInt64
	thriftDouble
	thriftBinary
	thriftList
	thriftSet
	thriftMap
	thriftStruct
	thriftUUID
)

// maxDepth is how deeply structs, lists and schemas may be nested.
const maxDepth = 32

var (
	errTruncated = errors.New("it is cut off")
	errDepth     = errors.New("it is nested too deeply")
	errType      = errors.New("it has a value of a wrong type")
	errList      = errors.New("it claims a list longer than itself")
)

// thriftReader reads Thrift's compact protocol, in which Parquet stores the footer
// and the headers of pages. It allocates nothing and trusts no size: texts are
// parts of data, and a list has no more elements than there are bytes. After the
// first fault, which err keeps, all reads give zero values.
type thriftReader struct {
	data  []byte // what is not read yet
	depth int    // of the struct or list that is being read
	err   error
}

func (r *thriftReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.data = nil
}

// bytes reads n bytes.
func (r *thriftReader) bytes(n uint64) []byte {
	if n > uint64(len(r.data)) {
		r.fail(errTruncated)
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *thriftReader) byte() byte {
	if b := r.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *thriftReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.fail(errTruncated)
		return 0
	}
	r.data = r.data[n:]
	return v
}

// varint reads a zigzag number, which stores 0, -1, 1, -2, … as 0, 1, 2, 3, …
func (r *thriftReader) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// int reads an integer of any size.
func (r *thriftReader) int(kind byte) int64 {
	switch kind {
	case thriftByte:
		return int64(int8(r.byte()))
	case thriftInt16, thriftInt32, thriftInt64:
		return r.varint()
	}
	r.fail(errType)
	return 0
}

func (r *thriftReader) text(kind byte) []byte {
	if kind != thriftBinary {
		r.fail(errType)
		return nil
	}
	return r.bytes(r.uvarint())
}

// structure reads a struct. It calls visit for each field, which must read or skip
// the field's value.
func (r *thriftReader) structure(kind byte, visit func(id int64, kind byte)) {
	if kind != thriftStruct {
		r.fail(errType)
		return
	}
	if r.depth++; r.depth > maxDepth {
		r.fail(errDepth)
	}
	defer func() { r.depth-- }()
	id := int64(0)
	for {
		head := r.byte()
		if head == 0 { // the end of the struct, and what is read after a fault
			return
		}
		if delta := head >> 4; delta > 0 {
			id += int64(delta)
		} else {
			id = r.varint()
		}
		visit(id, head&0x0f)
	}
}

// list reads a list or a set. It calls visit for each element, which must read or
// skip it.
func (r *thriftReader) list(kind byte, visit func(kind byte)) {
	if kind != thriftList && kind != thriftSet {
		r.fail(errType)
		return
	}
	if r.depth++; r.depth > maxDepth {
		r.fail(errDepth)
	}
	defer func() { r.depth-- }()
	head := r.byte()
	n := uint64(head >> 4)
	if n == 15 {
		n = r.uvarint()
	}
	if n > uint64(len(r.data)) {
		r.fail(errList)
	}
	for ; n > 0 && r.err == nil; n-- {
		visit(head & 0x0f)
	}
}

// skip passes over the value of a field.
func (r *thriftReader) skip(kind byte) {
	switch kind {
	case thriftTrue, thriftFalse: // the type is the value
	case thriftByte, thriftInt16, thriftInt32, thriftInt64:
		r.int(kind)
	case thriftDouble:
		r.bytes(8)
	case thriftUUID:
		r.bytes(16)
	case thriftBinary:
		r.text(kind)
	case thriftList, thriftSet:
		r.list(kind, r.skipElement)
	case thriftStruct:
		r.structure(kind, func(_ int64, kind byte) { r.skip(kind) })
	default: // a map, which Parquet does not use
		r.fail(errType)
	}
}

// skipElement passes over an element of a list, in which a truth value is a byte.
func (r *thriftReader) skipElement(kind byte) {
	if kind == thriftTrue || kind == thriftFalse {
		r.byte()
		return
	}
	r.skip(kind)
}
