package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// pageReader reads the pages of one column in one row group.
type pageReader struct {
	file       *File
	column     Column
	codec      int64
	at, end    int64
	raw, plain []byte // a page's bytes, in the file and decompressed; used again
	decode     decoder
}

func newPageReader(f *File, c Column, chunk columnChunk) *pageReader {
	p := &pageReader{file: f, column: c, codec: chunk.codec, at: chunk.offset, end: chunk.offset + chunk.size}
	p.decode = decoder{column: c, reserve: f.reserve}
	return p
}

// pageHeader is the header of a page. Definition levels tell which values are
// there, repetition levels where lists start.
type pageHeader struct {
	kind                 int64
	plain, size          int64 // bytes of the page, decompressed and in the file
	checksum             int64 // CRC-32 of the bytes in the file
	hasChecksum          bool
	values               int64
	encoding             int64
	levelEncoding        int64 // version 1: encoding of the definition levels
	definitionLevelBytes int64 // version 2: bytes of the definition levels
	repetitionLevelBytes int64 // version 2: bytes of the repetition levels
	uncompressed         bool  // version 2: whether the codec is not used
}

// Kinds of page (parquet.thrift: PageType).
const (
	pageData       = 0
	pageDictionary = 2
	pageDataV2     = 3
)

// header reads the header of the next page and refuses one that claims more than
// the column has. p.at is then where the page's bytes start.
func (p *pageReader) header() (h pageHeader, err error) {
	if p.at >= p.end {
		return h, errors.New("its pages end early")
	}
	for _, window := range []int64{1 << 10, 1 << 20} { // a header is long only if its statistics quote long texts
		p.raw = resize(p.raw, min(window, p.end-p.at))
		if _, err := p.file.r.ReadAt(p.raw, p.at); err != nil {
			return h, err
		}
		r := &thriftReader{data: p.raw}
		h = readPageHeader(r)
		if err = r.err; err == nil {
			p.at += int64(len(p.raw) - len(r.data))
			break
		}
	}
	if err != nil {
		return h, fmt.Errorf("malformed page header: %w", err)
	}
	if h.size < 0 || h.size > p.end-p.at {
		return h, fmt.Errorf("a page claims %d bytes where %d are left", h.size, p.end-p.at)
	}
	if h.plain < 0 || h.values < 0 {
		return h, fmt.Errorf("a page claims %d values in %d bytes", h.values, h.plain)
	}
	if most := min(h.plain, h.size); h.definitionLevelBytes < 0 || h.repetitionLevelBytes < 0 || h.definitionLevelBytes > most || h.repetitionLevelBytes > most-h.definitionLevelBytes {
		return h, fmt.Errorf("a page of %d bytes claims %d and %d for levels", most, h.repetitionLevelBytes, h.definitionLevelBytes)
	}
	return h, nil
}

// readPageHeader reads PageHeader.
func readPageHeader(r *thriftReader) (h pageHeader) {
	r.structure(thriftStruct, func(id int64, kind byte) {
		switch id {
		case 1:
			h.kind = r.int(kind)
		case 2:
			h.plain = r.int(kind)
		case 3:
			h.size = r.int(kind)
		case 4:
			h.checksum, h.hasChecksum = r.int(kind), true
		case 5, 7, 8: // DataPageHeader, DictionaryPageHeader, DataPageHeaderV2
			r.structure(kind, func(field int64, kind byte) { h.readField(r, id == 8, field, kind) })
		default:
			r.skip(kind)
		}
	})
	return h
}

// readField reads a field of DataPageHeader, DictionaryPageHeader or, for v2,
// DataPageHeaderV2.
func (h *pageHeader) readField(r *thriftReader, v2 bool, id int64, kind byte) {
	switch {
	case id == 1:
		h.values = r.int(kind)
	case id == 2 && !v2 || id == 4 && v2:
		h.encoding = r.int(kind)
	case id == 3 && !v2 && kind > thriftFalse: // in a DictionaryPageHeader it is a truth value, whether the page is sorted
		h.levelEncoding = r.int(kind)
	case id == 5 && v2:
		h.definitionLevelBytes = r.int(kind)
	case id == 6 && v2:
		h.repetitionLevelBytes = r.int(kind)
	case id == 7 && v2:
		h.uncompressed = kind == thriftFalse
		r.skip(kind)
	default:
		r.skip(kind)
	}
}

