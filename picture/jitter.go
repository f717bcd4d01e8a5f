package picture

import (
	"fmt"
	"math"

	"github.com/dlam-go/dlam/internal/kernel"
)

// Jitter moves pictures by random distances, drawn anew each time a mini-batch
// takes them. A dense network does not know that a picture moved by less than a
// pixel shows the same thing; it learns that from moved pictures. Features that
// were scaled one by one are moved with the values they then have. The zero
// value moves nothing.
type Jitter struct {
	Image     Image
	Deviation float64 // standard deviation of a move, down and across, in pixels
}

// JitterFor is the jitter that suits pictures of the given shape; docs/sync.md
// says how it was chosen.
func JitterFor(im Image) Jitter {
	return Jitter{im, min(0.35, float64(min(im.Height, im.Width))/32)}
}

// Validate reports an error if samples with the given number of features cannot
// be moved.
func (j Jitter) Validate(features int) error {
	im := j.Image
	switch {
	case j.Deviation == 0:
		return nil
	case im.Width == 0:
		return fmt.Errorf("jitter: got %g pixels, and the samples are no pictures", j.Deviation)
	case im.Height*im.Width*im.Channels != features:
		return fmt.Errorf("jitter: the samples have %d features, and %s have %d", features, im, im.Height*im.Width*im.Channels)
	case !(j.Deviation > 0 && j.Deviation <= float64(min(im.Height, im.Width))):
		return fmt.Errorf("jitter: got %g pixels, want from 0 to the side of %s", j.Deviation, im)
	}
	return nil
}

// Move writes to dst the picture src moved down and across by the given numbers
// of pixels, interpolated between neighbouring pixels. Where the moved picture
// would need pixels from outside src, it takes the nearest pixel of the edge. dst
// must not overlap src.
func (im Image) Move(dst, src []float32, down, across float64) {
	c, pitch := im.Channels, im.Width*im.Channels
	y0, y1 := neighbours(-down)
	x0, x1 := neighbours(-across)
	// Both neighbours lie within the picture for the rows top to bottom-1 and for
	// the columns left to right-1. Those rows are one piece of memory and are
	// computed as such; the loop below then overwrites their other columns.
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

// inside is the range of indices i, lo to hi-1, for which both i+off and i+off+1
// lie in 0 to n-1.
func inside(off, n int) (lo, hi int) {
	lo = min(max(-off, 0), n)
	return lo, max(lo, min(n-1-off, n))
}

// neighbour is one of the two pixels around a position, and its weight in the
// interpolation.
type neighbour struct {
	at    int
	share float32
}

func neighbours(x float64) (lower, upper neighbour) {
	f := math.Floor(x)
	s := float32(x - f)
	return neighbour{int(f), 1 - s}, neighbour{int(f) + 1, s}
}

// within is the index nearest to x in 0 to n-1.
func within(x, n int) int { return min(max(x, 0), n-1) }

// blend sets each element of dst to the weighted mean of four: the elements of the
// rows r0 and r1 at the same index and c after it. first is the weight of r0
// against r1, former that of the same index against c after it.
func blend(dst, r0, r1 []float32, c int, first, former float32) {
	n := len(dst)
	clear(dst)
	kernel.Axpy(dst, first*former, r0[:n])
	kernel.Axpy(dst, first*(1-former), r0[c:][:n])
	kernel.Axpy(dst, (1-first)*former, r1[:n])
	kernel.Axpy(dst, (1-first)*(1-former), r1[c:][:n])
}
