package parquet

import (
	"encoding/binary"
	"fmt"
	"math"
)

// plainBytes is how many bytes a plainly encoded value takes in the file: 0 if it
// takes less than one, or if values differ in it.
func (c Column) plainBytes() int64 {
	switch c.physical {
	case typeInt32, typeFloat:
		return 4
	case typeInt64, typeDouble:
		return 8
	case typeFixedArray:
		return c.length
	}
	return 0
}

// number is the value that is stored as the given bits.
func (c *Column) number(bits uint64) float32 {
	if c.decimal {
		return float32(float64(c.integer(bits)) / math.Pow10(int(c.scale)))
	}
	switch c.physical {
	case typeFloat:
		return math.Float32frombits(uint32(bits))
	case typeDouble:
		return float32(math.Float64frombits(bits))
	}
	if c.unsigned && c.physical == typeInt64 {
		return float32(bits)
	}
	return float32(c.integer(bits))
}

// integer is the integer that is stored as the given bits. An int64 cannot hold
// the largest of 64 bits without a sign.
func (c *Column) integer(bits uint64) int64 {
	switch {
	case c.physical == typeInt32 && c.unsigned:
		return int64(uint32(bits))
	case c.physical == typeInt32:
		return int64(int32(bits))
	}
	return int64(bits)
}

// decodeNumbers fills dst with the values that data encodes.
func (d *decoder) decodeNumbers(dst []float32, encoding int64, data []byte) error {
	c, size := &d.column, int(d.column.plainBytes())
	switch {
	case encoding == encodingPlain && c.physical == typeBoolean:
		return decodeBits(dst, data)
	case encoding == encodingRLE && c.physical == typeBoolean:
		return d.decodeTruthRuns(dst, data)
	case encoding == encodingDelta && (c.physical == typeInt32 || c.physical == typeInt64):
		d.ints = resize(d.ints, int64(len(dst)))
		if _, err := decodeDelta(d.ints, data); err != nil {
			return err
		}
		for i, v := range d.ints {
			dst[i] = c.number(uint64(v))
		}
		return nil
	case encoding != encodingPlain && encoding != encodingSplit || size == 0:
		return fmt.Errorf("encoding %s is not supported for its type", encodingName(encoding))
	}
	if len(data) < len(dst)*size {
		return fmt.Errorf("%d values claimed in %d bytes", len(dst), len(data))
	}
	for i := range dst {
		switch {
		case encoding == encodingSplit: // the first bytes of all values, then the second bytes, …
			var b [8]byte
			for k := range size {
				b[k] = data[k*len(dst)+i]
			}
			dst[i] = c.number(binary.LittleEndian.Uint64(b[:]))
		case size == 4:
			dst[i] = c.number(uint64(binary.LittleEndian.Uint32(data[4*i:])))
		default:
			dst[i] = c.number(binary.LittleEndian.Uint64(data[8*i:]))
		}
	}
	return nil
}

// decodeBits decodes truth values, a bit each.
func decodeBits(dst []float32, data []byte) error {
	if len(data)*8 < len(dst) {
		return fmt.Errorf("%d values claimed in %d bytes", len(dst), len(data))
	}
	for i := range dst {
		dst[i] = float32(data[i/8] >> (i % 8) & 1)
	}
	return nil
}

// decodeTruthRuns decodes truth values that are stored as runs.
func (d *decoder) decodeTruthRuns(dst []float32, data []byte) error {
	runs, _, err := splitPrefixed(data)
	if err != nil {
		return err
	}
	d.index = resize(d.index, int64(len(dst)))
	if err := decodeHybrid(d.index, runs, 1); err != nil {
		return err
	}
	for i, v := range d.index {
		dst[i] = float32(v)
	}
	return nil
}
