package picture

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/dlam-go/dlam/internal/kernel"
)

// Jitter changes pictures by chance, drawn anew each time a mini-batch takes them. A
// network does not know that a picture moved by less than a pixel shows the same thing,
// nor that its mirror image may; it learns that from changed pictures. Features that
// were scaled one by one are moved with the values they then have. The zero value
// changes nothing.
type Jitter struct {
	Image     Image
	Deviation float64 // standard deviation of a shift, down and across, in pixels
	Moves     Moves   // what is done beside shifts
}

// JitterFor is the jitter that suits pictures of the given shape; docs/sync.md
// says how it was chosen. What else than shifts suits is not known of all pictures: a
// mirrored digit is none.
func JitterFor(im Image) Jitter {
	return Jitter{Image: im, Deviation: min(0.35, float64(min(im.Height, im.Width))/32)}
}

// Active reports whether anything is changed.
func (j Jitter) Active() bool { return j.Deviation != 0 || j.Moves != Moves{} }

// Validate reports an error if samples with the given number of features cannot
// be changed so.
func (j Jitter) Validate(features int) error {
	im := j.Image
	switch {
	case !j.Active():
		return nil
	case im.Width == 0 && j.Deviation == 0:
		return fmt.Errorf("moves: got %v, and the samples are no pictures", j.Moves)
	case im.Width == 0:
		return fmt.Errorf("jitter: got %g pixels, and the samples are no pictures", j.Deviation)
	case im.Height*im.Width*im.Channels != features:
		return fmt.Errorf("jitter: the samples have %d features, and %s have %d", features, im, im.Height*im.Width*im.Channels)
	case !(j.Deviation >= 0 && j.Deviation <= float64(min(im.Height, im.Width))):
		return fmt.Errorf("jitter: got %g pixels, want from 0 to the side of %s", j.Deviation, im)
	}
	return nil
}

// Draw is a change by chance.
func (j Jitter) Draw(rng *rand.Rand) Change {
	c := Change{Size: 1, Light: 1}
	if sd := j.Deviation; sd > 0 {
		c.Down, c.Across = sd*rng.NormFloat64(), sd*rng.NormFloat64()
	}
	if j.Moves.Crop {
		c.Size = 1 - cropped*rng.Float64()
		c.Down -= (1 - c.Size) * float64(j.Image.Height) * rng.Float64()
		c.Across -= (1 - c.Size) * float64(j.Image.Width) * rng.Float64()
	}
	if j.Moves.Flip {
		c.Mirrored = rng.Uint64()&1 == 1
	}
	if j.Moves.Brightness {
		c.Light = float32(1 + lighter*(2*rng.Float64()-1))
	}
	return c
}

// Change writes to dst the picture src changed. dst must not overlap src.
func (im Image) Change(dst, src []float32, c Change) {
	if c.Size == 1 {
		im.Move(dst, src, c.Down, c.Across)
	} else {
		im.enlarge(dst, src, c)
	}
	if c.Mirrored {
		im.mirror(dst)
	}
	if c.Light != 1 {
		for i := range dst {
			dst[i] *= c.Light
		}
	}
}

// enlarge is Move of the part that c.Size says: its rows and columns are c.Size pixels
// apart.
func (im Image) enlarge(dst, src []float32, c Change) {
	n, pitch := im.Channels, im.Width*im.Channels
	from := func(i int, moved float64) float64 { return c.Size*(float64(i)+0.5) - 0.5 - moved }
	for y := range im.Height {
		y0, y1 := neighbours(from(y, c.Down))
		r0, r1 := src[within(y0.at, im.Height)*pitch:][:pitch], src[within(y1.at, im.Height)*pitch:][:pitch]
		for x := range im.Width {
			x0, x1 := neighbours(from(x, c.Across))
			p, q := within(x0.at, im.Width)*n, within(x1.at, im.Width)*n
			for i := range n {
				dst[y*pitch+x*n+i] = y0.share*(x0.share*r0[p+i]+x1.share*r0[q+i]) + y1.share*(x0.share*r1[p+i]+x1.share*r1[q+i])
			}
		}
	}
}

// mirror exchanges left and right.
func (im Image) mirror(x []float32) {
	n, pitch := im.Channels, im.Width*im.Channels
	for y := range im.Height {
		row := x[y*pitch:][:pitch]
		for l, r := 0, pitch-n; l < r; l, r = l+n, r-n {
			for i := range n {
				row[l+i], row[r+i] = row[r+i], row[l+i]
			}
		}
	}
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
