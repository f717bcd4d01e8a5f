package loss

// smallRow is the width up to which a row of scratch lives on the stack.
const smallRow = 64

// row is scratch for one sample's target.
type row struct {
	buf [smallRow]float32
	row []float32
}

// newRow is a row of n float32; it allocates only above smallRow.
func newRow(n int) *row {
	r := new(row)
	if n <= smallRow {
		r.row = r.buf[:n]
	} else {
		r.row = make([]float32, n)
	}
	return r
}
