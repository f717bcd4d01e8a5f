package half

import (
	"math"
	"testing"
)

// TestFloat: values of each sort, by IEEE 754.
func TestFloat(t *testing.T) {
	for bits, want := range map[uint16]float64{
		0: 0, 1: math.Ldexp(1, -24), 0x03ff: math.Ldexp(1023, -24), 0x0400: math.Ldexp(1, -14), 0x3c00: 1, 0x3555: 1365.0 / 4096, 0xc000: -2, 0x7bff: 65504, 0xfc00: math.Inf(-1),
	} {
		if got := Float(bits); got != want {
			t.Errorf("%#x: got %v, want %v", bits, got, want)
		}
	}
	if got := Float(0x7e00); !math.IsNaN(got) {
		t.Errorf("0x7e00: got %v, want NaN", got)
	}
}
