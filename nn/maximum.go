package nn

import (
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// Windows are those of max pooling: of each channel of what a layer's places give, the
// largest in each side×side window of places is taken. Windows do not overlap, and what is
// left over at the end of a row or a column is dropped. Of equal ones the first counts, row
// by row.
//
// An activation that does not fall, as all of this library but a few, may as well
// come before: max h(z) = h(max z).
type Windows struct {
	side, width    int // of a window; of the map before
	height, across int // windows, down and across
	channels       int
	offsets        []int // of the places of a window from its first, in elements
	over           bool  // something is left over
}

// Windows are those of the layer's max pooling; nil for none.
func (ly Layer) Windows() *Windows { return newWindows(ly.Linear().Out(ly.W.Rows), ly.Max) }

// Activate computes a = h(z) of samples whose z is of all Places: with max pooling, h of the
// largest in each window.
func (ly Layer) Activate(a, z mat.Dense) {
	ly.Windows().Activate(ly.H, a, z)
}

// Activate computes a = h of the largest of z in each window, or of z where m is nil.
func (m *Windows) Activate(h activation.Func, a, z mat.Dense) {
	if m != nil {
		for i := range a.Rows {
			m.Take(a.Row(i), nil, z.Row(i))
		}
		z = a
	}
	h.Apply(a.Elements(), z.Elements())
}

// newWindows is of a map of such a shape.
func newWindows(s Shape, side int) *Windows {
	if side <= 1 {
		return nil
	}
	m := &Windows{side: side, width: s.Width, height: s.Height / side, across: s.Width / side, channels: s.Channels}
	m.over = s.Height%side > 0 || s.Width%side > 0
	for dy := range side {
		for dx := range side {
			m.offsets = append(m.offsets, (dy*s.Width+dx)*s.Channels)
		}
	}
	return m
}

// row is where windows' row y begins in a map, and where in what is taken of it.
func (m *Windows) row(y int) (in, lo, hi int) {
	n := m.across * m.channels
	return y * m.side * m.width * m.channels, y * n, (y + 1) * n
}

// Offsets are where a window's places lie from its first, in elements of a map, row by row.
func (m *Windows) Offsets() []int { return m.offsets }

// First is where the first place lies, in elements of a map, of the window that each entry
// of what is taken comes from.
func (m *Windows) First() []int {
	var first []int
	for y := range m.height {
		in, _, _ := m.row(y)
		for i := range m.across * m.channels {
			first = append(first, in+m.along(i))
		}
	}
	return first
}

// along is how far entry i of a row of windows begins from the row's beginning.
func (m *Windows) along(i int) int { return i/m.channels*m.side*m.channels + i%m.channels }

// Take writes the largest of each window of the map z of a sample to v, and which place of
// the window it was to winners, if there is room for that.
func (m *Windows) Take(v []float32, winners []int32, z []float32) {
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
func (m *Windows) add(v []float32, winners []int32, z []float32) {
	for y := range m.height {
		in, lo, hi := m.row(y)
		for i, k := range winners[lo:hi] {
			v[lo+i] += z[in+m.along(i)+m.offsets[k]]
		}
	}
}

// spread makes z from v at the winners, and 0 elsewhere.
func (m *Windows) spread(z, v []float32, winners []int32) {
	if m.over {
		clear(z)
	}
	for y := range m.height {
		in, lo, hi := m.row(y)
		kernel.Spread(z[in:], v[lo:hi], winners[lo:hi], m.channels, m.side*m.channels, m.offsets)
	}
}
