package kernel

const (
	// chunk is the number of rows of A that meet a panel of B while it is in
	// the second-level cache.
	chunk = 96
	// depth is the number of rows that AddMulAT sums at a time: a strip of B
	// that long fits in the first-level cache.
	depth = 192
)

// A Panel is the right-hand factor B (k×n) of a product, packed once and used
// for many blocks of rows of A: strips of panelWidth columns, each stored row
// by row, the last one filled up with zeros.
type Panel struct {
	k, n int
	data []float32
}

// Pack packs B, a k×n row-major matrix.
func (p *Panel) Pack(b []float32, stride, k, n int) {
	width := p.resize(k, n)
	for j := 0; j < n; j += width {
		dst, w := p.data[j*k:], min(width, n-j)
		for i := range k {
			row := dst[i*width : (i+1)*width]
			clear(row[copy(row, b[i*stride+j:i*stride+j+w]):])
		}
	}
}

// PackT packs B = Sᵀ where S is an n×k row-major matrix.
func (p *Panel) PackT(s []float32, stride, n, k int) {
	width := p.resize(k, n)
	for j := 0; j < n && k > 0; j += width {
		w := min(width, n-j)
		if w < width {
			clear(p.data[j*k : j*k+k*width])
		}
		packRows(p.data[j*k:j*k+k*width], s[j*stride:], stride, w, k)
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

func (p *Panel) resize(k, n int) (width int) {
	width = panelWidth()
	p.k, p.n = k, n
	size := k * ((n + width - 1) / width * width)
	if cap(p.data) < size {
		p.data = make([]float32, size)
	}
	p.data = p.data[:size]
	return width
}

// Mul computes C = A·B, or C += A·B if add, for m rows: A is m×k, C is m×n.
func (p *Panel) Mul(c []float32, cStride int, a []float32, aStride, m int, add bool) {
	if m == 0 || p.n == 0 {
		return
	}
	width := panelWidth()
	for i := 0; i < m; i += chunk {
		rows := min(chunk, m-i)
		for j := 0; j < p.n; j += width {
			strip(rows, min(width, p.n-j), p.k, a[i*aStride:], aStride, 1, p.data[j*p.k:], width, c[i*cStride+j:], cStride, add)
		}
	}
}

// AddMulAT computes C += Aᵀ·B, the sum over rows of outer products: A is
// rows×m, B is rows×n, C is m×n. scratch is room for packing.
func AddMulAT(c []float32, cStride int, a []float32, aStride int, b []float32, bStride, rows, m, n int) {
	if m == 0 || n == 0 {
		return
	}
	width := panelWidth()
	for r := 0; r < rows; r += depth {
		k := min(depth, rows-r)
		for j := 0; j < n; j += width {
			strip(m, min(width, n-j), k, a[r*aStride:], 1, aStride, b[r*bStride+j:], bStride, c[j:], cStride, true)
		}
	}
}

// AddGram computes the upper triangle of C += Aᵀ·A: A is rows×m, C is m×m.
// What it leaves below the diagonal is unspecified; see MirrorUpper.
func AddGram(c []float32, cStride int, a []float32, aStride, rows, m int) {
	width := panelWidth()
	for r := 0; r < rows; r += depth {
		k := min(depth, rows-r)
		for j := 0; j < m; j += width {
			w := min(width, m-j)
			strip(j+w, w, k, a[r*aStride:], 1, aStride, a[r*aStride+j:], aStride, c[j:], cStride, true)
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

// stripGo is strip in Go: four rows at a time, each row of B read once for
// them.
func stripGo(m, w, k int, a []float32, aRow, aK int, b []float32, bRow int, c []float32, cRow int, add bool) {
	if !add {
		for i := range m {
			clear(c[i*cRow : i*cRow+w])
		}
	}
	i := 0
	for ; i+4 <= m; i += 4 {
		c0, c1 := c[i*cRow:][:w], c[(i+1)*cRow:][:w]
		c2, c3 := c[(i+2)*cRow:][:w], c[(i+3)*cRow:][:w]
		for p := range k {
			o := i*aRow + p*aK
			x0, x1, x2, x3 := a[o], a[o+aRow], a[o+2*aRow], a[o+3*aRow]
			for j, v := range b[p*bRow:][:w] {
				c0[j] += x0 * v
				c1[j] += x1 * v
				c2[j] += x2 * v
				c3[j] += x3 * v
			}
		}
	}
	for ; i < m; i++ {
		for p := range k {
			axpyGo(c[i*cRow:][:w], a[i*aRow+p*aK], b[p*bRow:][:w])
		}
	}
}
