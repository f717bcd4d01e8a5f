package main

import (
	"fmt"
	"strings"
)

// A tile kernel computes tiles of R rows by V vectors of C = A·B, one below
// the other, keeping each in registers: for each step along k it loads a row
// of B and, for each row of the tile, broadcasts one element of A. A is
// addressed by a stride between rows, one along k and one between tiles, so
// that the same kernel serves A, Aᵀ and packed factors; B by a stride along k.
// What C is added to is read from init, nil for zero: C itself, or a row for
// all with stride 0.

// tileParams are the kernels' parameters; strides are in bytes.
const tileParams = "n, k, aTile, aRow, aK int, a, b *float32, bRow int, c *float32, cRow int, init *float32, initRow int, mask uint64"

// prefetchFrom is the k from which it pays to fetch before the sum what it is
// added to.
const prefetchFrom = 32

func (s isa) tile(rows, vectors int) string {
	return fmt.Sprintf("tile%s_%dx%d", s.name, rows, vectors)
}

// tile writes a kernel of R rows by V vectors. With masked, only the lanes of
// mask are read of B and init, and written of C.
func tile(w *writer, s isa, rows, vectors int, masked bool) {
	acc := func(r, v int) string { return fmt.Sprintf("%s%d", s.reg, s.acc+r*vectors+v) }
	b := func(v int) string { return fmt.Sprintf("%s%d", s.reg, v) }
	size, label := 4*s.lanes, fmt.Sprintf("%s%dx%d", s.name, rows, vectors)
	w.declare(s.tile(rows, vectors), tileParams, "")
	w.p("TEXT ·%s(SB), NOSPLIT, $0-104", s.tile(rows, vectors))
	w.p("\tMOVQ aRow+24(FP), R12\n\tMOVQ aK+32(FP), R13\n\tMOVQ bRow+56(FP), DX\n\tMOVQ c+64(FP), DI\n\tMOVQ cRow+72(FP), SI")
	maskReg := ""
	if masked {
		w.p("\tMOVQ mask+96(FP), AX")
		if s.lanes == 16 {
			w.p("\tKMOVW AX, K1\n\tSHRQ $16, AX\n\tKMOVW AX, K2")
		} else { // mask is the address of eight int32
			maskReg = "Y1"
			w.p("\tVMOVDQU (AX), %s", maskReg)
		}
	}
	w.p("tile%s:\n\tMOVQ k+8(FP), CX\n\tMOVQ initRow+88(FP), R9\n\tTESTQ R9, R9\n\tJZ near%s\n\tCMPQ CX, $%d\n\tJLT near%s\n\tMOVQ init+80(FP), R8", label, label, prefetchFrom, label)
	for range rows {
		for v := range (vectors*size + 63) / 64 {
			w.p("\tPREFETCHT0 %d(R8)", 64*v)
		}
		w.p("\tADDQ R9, R8")
	}
	w.p("near%s:\n\tMOVQ a+40(FP), R8\n\tMOVQ b+48(FP), BX", label)
	groups := []string{"R8", "R9", "R10", "R11"}[:(rows+2)/3]
	for i := 1; i < len(groups); i++ {
		w.p("\tLEAQ (%s)(R12*2), %s\n\tADDQ R12, %s", groups[i-1], groups[i], groups[i])
	}
	for r := range rows {
		for v := range vectors {
			zero(w, s, acc(r, v))
		}
	}
	w.p("\tMOVQ aTile+16(FP), AX\n\tADDQ R8, AX") // the next tile's A, where it lies together
	w.p("\tTESTQ CX, CX\n\tJZ done%s\nloop%s:", label, label)
	for v := range vectors {
		w.p("\t%s", load(s, fmt.Sprintf("%d(BX)", v*size), b(v), v, masked, maskReg))
	}
	w.p("\tPREFETCHT1 (AX)\n\tADDQ $64, AX")
	for r := range rows {
		c := fmt.Sprintf("%s%d", s.reg, 2+r%s.cast)
		w.p("\tVBROADCASTSS (%s)%s, %s", groups[r/3], []string{"", "(R12*1)", "(R12*2)"}[r%3], c)
		for v := range vectors {
			w.p("\tVFMADD231PS %s, %s, %s", b(v), c, acc(r, v))
		}
	}
	w.p("\tADDQ DX, BX")
	for _, g := range groups {
		w.p("\tADDQ R13, %s", g)
	}
	w.p("\tDECQ CX\n\tJNZ loop%s\ndone%s:", label, label)
	w.p("\tMOVQ init+80(FP), R8\n\tTESTQ R8, R8\n\tJZ store%s\n\tMOVQ initRow+88(FP), R9", label)
	for r := range rows {
		for v := range vectors {
			t := fmt.Sprintf("%s2", s.reg)
			w.p("\t%s", load(s, fmt.Sprintf("%d(R8)", v*size), t, v, masked, maskReg))
			w.p("\tVADDPS %s, %s, %s", t, acc(r, v), acc(r, v))
		}
		w.p("\tADDQ R9, R8")
	}
	w.p("\tMOVQ R8, init+80(FP)\nstore%s:", label)
	for r := range rows {
		for v := range vectors {
			w.p("\t%s", store(s, acc(r, v), fmt.Sprintf("%d(DI)", v*size), v, masked, maskReg))
		}
		w.p("\tADDQ SI, DI")
	}
	w.p("\tMOVQ aTile+16(FP), AX\n\tADDQ AX, a+40(FP)\n\tDECQ n+0(FP)\n\tJNZ tile%s\n\tVZEROUPPER\n\tRET\n", label)
}

