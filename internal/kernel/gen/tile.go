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

// prefetchFrom is the k from which it pays to fetch before the sum where it is
// stored.
const prefetchFrom = 32

// tile is the name of a kernel; with no vectors, of a quadTile.
func (s isa) tile(rows, vectors int) string {
	return fmt.Sprintf("tile%s_%dx%d", s.name, rows, vectors)
}

// tile writes a kernel of R rows by V vectors. With masked, only the lanes of
// mask are read of B and init, and written of C.
func tile(w *writer, s isa, rows, vectors int, masked bool) {
	b := func(v int) string { return fmt.Sprintf("%s%d", s.reg, v) }
	size, label := 4*s.lanes, fmt.Sprintf("%s%dx%d", s.name, rows, vectors)
	maskReg := tileHead(w, s, rows, vectors, masked)
	groups := tileRows(w, s, label, rows, vectors)
	w.p("\tMOVQ aTile+16(FP), AX\n\tADDQ R8, AX") // the next tile's A, where it lies together
	w.p("\tTESTQ CX, CX\n\tJZ done%s\nloop%s:", label, label)
	for v := range vectors {
		w.p("\t%s", load(s, fmt.Sprintf("%d(BX)", v*size), b(v), v, masked, maskReg))
	}
	w.p("\tPREFETCHT1 (AX)\n\tADDQ $64, AX")
	for r := range rows {
		c := s.broadcast(w, "VBROADCASTSS", groups, r)
		for v := range vectors {
			w.p("\tVFMADD231PS %s, %s, %s", b(v), c, s.sum(s.reg, r*vectors+v))
		}
	}
	w.p("\tADDQ DX, BX")
	for _, g := range groups {
		w.p("\tADDQ R13, %s", g)
	}
	w.p("\tDECQ CX\n\tJNZ loop%s\ndone%s:", label, label)
	tileEnd(w, s, s.reg, label, rows, vectors, masked, maskReg)
}

// sum is the register of a tile's i-th sum, or its part X.
func (s isa) sum(reg string, i int) string { return fmt.Sprintf("%s%d", reg, s.acc+i) }

// broadcast loads what row r of a tile needs of A.
func (s isa) broadcast(w *writer, op string, groups []string, r int) string {
	c := fmt.Sprintf("%s%d", s.reg, 2+r%s.cast)
	suffix, mask, _ := strings.Cut(op, " ")
	w.p("\t%s (%s)%s, %s%s", suffix, groups[r/3], []string{"", "(R12*1)", "(R12*2)"}[r%3], mask, c)
	return c
}

// tileHead begins a kernel: R12 and R13 are the strides of A, DX that of B; DI
// and SI are C and its stride.
func tileHead(w *writer, s isa, rows, vectors int, masked bool) (maskReg string) {
	w.declare(s.tile(rows, vectors), tileParams, "")
	w.p("TEXT ·%s(SB), NOSPLIT, $0-104", s.tile(rows, vectors))
	w.p("\tMOVQ aRow+24(FP), R12\n\tMOVQ aK+32(FP), R13\n\tMOVQ bRow+56(FP), DX\n\tMOVQ c+64(FP), DI\n\tMOVQ cRow+72(FP), SI")
	if masked {
		w.p("\tMOVQ mask+96(FP), AX")
		if s.lanes == 16 {
			w.p("\tKMOVW AX, K1\n\tSHRQ $16, AX\n\tKMOVW AX, K2")
		} else { // mask is the address of eight int32
			maskReg = "Y1"
			w.p("\tVMOVDQU (AX), %s", maskReg)
		}
	}
	return maskReg
}

// tileRows begins a tile: CX is k, BX is B, and groups are registers that hold
// every third row of A. Of a quadTile, vectors is 0.
func tileRows(w *writer, s isa, label string, rows, vectors int) (groups []string) {
	w.p("tile%s:\n\tMOVQ k+8(FP), CX\n\tCMPQ CX, $%d\n\tJLT near%s\n\tMOVQ DI, R8", label, prefetchFrom, label)
	for range rows {
		for v := range max(1, (4*vectors*s.lanes+63)/64) {
			w.p("\tPREFETCHT0 %d(R8)", 64*v)
		}
		w.p("\tADDQ SI, R8")
	}
	w.p("near%s:\n\tMOVQ a+40(FP), R8\n\tMOVQ b+48(FP), BX", label)
	groups = []string{"R8", "R9", "R10", "R11"}[:(rows+2)/3]
	for i := 1; i < len(groups); i++ {
		w.p("\tLEAQ (%s)(R12*2), %s\n\tADDQ R12, %s", groups[i-1], groups[i], groups[i])
	}
	for i := range rows * max(1, vectors) {
		zero(w, s, s.sum(s.reg, i))
	}
	return groups
}

