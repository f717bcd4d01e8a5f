package main

import "fmt"

// columns writes nameISA(rows, cols, x, stride, sum), the stride in bytes: sum
// += the columns of x in float64, or with square their squares. A group of sums
// stays in registers while the rows are added to it, in order.
func columns(w *writer, s isa, name string, square bool) {
	l := &loop{writer: w, isa: s, name: name + s.name}
	w.declare(l.name, "rows, cols int, x *float32, stride int, sum *float64", "")
	l.p("TEXT ·%s(SB), NOSPLIT, $0-40", l.name)
	l.p("\tMOVQ rows+0(FP), R10\n\tMOVQ cols+8(FP), CX\n\tMOVQ x+16(FP), SI\n\tMOVQ stride+24(FP), R8\n\tMOVQ sum+32(FP), DI")
	for _, vectors := range []int{4, 1} { // four hide the latency of an addition
		label, cols := fmt.Sprintf("%s%d", l.name, vectors), vectors*s.lanes/2
		l.p("\tSUBQ $%d, CX\n\tJLT rest%s\ngroup%s:", cols, label, label)
		l.group(label, vectors, square)
		l.p("\tADDQ $%d, SI\n\tADDQ $%d, DI\n\tSUBQ $%d, CX\n\tJGE group%s", 4*cols, 8*cols, cols, label)
		l.p("rest%s:\n\tADDQ $%d, CX", label, cols)
	}
	l.p("\tJZ done%s", l.name)
	mask(w, s)
	if s.lanes == 8 {
		l.op("VPMOVSXDQ", "X15", 14) // the mask of float64
	}
	l.masked = true
	l.group(l.name, 1, square)
	l.p("done%s:\n\tVZEROUPPER\n\tRET\n", l.name)
}

// group adds all rows of some vectors of columns at SI to the sums at DI.
func (l *loop) group(label string, vectors int, square bool) {
	for v := range vectors {
		l.p("\t%s", load64(l.isa, fmt.Sprintf("%d(DI)", 4*v*l.lanes), l.r(v), l.masked))
	}
	l.p("\tMOVQ SI, R9\n\tMOVQ R10, AX\nrow%s:", label)
	for v := range vectors {
		x := 4 + v
		l.widen(fmt.Sprintf("%d(R9)", 2*v*l.lanes), x)
		if square {
			l.op("VFMADD231PD", x, x, v)
		} else {
			l.op("VADDPD", x, v, v)
		}
	}
	l.p("\tADDQ R8, R9\n\tDECQ AX\n\tJNZ row%s", label)
	for v := range vectors {
		l.p("\t%s", store64(l.isa, l.r(v), fmt.Sprintf("%d(DI)", 4*v*l.lanes), l.masked))
	}
}

// widen loads float32 as a vector of float64.
func (l *loop) widen(from string, to int) {
	switch {
	case !l.masked:
		l.op("VCVTPS2PD", from, to)
	case l.lanes == 16:
		l.op("VCVTPS2PD.Z", from, "K1", to)
	default:
		l.op("VMASKMOVPS", from, "X15", half(l.isa, to))
		l.op("VCVTPS2PD", half(l.isa, to), to)
	}
}

// load64 and store64 are load and store of float64; AVX2's mask is Y14.
func load64(s isa, from, to string, masked bool) string {
	switch {
	case !masked:
		return fmt.Sprintf("VMOVUPD %s, %s", from, to)
	case s.lanes == 16:
		return fmt.Sprintf("VMOVUPD.Z %s, K1, %s", from, to)
	}
	return fmt.Sprintf("VMASKMOVPD %s, Y14, %s", from, to)
}

func store64(s isa, from, to string, masked bool) string {
	switch {
	case !masked:
		return fmt.Sprintf("VMOVUPD %s, %s", from, to)
	case s.lanes == 16:
		return fmt.Sprintf("VMOVUPD %s, K1, %s", from, to)
	}
	return fmt.Sprintf("VMASKMOVPD %s, Y14, %s", from, to)
}
