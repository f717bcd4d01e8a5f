package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// hybrid fills dst from runs of one value and of bit-packed values of so many
// bits (Apache Parquet, "Encodings": RLE). It refuses a run of one value that is
// longer than dst has room for; packed ones may be filled up, DuckDB's to 256.
func hybrid(dst []uint32, data []byte, width int) error {
	if width > 32 {
		return fmt.Errorf("runs of values of %d bits, want at most 32", width)
	}
	for len(dst) > 0 {
		head, n := binary.Uvarint(data)
		if n <= 0 {
			return errCut
		}
		data = data[n:]
		count := head >> 1
		if head&1 == 1 {
			count = min(count, uint64(len(data)+len(dst))) // no overflow below
			part := dst[:min(int(count)*8, len(dst))]
			size := int(count) * width
			if len(data)*8 < len(part)*width {
				return errCut
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
			return errCut
		}
		v := uint32(bitsAt(data, 0, 8*size))
		for i := range dst[:count] {
			dst[i] = v
		}
		dst, data = dst[count:], data[size:]
	}
	return nil
}

// bitsAt is the number of width bits, at most 64, that starts at bit at. All its
// bits are in data.
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

// delta fills dst from DELTA_BINARY_PACKED (Apache Parquet, "Encodings": Delta
// Encoding) and gives what follows. The header must claim as many values.
func delta(dst []int64, data []byte) (rest []byte, err error) {
	block, minis, at, data, err := deltaHead(len(dst), data)
	if err != nil || len(dst) == 0 {
		return data, err
	}
	dst[0] = at
	dst = dst[1:]
	for len(dst) > 0 {
		least, n := binary.Varint(data)
		if n <= 0 || len(data)-n < minis {
			return nil, errCut
		}
		widths := data[n : n+minis]
		data = data[n+minis:]
		for _, width := range widths {
			part := dst[:min(block/minis, len(dst))]
			if len(part) == 0 {
				break
			}
			if data, err = miniblock(part, data, int(width), block/minis, least, &at); err != nil {
				return nil, err
			}
			dst = dst[len(part):]
		}
	}
	return data, nil
}

// deltaHead reads the values in a block, the parts it has, and the first value
// of want.
func deltaHead(want int, data []byte) (block, minis int, first int64, rest []byte, err error) {
	var head [3]uint64
	for i := range head {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			return 0, 0, 0, nil, errCut
		}
		head[i], data = v, data[n:]
	}
	const longest = 1 << 20 // of a block: no writer comes near
	if head[0] == 0 || head[0] > longest || head[1] == 0 || head[0]%head[1] != 0 || head[0]/head[1]%8 != 0 {
		return 0, 0, 0, nil, fmt.Errorf("delta blocks of %d values in %d parts", head[0], head[1])
	}
	if head[2] != uint64(want) {
		return 0, 0, 0, nil, fmt.Errorf("deltas claim %d values, the page has %d", head[2], want)
	}
	first, n := binary.Varint(data)
	if n <= 0 {
		return 0, 0, 0, nil, errCut
	}
	return int(head[0]), int(head[1]), first, data[n:], nil
}

// miniblock adds up differences, less than full of them in the last block.
func miniblock(dst []int64, data []byte, width, full int, least int64, at *int64) (rest []byte, err error) {
	if width > 64 {
		return nil, errors.New("deltas of more than 64 bits")
	}
	if len(data)*8 < len(dst)*width {
		return nil, errCut
	}
	for i := range dst {
		*at += least + int64(bitsAt(data, i*width, width))
		dst[i] = *at
	}
	return data[min(full*width/8, len(data)):], nil
}
