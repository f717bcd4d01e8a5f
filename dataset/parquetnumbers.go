package dataset

import (
	"encoding/binary"
	"fmt"
	"math"
)

// numeric reports whether values of the column are numbers.
func (c parquetColumn) numeric() bool {
	return c.kind != parquetByteArray && c.kind != parquetFixedArray
}

// bytes is how many one plain value takes; 0 if less than one, or if they differ.
func (c parquetColumn) bytes() int64 {
	switch c.kind {
	case parquetInt32, parquetFloat:
		return 4
	case parquetInt64, parquetDouble:
		return 8
	case parquetFixedArray:
		return c.length
	}
	return 0
}

// number is the value whose bits these are.
func (c *parquetColumn) number(bits uint64) float32 {
	if c.decimal {
		return float32(float64(c.integer(bits)) / math.Pow10(int(c.scale)))
	}
	switch c.kind {
	case parquetFloat:
		return math.Float32frombits(uint32(bits))
	case parquetDouble:
		return float32(math.Float64frombits(bits))
	}
	if c.unsigned && c.kind == parquetInt64 {
		return float32(bits)
	}
	return float32(c.integer(bits))
}

// integer is the integer whose bits these are; one of 64 bits without a sign may
// be too large.
func (c *parquetColumn) integer(bits uint64) int64 {
	switch {
	case c.kind == parquetInt32 && c.unsigned:
		return int64(uint32(bits))
	case c.kind == parquetInt32:
		return int64(int32(bits))
	}
	return int64(bits)
}

// decodeNumbers fills dst.
func (d *parquetDecoder) decodeNumbers(dst []float32, encoding int64, data []byte) error {
	c, size := &d.column, int(d.column.bytes())
	switch {
	case encoding == encodingPlain && c.kind == parquetBoolean:
		return d.decodeBits(dst, data)
	case encoding == encodingRLE && c.kind == parquetBoolean:
		return d.decodeRuns(dst, data)
	case encoding == encodingDelta && (c.kind == parquetInt32 || c.kind == parquetInt64):
		d.ints = resized(d.ints, int64(len(dst)))
		if _, err := delta(d.ints, data); err != nil {
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
		case encoding == encodingSplit: // the first bytes of all, then the second
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

func (d *parquetDecoder) decodeBits(dst []float32, data []byte) error {
	if len(data)*8 < len(dst) {
		return fmt.Errorf("%d values claimed in %d bytes", len(dst), len(data))
	}
	for i := range dst {
		dst[i] = float32(data[i/8] >> (i % 8) & 1)
	}
	return nil
}

func (d *parquetDecoder) decodeRuns(dst []float32, data []byte) error {
	runs, _, err := prefixed(data)
	if err != nil {
		return err
	}
	d.index = resized(d.index, int64(len(dst)))
	if err := hybrid(d.index, runs, 1); err != nil {
		return err
	}
	for i, v := range d.index {
		dst[i] = float32(v)
	}
	return nil
}
