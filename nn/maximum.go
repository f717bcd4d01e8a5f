package nn

import "github.com/dlam-go/dlam/internal/kernel"

// maxima is max pooling: of each channel of what a layer's places give, the largest in
// each Side×Side window of places. Windows do not overlap, and what is left over at the
// end of a row or a column is dropped. Of equal ones the first counts, row by row.
//
// An activation that does not fall, as all of this library but a few, may as well
// come before: max h(z) = h(max z).
type maxima struct {
	side, width    int // of a window; of the map before
	height, across int // windows, down and across
	channels       int
	offsets        []int // of the places of a window from its first, in elements
	over           bool  // something is left over
}

// newMaxima is max pooling of a map of such a shape; nil for none.
func newMaxima(s Shape, side int) *maxima {
	if side <= 1 {
		return nil
	}
	m := &maxima{side: side, width: s.Width, height: s.Height / side, across: s.Width / side, channels: s.Channels}
	m.over = s.Height%side > 0 || s.Width%side > 0
	for dy := range side {
		for dx := range side {
			m.offsets = append(m.offsets, (dy*s.Width+dx)*s.Channels)
		}
	}
	return m
}

// row is where windows' row y begins in a map, and where in what is taken of it.
func (m *maxima) row(y int) (in, lo, hi int) {
	n := m.across * m.channels
	return y * m.side * m.width * m.channels, y * n, (y + 1) * n
}

// take writes the largest of each window of z to v, and which place it was to winners,
// if there is room for that.
func (m *maxima) take(v []float32, winners []int32, z []float32) {
	for y := range m.height {
		in, lo, hi := m.row(y)
		win := winners
		if win != nil {
			win = winners[lo:hi]
		}
		kernel.Largest(v[lo:hi], win, z[in:], m.channels, m.side*m.channels, m.offsets)
	}
}

// add adds what z has at the winners to v.
func (m *maxima) add(v []float32, winners []int32, z []float32) {
	for y := range m.height {
		in, lo, hi := m.row(y)
		for i, k := range winners[lo:hi] {
			v[lo+i] += z[in+i/m.channels*m.side*m.channels+i%m.channels+m.offsets[k]]
		}
	}
}

// spread makes z from v at the winners, and 0 elsewhere.
func (m *maxima) spread(z, v []float32, winners []int32) {
	if m.over {
		clear(z)
	}
	for y := range m.height {
		in, lo, hi := m.row(y)
		kernel.Spread(z[in:], v[lo:hi], winners[lo:hi], m.channels, m.side*m.channels, m.offsets)
	}
}
