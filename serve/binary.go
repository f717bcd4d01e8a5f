package serve

import (
	"encoding/binary"
	"math"
)

// decode reads elements of the datatype from their binary form, which has the
// right size: little-endian, one after the other.
func (d *datatype) decode(dst []float32, raw []byte) error {
	order := binary.LittleEndian
	for i := range dst {
		e := raw[i*d.size:]
		var v float32
		switch d.name {
		case "BOOL":
			if e[0] > 1 {
				return badRequest("element %d: got the byte %d, want 0 or 1 of BOOL", i, e[0])
			}
			v = float32(e[0])
		case "UINT8":
			v = float32(e[0])
		case "UINT16":
			v = float32(order.Uint16(e))
		case "UINT32":
			v = float32(order.Uint32(e))
		case "UINT64":
			v = float32(order.Uint64(e))
		case "INT8":
			v = float32(int8(e[0]))
		case "INT16":
			v = float32(int16(order.Uint16(e)))
		case "INT32":
			v = float32(int32(order.Uint32(e)))
		case "INT64":
			v = float32(int64(order.Uint64(e)))
		case "FP16":
			v = half(order.Uint16(e))
		case "FP32":
			v = math.Float32frombits(order.Uint32(e))
		case "FP64":
			v = float32(math.Float64frombits(order.Uint64(e)))
		}
		if v-v != 0 {
			return badRequest("element %d: not a finite number of float32", i)
		}
		dst[i] = v
	}
	return nil
}

// half is the value of a number of 16 bits: sign, 5 bits of exponent, 10 of
// fraction.
func half(b uint16) float32 {
	exponent, fraction := int(b>>10&0x1f), float64(b&0x3ff)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(fraction, -24)
	case 0x1f:
		v = math.Inf(1)
		if fraction > 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if b>>15 == 1 {
		v = -v
	}
	return float32(v)
}

// appendFloats appends values in the binary form of FP32.
func appendFloats(b []byte, values []float32) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// appendText appends a text in the binary form of BYTES: its length and itself.
func appendText(b []byte, text string) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(text))), text...)
}
