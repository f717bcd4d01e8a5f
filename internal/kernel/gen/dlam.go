package main

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

// axpySquares writes y += alpha·x, and ‖y‖² before and after.
func axpySquares(w *writer, s isa) {
	l := &loop{writer: w, isa: s, name: "axpySquares", arrays: []string{"x", "y"}, consts: []string{"alpha"}, sums: 2}
	l.write(func() {
		l.load(0, 4)
		l.load(1, 5)
		l.addSquares(5, 0, 6, 7)
		l.op("VFMADD231PS", 4, firstConst, 5)
		l.store(5, 1)
		l.addSquares(5, 1, 6, 7)
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

// moveClipped writes z = new, with clip clipped to the segment from z to v, and
// e = v−z; and ‖v−z‖² before and after and the square of the move. On entry e
// holds v.
func moveClipped(w *writer, s isa, name string, clip bool) {
	l := &loop{writer: w, isa: s, name: name, arrays: []string{"new", "e", "z"}, sums: 3}
	l.write(func() {
		l.load(0, 3)
		l.load(1, 4)
		l.load(2, 5)
		if clip {
			l.op("VMINPS", 4, 5, 6)
			l.op("VMAXPS", 4, 5, 7)
			l.op("VMAXPS", 6, 3, 3)
			l.op("VMINPS", 7, 3, 3)
		}
		l.op("VSUBPS", 5, 4, 6) // before
		l.op("VSUBPS", 3, 4, 7) // after
		l.store(7, 1)
		l.store(3, 2)
		l.op("VSUBPS", 5, 3, 3) // the move
		l.addSquares(6, 0, 8, 9)
		l.addSquares(7, 1, 10, 11)
		l.addSquares(3, 2, 8, 9)
	})
}
