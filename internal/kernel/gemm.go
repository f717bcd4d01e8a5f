package kernel

const (
	// chunk is the number of rows of A that meet a panel of B while it is in
	// the second-level cache.
	chunk = 96
	// depth is the number of rows that MulAT sums at a time: a strip of B
	// that long fits in the first-level cache.
	depth = 192
)

// A Panel is the right-hand factor B (k×n) of a product, packed once and used
// for many blocks of rows of A: strips of panelWidth columns, each stored row
// by row, the last one filled up with zeros. A few last columns may be in quads.
type Panel struct {
	k, n        int
	strips      bool // no columns are in quads
	data, quads []float32
}

// inQuads is how many columns are in quads.
func (p *Panel) inQuads() int {
	if p.strips {
		return 0
	}
	return inQuads(p.n)
}

// Pack packs B, a k×n row-major matrix.
func (p *Panel) Pack(b []float32, stride, k, n int) {
	p.Size(k, n)
	p.PackPart(b, stride, 0, 1)
}

// PackPart packs a part of B, of so many, after Size: the parts may be packed
// at the same time.
func (p *Panel) PackPart(b []float32, stride, part, parts int) {
	width, n := panelWidth(), p.n-p.inQuads()
	if part == parts-1 && n < p.n && p.k > 0 {
		packQuads(p.quads, b[n:], stride, 1, p.k, p.n-n)
	}
	lo, hi := Range(n, width, part, parts)
	if p.k == 0 || lo == hi {
		return
	}
	if w := hi % width; w != 0 {
		clear(p.data[(hi-w)*p.k:])
	}
	packColumns(p.data[lo*p.k:], width, width*p.k, b[lo:], stride, p.k, hi-lo, width)
}

// PackT packs B = Sᵀ where S is an n×k row-major matrix.
func (p *Panel) PackT(s []float32, stride, n, k int) {
	p.Size(k, n)
	p.PackTPart(s, stride, 0, 1)
}

// PackTPart is PackPart for B = Sᵀ.
func (p *Panel) PackTPart(s []float32, stride, part, parts int) {
	width, k, n := panelWidth(), p.k, p.n-p.inQuads()
	if part == parts-1 && n < p.n && p.k > 0 {
		packQuads(p.quads, s[n*stride:], 1, stride, k, p.n-n)
	}
	lo, hi := Range(n, width, part, parts)
	for j := lo; j < hi && k > 0; j += width {
		w := min(width, hi-j)
		if w < width {
			clear(p.data[j*k : j*k+k*width])
		}
		packRows(p.data[j*k:j*k+k*width], s[j*stride:], stride, w, k)
	}
}

// Size makes room for a k×n matrix.
func (p *Panel) Size(k, n int) {
	width := panelWidth()
	p.k, p.n = k, n
	p.data = grow(p.data, k*((n+width-1)/width*width))
	if p.inQuads() > 0 {
		p.quads = grow(p.quads, (k+3)/4*16)
	}
}

// packQuads packs n columns, at most four, of B, four rows at a time: those of
// the first column, then those of the next. What is missing is zero.
func packQuads(dst, b []float32, kStride, stride, k, n int) {
	clear(dst)
	for p := range k {
		d, s := dst[p&^3<<2|p&3:], b[p*kStride:]
		for j := range n {
			d[4*j] = s[j*stride]
		}
	}
}

// packColumnsGo copies the k×n matrix src into panels of width columns:
// element (i, j) of panel p to dst[p·panel + i·row + j].
func packColumnsGo(dst []float32, row, panel int, src []float32, stride, k, n, width int) {
	for j := 0; j < n; j += width {
		w := min(width, n-j)
		for i := range k {
			copy(dst[j/width*panel+i*row:][:w], src[i*stride+j:])
		}
	}
}

// packRowsGo is packRows, eight rows at a time so that what is written of a
// cache line is written at once.
func packRowsGo(dst, s []float32, stride, w, k, width int) {
	for j := 0; j < w; j += 8 {
		for r := j; r < min(j+8, w); r++ {
			d := dst[r:]
			for i, v := range s[r*stride : r*stride+k] {
				d[i*width] = v
			}
		}
	}
}

// grow is a slice of n elements, in the memory of buf if that is enough.
func grow(buf []float32, n int) []float32 {
	if cap(buf) < n {
		return make([]float32, n)
	}
	return buf[:n]
}

// Mul computes C = A·B, or C += A·B if add, for m rows: A is m×k, C is m×n.
func (p *Panel) Mul(c []float32, cStride int, a []float32, aStride, m int, add bool) {
	if add {
		p.mul(c, cStride, a, aStride, m, c, cStride)
	} else {
		p.mul(c, cStride, a, aStride, m, nil, 0)
	}
}