// skip passes over the page that h is the header of.
func (p *pageReader) skip(h pageHeader) { p.at += h.size }

// body reads a page's bytes and decompresses all but the first head ones, which are
// never compressed.
func (p *pageReader) body(h pageHeader, head int64) ([]byte, error) {
	const each = 40 // bytes of a value and of what is known of it while it is decoded
	if err := p.file.allow(h.size + h.plain + each*h.values); err != nil {
		return nil, err
	}
	p.raw = resize(p.raw, h.size)
	if _, err := p.file.r.ReadAt(p.raw, p.at); err != nil {
		return nil, err
	}
	p.at += h.size
	if sum := crc32.ChecksumIEEE(p.raw); h.hasChecksum && sum != uint32(h.checksum) {
		return nil, fmt.Errorf("a page's checksum is %08x, want %08x", sum, uint32(h.checksum))
	}
	if err := p.file.reserve(h.plain); err != nil {
		return nil, err
	}
	if p.codec == codecNone || h.uncompressed {
		return p.raw, nil
	}
	p.plain = resize(p.plain, h.plain)
	copy(p.plain, p.raw[:head])
	if h.plain == head { // some writers then write no bytes, others compress none
		return p.plain, nil
	}
	return p.plain, p.file.decompress(p.codec, p.plain[head:], p.raw[head:])
}

// readDictionary reads a dictionary page, whose values later pages refer to.
func (p *pageReader) readDictionary(h pageHeader) error {
	data, err := p.body(h, 0)
	if err != nil {
		return err
	}
	if h.encoding != encodingPlain && h.encoding != encodingPlainIndex {
		return fmt.Errorf("encoding %s of a dictionary is not supported", encodingName(h.encoding))
	}
	if p.column.bytes() {
		data = bytes.Clone(data) // the entries are parts of it
	}
	return p.decode.setDictionary(h.values, data)
}

// values reads a data page and decodes its values.
func (p *pageReader) values(h pageHeader) (Values, error) {
	head := int64(0)
	if h.kind == pageDataV2 {
		head = h.definitionLevelBytes + h.repetitionLevelBytes
	}
	data, err := p.body(h, head)
	if err != nil {
		return Values{}, err
	}
	levels := data[:head]
	data = data[head:]
	switch {
	case h.kind == pageDataV2:
		levels = levels[h.repetitionLevelBytes:]
	case p.column.optional > 0:
		if h.levelEncoding != encodingRLE {
			return Values{}, fmt.Errorf("encoding %s of levels is not supported", encodingName(h.levelEncoding))
		}
		if levels, data, err = splitPrefixed(data); err != nil {
			return Values{}, err
		}
	}
	absent, present := []bool(nil), int(h.values)
	if p.column.optional > 0 {
		if absent, present, err = p.decode.decodeAbsent(present, levels, p.column.optional); err != nil {
			return Values{}, err
		}
	}
	return p.decode.decodePage(present, absent, h.encoding, data)
}

// splitPrefixed splits data, whose first four bytes are a length, into the part of
// that length after them and the rest.
func splitPrefixed(data []byte) (part, rest []byte, err error) {
	if len(data) < 4 {
		return nil, nil, errTruncated
	}
	n := binary.LittleEndian.Uint32(data)
	if data = data[4:]; uint64(n) > uint64(len(data)) {
		return nil, nil, fmt.Errorf("claims %d bytes of levels in a page of %d", n, len(data)+4)
	}
	return data[:n], data[n:], nil
}

// resize is a slice of length n with arbitrary content, in the memory of b if that
// is enough.
func resize[T any](b []T, n int64) []T {
	if int64(cap(b)) < n {
		return make([]T, n)
	}
	return b[:n]
}
