package main

import "math"

// tanh writes tanhISA(n, z, dst): dst = tanh z; or tanhDerivISA(n, z, dst, d): dst =
// d(1 − tanh² z). All is in float64 but what is loaded and stored.
func tanh(w *writer, s isa, deriv bool) {
	l := &loop{writer: w, isa: s, name: "tanh", arrays: []string{"z", "dst"}}
	if deriv {
		l.name, l.arrays = "tanhDeriv", append(l.arrays, "d")
	}
	c := &constants{loop: l, table: "constants" + l.name + s.name, offset: map[float64]int{}}
	l.write(func() {
		l.load(0, 0)
		l.split(0, 1)
		c.tanh(0)
		c.tanh(1)
		if deriv {
			l.load(2, 2)
			l.split(2, 3)
			c.get(1, 4)
			for i := range 2 {
				l.op("VFNMADD213PD", 4, i, i)
				l.op("VMULPD", 2+i, i, i)
			}
		}
		l.join(0, 1)
		l.store(0, 1)
	})
	c.data()
}

// split makes float64 of a register of float32, the upper half in register high.
func (l *loop) split(n, high int) {
	extract := "VEXTRACTF128"
	if l.lanes == 16 {
		extract = "VEXTRACTF32X8"
	}
	l.op(extract, "$1", n, half(l.isa, high))
	l.op("VCVTPS2PD", half(l.isa, high), high)
	l.op("VCVTPS2PD", half(l.isa, n), n)
}

// join makes float32 of the float64 in registers n and high.
func (l *loop) join(n, high int) {
	convert, insert := "VCVTPD2PSY", "VINSERTF128"
	if l.lanes == 16 {
		convert, insert = "VCVTPD2PS", "VINSERTF32X8"
	}
	l.op(convert, n, half(l.isa, n))
	l.op(convert, high, half(l.isa, high))
	l.op(insert, "$1", half(l.isa, high), n, n)
}

// tanh replaces register x by its tanh, −E/(2+E) with E = e^(−2|x|) − 1, which is
// 2ⁿ(eʳ−1) + 2ⁿ − 1 as exp has n and r: small x lose no digits. The polynomial leaves an
// error of 1e-10. It spoils 2 to 11.
func (c *constants) tanh(x int) {
	and, or, andNot := "VPAND", "VPOR", "VPANDN"
	if c.lanes == 16 {
		and, or, andNot = "VPANDQ", "VPORQ", "VPANDNQ"
	}
	coefficients, factorial := []float64{}, 1.
	for i := 1; i <= 9; i++ { // (eʳ−1)/r
		factorial *= float64(i)
		coefficients = append([]float64{1 / factorial}, coefficients...)
	}
	c.get(math.Copysign(0, -1), 10)
	c.op(and, 10, x, 11)
	c.op(or, 10, x, 9)
	c.op("VADDPD", 9, 9, 9)
	c.get(-40, 3)
	c.op("VMAXPD", 9, 3, 9) // NaN stays
	c.power(9)
	c.horner(2, 6, coefficients...)
	c.op("VMULPD", 6, 2, 2)
	c.get(1, 5)
	c.op("VPADDQ", 4, 5, 3)
	c.op("VSUBPD", 5, 3, 5)
	c.op("VFMADD231PD", 2, 3, 5)
	c.get(2, 4)
	c.op("VADDPD", 5, 4, 4)
	c.op("VDIVPD", 4, 5, 5)
	c.op(andNot, 5, 10, 5)
	c.op(or, 11, 5, x)
}
