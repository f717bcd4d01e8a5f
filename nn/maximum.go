package nn

// maxima is max pooling: of each channel of what a layer's places give, the largest in
// each Side×Side window of places. Windows do not overlap, and what is left over at the
// end of a row or a column is dropped. Of equal ones the first counts, row by row.
//
// An activation that does not fall, as all of this library but a few, may as well
// come before: max h(z) = h(max z).
type maxima struct {
	side, width    int   // of a window; of the map before
	height, across int   // windows, down and across
	channels       int   //
	offsets        []int // of the places of a window from its first, in elements
}

// newMaxima is max pooling of a map of such a shape; nil for none.
func newMaxima(s Shape, side int) *maxima {
	if side <= 1 {
		return nil
	}
	m := &maxima{side: side, width: s.Width, height: s.Height / side, across: s.Width / side, channels: s.Channels}
	for dy := range side {
		for dx := range side {
			m.offsets = append(m.offsets, (dy*s.Width+dx)*s.Channels)
		}
	}
	return m
}

// window is where the first place of window w is, in elements.
func (m *maxima) window(w int) int {
	return (w/m.across*m.side*m.width + w%m.across*m.side) * m.channels
}

// take writes the largest of each window of z to v, and which place it was to winners,
// if there is room for that.
func (m *maxima) take(v []float32, winners []int32, z []float32) {
	for w := range m.height * m.across {
		at, c := m.window(w), w*m.channels
		out := v[c : c+m.channels]
		copy(out, z[at:])
		if winners == nil {
			for _, off := range m.offsets[1:] {
				for i, x := range z[at+off:][:m.channels] {
					if x > out[i] {
						out[i] = x
					}
				}
			}
			continue
		}
		win := winners[c : c+m.channels]
		clear(win)
		for k, off := range m.offsets[1:] {
			for i, x := range z[at+off:][:m.channels] {
				if x > out[i] {
					out[i], win[i] = x, int32(k+1)
				}
			}
		}
	}
}

// add adds what z has at the winners to v.
func (m *maxima) add(v []float32, winners []int32, z []float32) {
	for w := range m.height * m.across {
		at, c := m.window(w), w*m.channels
		for i, k := range winners[c : c+m.channels] {
			v[c+i] += z[at+m.offsets[k]+i]
		}
	}
}

// spread makes z from v at the winners, and 0 elsewhere.
func (m *maxima) spread(z, v []float32, winners []int32) {
	clear(z)
	for w := range m.height * m.across {
		at, c := m.window(w), w*m.channels
		for i, k := range winners[c : c+m.channels] {
			z[at+m.offsets[k]+i] = v[c+i]
		}
	}
}
