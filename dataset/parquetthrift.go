package dataset

import (
	"encoding/binary"
	"errors"
)

// Types of Thrift's compact protocol (Apache Thrift, "Thrift Compact protocol
// encoding").
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

// deepest is how far structs, lists and schemas may nest.
const deepest = 32

var (
	errCut  = errors.New("it is cut off")
	errDeep = errors.New("it is nested too deeply")
	errType = errors.New("it has a value of a wrong type")
	errList = errors.New("it claims a list longer than itself")
)

// compact reads Thrift's compact protocol, the form of Parquet's footer and page
// headers. It allocates nothing and believes no size: texts are parts of data,
// and a list has no more elements than there are bytes. After the first fault
// all reads are empty, and err tells it.
type compact struct {
	data  []byte // what is not read yet
	depth int
	err   error
}

func (r *compact) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.data = nil
}

func (r *compact) skipBytes(n uint64) []byte {
	if n > uint64(len(r.data)) {
		r.fail(errCut)
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *compact) byte() byte {
	if b := r.skipBytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *compact) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.fail(errCut)
		return 0
	}
	r.data = r.data[n:]
	return v
}

// varint is a zigzag number: 0, -1, 1, -2, …
func (r *compact) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// int is an integer of any size.
func (r *compact) int(kind byte) int64 {
	switch kind {
	case thriftByte:
		return int64(int8(r.byte()))
	case thriftInt16, thriftInt32, thriftInt64:
		return r.varint()
	}
	r.fail(errType)
	return 0
}

func (r *compact) text(kind byte) []byte {
	if kind != thriftBinary {
		r.fail(errType)
		return nil
	}
	return r.skipBytes(r.uvarint())
}

// structure reads a struct: visit reads, or skips, the value of each field.
func (r *compact) structure(kind byte, visit func(id int64, kind byte)) {
	if kind != thriftStruct {
		r.fail(errType)
		return
	}
	if r.depth++; r.depth > deepest {
		r.fail(errDeep)
	}
	defer func() { r.depth-- }()
	id := int64(0)
	for {
		head := r.byte()
		if head == 0 { // also after a fault
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

// list reads a list or set: visit reads, or skips, each element.
func (r *compact) list(kind byte, visit func(kind byte)) {
	if kind != thriftList && kind != thriftSet {
		r.fail(errType)
		return
	}
	if r.depth++; r.depth > deepest {
		r.fail(errDeep)
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
func (r *compact) skip(kind byte) {
	switch kind {
	case thriftTrue, thriftFalse: // the type is the value
	case thriftByte, thriftInt16, thriftInt32, thriftInt64:
		r.int(kind)
	case thriftDouble:
		r.skipBytes(8)
	case thriftUUID:
		r.skipBytes(16)
	case thriftBinary:
		r.text(kind)
	case thriftList, thriftSet:
		r.list(kind, r.skipElement)
	case thriftStruct:
		r.structure(kind, func(_ int64, kind byte) { r.skip(kind) })
	default: // a map: Parquet has none
		r.fail(errType)
	}
}

// skipElement passes over an element of a list, where a truth value is a byte.
func (r *compact) skipElement(kind byte) {
	if kind == thriftTrue || kind == thriftFalse {
		r.byte()
		return
	}
	r.skip(kind)
}
