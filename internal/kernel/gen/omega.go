package main

import (
	"fmt"
	"math"
)

// constants are what omega needs, each once in the read-only data.
type constants struct {
	*loop
	offset map[float64]int
	order  []float64
}

// get broadcasts a constant to a register.
func (c *constants) get(v float64, to int) {
	if _, ok := c.offset[v]; !ok {
		c.offset[v] = 8 * len(c.order)
		c.order = append(c.order, v)
	}
	c.op("VBROADCASTSD", fmt.Sprintf("·omega%s+%d(SB)", c.isa.name, c.offset[v]), to)
}

func (c *constants) data() {
	for i, v := range c.order {
		c.p("DATA ·omega%s+%d(SB)/8, $0x%016x // %g", c.isa.name, 8*i, math.Float64bits(v), v)
	}
	c.p("GLOBL ·omega%s(SB), RODATA|NOPTR, $%d\n", c.isa.name, 8*len(c.order))
}

// horner computes register p = a polynomial in register x, coefficients from
// the highest; it spoils register 8.
func (c *constants) horner(p, x int, coefficients ...float64) {
	c.get(coefficients[0], p)
	for _, v := range coefficients[1:] {
		c.get(v, 8)
		c.op("VFMADD213PD", 8, x, p)
	}
}

// log computes register 2 = log of register x, normal and positive, as FDLIBM
// does (Sun Microsystems 1993, e_log.c): x = 2ᵉm with m in [√½, √2), and
// log m = f − (f²/2 − s(f²/2 + R(s²))), f = m−1, s = f/(2+f); error below one
// unit in the last place. It spoils 3 to 8.
func (c *constants) log(x int) {
	const one = 1023 << 52
	c.get(math.Float64frombits(one-math.Float64bits(math.Sqrt2/2)), 3)
	c.op("VPADDQ", 3, x, 3)     // so that m starts at √½
	c.op("VPSRLQ", "$52", 3, 4) // e + 1023
	c.op("VPSLLQ", "$52", 4, 5)
	c.get(1, 6)
	c.op("VPSUBQ", 6, 5, 5)
	c.op("VPSUBQ", 5, x, 5) // m
	c.get(1<<52, 7)         // an integer becomes the fraction of 2⁵²
	c.op("VPADDQ", 7, 4, 4)
	c.get(1<<52+1023, 7)
	c.op("VSUBPD", 7, 4, 4) // e
	c.op("VSUBPD", 6, 5, 5) // f
	c.get(2, 6)
	c.op("VADDPD", 6, 5, 6)
	c.op("VDIVPD", 6, 5, 6) // s
	c.op("VMULPD", 6, 6, 7)
	c.horner(3, 7, 1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01,
		2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01)
	c.op("VMULPD", 3, 7, 3) // R
	c.get(0.5, 7)
	c.op("VMULPD", 7, 5, 7)
	c.op("VMULPD", 7, 5, 7) // f²/2
	c.op("VADDPD", 7, 3, 3)
	c.op("VMULPD", 6, 3, 3)
	c.get(1.90821492927058770002e-10, 8)
	c.op("VFMADD231PD", 8, 4, 3)
	c.op("VSUBPD", 3, 7, 3)
	c.op("VSUBPD", 5, 3, 3)
	c.get(6.93147180369123816490e-01, 2)
	c.op("VFMSUB213PD", 3, 4, 2)
}

// exp computes register 2 = e^x to five digits for register x in [−700, 0]; it
// spoils 3 to 8.
func (c *constants) exp(x int) {
	c.get(3<<51, 3) // adding it rounds to an integer, in the low bits
	c.get(math.Log2E, 4)
	c.op("VFMADD213PD", 3, x, 4)
	c.op("VSUBPD", 3, 4, 5)
	c.get(-math.Ln2, 6)
	c.op("VFMADD213PD", x, 5, 6)
	c.horner(2, 6, 1./120, 1./24, 1./6, 1./2, 1, 1)
	c.op("VPSLLQ", "$52", 4, 4)
	c.op("VPADDQ", 4, 2, 2)
}

// where copies register from to register to where a < b; it spoils 8.
func (c *constants) where(a, b, from, to int) {
	if c.lanes == 16 {
		c.op("VCMPPD", "$1", b, a, "K2")
		c.op("VMOVAPD", from, "K2", to)
		return
	}
	c.op("VCMPPD", "$1", b, a, 8)
	c.op("VBLENDVPD", 8, from, to, to)
}

