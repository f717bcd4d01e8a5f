package mat

import "fmt"

// Dense is a Rows×Cols matrix of float32; element (i, j) is
// Data[i*Stride+j]. The zero value is an empty matrix.
type Dense struct {
	Rows, Cols, Stride int
	Data               []float32
}

// New is a Rows×Cols matrix of zeros.
func New(rows, cols int) Dense {
	return Dense{rows, cols, cols, make([]float32, rows*cols)}
}

// FromSlice is the matrix whose rows lie one after another in data, which it
// keeps. It panics if the length does not fit.
func FromSlice(rows, cols int, data []float32) Dense {
	if len(data) != rows*cols {
		panic(fmt.Sprintf("mat: %d elements for a %d×%d matrix", len(data), rows, cols))
	}
	return Dense{rows, cols, cols, data}
}

// Row is row i, sharing elements.
func (m Dense) Row(i int) []float32 {
	return m.Data[i*m.Stride : i*m.Stride+m.Cols : i*m.Stride+m.Cols]
}

// RowRange is the view of rows lo to hi-1.
func (m Dense) RowRange(lo, hi int) Dense {
	if lo == hi {
		return Dense{0, m.Cols, m.Stride, nil}
	}
	return Dense{hi - lo, m.Cols, m.Stride, m.Data[lo*m.Stride : (hi-1)*m.Stride+m.Cols]}
}

// ColRange is the view of columns lo to hi-1.
func (m Dense) ColRange(lo, hi int) Dense {
	if m.Rows == 0 || lo == hi {
		return Dense{m.Rows, hi - lo, m.Stride, nil}
	}
	return Dense{m.Rows, hi - lo, m.Stride, m.Data[lo : (m.Rows-1)*m.Stride+hi]}
}

// At is element (i, j).
func (m Dense) At(i, j int) float32 { return m.Row(i)[j] }

// Set sets element (i, j) to v.
func (m Dense) Set(i, j int, v float32) { m.Row(i)[j] = v }

// Contiguous reports whether the rows lie one after another without gaps.
func (m Dense) Contiguous() bool { return m.Stride == m.Cols || m.Rows <= 1 }

// Elements is all elements of a contiguous matrix as one slice; it panics if
// m is not contiguous.
func (m Dense) Elements() []float32 {
	if !m.Contiguous() {
		panic("mat: Elements of a matrix with gaps between rows")
	}
	return m.Data[:m.Rows*m.Cols]
}

// CopyFrom copies src, of the same shape, into m.
func (m Dense) CopyFrom(src Dense) {
	if m.Rows != src.Rows || m.Cols != src.Cols {
		panic(fmt.Sprintf("mat: copy of %d×%d into %d×%d", src.Rows, src.Cols, m.Rows, m.Cols))
	}
	for i := range m.Rows {
		copy(m.Row(i), src.Row(i))
	}
}

// Clone is a contiguous copy.
func (m Dense) Clone() Dense {
	c := New(m.Rows, m.Cols)
	c.CopyFrom(m)
	return c
}

// ArgMax is the index of the first largest of x, which must not be empty.
func ArgMax(x []float32) int {
	best := 0
	for j, v := range x {
		if v > x[best] {
			best = j
		}
	}
	return best
}
