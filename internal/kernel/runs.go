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

// fewPlaces is how many places of a row are too few for a sum over them to be worth its
// loading and storing: runs of all rows are then gathered first.
const fewPlaces = 16

// AddRunsT computes C += Dᵀ·U, with a row of U, and one of D, of m elements, for
// each place of the picture a. buf is room for a run of each place.
func AddRunsT(c []float32, cStride int, d []float32, dStride, m int, a []float32, r Runs, buf []float32) {
	r = r.whole()
	gather := r.Rows > 1 && r.Cols < fewPlaces
	for i := range r.Count {
		s := strip{m: m, k: r.Cols, aRow: 1, aK: dStride, aTile: tileHeight(), bRow: r.Across, cRow: cStride, initRow: cStride}
		if !gather {
			for y := range r.Rows {
				s.a = d[y*r.Cols*dStride:]
				s.addRun(c[i*r.Length:], a[y*r.Down+i*r.Step:], r.Length)
			}
			continue
		}
		for y := range r.Rows {
			for x := range r.Cols {
				copy(buf[(y*r.Cols+x)*r.Length:][:r.Length], a[y*r.Down+i*r.Step+x*r.Across:])
			}
		}
		s.a, s.k, s.bRow = d, r.Rows*r.Cols, r.Length
		s.addRun(c[i*r.Length:], buf, r.Length)
	}
}

// addRun adds to C, of n columns, a strip at a time.
func (s *strip) addRun(c, b []float32, n int) {
	width := panelWidth()
	for j := 0; j < n; j += width {
		s.w, s.b, s.c = min(width, n-j), b[j:], c[j:]
		s.init, s.loose = s.c, true
		s.run()
	}
}

// AddRuns computes C += Uᵀ·D, the transpose of what AddRunsT does: for runs that are
// shorter than a vector.
func AddRuns(c []float32, cStride int, d []float32, dStride, n int, a []float32, r Runs) {
	r = r.whole()
	for i := range r.Count {
		for y := range r.Rows {
			s := strip{
				m: r.Length, k: r.Cols, a: a[y*r.Down+i*r.Step:], aRow: 1, aK: r.Across, aTile: tileHeight(),
				bRow: dStride, cRow: cStride, initRow: cStride,
			}
			s.addRun(c[i*r.Length*cStride:], d[y*r.Cols*dStride:], n)
		}
	}
}

// MulRunsLargest computes of MulRuns' C, 1rowᵀ + U·B, the largest of each window of
// side×side places and of each column, and in win, unless it is nil, which of the window's
// places it was; of equal ones the first. What is left over at the end of a row or a column
// is dropped. The places of a window have the offsets from its first in C, of which buf is
// room for side rows of places.
func (p *Panel) MulRunsLargest(v []float32, win []int32, a []float32, r Runs, row []float32, side int, offsets []int, buf []float32) {
	if r.Step == r.Length {
		r.Length, r.Count = r.Length*r.Count, 1
	}
	n, rows := r.Cols/side*p.n, r.Rows/side
	if n*rows == 0 {
		return
	}
	if win != nil {
		win = win[:rows*n]
	}
	_, _, _ = a[(r.Rows-1)*r.Down+(r.Cols-1)*r.Across+(r.Count-1)*r.Step+r.Length-1], v[rows*n-1], row[p.n-1]
	if side == 2 && p.largestOfRuns(v, win, a, r, row) {
		return
	}
	r.Rows = side
	for y := range rows {
		p.MulRuns(buf, p.n, a[y*side*r.Down:], r, row)
		var to []int32
		if win != nil {
			to = win[y*n:][:n]
		}
		Largest(v[y*n:][:n], to, buf, p.n, side*p.n, offsets)
	}
}
