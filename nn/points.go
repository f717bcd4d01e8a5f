package nn

import (
	"slices"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
)

// points are the places of a picture that max pooling lets through on the way back: one in
// a window of each channel, of which those with δ = 0, as behind ReLU, count for nothing.
// Products with the patches of these alone take a fraction of the time of those with all.
type points struct {
	channels int
	windows  []kernel.Window // of the first channel
	offsets  []uint32        // of the patches of a window's places from its first's
}

// pointsAtOnce is how many points are listed before they are worked on.
const pointsAtOnce = 256

// shortRun is the least elements of a patch's run with which points are worth it: a vector.
const shortRun = 8

// newPoints is nil where all places are better: without windows, or with short runs.
func newPoints(m *Windows, r kernel.Runs) *points {
	if m == nil || r.Length < shortRun {
		return nil
	}
	p := &points{channels: m.channels}
	for x := range m.across { // down first: neighbours in the list then share no row of the picture
		for y := range m.height {
			p.windows = append(p.windows, kernel.Window{
				Taken: uint32((y*m.across + x) * m.channels), First: uint32(m.side * (y*r.Down + x*r.Across)),
			})
		}
	}
	for dy := range m.side {
		for dx := range m.side {
			p.offsets = append(p.offsets, uint32(dy*r.Down+dx*r.Across))
		}
	}
	return p
}

// addGradient computes g += Eᵀ·U(a) for a sample, of which picture is padded.
func (p *points) addGradient(g mat.Dense, e []float32, winners []int32, picture []float32, r kernel.Runs) {
	var buf [pointsAtOnce]kernel.Point
	for c := range p.channels {
		for windows := range slices.Chunk(p.windows, pointsAtOnce) {
			n := kernel.ListPoints(buf[:], windows, e[c:], winners[c:], p.offsets)
			kernel.AddPatches(g.Row(c), buf[:n], picture, r)
		}
	}
}

// back computes picture = U*(e·W) of a sample, padded.
func (p *points) back(picture, e []float32, winners []int32, w mat.Dense, r kernel.Runs) {
	var buf [pointsAtOnce]kernel.Point
	clear(picture)
	for c := range p.channels {
		for windows := range slices.Chunk(p.windows, pointsAtOnce) {
			n := kernel.ListPoints(buf[:], windows, e[c:], winners[c:], p.offsets)
			kernel.AddToPatches(picture, buf[:n], w.Row(c), r)
		}
	}
}
