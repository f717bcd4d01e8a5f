package loss

// smallRow is the width up to which a row of scratch lives on the stack.
const smallRow = 64

// rowOf is scratch for one sample's target: n elements of buf, or a new slice
// where that is too short.
func rowOf(buf *[smallRow]float32, n int) []float32 {
	if n <= smallRow {
		return buf[:n]
	}
	return make([]float32, n)
}
