package main

import "fmt"

// transpose writes transposeISA(n, src, srcRow, dst, dstRow), strides in
// bytes: n square blocks of as many rows as there are lanes, next to each other
// in src, are transposed below each other in dst.
func transpose(w *writer, s isa) {
	l := &loop{writer: w, isa: s}
	w.declare("transpose"+s.name, "n int, src *float32, srcRow int, dst *float32, dstRow int", "")
	w.p("TEXT ·transpose%s(SB), NOSPLIT, $0-40", s.name)
	w.p("\tMOVQ n+0(FP), CX\n\tMOVQ src+8(FP), SI\n\tMOVQ srcRow+16(FP), DX\n\tMOVQ dst+24(FP), DI\n\tMOVQ dstRow+32(FP), BX\nloopTranspose%s:\n\tMOVQ SI, R8", s.name)
	for r := range s.lanes {
		l.op("VMOVUPS", "(R8)", r)
		w.p("\tADDQ DX, R8")
	}
	t := s.lanes
	for r := 0; r < s.lanes; r += 2 { // columns of pairs of rows
		l.op("VUNPCKLPS", r+1, r, t+r)
		l.op("VUNPCKHPS", r+1, r, t+r+1)
	}
	for r := 0; r < s.lanes; r += 4 { // register r+c: column 4i+c of four rows, i the 128 bits
		for c, name := range []string{"VUNPCKLPD", "VUNPCKHPD"} {
			l.op(name, t+r+2, t+r, r+c)
			l.op(name, t+r+3, t+r+1, r+2+c)
		}
	}
	if s.lanes == 8 {
		for c := range 4 {
			l.op("VPERM2F128", "$0x20", 4+c, c, t+c)
			l.op("VPERM2F128", "$0x31", 4+c, c, t+4+c)
		}
	} else {
		for c := range 4 { // a transpose of 4×4 times 128 bits
			even, odd := t+c, t+4+c
			l.op("VSHUFF32X4", "$0x88", 4+c, c, even)
			l.op("VSHUFF32X4", "$0xdd", 4+c, c, odd)
			l.op("VSHUFF32X4", "$0x88", 12+c, 8+c, t+8+c)
			l.op("VSHUFF32X4", "$0xdd", 12+c, 8+c, t+12+c)
			l.op("VSHUFF32X4", "$0x88", t+8+c, even, c)
			l.op("VSHUFF32X4", "$0x88", t+12+c, odd, 4+c)
			l.op("VSHUFF32X4", "$0xdd", t+8+c, even, 8+c)
			l.op("VSHUFF32X4", "$0xdd", t+12+c, odd, 12+c)
		}
		t = 0
	}
	for c := range s.lanes {
		l.op("VMOVUPS", t+c, "(DI)")
		w.p("\tADDQ BX, DI")
	}
	w.p("\tADDQ $%d, SI\n\tDECQ CX\n\tJNZ loopTranspose%s\n\tVZEROUPPER\n\tRET\n", 4*s.lanes, s.name)
}

// gather writes gatherAVX512(k, s, stride, dst, dstRow, mask): for each of k
// columns, those of the 16 elements below each other that mask has go to a row
// of dst; stride in elements, dstRow in bytes.
func gather(w *writer) {
	w.declare("gatherAVX512", "k int, s *float32, stride int, dst *float32, dstRow int, mask uint64", "")
	w.p("TEXT ·gatherAVX512(SB), NOSPLIT, $0-48\n\tMOVQ k+0(FP), CX\n\tMOVQ s+8(FP), SI\n\tMOVQ stride+16(FP), AX\n\tMOVQ dst+24(FP), DI\n\tMOVQ dstRow+32(FP), BX\n\tMOVQ mask+40(FP), DX")
	w.p("\tVMOVDQU32 ·lanes512(SB), Z1\n\tVPBROADCASTD AX, Z2\n\tVPMULLD Z1, Z2, Z1\n\tKMOVW DX, K2") // indices i·stride
	w.p("loopGather:\n\tKMOVW K2, K1\n\tVGATHERDPS (SI)(Z1*4), K1, Z0\n\tVMOVUPS Z0, K2, (DI)")
	w.p("\tADDQ $4, SI\n\tADDQ BX, DI\n\tDECQ CX\n\tJNZ loopGather\n\tVZEROUPPER\n\tRET\n")
	for i := range 16 {
		w.p("DATA ·lanes512+%d(SB)/4, $%s", 4*i, fmt.Sprint(i))
	}
	w.p("GLOBL ·lanes512(SB), RODATA|NOPTR, $64")
}