// choice writes the Go function that calls the kernel of a given height and
// width.
func choice(w *writer, s isa) {
	g := &w.decl
	heights := strings.Trim(strings.ReplaceAll(fmt.Sprint(s.rows), " ", ", "), "[]")
	fmt.Fprintf(g, "// heights%s are the heights of tiles, the highest first.\nvar heights%s = [...]int{%s}\n\n", s.name, s.name, heights)
	fmt.Fprintf(g, "// tiles%s runs the kernel for n tiles of the given height, one vector wide or two.\n", s.name)
	fmt.Fprintf(g, "func tiles%s(height, vectors int, %s) {\n\tswitch 2*height + vectors {\n", s.name, tileParams)
	for _, rows := range s.rows {
		for v := 1; v <= 2; v++ {
			fmt.Fprintf(g, "\tcase %d:\n\t\t%s(n, k, aTile, aRow, aK, a, b, bRow, c, cRow, init, initRow, mask)\n", 2*rows+v, s.tile(rows, v))
		}
	}
	fmt.Fprint(g, "\t}\n}\n\n")
}

// packColumns writes packISA_V(rows, panels, src, srcRow, step, dst, dstRow,
// dstPanel, mask), strides in bytes: for each row, and each of the panels next
// to each other, it copies V vectors, or what of them mask has.
func packColumns(w *writer, s isa, vectors int) {
	name := fmt.Sprintf("pack%s_%d", s.name, vectors)
	w.declare(name, "rows, panels int, src *float32, srcRow, step int, dst *float32, dstRow, dstPanel int, mask uint64", "")
	w.p("TEXT ·%s(SB), NOSPLIT, $0-72", name)
	w.p("\tMOVQ rows+0(FP), CX\n\tMOVQ src+16(FP), SI\n\tMOVQ step+32(FP), R8\n\tMOVQ dst+40(FP), DI\n\tMOVQ dstPanel+56(FP), R9\n\tMOVQ mask+64(FP), AX")
	if s.lanes == 16 {
		w.p("\tKMOVW AX, K1\n\tSHRQ $16, AX\n\tKMOVW AX, K2")
	}
	w.p("row%s:\n\tMOVQ panels+8(FP), DX\n\tMOVQ SI, R10\n\tMOVQ DI, R11\npanel%s:", name, name)
	masked := s.lanes == 16
	for v := range vectors {
		w.p("\t%s", load(s, fmt.Sprintf("%d(R10)", 4*v*s.lanes), fmt.Sprintf("%s%d", s.reg, v), v, masked, ""))
	}
	for v := range vectors { // what the next panel needs
		w.p("\tPREFETCHT0 %d(R10)", 4*(v+vectors)*s.lanes)
	}
	for v := range vectors {
		w.p("\t%s", store(s, fmt.Sprintf("%s%d", s.reg, v), fmt.Sprintf("%d(R11)", 4*v*s.lanes), v, masked, ""))
	}
	w.p("\tADDQ R8, R10\n\tADDQ R9, R11\n\tDECQ DX\n\tJNZ panel%s", name)
	w.p("\tADDQ srcRow+24(FP), SI\n\tADDQ dstRow+48(FP), DI\n\tDECQ CX\n\tJNZ row%s\n\tVZEROUPPER\n\tRET\n", name)
}
