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
	mask(l.writer, l.isa, 1)
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
	params := "n int, " + strings.Join(l.arrays, ", ") + " *float32"
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

// mask makes the mask of the first CX lanes of the given number of float32:
// K1, or Y15. It spoils DX.
func mask(w *writer, s isa, words int) {
	if s.lanes == 16 {
		w.p("\tMOVQ $-1, DX\n\tSHLQ CX, DX\n\tNOTQ DX\n\tKMOVW DX, K1")
		return
	}
	w.p("\tLEAQ ·masks2+32(SB), BX\n\tMOVQ CX, DX\n\tNEGQ DX\n\tVMOVDQU (BX)(DX*%d), Y15", 4*words)
}

// sumLanes adds the float64 lanes of register n into its lowest; it spoils 15.
func sumLanes(w *writer, s isa, n int) {
	if s.lanes == 16 {
		w.p("\tVEXTRACTF64X4 $1, Z%d, Y15\n\tVADDPD Y15, Y%d, Y%d", n, n, n)
	}
	w.p("\tVEXTRACTF128 $1, Y%d, X15\n\tVADDPD X15, X%d, X%d\n\tVUNPCKHPD X%d, X%d, X15\n\tVADDSD X15, X%d, X%d", n, n, n, n, n, n, n)
}

// relu writes dst = max(z, 0).
func relu(w *writer, s isa) {
	l := &loop{writer: w, isa: s, name: "relu", arrays: []string{"z", "dst"}}
	l.write(func() {
		zero(w, s, l.r(0))
		l.load(0, 1)
		l.op("VMAXPS", 1, 0, 1) // NaN stays: the first operand wins
		l.store(1, 1)
	})
}

// reluBand writes dst = v clipped to [a−ε, a+ε], open below where a−ε ≤ 0.
func reluBand(w *writer, s isa) {
	l := &loop{writer: w, isa: s, name: "reluBand", arrays: []string{"v", "a", "dst"}, consts: []string{"eps"}}
	l.write(func() {
		l.load(0, 1)
		l.load(1, 2)
		l.op("VSUBPS", firstConst, 2, 3)
		l.op("VADDPS", firstConst, 2, 2)
		l.op("VMAXPS", 1, 3, 4) // v, raised to the lower end
		zero(w, s, l.r(5))
		if s.lanes == 16 {
			l.op("VCMPPS", "$2", 5, 3, "K2") // a−ε ≤ 0
			l.op("VMOVAPS", 1, "K2", 4)
		} else {
			l.op("VCMPPS", "$2", 5, 3, 5)
			l.op("VBLENDVPS", 5, 1, 4, 4)
		}
		l.op("VMINPS", 4, 2, 4)
		l.store(4, 2)
	})
}

// clipAdd writes a = clip(a+d, h−ε, h+ε).
func clipAdd(w *writer, s isa) {
	l := &loop{writer: w, isa: s, name: "clipAdd", arrays: []string{"d", "h", "a"}, consts: []string{"eps"}}
	l.write(func() {
		l.load(2, 1)
		l.load(0, 2)
		l.op("VADDPS", 2, 1, 1)
		l.clip(1, 1)
		l.store(1, 2)
	})
}

// clip clips register x to h ± ε, h in array 1, to register to; it spoils 6
// and 7.
func (l *loop) clip(x, to int) {
	l.load(1, 6)
	l.op("VSUBPS", firstConst, 6, 7)
	l.op("VADDPS", firstConst, 6, 6)
	l.op("VMAXPS", x, 7, to)
	l.op("VMINPS", to, 6, to)
}

// bandStep writes d = clip(a−k·g, h−ε, h+ε) − a, ‖d‖², and how many vectors
// the band cuts.
func bandStep(w *writer, s isa) {
	l := &loop{writer: w, isa: s, name: "bandStep", arrays: []string{"a", "h", "grad", "d"}, consts: []string{"eps", "k"}, sums: 1, extra: "cut"}
	l.write(func() {
		l.load(0, 1)
		l.load(2, 2)
		l.op("VMOVAPS", 1, 3)
		l.op("VFNMADD231PS", 2, firstConst+1, 3)
		l.clip(3, 4)
		if s.lanes == 16 {
			l.op("VCMPPS", "$4", 3, 4, "K2")
			l.op("KMOVW", "K2", "DX")
		} else {
			l.op("VCMPPS", "$4", 3, 4, 5)
			l.op("VMOVMSKPS", 5, "DX")
		}
		l.op("ORQ", "DX", "AX")
		l.op("VSUBPS", 1, 4, 4)
		l.store(4, 3)
		l.addSquares(4, 0, 8, 9)
	})
}

// settle writes e = v−z and z for the new z: z, or the old where that is
// nearer to v; and ‖v−old‖², ‖e‖² and ‖z−old‖². On entry e holds v, z the old.
func settle(w *writer, s isa) {
	l := &loop{writer: w, isa: s, name: "settle", arrays: []string{"new", "e", "z"}, sums: 3}
	l.write(func() {
		l.load(0, 3)
		l.load(1, 4)
		l.load(2, 5)
		l.op("VSUBPS", 5, 4, 6) // was
		l.op("VSUBPS", 3, 4, 7) // is
		l.op("VMULPS", 6, 6, 8)
		l.op("VMULPS", 7, 7, 9)
		if s.lanes == 16 {
			l.op("VCMPPS", "$1", 9, 8, "K2") // was² < is²
			l.op("VMOVAPS", 6, "K2", 7)
			l.op("VMOVAPS", 5, "K2", 3)
		} else {
			l.op("VCMPPS", "$1", 9, 8, 8)
			l.op("VBLENDVPS", 8, 6, 7, 7)
			l.op("VBLENDVPS", 8, 5, 3, 3)
		}
		l.store(7, 1)
		l.store(3, 2)
		l.op("VSUBPS", 5, 3, 3) // the move
		l.addSquares(6, 0, 8, 9)
		l.addSquares(7, 1, 10, 11)
		l.addSquares(3, 2, 8, 9)
	})
}
