package main

import (
	"fmt"
	"strings"
)

// loop is a kernel over n elements of several float32 arrays. Its body is
// written twice, for whole vectors and for the masked rest, so that it needs
// no loop in Go for the tail; masked lanes read as zero.
type loop struct {
	*writer
	isa
	name   string
	arrays []string // parameters, *float32
	table  string   // a further one, which stays: constants, at R10
	consts []string // parameters, float32, in registers from first on
	sums   int      // results, float64, in registers 0 to sums-1
	extra  string   // a further result, an int in AX
	masked bool
}

const firstConst = 12 // registers 12 to 14; 15 is AVX2's mask

var pointers = []string{"SI", "DI", "R8", "R9"}

func (l *loop) r(n int) string { return fmt.Sprintf("%s%d", l.reg, n) }

// op writes an instruction with operands: register numbers or strings.
func (l *loop) op(name string, operands ...any) {
	l.WriteString("\t" + name)
	for i, o := range operands {
		sep := ", "
		if i == 0 {
			sep = " "
		}
		if n, ok := o.(int); ok {
			o = l.r(n)
		}
		fmt.Fprintf(l, "%s%v", sep, o)
	}
	l.WriteByte('\n')
}

func (l *loop) load(array, to int) {
	l.p("\t%s", load(l.isa, "("+pointers[array]+")", l.r(to), 0, l.masked, "Y15"))
}

func (l *loop) store(from, array int) {
	l.p("\t%s", store(l.isa, l.r(from), "("+pointers[array]+")", 0, l.masked, "Y15"))
}

// addSquares adds the squares of register x to the float64 sum; a and b are
// scratch.
func (l *loop) addSquares(x, sum, a, b int) {
	high := "VEXTRACTF128"
	if l.lanes == 16 {
		high = "VEXTRACTF32X8"
	}
	l.op("VCVTPS2PD", half(l.isa, x), a)
	l.op(high, "$1", x, half(l.isa, b))
	l.op("VCVTPS2PD", half(l.isa, b), b)
	l.op("VFMADD231PD", a, a, sum)
	l.op("VFMADD231PD", b, b, sum)
}

// write writes the kernel whose body is given.
func (l *loop) write(body func()) {
	frame := 8 * (1 + len(l.arrays))
	if l.table != "" {
		frame += 8
	}
	at := frame
	frame += 4 * len(l.consts)
	if l.sums > 0 { // results are aligned
		frame = (frame + 7) &^ 7
	}
	result := frame
	frame += 8 * l.sums
	if l.extra != "" {
		frame += 8
	}
	l.signature()
	l.p("TEXT ·%s%s(SB), NOSPLIT, $0-%d\n\tMOVQ n+0(FP), CX", l.name, l.isa.name, frame)
	for i, a := range l.arrays {
		l.p("\tMOVQ %s+%d(FP), %s", a, 8+8*i, pointers[i])
	}
	if l.table != "" {
		l.p("\tMOVQ %s+%d(FP), R10", l.table, at-8)
	}
	for i, c := range l.consts {
		l.p("\tVBROADCASTSS %s+%d(FP), %s", c, at+4*i, l.r(firstConst+i))
	}
	for i := range l.sums {
		zero(l.writer, l.isa, l.r(i))
	}
	label := l.name + l.isa.name
	if l.extra != "" {
		l.p("\tXORQ AX, AX")
	}
	l.p("\tSUBQ $%d, CX\n\tJLT rest%s\nloop%s:", l.lanes, label, label)
	body()
	for i := range l.arrays {
		l.p("\tADDQ $%d, %s", 4*l.lanes, pointers[i])
	}
	l.p("\tSUBQ $%d, CX\n\tJGE loop%s\nrest%s:\n\tADDQ $%d, CX\n\tJZ done%s", l.lanes, label, label, l.lanes, label)
	mask(l.writer, l.isa)
	l.masked = true
	body()
	l.p("done%s:", label)
	for i := range l.sums {
		sumLanes(l.writer, l.isa, i)
		l.p("\tVMOVSD X%d, %s+%d(FP)", i, []string{"s0", "s1", "s2"}[i], result+8*i)
	}
	if l.extra != "" {
		l.p("\tMOVQ AX, %s+%d(FP)", l.extra, result+8*l.sums)
	}
	l.p("\tVZEROUPPER\n\tRET\n")
}

// signature declares the kernel.
func (l *loop) signature() {
	params := "n int, " + strings.Join(l.arrays, ", ")
	if l.table != "" {
		params += ", " + l.table
	}
	params += " *float32"
	if len(l.consts) > 0 {
		params += ", " + strings.Join(l.consts, ", ") + " float32"
	}
	var results []string
	for i := range l.sums {
		results = append(results, fmt.Sprintf("s%d", i))
	}
	result := strings.Join(results, ", ")
	switch {
	case l.extra != "":
		result = " (" + result + " float64, " + l.extra + " int)"
	case l.sums > 0:
		result = " (" + result + " float64)"
	}
	l.declare(l.name+l.isa.name, params, result)
}

// mask makes the mask of the first CX lanes of float32: K1, or Y15. It spoils DX.
func mask(w *writer, s isa) {
	if s.lanes == 16 {
		w.p("\tMOVQ $-1, DX\n\tSHLQ CX, DX\n\tNOTQ DX\n\tKMOVW DX, K1")
		return
	}
	w.p("\tLEAQ ·masks2+32(SB), BX\n\tMOVQ CX, DX\n\tNEGQ DX\n\tVMOVDQU (BX)(DX*4), Y15")
}

// sumLanes adds the float64 lanes of register n into its lowest; it spoils 15.
func sumLanes(w *writer, s isa, n int) {
	if s.lanes == 16 {
		w.p("\tVEXTRACTF64X4 $1, Z%d, Y15\n\tVADDPD Y15, Y%d, Y%d", n, n, n)
	}
	w.p("\tVEXTRACTF128 $1, Y%d, X15\n\tVADDPD X15, X%d, X%d\n\tVUNPCKHPD X%d, X%d, X15\n\tVADDSD X15, X%d, X%d", n, n, n, n, n, n, n)
}
