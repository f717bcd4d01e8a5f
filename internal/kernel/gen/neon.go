package main

import (
	"bytes"
	"fmt"
	"strings"
)

// neonRows are the heights of arm64's tiles, two vectors of four wide: of each
// but the highest at most one is needed.
var neonRows = []int{12, 8, 4, 2, 1}

// neonParams are tile's without what arm64 has no use for: B is packed row
// after row, and there are no masks.
const neonParams = "n, k, aTile, aRow, aK int, a, b, c *float32, cRow int, init *float32, initRow int"

// neon writes arm64's kernels.
func neon() {
	var w writer
	w.p(head + "#include \"textflag.h\"\n")
	w.decl.WriteString(head + "package kernel\n\n")
	for _, rows := range neonRows {
		neonTile(&w, rows)
	}
	w.heights("NEON", neonRows)
	fmt.Fprintf(&w.decl, "// tilesNEON runs the kernel for n tiles of the given height.\nfunc tilesNEON(height int, %s) {\n\tswitch height {\n", neonParams)
	for _, rows := range neonRows {
		fmt.Fprintf(&w.decl, "\tcase %d:\n\t\ttileNEON_%d(n, k, aTile, aRow, aK, a, b, c, cRow, init, initRow)\n", rows, rows)
	}
	w.decl.WriteString("\t}\n}\n")
	write("kernel_arm64.s", w.Bytes())
	write("decl_arm64.go", bytes.TrimRight(w.decl.Bytes(), "\n"))
}

// neonTile is tile for arm64: each row of A has a pointer of its own, R0 to
// R11, and two accumulators, V8 to V31, which start from init.
func neonTile(w *writer, rows int) {
	acc := func(r int) string { return fmt.Sprintf("[V%d.S4, V%d.S4]", 8+2*r, 9+2*r) }
	label := fmt.Sprintf("NEON%d", rows)
	w.declare(fmt.Sprintf("tileNEON_%d", rows), neonParams, "")
	w.p("TEXT ·tileNEON_%d(SB), NOSPLIT, $0-88", rows)
	for i, name := range []string{"n:R21", "k:R26", "aTile:R23", "aRow:R22", "aK:R14", "a:R20", "b:R25", "c:R15", "cRow:R19", "init:R24", "initRow:R17"} {
		param, reg, _ := strings.Cut(name, ":")
		w.p("\tMOVD %s+%d(FP), %s", param, 8*i, reg)
	}
	w.p("tile%s:\n\tMOVD R26, R13\n\tMOVD R25, R12\n\tMOVD R20, R0", label)
	for r := 1; r < rows; r++ {
		w.p("\tADD R22, R%d, R%d", r-1, r)
	}
	w.p("\tCBZ R24, zero%s", label)
	for r := range rows {
		w.p("\tVLD1 (R24), %s\n\tADD R17, R24", acc(r))
	}
	w.p("\tB loop%s\nzero%s:", label, label)
	for i := range 2 * rows {
		w.p("\tVEOR V%d.B16, V%d.B16, V%d.B16", 8+i, 8+i, 8+i)
	}
	w.p("loop%s:\n\tVLD1.P 32(R12), [V0.S4, V1.S4]", label)
	for r := range rows {
		x := 2 + r%6
		w.p("\tVLD1R.P (R%d)(R14), [V%d.S4]", r, x)
		w.p("\tVFMLA V0.S4, V%d.S4, V%d.S4\n\tVFMLA V1.S4, V%d.S4, V%d.S4", x, 8+2*r, x, 9+2*r)
	}
	w.p("\tSUBS $1, R13\n\tBNE loop%s", label)
	for r := range rows {
		w.p("\tVST1 %s, (R15)\n\tADD R19, R15", acc(r))
	}
	w.p("\tADD R23, R20\n\tSUBS $1, R21\n\tBNE tile%s\n\tRET\n", label)
}
