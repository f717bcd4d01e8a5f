package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// parquetPages reads the pages of one column in one row group.
type parquetPages struct {
	file       *parquetFile
	column     parquetColumn
	codec      int64
	at, end    int64
	raw, plain []byte // of a page, used again
	decode     parquetDecoder
}

func newParquetPages(f *parquetFile, c parquetColumn, chunk parquetChunk) *parquetPages {
	p := &parquetPages{file: f, column: c, codec: chunk.codec, at: chunk.offset, end: chunk.offset + chunk.size}
	p.decode = parquetDecoder{column: c, spend: f.spend}
	return p
}

// parquetPage is a page's header.
type parquetPage struct {
	kind         int64
	plain, size  int64 // bytes, plain and as they are in the file
	sum          int64 // CRC-32
	summed       bool
	values       int64
	encoding     int64
	levels       int64 // v1: the encoding of which values are there
	levelBytes   int64 // v2: their bytes
	repeatBytes  int64 // v2: bytes about lists
	uncompressed bool  // v2, whatever the codec
}

// Kinds of page.
const (
	parquetData       = 0
	parquetDictionary = 2
	parquetDataV2     = 3
)

// header reads the next page's header and refuses one that claims more than the
// column has. at is then where the page's bytes start.
func (p *parquetPages) header() (h parquetPage, err error) {
	if p.at >= p.end {
		return h, errors.New("its pages end early")
	}
	for _, window := range []int64{1 << 10, 1 << 20} { // long only if it quotes long texts
		p.raw = resized(p.raw, min(window, p.end-p.at))
		if _, err := p.file.r.ReadAt(p.raw, p.at); err != nil {
			return h, err
		}
		r := &compact{data: p.raw}
		h = parquetPageOf(r)
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
	if most := min(h.plain, h.size); h.levelBytes < 0 || h.repeatBytes < 0 || h.levelBytes > most || h.repeatBytes > most-h.levelBytes {
		return h, fmt.Errorf("a page of %d bytes claims %d and %d for levels", most, h.repeatBytes, h.levelBytes)
	}
	return h, nil
}

// parquetPageOf reads PageHeader.
func parquetPageOf(r *compact) (h parquetPage) {
	r.structure(thriftStruct, func(id int64, kind byte) {
		switch id {
		case 1:
			h.kind = r.int(kind)
		case 2:
			h.plain = r.int(kind)
		case 3:
			h.size = r.int(kind)
		case 4:
			h.sum, h.summed = r.int(kind), true
		case 5, 7, 8: // DataPageHeader, DictionaryPageHeader, DataPageHeaderV2
			r.structure(kind, func(field int64, kind byte) { h.field(r, id == 8, field, kind) })
		default:
			r.skip(kind)
		}
	})
	return h
}

func (h *parquetPage) field(r *compact, v2 bool, id int64, kind byte) {
	switch {
	case id == 1:
		h.values = r.int(kind)
	case id == 2 && !v2 || id == 4 && v2:
		h.encoding = r.int(kind)
	case id == 3 && !v2 && kind > thriftFalse: // in a dictionary's, whether it is sorted
		h.levels = r.int(kind)
	case id == 5 && v2:
		h.levelBytes = r.int(kind)
	case id == 6 && v2:
		h.repeatBytes = r.int(kind)
	case id == 7 && v2:
		h.uncompressed = kind == thriftFalse
		r.skip(kind)
	default:
		r.skip(kind)
	}
}

// body reads a page's bytes and inflates them, but for head bytes at the front.
func (p *parquetPages) body(h parquetPage, head int64) ([]byte, error) {
	p.raw = resized(p.raw, h.size)
	if _, err := p.file.r.ReadAt(p.raw, p.at); err != nil {
		return nil, err
	}
	p.at += h.size
	if sum := crc32.ChecksumIEEE(p.raw); h.summed && sum != uint32(h.sum) {
		return nil, fmt.Errorf("a page's checksum is %08x, want %08x", sum, uint32(h.sum))
	}
	if err := p.file.spend(h.plain); err != nil {
		return nil, err
	}
	if p.codec == codecNone || h.uncompressed {
		return p.raw, nil
	}
	p.plain = resized(p.plain, h.plain)
	copy(p.plain, p.raw[:head])
	if h.plain == head { // some writers leave nothing, others compress nothing
		return p.plain, nil
	}
	return p.plain, p.file.inflate(p.codec, p.plain[head:], p.raw[head:])
}

// learn reads a dictionary page.
func (p *parquetPages) learn(h parquetPage) error {
	data, err := p.body(h, 0)
	if err != nil {
		return err
	}
	if h.encoding != encodingPlain && h.encoding != encodingPlainIndex {
		return fmt.Errorf("encoding %s of a dictionary is not supported", encodingName(h.encoding))
	}
	return p.decode.learn(h.values, data)
}

// values reads a data page's bytes and gives its values.
func (p *parquetPages) values(h parquetPage) (parquetValues, error) {
	head := int64(0)
	if h.kind == parquetDataV2 {
		head = h.levelBytes + h.repeatBytes
	}
	data, err := p.body(h, head)
	if err != nil {
		return parquetValues{}, err
	}
	levels := data[:head]
	data = data[head:]
	switch {
	case h.kind == parquetDataV2:
		levels = levels[h.repeatBytes:]
	case p.column.optional > 0:
		if h.levels != encodingRLE {
			return parquetValues{}, fmt.Errorf("encoding %s of levels is not supported", encodingName(h.levels))
		}
		if levels, data, err = prefixed(data); err != nil {
			return parquetValues{}, err
		}
	}
	if p.column.optional > 0 {
		if err := p.decode.present(int(h.values), levels, p.column.optional); err != nil {
			return parquetValues{}, err
		}
	}
	return p.decode.page(int(h.values), h.encoding, data)
}

// prefixed divides data into a part that its first four bytes tell the length
// of, and the rest.
func prefixed(data []byte) (part, rest []byte, err error) {
	if len(data) < 4 {
		return nil, nil, errCut
	}
	n := binary.LittleEndian.Uint32(data)
	if data = data[4:]; uint64(n) > uint64(len(data)) {
		return nil, nil, fmt.Errorf("claims %d bytes of levels in a page of %d", n, len(data)+4)
	}
	return data[:n], data[n:], nil
}

// resized is a slice of length n, b's memory if that is enough.
func resized[T any](b []T, n int64) []T {
	if int64(cap(b)) < n {
		return make([]T, n)
	}
	return b[:n]
}