// tileEnd adds init to the sums, in registers reg, stores them and goes to the
// next tile.
func tileEnd(w *writer, s isa, reg, label string, rows, vectors int, masked bool, maskReg string) {
	size := 4 * s.lanes
	w.p("\tMOVQ init+80(FP), R8\n\tTESTQ R8, R8\n\tJZ store%s\n\tMOVQ initRow+88(FP), R9", label)
	for r := range rows {
		for v := range vectors {
			t, sum := reg+"2", s.sum(reg, r*vectors+v)
			w.p("\t%s", load(s, fmt.Sprintf("%d(R8)", v*size), t, v, masked, maskReg))
			w.p("\tVADDPS %s, %s, %s", t, sum, sum)
		}
		w.p("\tADDQ R9, R8")
	}
	w.p("\tMOVQ R8, init+80(FP)\nstore%s:", label)
	for r := range rows {
		for v := range vectors {
			w.p("\t%s", store(s, s.sum(reg, r*vectors+v), fmt.Sprintf("%d(DI)", v*size), v, masked, maskReg))
		}
		w.p("\tADDQ SI, DI")
	}
	w.p("\tMOVQ aTile+16(FP), AX\n\tADDQ AX, a+40(FP)\n\tDECQ n+0(FP)\n\tJNZ tile%s\n\tVZEROUPPER\n\tRET\n", label)
}

// quadTile writes a kernel of R rows by at most four columns, for AVX-512. A
// vector is four steps along k of each of four columns, B being packed so, and
// what it is multiplied by is four elements of a row of A, four times. Sums
// over the steps are the last thing made.
func quadTile(w *writer, s isa, rows int) {
	label := fmt.Sprintf("%s%dx0", s.name, rows)
	tileHead(w, s, rows, 0, true)
	groups := tileRows(w, s, label, rows, 0)
	step := func(op string) {
		w.p("\tVMOVUPS (BX), Z0")
		for r := range rows {
			c := s.broadcast(w, op, groups, r)
			w.p("\tVFMADD231PS Z0, %s, %s", c, s.sum("Z", r))
		}
	}
	w.p("\tSHRQ $2, CX\n\tJZ rest%s\nloop%s:", label, label)
	step("VBROADCASTF32X4")
	w.p("\tADDQ $64, BX")
	for _, g := range groups {
		w.p("\tADDQ $16, %s", g)
	}
	w.p("\tDECQ CX\n\tJNZ loop%s\nrest%s:\n\tMOVQ k+8(FP), CX\n\tANDQ $3, CX\n\tJZ done%s", label, label, label)
	w.p("\tMOVQ $1, AX\n\tSHLQ CX, AX\n\tDECQ AX\n\tIMULQ $0x1111, AX\n\tKMOVW AX, K2")
	step("VBROADCASTF32X4.Z K2, ")
	w.p("done%s:\n\tVMOVDQU32 ·quads512(SB), Z1", label)
	for r := 0; r < rows; r += 4 {
		s.addSteps(w, r, rows)
	}
	tileEnd(w, s, "X", label, rows, 1, true, "")
}

// addSteps leaves the sums of rows r to r+3, or what there is of them, in the
// first four lanes of their registers.
func (s isa) addSteps(w *writer, r, rows int) {
	acc := func(i int) string { return s.sum("Z", min(r+i, rows-1)) }
	add := func(wide, a, b, to, spare string) {
		w.p("\tVUNPCKL%s %s, %s, %s\n\tVUNPCKH%s %s, %s, %s", wide, b, a, to, wide, b, a, spare)
		w.p("\tVADDPS %s, %s, %s", spare, to, to)
	}
	add("PS", acc(0), acc(1), "Z2", "Z3") // of pairs of steps
	add("PS", acc(2), acc(3), "Z4", "Z5")
	add("PD", "Z2", "Z4", "Z3", "Z5") // four rows of a column next to each other
	w.p("\tVPERMPS Z3, Z1, Z3")
	for i := range min(4, rows-r) {
		w.p("\tVEXTRACTF32X4 $%d, Z3, %s", i, s.sum("X", r+i))
	}
}

// quads writes the order that makes of four columns, four rows each, rows.
func quads(w *writer) {
	for i := range 16 {
		w.p("DATA ·quads512+%d(SB)/4, $%d", 4*i, i%4*4+i/4)
	}
	w.p("GLOBL ·quads512(SB), RODATA|NOPTR, $64\n")
}

// heights writes the heights of an instruction set's tiles.
func (w *writer) heights(name string, rows []int) {
	list := strings.Trim(strings.ReplaceAll(fmt.Sprint(rows), " ", ", "), "[]")
	fmt.Fprintf(&w.decl, "// heights%s are the heights of tiles, the highest first.\nvar heights%s = [...]int{%s}\n\n", name, name, list)
}

// choice writes the Go function that calls the kernel of a given height and
// width.
func choice(w *writer, s isa) {
	g := &w.decl
	w.heights(s.name, s.rows)
	fmt.Fprintf(g, "// tiles%s runs the kernel for n tiles of the given height, some vectors wide.\n", s.name)
	fmt.Fprintf(g, "func tiles%s(height, vectors int, %s) {\n\tswitch 3*height + vectors {\n", s.name, tileParams)
	for _, rows := range s.rows {
		for v := s.least; v <= 2; v++ {
			fmt.Fprintf(g, "\tcase %d:\n\t\t%s(n, k, aTile, aRow, aK, a, b, bRow, c, cRow, init, initRow, mask)\n", 3*rows+v, s.tile(rows, v))
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
