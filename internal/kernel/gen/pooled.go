package main

import (
	"fmt"
	"slices"
	"strings"
)

// A pooled tile is two rows of P places by V vectors of the products of patches with B, of
// which the largest of each 2×2 places is stored: the sums stay in registers from the first
// run of the patches to there. What it takes is in a kernel.pooled, at SI. R8 to R10 and R11
// to R13 hold every fifth place of its rows, AX and DX once and three times what is between
// two places.

// pooledFields are those of kernel.pooled, in order.
var pooledFields = strings.Fields("a b init v win mask rows tiles aRow aTile down across runs length skip bRow row step left at rowA rowV rowWin")

func pooledField(name string) string {
	for i, f := range pooledFields {
		if f == name {
			return fmt.Sprintf("%d(SI)", 8*i)
		}
	}
	panic(name)
}

// pooledPlaces are the most places of a row of a tile, by its vectors.
func (s isa) pooledPlaces() []int {
	if s.lanes == 16 {
		return []int{12, 6}
	}
	return []int{6}
}

func (s isa) pooledTile(places, vectors int) string {
	return fmt.Sprintf("pooled%s_%dx%d", s.name, places, vectors)
}

// pooledTile writes a kernel for some tiles next to each other, in some pairs of rows.
func pooledTile(w *writer, s isa, places, vectors int) {
	l := &loop{writer: w, isa: s, masked: s.lanes == 16}
	label, f := s.pooledTile(places, vectors), pooledField
	groups, sums := (places+4)/5, 2*places*vectors
	acc := func(row, place, v int) int { return 4*s.lanes/2 - sums + (row*places+place)*vectors + v }
	pointers := slices.Concat([]string{"R8", "R9", "R10"}[:groups], []string{"R11", "R12", "R13"}[:groups])
	w.declare(label, "t *pooled", "")
	w.p("TEXT ·%s(SB), NOSPLIT, $0-8\n\tMOVQ t+0(FP), SI", label)
	w.p("\tMOVQ %s, AX\n\tLEAQ (AX)(AX*2), DX", f("across"))
	if s.lanes == 16 {
		w.p("\tMOVQ %s, BX\n\tKMOVW BX, K1\n\tSHRQ $16, BX\n\tKMOVW BX, K2", f("mask"))
	}
	for _, p := range [][2]string{{"a", "rowA"}, {"v", "rowV"}, {"win", "rowWin"}} {
		w.p("\tMOVQ %s, CX\n\tMOVQ CX, %s", f(p[0]), f(p[1]))
	}
	w.p("row%s:\n\tMOVQ %s, CX\n\tMOVQ CX, %s\n\tMOVQ %s, CX\n\tMOVQ CX, %s", label, f("tiles"), f("left"), f("rowA"), f("at"))
	w.p("\tMOVQ %s, DI\n\tMOVQ %s, R14", f("rowV"), f("rowWin"))
	w.p("tile%s:\n\tMOVQ %s, R8\n\tMOVQ R8, R11\n\tADDQ %s, R11\n\tMOVQ %s, BX", label, f("at"), f("down"), f("b"))
	for i := 1; i < groups; i++ {
		for _, r := range []int{8, 11} {
			w.p("\tLEAQ (R%d)(AX*4), R%d\n\tADDQ AX, R%d", r+i-1, r+i, r+i)
		}
	}
	w.p("\tMOVQ %s, CX", f("init"))
	for v := range vectors {
		l.pooledLoad("CX", acc(0, 0, v), v)
		for i := 1; i < 2*places; i++ {
			l.op("VMOVAPS", acc(0, 0, v), acc(0, i, v))
		}
	}
	w.p("\tMOVQ %s, R15\nrun%s:\n\tMOVQ %s, CX\nstep%s:", f("runs"), label, f("length"), label)
	for v := range vectors {
		w.p("\tVMOVUPS %d(BX), %s", 4*v*s.lanes, l.r(v))
	}
	for i := range 2 * places {
		row, p := i/places, i%places
		from := fmt.Sprintf("(%s)%s", pointers[row*groups+p/5], []string{"", "(AX*1)", "(AX*2)", "(DX*1)", "(AX*4)"}[p%5])
		if vectors == 1 && s.lanes == 16 {
			l.op("VFMADD231PS.BCST", from, 0, acc(row, p, 0))
			continue
		}
		value := vectors + i%2
		l.op("VBROADCASTSS", from, value)
		for v := range vectors {
			l.op("VFMADD231PS", v, value, acc(row, p, v))
		}
	}
	w.p("\tADDQ %s, BX", f("bRow"))
	for _, r := range pointers {
		w.p("\tADDQ $4, %s", r)
	}
	w.p("\tDECQ CX\n\tJNZ step%s\n\tMOVQ %s, CX", label, f("skip"))
	for _, r := range pointers {
		w.p("\tADDQ CX, %s", r)
	}
	w.p("\tDECQ R15\n\tJNZ run%s", label)
	for p := 0; p < places; p += 2 {
		for v := range vectors {
			l.pooledLargest([]int{acc(0, p, v), acc(0, p+1, v), acc(1, p, v), acc(1, p+1, v)}, v, fmt.Sprintf("%s_%d_%d", label, p, v))
		}
		w.p("\tADDQ %s, DI\n\tTESTQ R14, R14\n\tJZ silent%s_%d\n\tADDQ %s, R14\nsilent%s_%d:", f("step"), label, p, f("step"), label, p)
	}
	w.p("\tMOVQ %s, CX\n\tADDQ CX, %s\n\tDECQ %s\n\tJNZ tile%s", f("aTile"), f("at"), f("left"), label)
	w.p("\tMOVQ %s, CX\n\tADDQ CX, %s\n\tMOVQ %s, CX\n\tADDQ CX, %s", f("aRow"), f("rowA"), f("row"), f("rowV"))
	w.p("\tCMPQ %s, $0\n\tJEQ none%s\n\tADDQ CX, %s\nnone%s:\n\tDECQ %s\n\tJNZ row%s\n\tVZEROUPPER\n\tRET\n", f("win"), label, f("rowWin"), label, f("rows"), label)
}

