package parquet

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/dlam-go/dlam/internal/half"
)

// decodeBits fills dst with the bits of the stored numbers that data encodes, of
// columns of numbers of 1 to 64 bits.
func (d *decoder) decodeBits(dst []int64, encoding int64, data []byte) error {
	c, size := &d.column, int(d.column.plainBytes())
	switch {
	case encoding == encodingPlain && c.physical == typeBoolean:
		return decodeTruths(dst, data)
	case encoding == encodingRLE && c.physical == typeBoolean:
		return d.decodeTruthRuns(dst, data)
	case encoding == encodingDelta && (c.physical == typeInt32 || c.physical == typeInt64):
		_, err := decodeDelta(dst, data)
		return err
	case encoding != encodingPlain && encoding != encodingSplit || size == 0 || size > 8:
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
			dst[i] = int64(binary.LittleEndian.Uint64(b[:]))
		case size == 2:
			dst[i] = int64(binary.LittleEndian.Uint16(data[2*i:]))
		case size == 4:
			dst[i] = int64(binary.LittleEndian.Uint32(data[4*i:]))
		default:
			dst[i] = int64(binary.LittleEndian.Uint64(data[8*i:]))
		}
	}
	return nil
}

// decodeTruths decodes truth values, a bit each.
func decodeTruths(dst []int64, data []byte) error {
	if len(data)*8 < len(dst) {
		return fmt.Errorf("%d values claimed in %d bytes", len(dst), len(data))
	}
	for i := range dst {
		dst[i] = int64(data[i/8] >> (i % 8) & 1)
	}
	return nil
}

// decodeTruthRuns decodes truth values that are stored as runs.
func (d *decoder) decodeTruthRuns(dst []int64, data []byte) error {
	runs, _, err := splitPrefixed(data)
	if err != nil {
		return err
	}
	d.index = resize(d.index, int64(len(dst)))
	if err := decodeHybrid(d.index, runs, 1); err != nil {
		return err
	}
	for i, v := range d.index {
		dst[i] = int64(v)
	}
	return nil
}

// toIntegers makes the numbers that bits are stored as the integers that they mean:
// times in microseconds, others themselves.
func (c *Column) toIntegers(bits []int64) error {
	if c.physical == typeInt32 {
		for i, v := range bits {
			if bits[i] = int64(int32(v)); c.unsigned {
				bits[i] = int64(uint32(v))
			}
		}
	}
	if c.meaning != meansTime {
		return nil
	}
	for i, v := range bits {
		if c.unit < time.Microsecond {
			bits[i] = floor(v, int64(time.Microsecond/c.unit))
			continue
		}
		each := int64(c.unit / time.Microsecond)
		if v > math.MaxInt64/each || v < math.MinInt64/each {
			return fmt.Errorf("the time %d times %v is too far away", v, c.unit)
		}
		bits[i] = v * each
	}
	return nil
}

// floor is a/b, rounded down.
func floor(a, b int64) int64 {
	if a < 0 && a%b != 0 {
		return a/b - 1
	}
	return a / b
}

// toFloats fills dst with the floating-point numbers that bits are stored as.
func (c *Column) toFloats(dst []float64, bits []int64) {
	for i, v := range bits {
		switch c.physical {
		case typeFloat:
			dst[i] = float64(math.Float32frombits(uint32(v)))
		case typeDouble:
			dst[i] = math.Float64frombits(uint64(v))
		default:
			dst[i] = half.Float(uint16(v))
		}
	}
}

// decodeOldTimes decodes times of 96 bits: nanoseconds of the day, then the number
// of the day, by which astronomers count.
func decodeOldTimes(dst []int64, encoding int64, data []byte) error {
	const size, day1970, microsOfDay = 12, 2440588, 24 * 3600 * 1_000_000
	if encoding != encodingPlain {
		return fmt.Errorf("encoding %s is not supported for times of 96 bits", encodingName(encoding))
	}
	if len(data) < len(dst)*size {
		return fmt.Errorf("%d values claimed in %d bytes", len(dst), len(data))
	}
	for i := range dst {
		raw := data[size*i:]
		nanos, number := int64(binary.LittleEndian.Uint64(raw)), int64(int32(binary.LittleEndian.Uint32(raw[8:])))
		number -= day1970
		if number > math.MaxInt64/microsOfDay-1 || number < math.MinInt64/microsOfDay+1 {
			return fmt.Errorf("a time %d days after 1970 is too far away", number)
		}
		dst[i] = number*microsOfDay + floor(nanos, 1000)
	}
	return nil
}

// bigInteger is the integer that big-endian bytes are in two's complement.
func bigInteger(b []byte) *big.Int {
	v := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return v
}

var errDigits = errors.New("a decimal has more digits than its column says")

// decimals fills dst with the decimals that are stored as strings of bytes.
func decimals(dst []int64, texts [][]byte) error {
	for i, b := range texts {
		v := bigInteger(b)
		if !v.IsInt64() {
			return errDigits
		}
		dst[i] = v.Int64()
	}
	return nil
}

// wideDecimals fills dst with the nearest numbers to decimals of more digits than
// an int64 has.
func (c *Column) wideDecimals(dst []float64, texts [][]byte) error {
	for i, b := range texts {
		const most = 64 // bytes of a decimal of 76 digits, and more
		if len(b) > most {
			return errDigits
		}
		f, err := strconv.ParseFloat(fmt.Sprintf("%de-%d", bigInteger(b), c.scale), 64)
		if err != nil {
			return err
		}
		dst[i] = f
	}
	return nil
}

// formatUUID writes 16 bytes as UUIDs are written.
func formatUUID(b []byte) []byte {
	dst := make([]byte, 0, 36)
	for i, n := range []int{4, 2, 2, 2, 6} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, b[:n])
		b = b[n:]
	}
	return dst
}
