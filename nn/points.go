package nn

import (
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// points are the places of a picture that max pooling lets through on the way back: one in
// a window of each channel, of which those with δ = 0, as behind ReLU, count for nothing.
// Products with the patches of these alone take a fraction of the time of those with all.
type points struct {
	channels int
	windows  []int    // where each window's channels begin in what is taken
	first    []uint32 // where the patch of its first place begins in the picture
	offsets  []uint32 // of the patches of a window's places from that
}

// pointsAtOnce is how many points are listed before they are worked on.
const pointsAtOnce = 256

// shortRun is the least elements of a patch's run with which points are worth it: a vector.
const shortRun = 8

// newPoints is nil where all places are better: without windows, or with short runs.
func newPoints(m *maxima, r kernel.Runs) *points {
	if m == nil || r.Length < shortRun {
		return nil
	}
	p := &points{channels: m.channels}
	for x := range m.across { // down first: neighbours in the list then share no row of the picture
		for y := range m.height {
			p.windows = append(p.windows, (y*m.across+x)*m.channels)
			p.first = append(p.first, uint32(m.side*(y*r.Down+x*r.Across)))
		}
	}
	for dy := range m.side {
		for dx := range m.side {
			p.offsets = append(p.offsets, uint32(dy*r.Down+dx*r.Across))
		}
	}
	return p
}

// list writes the points of a channel to dst, from a window on, and returns how many there
// are and the window after.
func (p *points) list(dst []kernel.Point, e []float32, winners []int32, channel, window int) (n, next int) {
	end := min(len(p.windows), window+len(dst))
	for ; window < end; window++ {
		i := p.windows[window] + channel
		dst[n] = kernel.Point{At: p.first[window] + p.offsets[winners[i]], Value: e[i]}
		more := n + 1
		if e[i] == 0 {
			more = n
		}
		n = more
	}
	return n, end
}

// addGradient computes g += Eᵀ·U(a) for a sample, of which picture is padded.
func (p *points) addGradient(g mat.Dense, e []float32, winners []int32, picture []float32, r kernel.Runs) {
	var buf [pointsAtOnce]kernel.Point
	for c := range p.channels {
		for n, w := 0, 0; w < len(p.windows); {
			n, w = p.list(buf[:], e, winners, c, w)
			kernel.AddPatches(g.Row(c), buf[:n], picture, r)
		}
	}
}

// back computes picture = U*(e·W) of a sample, padded.
func (p *points) back(picture, e []float32, winners []int32, w mat.Dense, r kernel.Runs) {
	var buf [pointsAtOnce]kernel.Point
	clear(picture)
	for c := range p.channels {
		for n, window := 0, 0; window < len(p.windows); {
			n, window = p.list(buf[:], e, winners, c, window)
			kernel.AddToPatches(picture, buf[:n], w.Row(c), r)
		}
	}
}