// start computes register 1, near ω of register 0; see omegaGo.
func (c *constants) start() {
	c.get(1, 3)
	c.op("VSUBPD", 3, 0, 3)
	c.horner(1, 3, 1./16, 1./2, 1)
	c.get(-1, 9)
	c.op("VMINPD", 0, 9, 9)
	c.exp(9)
	c.get(1, 3)
	c.op("VADDPD", 2, 3, 3)
	c.op("VDIVPD", 3, 2, 2)
	c.get(-1, 3)
	c.where(0, 3, 2, 1)
	c.get(3, 9)
	c.op("VMAXPD", 0, 9, 9)
	c.log(9)
	c.op("VDIVPD", 9, 2, 3)
	c.op("VSUBPD", 2, 9, 2)
	c.op("VADDPD", 3, 2, 2)
	c.get(3, 3)
	c.where(3, 0, 2, 1)
}

// refine is a step of the iteration of Fritsch, Shafer and Crowley (1973).
func (c *constants) refine() {
	c.log(1)
	c.op("VSUBPD", 1, 0, 3)
	c.op("VSUBPD", 2, 3, 2) // r = x − w − log w
	c.get(1, 3)
	c.op("VADDPD", 3, 1, 3) // 1 + w
	c.get(2./3, 4)
	c.op("VFMADD213PD", 3, 2, 4)
	c.op("VMULPD", 3, 4, 4)
	c.op("VADDPD", 4, 4, 4) // q = 2(1+w)(1+w+2r/3)
	c.op("VSUBPD", 2, 4, 5)
	c.op("VSUBPD", 2, 5, 6)
	c.op("VMULPD", 3, 6, 6)
	c.op("VMULPD", 2, 5, 5)
	c.op("VDIVPD", 6, 5, 5)
	c.op("VFMADD231PD", 5, 1, 1) // w += w·r(q−r)/((1+w)(q−2r))
}

// omega writes omegaSumISA(n, c, w, shift) (sum, slope float64): w = ω(c+shift)
// and the sums of w and of its derivative w/(1+w).
func omega(w *writer, s isa) {
	l := &loop{writer: w, isa: s, masked: true}
	c := &constants{loop: l, offset: map[float64]int{}}
	lanes, label := s.lanes/2, "omega"+s.name
	l.declare("omegaSum"+s.name, "n int, c, w *float64, shift float64", " (sum, slope float64)")
	l.p("TEXT ·omegaSum%s(SB), NOSPLIT, $0-48", s.name)
	l.p("\tMOVQ n+0(FP), CX\n\tMOVQ c+8(FP), SI\n\tMOVQ w+16(FP), DI\n\tVBROADCASTSD shift+24(FP), %s", l.r(12))
	zero(w, s, l.r(10))
	zero(w, s, l.r(11))
	l.p("\tMOVQ CX, R8\nloop%s:\n\tMOVQ R8, CX\n\tCMPQ CX, $%d\n\tJLE mask%s\n\tMOVQ $%d, CX\nmask%s:", label, lanes, label, lanes, label)
	mask(w, s, 2)
	if s.lanes == 16 {
		l.op("VMOVUPD.Z", "(SI)", "K1", 0)
	} else {
		l.op("VMASKMOVPD", "(SI)", 15, 0)
	}
	l.op("VADDPD", 12, 0, 0)
	c.get(-700, 3)
	l.op("VMAXPD", 0, 3, 0) // NaN stays
	c.start()
	c.refine()
	c.refine()
	if s.lanes == 16 {
		l.op("VMOVAPD.Z", 1, "K1", 1)
		l.op("VMOVUPD", 1, "K1", "(DI)")
	} else {
		l.op("VANDPD", 15, 1, 1)
		l.op("VMASKMOVPD", 1, 15, "(DI)")
	}
	c.get(1, 3)
	l.op("VADDPD", 3, 1, 3)
	l.op("VDIVPD", 3, 1, 3)
	l.op("VADDPD", 1, 10, 10)
	l.op("VADDPD", 3, 11, 11)
	l.p("\tADDQ $%d, SI\n\tADDQ $%d, DI\n\tSUBQ $%d, R8\n\tJGT loop%s", 8*lanes, 8*lanes, lanes, label)
	sumLanes(w, s, 10)
	sumLanes(w, s, 11)
	l.p("\tVMOVSD X10, sum+32(FP)\n\tVMOVSD X11, slope+40(FP)\n\tVZEROUPPER\n\tRET\n")
	c.data()
}
