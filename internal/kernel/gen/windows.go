package main

import "fmt"

// windowParams are what the kernels of max pooling take: strides and offsets are in
// elements.
const windowParams = "windows, channels int, z *float32, step int, offsets *int, count int, v *float32, win *int32"

// windowLoop writes a kernel that does body for a vector of channels of each window: R8
// is the window's first place in z, R9 and R10 the offsets and their number, SI and DI
// the window's v and win. It is written for AVX2 alone.
func windowLoop(w *writer, s isa, name string, body func(l *loop, label string)) {
	w.declare(name+s.name, windowParams, "")
	label := name + s.name
	w.p("TEXT ·%s(SB), NOSPLIT, $0-64", label)
	w.p("\tMOVQ v+48(FP), SI\n\tMOVQ win+56(FP), DI\n\tSHLQ $2, step+24(FP)")
	l := &loop{writer: w, isa: s}
	l.op("VPCMPEQD", 5, 5, 5)
	l.op("VPSRLD", "$31", 5, 5) // ones
	w.p("window%s:\n\tMOVQ z+16(FP), R8\n\tMOVQ channels+8(FP), CX\n\tSUBQ $%d, CX\n\tJLT rest%s\nloop%s:", label, s.lanes, label, label)
	body(l, label)
	advance := fmt.Sprintf("\tADDQ $%d, R8\n\tADDQ $%d, SI", 4*s.lanes, 4*s.lanes)
	w.p(advance+"\n\tTESTQ DI, DI\n\tJZ none%s\n\tADDQ $%d, DI\nnone%s:", label, 4*s.lanes, label)
	w.p("\tSUBQ $%d, CX\n\tJGE loop%s\nrest%s:\n\tADDQ $%d, CX\n\tJZ done%s", s.lanes, label, label, s.lanes, label)
	mask(w, s)
	l.masked = true
	body(l, label+"Rest")
	w.p("\tLEAQ (SI)(CX*4), SI\n\tTESTQ DI, DI\n\tJZ done%s\n\tLEAQ (DI)(CX*4), DI\ndone%s:", label, label)
	w.p("\tMOVQ step+24(FP), AX\n\tADDQ AX, z+16(FP)\n\tDECQ windows+0(FP)\n\tJNZ window%s\n\tVZEROUPPER\n\tRET\n", label)
}

func (l *loop) at(from string, to int) { l.p("\t%s", load(l.isa, from, l.r(to), 0, l.masked, "Y15")) }

func (l *loop) to(from int, to string) { l.p("\t%s", store(l.isa, l.r(from), to, 0, l.masked, "Y15")) }

// largest writes v = the largest of z at the offsets, and win = which it was.
func largest(w *writer, s isa) {
	windowLoop(w, s, "largest", func(l *loop, label string) {
		l.p("\tMOVQ offsets+32(FP), R9\n\tMOVQ count+40(FP), R10")
		l.at("(R8)", 0) // the first offset is 0
		zero(w, s, l.r(1))
		zero(w, s, l.r(4))
		l.p("\tDECQ R10\n\tJZ only%s\nnext%s:\n\tADDQ $8, R9\n\tMOVQ (R9), R11", label, label)
		l.op("VPADDD", 5, 4, 4)
		l.at("(R8)(R11*4)", 2)
		l.op("VCMPPS", "$0x1e", 0, 2, 3)
		l.op("VBLENDVPS", 3, 2, 0, 0)
		l.op("VBLENDVPS", 3, 4, 1, 1)
		l.p("\tDECQ R10\n\tJNZ next%s\nonly%s:", label, label)
		l.to(0, "(SI)")
		l.p("\tTESTQ DI, DI\n\tJZ silent%s", label)
		l.to(1, "(DI)")
		l.p("silent%s:", label)
	})
}

// spread writes z = v at the offset that win says, and 0 at the others.
func spread(w *writer, s isa) {
	windowLoop(w, s, "spread", func(l *loop, label string) {
		l.p("\tMOVQ offsets+32(FP), R9\n\tMOVQ count+40(FP), R10")
		l.at("(SI)", 0)
		l.at("(DI)", 1)
		zero(w, s, l.r(4))
		l.p("next%s:\n\tMOVQ (R9), R11", label)
		l.op("VPCMPEQD", 4, 1, 3)
		l.op("VANDPS", 3, 0, 2)
		l.to(2, "(R8)(R11*4)")
		l.op("VPADDD", 5, 4, 4)
		l.p("\tADDQ $8, R9\n\tDECQ R10\n\tJNZ next%s", label)
	})
}
