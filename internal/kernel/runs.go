package kernel

// Runs says where a picture's patches lie in memory, the picture being stored
// row by row: a product with them reads the picture itself, and no patch is
// copied. The places are Rows rows of Cols each, Down elements apart in a
// picture and Across in a row. The patch at a place is Count runs of Length
// neighbouring elements, Step apart.
type Runs struct {
	Rows, Cols, Down, Across int
	Count, Length, Step      int
}

// whole is r with neighbouring runs, and neighbouring rows of places, as one.
func (r Runs) whole() Runs {
	if r.Step == r.Length {
		r.Length, r.Count = r.Length*r.Count, 1
	}
	if r.Down == r.Cols*r.Across {
		r.Cols, r.Rows = r.Cols*r.Rows, 1
	}
	return r
}

// SizeWhole is Size for products with Runs, in which the rows of B must be
// one after another: all columns are in strips.
func (p *Panel) SizeWhole(k, n int) {
	p.strips = true
	p.Size(k, n)
}

// MulRuns computes C = 1rowᵀ + U·B, with a row of U for each place of the picture a;
// no row is zeros. The panel must have been sized by SizeWhole.
func (p *Panel) MulRuns(c []float32, cStride int, a []float32, r Runs, row []float32) {
	r = r.whole()
	width := panelWidth()
	for j := 0; j < p.n; j += width {
		panel := p.data[j*p.k:]
		for y := range r.Rows {
			s := strip{
				m: r.Cols, w: min(width, p.n-j), k: r.Length, aRow: r.Across, aK: 1, aTile: tileHeight() * r.Across,
				bRow: width, c: c[y*r.Cols*cStride+j:], cRow: cStride,
			}
			if row != nil {
				s.init = row[j:p.n]
			}
			for i := range r.Count {
				s.a, s.b = a[y*r.Down+i*r.Step:], panel[i*r.Length*width:]
				s.runEven()
				s.init, s.initRow = s.c, cStride
			}
		}
	}
}

// runEven is run where A's rows are as far apart within a tile as between two. Two
// tiles of medium height are faster than a high one and one of two rows.
func (s *strip) runEven() {
	h := tileHeight()
	if h != 6 || s.m%h != 2 || s.m < h {
		s.run()
		return
	}
	first, last := *s, *s
	first.m, last.m = s.m-4, 4
	last.a, last.c = s.a[first.m*s.aRow:], s.c[first.m*s.cRow:]
	if s.init != nil {
		last.init = s.init[first.m*s.initRow:]
	}
	first.run()
	last.run()
}

// AddRunsT computes C += Dᵀ·U, with a row of U, and one of D, of m elements, for
// each place of the picture a.
func AddRunsT(c []float32, cStride int, d []float32, dStride, m int, a []float32, r Runs) {
	r = r.whole()
	width := panelWidth()
	for i := range r.Count {
		for j := 0; j < r.Length; j += width {
			s := strip{
				m: m, w: min(width, r.Length-j), k: r.Cols, aRow: 1, aK: dStride, aTile: tileHeight(),
				bRow: r.Across, c: c[i*r.Length+j:], cRow: cStride, initRow: cStride,
			}
			s.init = s.c
			for y := range r.Rows {
				s.a, s.b = d[y*r.Cols*dStride:], a[y*r.Down+i*r.Step+j:]
				s.run()
			}
		}
	}
}
