package kernel

// A strip is a product of at most panelWidth columns: rows 0 to m-1 of
// C = init + A·B. Element (i, p) of A is a[i/h·aTile + i%h·aRow + p·aK], h
// being tileHeight. init may be c; nil is zero, and with a stride of 0 it is
// one row for all.
type strip struct {
	m, w, k         int
	a               []float32
	aRow, aK, aTile int
	b               []float32
	bRow            int
	c               []float32
	cRow            int
	init            []float32
	initRow         int
	quads           bool // B is packed by packQuads
	loose           bool // B is not packed: its rows lie where they are, and A's as in one tile
}

// heightGo is the height of the tiles of runGo.
const heightGo = 4

// tailColumns is how many of n columns, the last ones, are so few that a tile of
// them would leave most lanes idle.
func tailColumns(n int) int {
	if w := n % max(lanes(), 1); w <= 4 {
		return w
	}
	return 0
}

// start is C = init.
func (s *strip) start() {
	for i := range s.m {
		row := s.c[i*s.cRow:][:s.w]
		if s.init == nil {
			clear(row)
		} else {
			copy(row, s.init[i*s.initRow:])
		}
	}
}

// runGo is run in Go, tileHeight being heightGo: each row of B is read once
// for as many rows.
func (s *strip) runGo() {
	s.start()
	i := 0
	for ; i+heightGo <= s.m; i += heightGo {
		s.tileGo(s.a[i/heightGo*s.aTile:], s.c[i*s.cRow:])
	}
	for r := i; r < s.m; r++ {
		for p := range s.k {
			axpyGo(s.c[r*s.cRow:][:s.w], s.a[i/heightGo*s.aTile+(r-i)*s.aRow+p*s.aK], s.b[p*s.bRow:][:s.w])
		}
	}
}

// tileGo adds the product to heightGo rows of C.
func (s *strip) tileGo(a, c []float32) {
	c0, c1 := c[:s.w], c[s.cRow:][:s.w]
	c2, c3 := c[2*s.cRow:][:s.w], c[3*s.cRow:][:s.w]
	for p := range s.k {
		o := p * s.aK
		x0, x1, x2, x3 := a[o], a[o+s.aRow], a[o+2*s.aRow], a[o+3*s.aRow]
		for j, v := range s.b[p*s.bRow:][:s.w] {
			c0[j] += x0 * v
			c1[j] += x1 * v
			c2[j] += x2 * v
			c3[j] += x3 * v
		}
	}
}
