package main

import "fmt"

// pointParams are what the kernels of points take: strides are in bytes, and lanes are those
// of a kernel of 0 vectors.
const pointParams = "n int, points *Point, a *float32, aStep int, c *float32, cStep, lanes int"

// pointRuns are how many runs of a patch are worked on at a time.
var pointRuns = []int{5, 3, 1}

// pointVectors are how many vectors of each of so many runs are worked on at a time, at most:
// they stay in registers while the points are gone over.
func (s isa) pointVectors(runs int) int {
	if s.lanes == 16 {
		return min(8, 25/runs)
	}
	return min(6, 12/runs)
}

// points writes the kernels that go over all points for some vectors of some runs: R8 is the
// runs' beginning in the picture for a point at 0, R10 and R11 once and three times what is
// between two, and DI their part of C, R12 between two. Of 0 vectors they are less than one,
// with a mask.
func points(w *writer, s isa, name string, body func(l *loop, label string, runs, vectors int)) {
	for _, runs := range pointRuns {
		for vectors := s.pointVectors(runs); vectors >= 0; vectors-- {
			label := fmt.Sprintf("%s%s_%dx%d", name, s.name, runs, vectors)
			w.declare(label, pointParams, "")
			w.p("TEXT ·%s(SB), NOSPLIT, $0-56", label)
			if vectors == 0 {
				w.p("\tMOVQ lanes+48(FP), CX")
				mask(w, s)
			}
			w.p("\tMOVQ a+16(FP), R8\n\tMOVQ aStep+24(FP), R10\n\tLEAQ (R10)(R10*2), R11\n\tMOVQ c+32(FP), DI\n\tMOVQ cStep+40(FP), R12")
			w.p("\tMOVQ n+0(FP), CX\n\tMOVQ points+8(FP), SI")
			body(&loop{writer: w, isa: s, masked: vectors == 0}, label, runs, max(1, vectors))
			w.p("\tVZEROUPPER\n\tRET\n")
		}
	}
	g := &w.decl
	fmt.Fprintf(g, "// %s%s runs the kernel for so many runs, some vectors of each, or with 0 so many lanes.\n", name, s.name)
	fmt.Fprintf(g, "func %s%s(runs, vectors int, %s) {\n\tswitch 9*runs + vectors {\n", name, s.name, pointParams)
	for _, runs := range pointRuns {
		for v := range s.pointVectors(runs) + 1 {
			fmt.Fprintf(g, "\tcase %d:\n\t\t%s%s_%dx%d(n, points, a, aStep, c, cStep, lanes)\n", 9*runs+v, name, s.name, runs, v)
		}
	}
	fmt.Fprint(g, "\t}\n}\n\n")
}

// pointChoices writes what the kernels of points are chosen by.
func pointChoices(w *writer) {
	g := &w.decl
	list := func(name, of string, f func(runs int) int) {
		fmt.Fprintf(g, "// %s are %s.\nvar %s = [...]int{", name, of, name)
		for i, runs := range pointRuns {
			if i > 0 {
				fmt.Fprint(g, ", ")
			}
			fmt.Fprint(g, f(runs))
		}
		fmt.Fprint(g, "}\n\n")
	}
	list("pointRuns", "how many runs of a patch kernels of points work on at a time", func(runs int) int { return runs })
	for _, s := range []isa{avx512, avx2} {
		list("points"+s.name, "the most vectors of each", s.pointVectors)
	}
}

// run is where vector v of run i is of what the register begins with.
func (l *loop) run(register string, i, v int) string {
	at := []string{"", "(R10*1)", "(R10*2)", "(R11*1)", "(R10*4)"}[i]
	return fmt.Sprintf("%d(%s)%s", 4*v*l.lanes, register, at)
}

// point makes the register to the address of a point's patch, and to its value.
func (l *loop) point(i int, address string, value int) {
	l.p("\tMOVL %d(SI), %s\n\tLEAQ (R8)(%s*4), %s\n\tVBROADCASTSS %d(SI), %s", 8*i, address, address, address, 8*i+4, l.r(value))
}

// eachOfC does f with the registers from 0 on, and where each is in C.
func (l *loop) eachOfC(runs, vectors int, f func(r int, at string)) {
	for i := range runs {
		for v := range vectors {
			f(i*vectors+v, fmt.Sprintf("%d(DI)", 4*v*l.lanes))
		}
		if i < runs-1 {
			l.p("\tADDQ R12, DI")
		}
	}
}

// addPatches writes C += Σ value·patch. Where registers are enough, two points at a time have
// sums of their own, so that additions wait for each other less.
func addPatches(w *writer, s isa) {
	points(w, s, "addPatches", func(l *loop, label string, runs, vectors int) {
		n, most := runs*vectors, 2*s.lanes
		values := []int{most - 2, most - 3} // AVX2's mask is the last one
		spare := most - 4
		l.eachOfC(runs, vectors, l.atRegister)
		sum := func(address string, value, first int) {
			for i := range runs {
				for v := range vectors {
					from := l.run(address, i, v)
					if l.masked {
						l.at(from, spare)
						from = l.r(spare)
					}
					l.op("VFMADD231PS", from, value, first+i*vectors+v)
				}
			}
		}
		two := 2*n <= spare
		if two {
			for i := range n {
				zero(w, s, l.r(n+i))
			}
			l.p("\tSUBQ $2, CX\n\tJLT last%s\ntwo%s:", label, label)
			l.point(0, "AX", values[0])
			l.point(1, "R9", values[1])
			sum("AX", values[0], 0)
			sum("R9", values[1], n)
			l.p("\tADDQ $16, SI\n\tSUBQ $2, CX\n\tJGE two%s\nlast%s:\n\tTESTQ $1, CX\n\tJZ end%s", label, label, label)
			l.point(0, "AX", values[0])
			sum("AX", values[0], 0)
			l.p("end%s:", label)
			for i := range n {
				l.op("VADDPS", n+i, i, i)
			}
		} else {
			l.p("next%s:", label)
			l.point(0, "AX", values[0])
			sum("AX", values[0], 0)
			l.p("\tADDQ $8, SI\n\tDECQ CX\n\tJNZ next%s", label)
		}
		l.p("\tMOVQ c+32(FP), DI")
		l.eachOfC(runs, vectors, l.to)
	})
}

func (l *loop) atRegister(to int, from string) { l.at(from, to) }

// addToPatches writes patch += value·C, point after point.
func addToPatches(w *writer, s isa) {
	points(w, s, "addToPatches", func(l *loop, label string, runs, vectors int) {
		n := runs * vectors
		value := 2*s.lanes - 2
		l.eachOfC(runs, vectors, l.atRegister)
		l.p("next%s:", label)
		l.point(0, "AX", value)
		for i := range runs {
			for v := range vectors {
				sum := value - 1 - (i*vectors+v)%min(4, value-n)
				l.at(l.run("AX", i, v), sum)
				l.op("VFMADD231PS", i*vectors+v, value, sum)
				l.to(sum, l.run("AX", i, v))
			}
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

// vector is where vector v of what register begins with is.
func (l *loop) vector(register string, v int) string {
	return fmt.Sprintf("%d(%s)", 4*v*l.lanes, register)
}
