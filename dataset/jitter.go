package dataset

import (
	"math"

	"github.com/dlam-go/dlam/internal/kernel"
)

// Jitter moves pictures by random distances, anew each time a mini-batch takes
// them: a network of full layers does not know that a picture moved by less
// than a pixel is of the same thing, and learns it so. Features that are scaled
// one by one are moved as they are. The zero value moves nothing.
type Jitter struct {
	Image     Image
	Deviation float64 // standard deviation of a move, down or across, in pixels
}

// JitterFor is the jitter that suits pictures of a shape (docs/sync.md).
func JitterFor(im Image) Jitter {
	return Jitter{im, min(0.35, float64(min(im.Height, im.Width))/32)}
}

// Validate reports whether samples of so many features can be moved.
func (j Jitter) Validate(features int) error {
	im := j.Image
	switch {
	case j.Deviation == 0:
		return nil
	case im.Width == 0:
		return inputf("jitter: got %g pixels, and the samples are no pictures", j.Deviation)
	case im.Height*im.Width*im.Channels != features:
		return inputf("jitter: the samples have %d features, and %s have %d", features, im, im.Height*im.Width*im.Channels)
	case !(j.Deviation > 0 && j.Deviation <= float64(min(im.Height, im.Width))):
		return inputf("jitter: got %g pixels, want from 0 to the side of %s", j.Deviation, im)
	}
	return nil
}

// Move writes to dst the picture src moved by so many pixels, interpolated
// between neighbours; what comes in from outside is what is at the edge.
func (im Image) Move(dst, src []float32, down, across float64) {
	c, pitch := im.Channels, im.Width*im.Channels
	y0, y1 := neighbours(-down)
	x0, x1 := neighbours(-across)
	// Of the rows top to bottom-1 both neighbours are within the picture, and of
	// the columns left to right-1. The former are one piece of memory; of other
	// columns it is mended below.
	top, bottom := inside(y0.at, im.Height)
	left, right := inside(x0.at, im.Width)
	off := y0.at*pitch + x0.at*c
	if lo, hi := max(top*pitch, -off), min(bottom*pitch, len(src)-off-pitch-c); lo < hi {
		blend(dst[lo:hi], src[lo+off:], src[lo+off+pitch:], c, y0.share, x0.share)
	}
	for y := range im.Height {
		out := dst[y*pitch:][:pitch]
		r0 := src[within(y+y0.at, im.Height)*pitch:][:pitch]
		r1 := src[within(y+y1.at, im.Height)*pitch:][:pitch]
		if at := (left + x0.at) * c; left < right && (y < top || y >= bottom) {
			blend(out[left*c:right*c], r0[at:], r1[at:], c, y0.share, x0.share)
		}
		for _, edge := range [2][2]int{{0, left}, {right, im.Width}} {
			for x := edge[0]; x < edge[1]; x++ {
				p, q := within(x+x0.at, im.Width)*c, within(x+x1.at, im.Width)*c
				for i := range c {
					out[x*c+i] = y0.share*(x0.share*r0[p+i]+x1.share*r0[q+i]) + y1.share*(x0.share*r1[p+i]+x1.share*r1[q+i])
				}
			}
		}
	}
}

// inside are the places lo to hi-1 of n where both the place off on and the next
// are of the n.
func inside(off, n int) (lo, hi int) {
	lo = min(max(-off, 0), n)
	return lo, max(lo, min(n-1-off, n))
}

// neighbour is a pixel beside a place between two, and its share there.
type neighbour struct {
	at    int
	share float32
}

func neighbours(x float64) (lower, upper neighbour) {
	f := math.Floor(x)
	s := float32(x - f)
	return neighbour{int(f), 1 - s}, neighbour{int(f) + 1, s}
}

// within is the pixel of n nearest to x.
func within(x, n int) int { return min(max(x, 0), n-1) }

// blend is the mean of each pixel of two rows and the next, c on, weighted by
// the shares of the first row and of the former.
func blend(dst, r0, r1 []float32, c int, first, former float32) {
	n := len(dst)
	clear(dst)
	kernel.Axpy(dst, first*former, r0[:n])
	kernel.Axpy(dst, first*(1-former), r0[c:][:n])
	kernel.Axpy(dst, (1-first)*former, r1[:n])
	kernel.Axpy(dst, (1-first)*(1-former), r1[c:][:n])
}