// MulRow computes C = 1rᵀ + A·B for a row r of n elements.
func (p *Panel) MulRow(c []float32, cStride int, a []float32, aStride, m int, row []float32) {
	p.mul(c, cStride, a, aStride, m, row[:p.n], 0)
}

func (p *Panel) mul(c []float32, cStride int, a []float32, aStride, m int, init []float32, initStride int) {
	width, n := panelWidth(), p.n-p.inQuads()
	for i := 0; i < m; i += chunk {
		for j := 0; j < p.n; {
			s := strip{
				m: min(chunk, m-i), k: p.k, a: a[i*aStride:], aRow: aStride, aK: 1, aTile: tileHeight() * aStride,
				bRow: width, c: c[i*cStride+j:], cRow: cStride, quads: j == n,
			}
			if s.quads {
				s.b, s.w = p.quads, p.n-n
			} else {
				s.b, s.w = p.data[j*p.k:], min(width, n-j)
			}
			if init != nil {
				s.init, s.initRow = init[i*initStride+j:], initStride
			}
			s.run()
			j += s.w
		}
	}
}

// A Packing is the memory in which products of the form AᵀB pack their
// factors. The zero value is ready; one goroutine at a time may use it.
type Packing struct{ a, b, c []float32 }

// MulAT computes C = Aᵀ·B, or C += Aᵀ·B if add, the sum over rows of outer
// products: A is rows×m, B is rows×n, C is m×n.
func (p *Packing) MulAT(c []float32, cStride int, a []float32, aStride int, b []float32, bStride, rows, m, n int, add bool) {
	if rows == 0 && !add {
		for i := range m {
			clear(c[i*cStride:][:n])
		}
	}
	p.mulAT(c, cStride, a, aStride, b, bStride, rows, m, n, add, false)
}

// AddGram computes the upper triangle of C += Aᵀ·A: A is rows×m, C is m×m.
// What it leaves below the diagonal is unspecified; see MirrorUpper.
func (p *Packing) AddGram(c []float32, cStride int, a []float32, aStride, rows, m int) {
	p.mulAT(c, cStride, a, aStride, a, aStride, rows, m, m, true, true)
}

// mulAT packs A in panels as high as a tile, and of B a strip at a time;
// unpacked, both are read by columns.
func (p *Packing) mulAT(c []float32, cStride int, a []float32, aStride int, b []float32, bStride, rows, m, n int, add, upper bool) {
	width, height, pitch := panelWidth(), tileHeight(), tilePitch()
	p.a = grow(p.a, min(rows, depth)*pitch*((m+height-1)/height))
	p.b = grow(p.b, depth*width)
	tail := tailColumns(n)
	n -= tail
	for r := 0; r < rows && m > 0; r += depth {
		k := min(depth, rows-r)
		if tail > 0 {
			p.mulTail(c[n:], cStride, a[r*aStride:], aStride, b[r*bStride+n:], bStride, k, m, tail, add || r > 0)
		}
		packColumns(p.a, pitch, pitch*k, a[r*aStride:], aStride, k, m, height)
		for j := 0; j < n; j += width {
			w := min(width, n-j)
			packColumns(p.b, width, 0, b[r*bStride+j:], bStride, k, w, width)
			s := strip{
				m: m, w: w, k: k, a: p.a, aRow: 1, aK: pitch, aTile: pitch * k,
				b: p.b, bRow: width, c: c[j:], cRow: cStride,
			}
			if add || r > 0 {
				s.init, s.initRow = s.c, cStride
			}
			if upper {
				s.m = j + w
			}
			s.run()
		}
	}
}

// mulTail is mulAT for n columns so few that tiles of AᵀB would leave most lanes
// idle: it makes BᵀA, as wide as A is, and from it C.
func (p *Packing) mulTail(c []float32, cStride int, a []float32, aStride int, b []float32, bStride, rows, m, n int, add bool) {
	width := panelWidth()
	p.c = grow(p.c, n*m)
	for j := 0; j < m; j += width {
		s := strip{
			m: n, w: min(width, m-j), k: rows, a: b, aRow: 1, aK: bStride,
			b: a[j:], bRow: aStride, c: p.c[j:], cRow: m,
		}
		s.run()
	}
	for i := range m {
		row := c[i*cStride:][:n]
		if !add {
			clear(row)
		}
		for j := range row {
			row[j] += p.c[j*m+i]
		}
	}
}

// MirrorUpper copies the upper triangle of the m×m matrix c onto the lower.
func MirrorUpper(c []float32, stride, m int) {
	for i := range m {
		for j := range i {
			c[i*stride+j] = c[j*stride+i]
		}
	}
}
