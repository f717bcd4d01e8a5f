package kernel

// A Panel is the right-hand factor B (k×n) of a product, packed once and used
// for many blocks of rows of A.
type Panel struct {
	k, n int
	data []float32
}

// Pack packs B, a k×n row-major matrix.
func (p *Panel) Pack(b []float32, stride, k, n int) {
	p.resize(k, n)
	for i := range k {
		copy(p.data[i*n:(i+1)*n], b[i*stride:i*stride+n])
	}
}

// PackT packs B = Sᵀ where S is an n×k row-major matrix.
func (p *Panel) PackT(s []float32, stride, n, k int) {
	p.resize(k, n)
	for j := range n {
		for i, v := range s[j*stride : j*stride+k] {
			p.data[i*n+j] = v
		}
	}
}

func (p *Panel) resize(k, n int) {
	p.k, p.n = k, n
	if cap(p.data) < k*n {
		p.data = make([]float32, k*n)
	}
	p.data = p.data[:k*n]
}

// Mul computes C = A·B, or C += A·B if add, for m rows: A is m×k, C is m×n.
func (p *Panel) Mul(c []float32, cStride int, a []float32, aStride, m int, add bool) {
	for i := range m {
		ci := c[i*cStride : i*cStride+p.n]
		if !add {
			clear(ci)
		}
		for q, x := range a[i*aStride : i*aStride+p.k] {
			if x != 0 {
				axpyGo(ci, x, p.data[q*p.n:(q+1)*p.n])
			}
		}
	}
}

// AddMulAT computes C += Aᵀ·B, the sum over rows of outer products: A is
// rows×m, B is rows×n, C is m×n. scratch is room for packing.
func AddMulAT(c []float32, cStride int, a []float32, aStride int, b []float32, bStride, rows, m, n int, scratch *Panel) {
	for r := range rows {
		br := b[r*bStride : r*bStride+n]
		for i, x := range a[r*aStride : r*aStride+m] {
			if x != 0 {
				axpyGo(c[i*cStride:i*cStride+n], x, br)
			}
		}
	}
}

// AddGram computes the upper triangle of C += Aᵀ·A: A is rows×m, C is m×m.
// What it leaves below the diagonal is unspecified; see MirrorUpper.
func AddGram(c []float32, cStride int, a []float32, aStride, rows, m int, scratch *Panel) {
	for r := range rows {
		ar := a[r*aStride : r*aStride+m]
		for i, x := range ar {
			if x != 0 {
				axpyGo(c[i*cStride+i:i*cStride+m], x, ar[i:])
			}
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

func axpyGo(dst []float32, alpha float32, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] += alpha * v
	}
}
