package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// decodeHybrid fills dst from runs of one repeated value and runs of bit-packed
// values, each of width bits (Apache Parquet, "Encodings": Run Length Encoding /
// Bit-Packing Hybrid). A repeated value for which dst has no room is refused. A
// bit-packed run may go on after dst is full: writers pad it, DuckDB up to 256
// values.
func decodeHybrid(dst []uint32, data []byte, width int) error {
	if width > 32 {
		return fmt.Errorf("runs of values of %d bits, want at most 32", width)
	}
	for len(dst) > 0 {
		head, n := binary.Uvarint(data)
		if n <= 0 {
			return errTruncated
		}
		data = data[n:]
		count := head >> 1
		if head&1 == 1 {
			count = min(count, uint64(len(data)+len(dst))) // so that nothing below overflows
			part := dst[:min(int(count)*8, len(dst))]
			size := int(count) * width
			if len(data)*8 < len(part)*width {
				return errTruncated
			}
			for i := range part {
				part[i] = uint32(bitsAt(data, i*width, width))
			}
			dst, data = dst[len(part):], data[min(size, len(data)):]
			continue
		}
		size := (width + 7) / 8
		if count > uint64(len(dst)) {
			return fmt.Errorf("a run claims %d values where %d are left", count, len(dst))
		}
		if len(data) < size {
			return errTruncated
		}
		v := uint32(bitsAt(data, 0, 8*size))
		for i := range dst[:count] {
			dst[i] = v
		}
		dst, data = dst[count:], data[size:]
	}
	return nil
}

// bitsAt is the number that data has in the width bits from bit at on, the lowest
// first. width is at most 64, and data must have all the bits.
func bitsAt(data []byte, at, width int) uint64 {
	first, shift := at/8, at%8
	mask := uint64(1)<<width - 1
	if first+8 <= len(data) && shift+width <= 64 {
		return binary.LittleEndian.Uint64(data[first:]) >> shift & mask
	}
	var v uint64
	for k := 0; 8*k < shift+width; k++ {
		b := uint64(data[first+k])
		if k == 0 {
			v = b >> shift
		} else {
			v |= b << (8*k - shift)
		}
	}
	return v & mask
}

// decodeDelta fills dst from DELTA_BINARY_PACKED (Apache Parquet, "Encodings": Delta
// Encoding) and gives the data that follow. Their header must claim as many values
// as dst has.
func decodeDelta(dst []int64, data []byte) (rest []byte, err error) {
	block, minis, at, data, err := readDeltaHeader(len(dst), data)
	if err != nil || len(dst) == 0 {
		return data, err
	}
	dst[0] = at
	dst = dst[1:]
	for len(dst) > 0 {
		least, n := binary.Varint(data)
		if n <= 0 || len(data)-n < minis {
			return nil, errTruncated
		}
		widths := data[n : n+minis]
		data = data[n+minis:]
		for _, width := range widths {
			part := dst[:min(block/minis, len(dst))]
			if len(part) == 0 {
				break
			}
			if data, err = decodeMiniblock(part, data, int(width), block/minis, least, &at); err != nil {
				return nil, err
			}
			dst = dst[len(part):]
		}
	}
	return data, nil
}

// readDeltaHeader reads how many values a block has, how many parts it is divided
// into, and the first of the values, of which there must be want.
func readDeltaHeader(want int, data []byte) (block, minis int, first int64, rest []byte, err error) {
	var head [3]uint64
	for i := range head {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			return 0, 0, 0, nil, errTruncated
		}
		head[i], data = v, data[n:]
	}
	const longest = 1 << 20 // values in a block; no writer comes near
	if head[0] == 0 || head[0] > longest || head[1] == 0 || head[0]%head[1] != 0 || head[0]/head[1]%8 != 0 {
		return 0, 0, 0, nil, fmt.Errorf("delta blocks of %d values in %d parts", head[0], head[1])
	}
	if head[2] != uint64(want) {
		return 0, 0, 0, nil, fmt.Errorf("deltas claim %d values, the page has %d", head[2], want)
	}
	first, n := binary.Varint(data)
	if n <= 0 {
		return 0, 0, 0, nil, errTruncated
	}
	return int(head[0]), int(head[1]), first, data[n:], nil
}

// decodeMiniblock fills dst with values of which each is the one before it, at first
// *at, plus least plus a number of width bits. data starts with full such numbers,
// of which the last miniblock uses fewer; it gives the data after them.
func decodeMiniblock(dst []int64, data []byte, width, full int, least int64, at *int64) (rest []byte, err error) {
	if width > 64 {
		return nil, errors.New("deltas of more than 64 bits")
	}
	if len(data)*8 < len(dst)*width {
		return nil, errTruncated
	}
	for i := range dst {
		*at += least + int64(bitsAt(data, i*width, width))
		dst[i] = *at
	}
	return data[min(full*width/8, len(data)):], nil
}
