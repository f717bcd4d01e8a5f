package main

import (
	"fmt"
	"math"
)

// constants are what a kernel needs of numbers, each once in the read-only
// data.
type constants struct {
	*loop
	table  string
	offset map[float64]int
	order  []float64
}

// get broadcasts a constant to a register.
func (c *constants) get(v float64, to int) {
	if _, ok := c.offset[v]; !ok {
		c.offset[v] = 8 * len(c.order)
		c.order = append(c.order, v)
	}
	c.op("VBROADCASTSD", fmt.Sprintf("·%s+%d(SB)", c.table, c.offset[v]), to)
}

func (c *constants) data() {
	for i, v := range c.order {
		c.p("DATA ·%s+%d(SB)/8, $0x%016x // %g", c.table, 8*i, math.Float64bits(v), v)
	}
	c.p("GLOBL ·%s(SB), RODATA|NOPTR, $%d\n", c.table, 8*len(c.order))
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

// exp computes register 2 = e^x for register x in [−708, 0], by Taylor's
// polynomial of the given degree on [−½log 2, ½log 2]: of degree 5 to five
// digits, of degree 13 to two units in the last place. It spoils 3 to 8.
func (c *constants) exp(x, degree int) {
	coefficients, factorial := []float64{1}, 1.
	for i := 1; i <= degree; i++ {
		factorial *= float64(i)
		coefficients = append([]float64{1 / factorial}, coefficients...)
	}
	c.power(x)
	c.horner(2, 6, coefficients...)
	c.op("VPADDQ", 4, 2, 2)
}

// power finds n and r in x = n·log 2 + r, |r| ≤ ½log 2: n, as what is added to the bits of a
// number to multiply it by 2ⁿ, in register 4, and r in 6. It spoils 3, 5 and 7.
func (c *constants) power(x int) {
	c.get(3<<51, 3) // adding it rounds to an integer, in the low bits
	c.get(math.Log2E, 4)
	c.op("VFMADD213PD", 3, x, 4)
	c.op("VSUBPD", 3, 4, 5)
	c.get(-6.93147180369123816490e-01, 6) // −log 2 in two parts, as FDLIBM has it
	c.op("VFMADD213PD", x, 5, 6)
	c.get(-1.90821492927058770002e-10, 7)
	c.op("VFMADD231PD", 5, 7, 6)
	c.op("VPSLLQ", "$52", 4, 4)
}

// expSum writes expSumISA(rows, cols, z, stride, dst, dstStride, top, sum),
// strides in bytes: of each row, top = max z, dst = exp(z − top) and sum = its
// sum in float64. Missing lanes read as −∞, which adds e^−708.
func expSum(w *writer, s isa) {
	l := &loop{writer: w, isa: s}
	c := &constants{loop: l, table: "constantsExp" + s.name, offset: map[float64]int{}}
	n, label := s.lanes/2, "expSum"+s.name
	w.declare("expSum"+s.name, "rows, cols int, z *float32, stride int, dst *float32, dstStride int, top *float32, sum *float64", "")
	l.p("TEXT ·expSum%s(SB), NOSPLIT, $0-64", s.name)
	l.p("\tMOVQ rows+0(FP), R8\n\tMOVQ z+16(FP), SI\n\tMOVQ dst+32(FP), DI\n\tMOVQ top+48(FP), R9\n\tMOVQ sum+56(FP), R10")
	l.p("\tMOVQ cols+8(FP), R11\n\tMOVQ R11, R12\n\tSHRQ $%d, R11\n\tANDQ $%d, R12\n\tMOVQ R12, CX", map[int]int{8: 3, 4: 2}[n], n-1)
	mask(w, s)
	if s.lanes == 8 { // sumLanes spoils 15
		l.op("VMOVAPS", "X15", "X14")
	}
	c.get(math.Inf(-1), 11)
	c.op("VCVTPD2PS"+map[int]string{8: "", 4: "Y"}[n], 11, half(s, 11))
	l.p("row%s:", label)
	l.op("VMOVAPS", half(s, 11), half(s, 0))
	l.each(label+"Max", func(masked bool) {
		l.halfRow(1, masked)
		l.op("VMAXPS", half(s, 1), half(s, 0), half(s, 0))
	})
	l.maxLanes()
	l.p("\tVMOVSS X0, (R9)\n\tVCVTSS2SD X0, X0, X13")
	l.op("VBROADCASTSD", "X13", 13)
	zero(w, s, l.r(12))
	l.p("\tMOVQ DI, BX")
	l.each(label+"Exp", func(masked bool) {
		l.halfRow(0, masked)
		l.op("VCVTPS2PD", half(s, 0), 0)
		l.op("VSUBPD", 13, 0, 0)
		c.get(-708, 3)
		l.op("VMAXPD", 0, 3, 0) // NaN stays
		c.exp(0, 13)
		l.op("VADDPD", 2, 12, 12)
		c.op("VCVTPD2PS"+map[int]string{8: "", 4: "Y"}[n], 2, half(s, 2))
		l.p("\t%s", store(s, half(s, 2), "(BX)", 0, masked, "X14"))
		l.p("\tADDQ $%d, BX", 4*n)
	})
	sumLanes(w, s, 12)
	l.p("\tVMOVSD X12, (R10)\n\tADDQ $4, R9\n\tADDQ $8, R10\n\tADDQ stride+24(FP), SI\n\tADDQ dstStride+40(FP), DI")
	l.p("\tDECQ R8\n\tJNZ row%s\n\tVZEROUPPER\n\tRET\n", label)
	c.data()
}

// each runs body for R11 vectors of the row at SI, then masked for a last one
// if R12 is not 0; AX is where the vector is.
func (l *loop) each(label string, body func(masked bool)) {
	l.p("\tMOVQ SI, AX\n\tMOVQ R11, CX\n\tTESTQ CX, CX\n\tJZ rest%s\nloop%s:", label, label)
	body(false)
	l.p("\tADDQ $%d, AX\n\tDECQ CX\n\tJNZ loop%s\nrest%s:\n\tTESTQ R12, R12\n\tJZ done%s", 2*l.lanes, label, label, label)
	body(true)
	l.p("done%s:", label)
}

// halfRow loads half a vector's number of float32 at AX; missing ones are −∞,
// which half register 11 holds.
func (l *loop) halfRow(to int, masked bool) {
	r := half(l.isa, to)
	switch {
	case !masked:
		l.op("VMOVUPS", "(AX)", r)
	case l.lanes == 16:
		l.op("VMOVAPS", "Y11", r)
		l.op("VMOVUPS", "(AX)", "K1", r)
	default:
		l.op("VMASKMOVPS", "(AX)", "X14", r)
		l.op("VBLENDVPS", "X14", r, "X11", r)
	}
}

// maxLanes leaves the maximum of half register 0's lanes in all of X0.
func (l *loop) maxLanes() {
	if l.lanes == 16 {
		l.p("\tVEXTRACTF128 $1, Y0, X1\n\tVMAXPS X1, X0, X0")
	}
	for _, shuffle := range []string{"$0x4e", "$0xb1"} {
		l.p("\tVPERMILPS %s, X0, X1\n\tVMAXPS X1, X0, X0", shuffle)
	}
}