// pooledLoad loads vector v of what the register points to.
func (l *loop) pooledLoad(from string, to, v int) {
	if l.lanes == 8 {
		l.p("\tMOVQ %s, R15\n\tVMOVDQU (R15), Y0", pooledField("mask"))
	}
	l.p("\t%s", load(l.isa, l.vector(from, v), l.r(to), v, true, "Y0"))
}

// pooledLargest stores the largest of four registers, and which it was: of equal ones the
// first.
func (l *loop) pooledLargest(z []int, v int, label string) {
	const one, count, win, bigger = 1, 2, 3, 0
	l.p("\tTESTQ R14, R14\n\tJZ no%s", label)
	if l.lanes == 16 {
		l.op("VPTERNLOGD", "$255", one, one, one)
	} else {
		l.op("VPCMPEQD", one, one, one)
	}
	l.op("VPSRLD", "$31", one, one)
	l.op("VMOVAPS", one, count)
	zero(l.writer, l.isa, l.r(win))
	for i, x := range z[1:] {
		if l.lanes == 16 {
			l.op("VCMPPS", "$0x1e", z[0], x, "K3")
			l.op("VMOVAPS", x, "K3", z[0])
			l.op("VMOVDQA32", count, "K3", win)
		} else {
			l.op("VCMPPS", "$0x1e", z[0], x, bigger)
			l.op("VBLENDVPS", bigger, x, z[0], z[0])
			l.op("VBLENDVPS", bigger, count, win, win)
		}
		if i < 2 {
			l.op("VPADDD", one, count, count)
		}
	}
	l.pooledStore(win, "R14", v)
	l.p("\tJMP v%s\nno%s:", label, label)
	for _, x := range z[1:] {
		l.op("VMAXPS", z[0], x, z[0]) // NaN stays if it was first: the first operand wins
	}
	l.p("v%s:", label)
	l.pooledStore(z[0], "DI", v)
}

func (l *loop) pooledStore(from int, to string, v int) {
	if l.lanes == 8 {
		l.p("\tMOVQ %s, CX\n\tVMOVDQU (CX), Y0", pooledField("mask"))
	}
	l.p("\t%s", store(l.isa, l.r(from), l.vector(to, v), v, true, "Y0"))
}

// pooledChoice writes the Go function that calls the kernel of a given size.
func pooledChoice(w *writer, s isa) {
	g := &w.decl
	list := strings.Trim(strings.ReplaceAll(fmt.Sprint(s.pooledPlaces()), " ", ", "), "[]")
	fmt.Fprintf(g, "// places%s are the most places of a row of a pooled tile, of one vector and of more.\nvar places%s = [...]int{%s}\n\n", s.name, s.name, list)
	fmt.Fprintf(g, "// pooled%s runs the kernel of the given places and vectors.\nfunc pooled%s(places, vectors int, t *pooled) {\n\tswitch 3*places + vectors {\n", s.name, s.name)
	for i, most := range s.pooledPlaces() {
		for p := 2; p <= most; p += 2 {
			fmt.Fprintf(g, "\tcase %d:\n\t\t%s(t)\n", 3*p+i+1, s.pooledTile(p, i+1))
		}
	}
	fmt.Fprint(g, "\t}\n}\n\n")
}
