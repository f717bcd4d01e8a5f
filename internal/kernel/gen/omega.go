package main

import (
	"fmt"
	"math"
)

// group is kernel.Group.
const group = 16

// Offsets in kernel.Omega.
const (
	omegaS = 8 * group * iota
	omegaStep
	omegaLeast
	omegaWarm
	omegaCold
	omegaSum
	omegaRho
	omegaInv = omegaRho + 8
	omegaLog = omegaRho + 16
)

// reciprocal computes register to = 1/x. AVX-512's estimate has 14 bits, and
// each of the given steps of Newton doubles them; it spoils the scratch.
func (c *constants) reciprocal(x, to, scratch, steps int) {
	if c.lanes == 8 {
		c.get(1, to)
		c.op("VDIVPD", x, to, to)
		return
	}
	c.op("VRCP14PD", x, to)
	for range steps {
		c.get(1, scratch)
		c.op("VFNMADD231PD", x, to, scratch)
		c.op("VFMADD231PD", scratch, to, to)
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
	c.reciprocal(6, 7, 8, 2)
	c.op("VMULPD", 7, 5, 6) // s
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

// start computes register 1, near ω of register 0; see omegaStartGo.
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

// refine is a step of the iteration of Fritsch, Shafer and Crowley (1973) from
// register 1, w, register 2 being r = x − w − log w; it spoils 3 to 6.
func (c *constants) refine() {
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
	c.reciprocal(6, 3, 4, 1)
	c.op("VMULPD", 3, 5, 5)
	c.op("VFMADD231PD", 5, 1, 1) // w += w·r(q−r)/((1+w)(q−2r))
}

// along moves register 1, ω, by the parabola; register 2 is ω' and 14 the step
// to the left. It spoils 3 to 5.
func (c *constants) along() {
	c.get(1, 3)
	c.op("VSUBPD", 2, 3, 4)
	c.op("VMULPD", 4, 4, 4)
	c.get(0.5, 5)
	c.op("VMULPD", 14, 5, 5)
	c.op("VFNMADD231PD", 4, 5, 3) // 1 − ½step·k²
	c.op("VMULPD", 2, 3, 3)
	c.op("VFNMADD231PD", 3, 14, 1)
}

// omegaLoop is a kernel over the vectors of an Omega: R9 is where its numbers
// for a vector of samples are and R12 where those for all are, and R8, R10, DI
// and R11 are y/ρ, v, ω and ω', a class every pitch bytes.
type omegaLoop struct{ *constants }

const pitch = 8 * group

// newOmegaLoop begins nameISA(n, work, lanes, params).
func newOmegaLoop(w *writer, s isa, name, params string, frame int) *omegaLoop {
	l := &loop{writer: w, isa: s, name: name + s.name}
	w.declare(l.name, "n int, work, lanes *float64"+params, "")
	l.p("TEXT ·%s(SB), NOSPLIT, $0-%d", l.name, frame)
	l.p("\tMOVQ n+0(FP), CX\n\tIMUL3Q $%d, CX, CX\n\tMOVQ work+8(FP), R8\n\tLEAQ (R8)(CX*1), R10\n\tLEAQ (R10)(CX*1), DI\n\tLEAQ (DI)(CX*1), R11", pitch)
	l.p("\tMOVQ lanes+16(FP), R9\n\tMOVQ R9, R12")
	return &omegaLoop{&constants{loop: l, table: "constants" + l.name, offset: map[float64]int{}}}
}

// each runs body for each vector.
func (o *omegaLoop) each(body func()) {
	o.p("\tMOVQ $%d, DX\nvector%s:", 2*group/o.lanes, o.name)
	body()
	o.p("next%s:", o.name)
	for _, r := range []string{"R8", "R10", "DI", "R11", "R9"} {
		o.p("\tADDQ $%d, %s", 4*o.lanes, r)
	}
	o.p("\tDECQ DX\n\tJNZ vector%s\n\tVZEROUPPER\n\tRET\n", o.name)
	o.data()
}

// classes runs body for each class, AX bytes from the first.
func (o *omegaLoop) classes(label string, body func()) {
	o.p("\tMOVQ n+0(FP), CX\n\tXORQ AX, AX\n%s%s:", label, o.name)
	body()
	o.p("\tADDQ $%d, AX\n\tDECQ CX\n\tJNZ %s%s", pitch, label, o.name)
}

// zero clears registers.
func (o *omegaLoop) zero(registers ...int) {
	for _, r := range registers {
		zero(o.writer, o.isa, o.r(r))
	}
}

// lane is an operand: the numbers of Omega at an offset.
func lane(offset int) string { return fmt.Sprintf("%d(R9)", offset) }

// all broadcasts the number at an offset to a register.
func (o *omegaLoop) all(offset, to int) {
	o.op("VBROADCASTSD", fmt.Sprintf("%d(R12)", offset), to)
}

// add refines register 1, ω, by its residual in register 2, stores it and ω'
// and adds them to the sums in 10 to 12.
func (o *omegaLoop) add(store func(from int, to string)) {
	o.refine()
	o.get(1, 3)
	o.op("VADDPD", 3, 1, 4)
	o.reciprocal(4, 3, 5, 1)
	o.op("VMULPD", 1, 3, 2) // ω'
	o.op("VMULPD", 3, 3, 3)
	o.op("VADDPD", 1, 10, 10)
	o.op("VADDPD", 2, 11, 11)
	o.op("VFMADD231PD", 3, 2, 12) // ω'' = ω'/(1+ω)²
	store(1, "(DI)(AX*1)")
	store(2, "(R11)(AX*1)")
}

// finish takes the step from s in register 13, 15 being far and 2 the factor of
// f's curvature; see Omega.finish.
func (o *omegaLoop) finish(first bool, store func(from int, to string)) {
	o.all(omegaRho, 0)
	o.get(1, 1)
	o.op("VFMSUB213PD", 1, 0, 10) // f
	o.op("VMULPD", 0, 11, 11)     // its slope
	o.op("VMULPD", 0, 12, 12)
	o.op("VMULPD", 2, 12, 12)
	o.op("VMULPD", 10, 12, 12)
	o.op("VMULPD", 11, 11, 1)
	o.get(4, 2)
	o.op("VMULPD", 12, 2, 2)
	o.zero(3, 4, 6, 7)
	o.where(2, 1, 12, 3)
	o.op("VADDPD", 3, 3, 3)
	o.op("VSUBPD", 3, 1, 1)
	o.op("VSQRTPD", 1, 1)
	o.op("VADDPD", 11, 1, 1)
	o.op("VADDPD", 10, 10, 10)
	o.op("VDIVPD", 1, 10, 10)
	o.get(1, 3)
	if first {
		o.where(15, 3, 10, 4)
	} else {
		o.op("VMOVAPD", 10, 4)
	}
	o.op("VMOVUPD", lane(omegaLeast), 2)
	o.op("VSUBPD", 13, 2, 2)
	o.op("VMAXPD", 4, 2, 4) // the step; NaN stays
	o.op("VSUBPD", 4, 7, 5)
	o.op("VMAXPD", 5, 4, 5)  // its size
	o.op("VMAXPD", 15, 5, 2) // NaN stays
	o.ones(10)
	if first {
		o.op("VMOVAPD", 10, 6)
	} else {
		o.op("VMULPD", 5, 5, 12)
		o.op("VMULPD", 5, 12, 12)
		o.op("VMULPD", 15, 15, 15)
		o.get(1./12, 0)
		o.op("VFMADD231PD", 15, 0, 12)
		o.get(1e-3, 0)
		o.op("VMAXPD", 11, 0, 0)
		o.op("VMULPD", 0, 12, 12)
		o.get(6e-11, 0)
		o.where(0, 12, 10, 6)
	}
	o.where(2, 3, 6, 7)      // those to go on warm
	o.bits("VPXOR", 7, 6, 2) // or from nothing
	o.bits("VPAND", 4, 6, 6)
	o.op("VADDPD", 13, 6, 6)
	store(6, lane(omegaS))
	store(4, lane(omegaStep))
	store(7, lane(omegaWarm))
	store(2, lane(omegaCold))
}

// bits is an operation on all bits of registers.
func (o *omegaLoop) bits(name string, a, b, to int) {
	if o.lanes == 16 {
		name += "Q"
	}
	o.op(name, a, b, to)
}

// ones sets all bits.
func (o *omegaLoop) ones(to int) {
	if o.lanes == 16 {
		o.op("VPTERNLOGD", "$255", to, to, to)
	} else {
		o.op("VPCMPEQD", to, to, to)
	}
}

func (o *omegaLoop) store(from int, to string) { o.op("VMOVUPD", from, to) }

// rowsOf leaves in a half register where the rows of the samples in half
// register 3 begin.
func (o *omegaLoop) rowsOf(stride string, to int) {
	o.p("\tMOVQ %s(FP), AX\n\tVMOVD AX, X2", stride)
	o.op("VPBROADCASTD", "X2", half(o.isa, 2))
	o.op("VPMULLD", half(o.isa, 2), half(o.isa, 3), half(o.isa, to))
}

// samples leaves the numbers of the vector's samples in half register 3, none
// beyond the last.
func (o *omegaLoop) samples(last string) {
	o.p("\tMOVQ lanes+16(FP), AX\n\tMOVQ R9, BX\n\tSUBQ AX, BX\n\tSHRQ $1, BX\n\tLEAQ ·lanes512(SB), AX")
	o.op("VMOVDQU", "(AX)(BX*1)", half(o.isa, 3))
	o.p("\tMOVQ %s(FP), AX\n\tVMOVD AX, X2", last)
	o.op("VPBROADCASTD", "X2", half(o.isa, 2))
	o.op("VPMINSD", half(o.isa, 2), half(o.isa, 3), half(o.isa, 3))
}

// gather loads a float32 from each of the rows in a half register, as float64.
func (o *omegaLoop) gather(from string, rows, to int) {
	at := fmt.Sprintf("(%s)(%s*4)", from, half(o.isa, rows))
	o.zero(to)
	if o.lanes == 16 {
		o.p("\tKXNORW K1, K1, K1")
		o.op("VGATHERDPS", at, "K1", half(o.isa, to))
	} else {
		o.op("VPCMPEQD", "X3", "X3", "X3")
		o.op("VGATHERDPS", "X3", at, half(o.isa, to))
	}
	o.op("VCVTPS2PD", half(o.isa, to), to)
}

// startOmega writes omegaStartISA(n, work, lanes, z, zStride, v, vStride, last).
func startOmega(w *writer, s isa) {
	o := newOmegaLoop(w, s, "omegaStart", ", z *float32, zStride int, v *float32, vStride, last int", 64)
	o.each(func() {
		o.samples("last+56")
		o.rowsOf("zStride+32", 14)
		o.rowsOf("vStride+48", 15)
		o.p("\tMOVQ z+24(FP), SI\n\tMOVQ v+40(FP), BX")
		o.all(omegaInv, 12)
		o.get(math.Inf(-1), 10)
		o.op("VMOVAPD", 10, 11)
		o.classes("load", func() {
			o.gather("SI", 14, 0)
			o.gather("BX", 15, 1)
			o.op("VMOVUPD", 0, "(DI)(AX*1)")
			o.op("VMOVUPD", 1, "(R10)(AX*1)")
			o.op("VMAXPD", 0, 10, 10)
			o.op("VMOVUPD", "(R8)(AX*1)", 2)
			o.op("VSUBPD", 12, 2, 2)
			o.op("VADDPD", 1, 2, 2)
			o.op("VMAXPD", 2, 11, 11)
			o.p("\tADDQ $4, SI\n\tADDQ $4, BX")
		})
		o.zero(13, 12, 15)
		o.classes("exp", func() {
			o.op("VMOVUPD", "(DI)(AX*1)", 0)
			o.op("VSUBPD", 10, 0, 0)
			o.get(-650, 3)
			o.op("VMAXPD", 0, 3, 0)
			o.exp(0, 5)
			o.op("VMOVUPD", 2, "(R11)(AX*1)")
			o.op("VADDPD", 2, 13, 13)
		})
		o.log(13)
		o.all(omegaLog, 0)
		o.op("VADDPD", 0, 11, 11)
		o.op("VMOVUPD", 11, lane(omegaLeast))
		o.op("VADDPD", 0, 10, 10)
		o.op("VADDPD", 2, 10, 10)
		o.all(omegaRho, 9)
		o.op("VMULPD", 9, 13, 13)
		o.get(1, 9)
		o.op("VDIVPD", 13, 9, 9)
		o.get(math.MaxFloat64, 1)
		o.op("VMOVAPD", 11, 13)
		o.where(10, 1, 10, 13) // what is no number becomes the least
		o.zero(10, 11)
		o.classes("class", func() {
			o.op("VMOVUPD", "(DI)(AX*1)", 3)
			o.op("VMULPD", "(R11)(AX*1)", 9, 1)
			o.op("VMOVUPD", "(R10)(AX*1)", 2)
			o.op("VSUBPD", 3, 2, 2)
			o.op("VMOVUPD", "(R8)(AX*1)", 3)
			o.op("VSUBPD", 1, 3, 3)
			o.op("VADDPD", 3, 2, 2)
			o.get(6, 3)
			o.get(2, 4)
			o.op("VFMADD231PD", 4, 1, 3)
			o.op("VADDPD", 2, 3, 3)
			o.op("VMULPD", 2, 2, 4)
			o.op("VFNMADD231PD", 3, 1, 4) // see startGo
			o.op("VMAXPD", 4, 15, 15)
			o.add(o.store)
		})
		o.get(3, 2)
		o.op("VSUBPD", 2, 15, 15)
		o.get(1, 2)
		o.finish(true, o.store)
	})
}

// stepOmega writes omegaStepISA(n, work, lanes, mask, curved): a step of the
// samples in the mask that is so many bytes from lanes.
func stepOmega(w *writer, s isa) {
	o := newOmegaLoop(w, s, "omegaStep", ", mask int, curved float64", 40)
	o.each(func() {
		o.p("\tMOVQ mask+24(FP), BX")
		o.op("VMOVUPD", "(R9)(BX*1)", 9)
		if s.lanes == 16 {
			o.p("\tVPTESTMQ Z9, Z9, K1\n\tKMOVW K1, AX")
		} else {
			o.p("\tVMOVMSKPD Y9, AX")
		}
		o.p("\tTESTQ AX, AX\n\tJZ next%s", o.name)
		o.zero(10, 11, 12, 15)
		o.op("VMOVUPD", lane(omegaS), 13)
		o.op("VMOVUPD", lane(omegaStep), 14)
		o.classes("class", func() {
			o.p("\tCMPQ BX, $%d\n\tJNE warm%s", omegaCold, o.name)
			o.op("VMOVUPD", "(R10)(AX*1)", 0)
			o.op("VSUBPD", 13, 0, 0)
			o.op("VADDPD", "(R8)(AX*1)", 0, 0)
			o.get(-700, 3)
			o.op("VMAXPD", 0, 3, 0) // NaN stays
			o.start()
			o.p("\tJMP refine%s\nwarm%s:", o.name, o.name)
			o.op("VMOVUPD", "(DI)(AX*1)", 1)
			o.op("VMOVUPD", "(R11)(AX*1)", 2)
			o.along()
			o.p("refine%s:", o.name)
			o.log(1)
			o.op("VMOVUPD", "(R10)(AX*1)", 3)
			o.op("VSUBPD", 13, 3, 3)
			o.op("VMOVUPD", "(R8)(AX*1)", 4)
			o.op("VSUBPD", 1, 4, 4)
			o.op("VADDPD", 4, 3, 3)
			o.get(-700, 4)
			o.op("VSUBPD", 1, 4, 4)
			o.op("VMAXPD", 3, 4, 3)
			o.op("VSUBPD", 2, 3, 2) // the residual
			o.op("VMULPD", 2, 2, 3)
			o.op("VMAXPD", 3, 15, 15)
			o.op("VMOVUPD", "(R9)(BX*1)", 9)
			o.add(o.masked)
		})
		o.p("\tVBROADCASTSD curved+32(FP), %s", o.r(2))
		o.finish(false, o.masked)
	})
}

// masked stores the samples at work: those in K1, or in register 9.
func (o *omegaLoop) masked(from int, to string) {
	if o.lanes == 16 {
		o.op("VMOVUPD", from, "K1", to)
	} else {
		o.op("VMASKMOVPD", from, 9, to)
	}
}

// endOmega writes omegaEndISA(n, work, lanes, dst, stride, last).
func endOmega(w *writer, s isa) {
	o := newOmegaLoop(w, s, "omegaEnd", ", dst *float32, stride, last int", 48)
	o.each(func() {
		o.samples("last+40")
		o.rowsOf("stride+32", 15)
		o.p("\tMOVQ dst+24(FP), SI")
		o.op("VMOVUPD", lane(omegaStep), 14)
		o.zero(10)
		o.classes("class", func() {
			o.op("VMOVUPD", "(DI)(AX*1)", 1)
			o.op("VMOVUPD", "(R11)(AX*1)", 2)
			o.along()
			o.op("VMOVUPD", "(R8)(AX*1)", 3)
			o.op("VSUBPD", 1, 3, 3)
			o.op("VADDPD", "(R10)(AX*1)", 3, 6)
			o.op("VCVTPD2PS"+map[int]string{16: "", 8: "Y"}[s.lanes], 6, half(s, 3))
			o.op("VCVTPS2PD", half(s, 3), 4)
			o.op("VSUBPD", 6, 4, 4)
			o.op("VADDPD", 1, 10, 10)
			o.op("VFMADD231PD", 4, 1, 10) // ω grows by what rounding adds to x
			if s.lanes == 16 {
				o.p("\tKXNORW K1, K1, K1\n\tVSCATTERDPS Y3, K1, (SI)(Y15*4)")
			} else {
				for i := range 4 {
					o.p("\tVPEXTRD $%d, X15, BX\n\tVEXTRACTPS $%d, X3, (SI)(BX*4)", i, i)
				}
			}
			o.p("\tADDQ $4, SI")
		})
		o.op("VMOVUPD", 10, lane(omegaSum))
	})
}
