package main

import "fmt"

// pointParams are what the kernels of points take: strides are in bytes, and rest is how
// many lanes there are where vectors is 0.
const pointParams = "n int, points *Point, a *float32, aStep int, c *float32, cStep, runs, vectors, rest int"

// pointVectors is how many vectors of a run are worked on at a time: twice as many sums,
// and two values, are in registers.
func (s isa) pointVectors() int {
	if s.lanes == 16 {
		return 8
	}
	return 6
}

// points writes a kernel that goes over all points for some vectors of each run: R8 is
// the run's beginning in the picture for a point at 0, DI its part of C. Of 0 vectors it
// is less than one, with a mask.
func points(w *writer, s isa, name string, body func(l *loop, label string, vectors int)) {
	label := name + s.name
	w.declare(label, pointParams, "")
	w.p("TEXT ·%s(SB), NOSPLIT, $0-72", label)
	w.p("\tMOVQ rest+64(FP), CX")
	mask(w, s)
	w.p("\tMOVQ a+16(FP), R8\n\tMOVQ c+32(FP), DI\n\tMOVQ runs+48(FP), R10\n\tMOVQ vectors+56(FP), AX")
	for v := range s.pointVectors() {
		w.p("\tCMPQ AX, $%d\n\tJEQ run%s%d", v, label, v)
	}
	for v := s.pointVectors(); v >= 0; v-- {
		one := fmt.Sprintf("%s%d", label, v)
		w.p("run%s:\n\tMOVQ n+0(FP), CX\n\tMOVQ points+8(FP), SI", one)
		body(&loop{writer: w, isa: s, masked: v == 0}, one, max(1, v))
		w.p("\tADDQ aStep+24(FP), R8\n\tADDQ cStep+40(FP), DI\n\tDECQ R10\n\tJNZ run%s\n\tVZEROUPPER\n\tRET", one)
	}
	w.p("")
}

// vector is where vector v of what register begins with is.
func (l *loop) vector(register string, v int) string {
	return fmt.Sprintf("%d(%s)", 4*v*l.lanes, register)
}

// point makes the register to the address of a point's run, and to its value.
func (l *loop) point(i int, address string, value int) {
	l.p("\tMOVL %d(SI), %s\n\tLEAQ (R8)(%s*4), %s\n\tVBROADCASTSS %d(SI), %s", 8*i, address, address, address, 8*i+4, l.r(value))
}

// sumPoint adds a point's value times its run to the sums from first on.
func (l *loop) sumPoint(address string, value, first, vectors int) {
	for v := range vectors {
		from := l.vector(address, v)
		if l.masked {
			l.at(from, 14)
			from = l.r(14)
		}
		l.op("VFMADD231PS", from, value, first+v)
	}
}

// addPatches writes C += Σ value·patch. Two points at a time have sums of their own, so
// that additions wait for each other less.
func addPatches(w *writer, s isa) {
	points(w, s, "addPatches", func(l *loop, label string, vectors int) {
		second := s.pointVectors()
		for v := range vectors {
			l.at(l.vector("DI", v), v)
			zero(w, s, l.r(second+v))
		}
		values := []int{2 * second, 2*second + 1}
		l.p("\tSUBQ $2, CX\n\tJLT last%s\ntwo%s:", label, label)
		l.point(0, "AX", values[0])
		l.point(1, "R9", values[1])
		l.sumPoint("AX", values[0], 0, vectors)
		l.sumPoint("R9", values[1], second, vectors)
		l.p("\tADDQ $16, SI\n\tSUBQ $2, CX\n\tJGE two%s\nlast%s:\n\tTESTQ $1, CX\n\tJZ end%s", label, label, label)
		l.point(0, "AX", values[0])
		l.sumPoint("AX", values[0], 0, vectors)
		l.p("end%s:", label)
		for v := range vectors {
			l.op("VADDPS", second+v, v, v)
			l.to(v, l.vector("DI", v))
		}
	})
}

// addToPatches writes patch += value·C, point after point.
func addToPatches(w *writer, s isa) {
	points(w, s, "addToPatches", func(l *loop, label string, vectors int) {
		sum, value := s.pointVectors(), 2*s.pointVectors()
		for v := range vectors {
			l.at(l.vector("DI", v), v)
		}
		l.p("next%s:", label)
		l.point(0, "AX", value)
		for v := range vectors {
			l.at(l.vector("AX", v), sum+v)
			l.op("VFMADD231PS", v, value, sum+v)
			l.to(sum+v, l.vector("AX", v))
		}
		l.p("\tADDQ $8, SI\n\tDECQ CX\n\tJNZ next%s", label)
	})
}

// listPoints writes kernel.ListPoints: each window's point is stored where the next one
// goes over it if it is 0, so that nothing is guessed.
func listPoints(w *writer) {
	w.declare("listPointsX86", "windows int, w *Window, e *float32, win *int32, offsets *uint32, dst *Point", " int")
	w.p("TEXT ·listPointsX86(SB), NOSPLIT, $0-56")
	w.p("\tMOVQ windows+0(FP), CX\n\tMOVQ w+8(FP), SI\n\tMOVQ e+16(FP), R8\n\tMOVQ win+24(FP), R9\n\tMOVQ offsets+32(FP), R10\n\tMOVQ dst+40(FP), DI")
	w.p("windowPoints:\n\tMOVL (SI), AX\n\tMOVL 4(SI), BX\n\tMOVL (R9)(AX*4), DX\n\tADDL (R10)(DX*4), BX\n\tMOVL (R8)(AX*4), AX")
	w.p("\tMOVL BX, (DI)\n\tMOVL AX, 4(DI)\n\tXORL DX, DX\n\tADDL AX, AX\n\tSETNE DX\n\tLEAQ (DI)(DX*8), DI") // −0 is 0
	w.p("\tADDQ $8, SI\n\tDECQ CX\n\tJNZ windowPoints\n\tSUBQ dst+40(FP), DI\n\tSHRQ $3, DI\n\tMOVQ DI, ret+48(FP)\n\tRET\n")
}
