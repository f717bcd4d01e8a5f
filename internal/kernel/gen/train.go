package main

import "fmt"

// reluDeriv writes dst = g where z > 0, else 0.
func reluDeriv(w *writer, s isa) {
	l := &loop{writer: w, isa: s, name: "reluDeriv", arrays: []string{"grad", "z", "dst"}}
	l.write(func() {
		l.load(0, 1)
		l.load(1, 2)
		zero(w, s, l.r(0))
		if s.lanes == 16 {
			l.op("VCMPPS", "$6", 0, 2, "K2") // not z ≤ 0
			l.op("VMOVAPS.Z", 1, "K2", 1)
		} else {
			l.op("VCMPPS", "$6", 0, 2, 2)
			l.op("VANDPS", 2, 1, 1)
		}
		l.store(1, 2)
	})
}

// adam writes an update by Adam's rule; see kernel.Adam. The constants are at
// k: rate, β₁, 1−β₁, β, 1−β, 1/(1−βᵗ), δ and the least number that counts.
// Multiplications and additions are not fused: the result is that of Go.
func adam(w *writer, s isa) {
	l := &loop{writer: w, isa: s, name: "adam", arrays: []string{"w", "grad", "m", "s"}, table: "k"}
	constant := func(i, to int) { l.p("\tVBROADCASTSS %d(R10), %s", 4*i, l.r(to)) }
	l.write(func() {
		l.load(1, 1)
		for i, array := range []int{2, 3} { // the moments
			to := 2 + i
			l.load(array, to)
			constant(1+2*i, 4)
			l.op("VMULPS", to, 4, to)
			constant(2+2*i, 4)
			l.op("VMULPS", 1, 4, 4)
			if i == 1 {
				l.op("VMULPS", 1, 4, 4)
			}
			l.op("VADDPS", 4, to, to)
			l.normal(to)
			l.store(to, array)
		}
		constant(5, 4)
		l.op("VMULPS", 3, 4, 3)
		l.op("VSQRTPS", 3, 3)
		constant(6, 4)
		l.op("VADDPS", 4, 3, 3)
		constant(0, 4)
		l.op("VMULPS", 2, 4, 2)
		l.op("VDIVPS", 3, 2, 2)
		l.load(0, 1)
		l.op("VSUBPS", 2, 1, 1)
		l.store(1, 0)
	})
}

// normal sets register x to 0 where it is nearer to 0 than constant 7; it
// spoils 4 to 6.
func (l *loop) normal(x int) {
	l.p("\tVBROADCASTSS 28(R10), %s", l.r(4))
	zero(l.writer, l.isa, l.r(5))
	l.op("VSUBPS", 4, 5, 5) // its negative
	if l.lanes == 16 {
		l.op("VCMPPS", "$1", 4, x, "K2")
		l.op("VCMPPS", "$6", 5, x, "K3")
		l.op("KANDW", "K2", "K3", "K2")
		l.op("VPXORQ", 6, 6, 6)
		l.op("VMOVAPS", 6, "K2", x)
		return
	}
	l.op("VCMPPS", "$1", 4, x, 6)
	l.op("VCMPPS", "$6", 5, x, 5)
	l.op("VANDPS", 5, 6, 6)
	l.op("VANDNPS", x, 6, x)
}

// addToFloat32 writes addToFloat32ISA(n, sum, a, dst, b): dst = a·float32(sum) + b·dst,
// sum in float64; n is a multiple of the lanes.
func addToFloat32(w *writer, s isa) {
	l := &loop{writer: w, isa: s}
	w.declare("addToFloat32"+s.name, "n int, sum *float64, a float32, dst *float32, b float32", "")
	w.p("TEXT ·addToFloat32%s(SB), NOSPLIT, $0-36\n\tMOVQ n+0(FP), CX\n\tMOVQ sum+8(FP), SI\n\tMOVQ dst+24(FP), DI", s.name)
	w.p("\tVBROADCASTSS a+16(FP), %s\n\tVBROADCASTSS b+32(FP), %s\nloopAddToFloat32%s:", l.r(5), l.r(6), s.name)
	convert, insert := "VCVTPD2PS", "VINSERTF64X4"
	if s.lanes == 8 {
		convert, insert = "VCVTPD2PSY", "VINSERTF128"
	}
	l.op(convert, "(SI)", half(s, 0))
	l.op(convert, fmt.Sprintf("%d(SI)", 4*s.lanes), half(s, 1))
	l.op(insert, "$1", half(s, 1), 0, 0)
	l.op("VMULPS", 0, 5, 0)
	l.op("VMULPS", "(DI)", 6, 1)
	l.op("VADDPS", 1, 0, 0)
	l.op("VMOVUPS", 0, "(DI)")
	w.p("\tADDQ $%d, SI\n\tADDQ $%d, DI\n\tSUBQ $%d, CX\n\tJNZ loopAddToFloat32%s\n\tVZEROUPPER\n\tRET\n", 8*s.lanes, 4*s.lanes, s.lanes, s.name)
}
