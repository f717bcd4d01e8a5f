package main

import (
	"fmt"
	"math"
)

// group is kernel.Group.
const group = 16

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
	c.exp(9, 5)
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

// omega writes omegaISA(n, c, w, d, s, step, sums, warm) for group samples
// side by side; see OmegaStep.
func omega(w *writer, s isa) {
	l := &loop{writer: w, isa: s}
	c := &constants{loop: l, table: "constants" + s.name, offset: map[float64]int{}}
	lanes, label := s.lanes/2, "omega"+s.name
	const pitch = 8 * group
	w.declare("omega"+s.name, "n int, c, w, d, s, step, sums *float64, warm int", "")
	l.p("TEXT ·omega%s(SB), NOSPLIT, $0-64", s.name)
	l.p("\tMOVQ c+8(FP), SI\n\tMOVQ w+16(FP), DI\n\tMOVQ d+24(FP), R8\n\tMOVQ s+32(FP), R9\n\tMOVQ step+40(FP), R10\n\tMOVQ sums+48(FP), R11")
	l.p("\tMOVQ warm+56(FP), BX\n\tMOVQ $%d, DX\nvector%s:\n\tMOVQ n+0(FP), CX\n\tXORQ AX, AX", group/lanes, label)
	for r := 10; r <= 12; r++ {
		zero(w, s, l.r(r))
	}
	l.op("VMOVUPD", "(R9)", 13)
	l.op("VMOVUPD", "(R10)", 14)
	l.p("class%s:", label)
	l.op("VMOVUPD", "(SI)(AX*1)", 0)
	l.op("VSUBPD", 13, 0, 0)
	c.get(-700, 3)
	l.op("VMAXPD", 0, 3, 0) // NaN stays
	l.p("\tTESTQ BX, BX\n\tJNZ warm%s", label)
	c.start()
	c.refine()
	l.p("\tJMP refine%s\nwarm%s:", label, label)
	l.op("VMOVUPD", "(DI)(AX*1)", 1)
	l.op("VMOVUPD", "(R8)(AX*1)", 2)
	l.op("VFNMADD231PD", 2, 14, 1) // along the tangent
	l.p("refine%s:", label)
	c.refine()
	c.get(1, 3)
	l.op("VADDPD", 3, 1, 4)
	l.op("VDIVPD", 4, 3, 3) // 1/(1+w)
	l.op("VMULPD", 1, 3, 2) // ω'
	l.op("VMULPD", 3, 3, 3)
	l.op("VADDPD", 1, 10, 10)
	l.op("VADDPD", 2, 11, 11)
	l.op("VFMADD231PD", 3, 2, 12) // ω'' = ω'/(1+w)²
	l.op("VMOVUPD", 1, "(DI)(AX*1)")
	l.op("VMOVUPD", 2, "(R8)(AX*1)")
	l.p("\tADDQ $%d, AX\n\tDECQ CX\n\tJNZ class%s", pitch, label)
	for i := range 3 {
		l.op("VMOVUPD", 10+i, fmt.Sprintf("%d(R11)", pitch*i))
	}
	for _, r := range []string{"SI", "DI", "R8", "R9", "R10", "R11"} {
		l.p("\tADDQ $%d, %s", 8*lanes, r)
	}
	l.p("\tDECQ DX\n\tJNZ vector%s\n\tVZEROUPPER\n\tRET\n", label)
	c.data()
}
