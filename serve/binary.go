package serve

import (
	"encoding/binary"
	"math"
)

// decode reads elements of the datatype from their binary form, which has the
// right size: little-endian, one after the other.
func (d *datatype) decode(dst []float32, raw []byte) error {
	switch d.name {
	case "FP32":
		const sign, exponent = 1 << 31, 0xff << 23 // of float32
		var carry uint32                           // into the sign's place, from exponents of which all bits are set
		for i := range dst {
			bits := binary.LittleEndian.Uint32(raw)
			raw = raw[4:]
			dst[i] = math.Float32frombits(bits)
			carry |= bits&^sign + (1<<31 - exponent)
		}
		if carry < sign {
			return nil // all are finite
		}
	case "UINT8":
		for i, b := range raw {
			dst[i] = float32(b)
		}
		return nil
	default:
		element := elements[d.name]
		for i := range dst {
			dst[i] = element(raw[i*d.size:])
		}
	}
	for i, v := range dst {
		if v-v != 0 {
			if d.name == "BOOL" {
				return badRequest("element %d: got the byte %d, want 0 or 1 of BOOL", i, raw[i])
			}
			return badRequest("element %d: not a finite number of float32", i)
		}
	}
	return nil
}

// elements read the element that bytes begin with, of each datatype.
var elements = map[string]func(b []byte) float32{
	"BOOL": func(b []byte) float32 {
		if b[0] > 1 {
			return float32(math.NaN())
		}
		return float32(b[0])
	},
	"UINT8":  func(b []byte) float32 { return float32(b[0]) },
	"UINT16": func(b []byte) float32 { return float32(binary.LittleEndian.Uint16(b)) },
	"UINT32": func(b []byte) float32 { return float32(binary.LittleEndian.Uint32(b)) },
	"UINT64": func(b []byte) float32 { return float32(binary.LittleEndian.Uint64(b)) },
	"INT8":   func(b []byte) float32 { return float32(int8(b[0])) },
	"INT16":  func(b []byte) float32 { return float32(int16(binary.LittleEndian.Uint16(b))) },
	"INT32":  func(b []byte) float32 { return float32(int32(binary.LittleEndian.Uint32(b))) },
	"INT64":  func(b []byte) float32 { return float32(int64(binary.LittleEndian.Uint64(b))) },
	"FP16":   func(b []byte) float32 { return half(binary.LittleEndian.Uint16(b)) },
	"FP64":   func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) },
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
