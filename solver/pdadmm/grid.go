package pdadmm

import (
	"encoding/binary"
	"math"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/kernel"
)

// grid is 2^bits values at equal distances; with bits 0, any.
type grid struct {
	bits               int
	low, step, inverse float32 // inverse is 1/step
}

// gridOf is that of the outputs of h, of which the first ones have the root mean square
// scale: they end where those of an increasing h do.
func (s Settings) gridOf(h activation.Func, scale float64) grid {
	if s.Bits == 0 {
		return grid{}
	}
	high := float32(s.Grid * scale)
	low := -high
	if _, ok := h.(activation.Monotone); ok {
		ends := []float32{-1e6, 1e6}
		h.Apply(ends, ends)
		low, high = max(low, ends[0]), min(high, ends[1])
	}
	last := float32(int(1)<<s.Bits - 1)
	return grid{bits: s.Bits, low: low, step: (high - low) / last, inverse: last / (high - low)}
}

// setGrid makes the grid of a hidden layer's activations, and where they are rounds them
// to it.
func (s *stepper) setGrid(ly *layer) error {
	if s.Bits == 0 {
		return nil
	}
	sum := []float64{0, float64(ly.A.Rows * ly.A.Cols)} // one after another, so that threads do not change it
	for i := range ly.A.Rows {
		sum[0] += kernel.SumSquares(ly.A.Row(i))
	}
	if s.Parallel == Samples {
		if err := s.P.Comm.Sum(sum); err != nil {
			return err
		}
	}
	if ly.scale = math.Sqrt(sum[0] / sum[1]); !(ly.scale > 0) || math.IsInf(ly.scale, 1) {
		ly.scale = 1 // all of them are 0, or the run diverges
	}
	ly.grid = s.gridOf(ly.Net.H, ly.scale)
	ly.grid.round(ly.A.Elements())
	return nil
}

// index is the number of the value nearest to x.
func (g grid) index(x float32) uint16 {
	n := (x - g.low) * g.inverse
	if !(n > 0) {
		return 0
	}
	return uint16(min(n+0.5, float32(int(1)<<g.bits-1)))
}

// value is that of a number. The product is rounded before the sum, so that it is the same
// wherever the compiler puts it.
func (g grid) value(n uint16) float32 { return g.low + float32(float32(n)*g.step) }

func (g grid) nearest(x float32) float32 { return g.value(g.index(x)) }

// round makes x values of the grid.
func (g grid) round(x []float32) {
	if g.bits == 0 {
		return
	}
	for i, v := range x {
		x[i] = g.nearest(v)
	}
}

// bytes is how many a value takes in a message.
func (g grid) bytes() int {
	switch {
	case g.bits == 0:
		return 4
	case g.bits <= 8:
		return 1
	}
	return 2
}

// encode writes values of the grid into buffer, and returns the message.
func (g grid) encode(buffer []byte, x []float32) []byte {
	message := buffer[:len(x)*g.bytes()]
	for i, v := range x {
		switch g.bytes() {
		case 4:
			binary.LittleEndian.PutUint32(message[4*i:], math.Float32bits(v))
		case 2:
			binary.LittleEndian.PutUint16(message[2*i:], g.index(v))
		default:
			message[i] = byte(g.index(v))
		}
	}
	return message
}

// decode reads what encode wrote: the same values, to the bit.
func (g grid) decode(x []float32, message []byte) {
	for i := range x {
		switch g.bytes() {
		case 4:
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(message[4*i:]))
		case 2:
			x[i] = g.value(binary.LittleEndian.Uint16(message[2*i:]))
		default:
			x[i] = g.value(uint16(message[i]))
		}
	}
}
