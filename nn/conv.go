package nn

import (
	"math"

	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/spec"
)

// Conv is the map of a two-dimensional convolution: a row of U for each place, with
// the KernelHeight×KernelWidth pixels around it in all channels, in the order
// (row, column, channel). Pictures may be averaged over squares first, which is linear
// and so a part of U. A kernel as large as the picture has one place: a dense layer of
// averages.
type Conv struct {
	Sample                    Shape // what goes in
	Mean                      int   // side of the squares averaged first, 1 for none; what is left over at the end is dropped
	KernelHeight, KernelWidth int
	Stride                    int // between places, down and across
	PadHeight, PadWidth       int // rows of zeros above and below, columns of zeros left and right
}

var (
	_ Map             = Conv{}
	_ spec.Maker[Map] = Conv{}
)

// Spec is of kind "conv", with all sizes.
func (c Conv) Spec() spec.Spec {
	return spec.Spec{Kind: "conv", Numbers: map[string]float64{
		"height": float64(c.Sample.Height), "width": float64(c.Sample.Width), "channels": float64(c.Sample.Channels), "mean": float64(c.Mean),
		"kernel-height": float64(c.KernelHeight), "kernel-width": float64(c.KernelWidth), "stride": float64(c.Stride),
		"pad-height": float64(c.PadHeight), "pad-width": float64(c.PadWidth),
	}}
}

// mostSize bounds each size of a map: what a file says is no reason to take any memory.
const mostSize = 1 << 16

// sizes are parameters that are at least 1.
func sizes(names ...string) []spec.Parameter {
	var list []spec.Parameter
	for _, name := range names {
		list = append(list, spec.Parameter{Name: name, Min: 1, Max: mostSize})
	}
	return list
}

// Parameters are the sizes.
func (Conv) Parameters() []spec.Parameter {
	list := sizes("height", "width", "channels", "mean", "kernel-height", "kernel-width", "stride")
	return append(list, spec.Parameter{Name: "pad-height", Max: mostSize}, spec.Parameter{Name: "pad-width", Max: mostSize})
}

// With is the map of these sizes.
func (Conv) With(numbers map[string]float64) Map {
	size := func(name string) int { return int(numbers[name]) }
	return Conv{
		Sample: Shape{size("height"), size("width"), size("channels")}, Mean: size("mean"),
		KernelHeight: size("kernel-height"), KernelWidth: size("kernel-width"), Stride: size("stride"),
		PadHeight: size("pad-height"), PadWidth: size("pad-width"),
	}
}

// In is the shape of a sample.
func (c Conv) In() Shape { return c.Sample }

// averaged is the shape of the averages, which the kernel meets.
func (c Conv) averaged() Shape { return c.Sample.Windows(c.Mean) }

// padded is averaged with the border of zeros.
func (c Conv) padded() Shape {
	s := c.averaged()
	return Shape{s.Height + 2*c.PadHeight, s.Width + 2*c.PadWidth, s.Channels}
}

// Out has a place wherever the kernel fits.
func (c Conv) Out(units int) Shape {
	s := c.padded()
	places := func(side, kernel int) int {
		if side < kernel {
			return 0
		}
		return (side-kernel)/c.Stride + 1
	}
	return Shape{places(s.Height, c.KernelHeight), places(s.Width, c.KernelWidth), units}
}

// Columns is the number of entries of a patch.
func (c Conv) Columns() int { return c.KernelHeight * c.KernelWidth * c.Sample.Channels }

// Norm is the number of patches that a pixel may be in; an average of q² pixels has at
// most 1/q² of their squares.
func (c Conv) Norm() float64 {
	in := func(kernel int) float64 { return math.Ceil(float64(kernel) / float64(c.Stride)) }
	return in(c.KernelHeight) * in(c.KernelWidth) / float64(c.Mean*c.Mean)
}

// stackBelow is how many elements of a patch's run are too few for products: two vectors.
const stackBelow = 16

// stacked reports whether a picture's rows are put into each other for products, as a
// patch's own rows are too short: the pixels of a column under a kernel are then
// neighbours, and a patch one run, in the order (column, row, channel).
func (c Conv) stacked() bool {
	return c.KernelHeight > 1 && c.KernelWidth*c.Sample.Channels < stackBelow
}

// stackSize is how many elements a stacked picture has; 0 where there is none.
func (c Conv) stackSize() int {
	if !c.stacked() {
		return 0
	}
	return c.Out(1).Height * c.padded().Width * c.KernelHeight * c.Sample.Channels
}

// stack makes a stacked picture of a padded one. Each row of it is the one before, moved by
// the stride, and the rows of pixels that are new.
func (c Conv) stack(dst, picture []float32) {
	s, ch := c.padded(), c.Sample.Channels
	row, column := s.Width*ch, c.KernelHeight*ch
	first := 0
	for y := range c.Out(1).Height {
		out := dst[y*row*c.KernelHeight:][:row*c.KernelHeight]
		if y > 0 && c.Stride < c.KernelHeight {
			copy(out, dst[(y-1)*len(out)+c.Stride*ch:y*len(out)])
			first = c.KernelHeight - c.Stride
		}
		for dy := first; dy < c.KernelHeight; dy++ {
			in := picture[(y*c.Stride+dy)*row:][:row]
			for k := range ch {
				for x, to := k, dy*ch+k; x < len(in) && to < len(out); x, to = x+ch, to+column {
					out[to] = in[x]
				}
			}
		}
	}
}

// turn makes dst, in the order of columns of a stacked picture, of w, or with back adds
// dst to w.
func (c Conv) turn(dst, w mat.Dense, back bool) {
	ch := c.Sample.Channels
	for i := range w.Rows {
		to, from := dst.Row(i), w.Row(i)
		for y := range c.KernelHeight {
			for x := range c.KernelWidth {
				t, f := to[(x*c.KernelHeight+y)*ch:][:ch], from[(y*c.KernelWidth+x)*ch:][:ch]
				for k := range t {
					if back {
						f[k] += t[k]
					} else {
						t[k] = f[k]
					}
				}
			}
		}
	}
}

// runs is where the patches lie in a padded picture, or a stacked one.
func (c Conv) runs() kernel.Runs {
	s, out := c.padded(), c.Out(1)
	row := s.Width * s.Channels
	if c.stacked() {
		column := c.KernelHeight * s.Channels
		return kernel.Runs{
			Rows: out.Height, Cols: out.Width, Down: s.Width * column, Across: c.Stride * column,
			Count: 1, Length: c.KernelWidth * column,
		}
	}
	return kernel.Runs{
		Rows: out.Height, Cols: out.Width, Down: c.Stride * row, Across: c.Stride * s.Channels,
		Count: c.KernelHeight, Length: c.KernelWidth * s.Channels, Step: row,
	}
}

// plain reports whether a sample is its own padded picture.
func (c Conv) plain() bool { return c.Mean == 1 && c.PadHeight == 0 && c.PadWidth == 0 }

// border is how many elements the padded picture has; 0 where the sample is it.
func (c Conv) border() int {
	if c.plain() {
		return 0
	}
	return c.padded().Size()
}

// pad makes the padded picture of a sample in dst.
func (c Conv) pad(dst, sample []float32) {
	s, p := c.averaged(), c.padded()
	clear(dst)
	row := s.Width * s.Channels
	for y := range s.Height {
		out := dst[((y+c.PadHeight)*p.Width+c.PadWidth)*p.Channels:][:row]
		if c.Mean == 1 {
			copy(out, sample[y*row:])
			continue
		}
		c.average(out, sample, y)
	}
}

// average makes row y of the averages.
func (c Conv) average(dst, sample []float32, y int) {
	s, share := c.Sample, 1/float32(c.Mean*c.Mean)
	for x := 0; (x+1)*s.Channels <= len(dst); x++ {
		out := dst[x*s.Channels:][:s.Channels]
		for dy := range c.Mean {
			for dx := range c.Mean {
				in := sample[((y*c.Mean+dy)*s.Width+x*c.Mean+dx)*s.Channels:][:s.Channels]
				for ch, v := range in {
					out[ch] += share * v
				}
			}
		}
	}
}

// unpad is pad's adjoint: what a change of the padded picture is of the sample's pixels.
func (c Conv) unpad(dst, picture []float32) {
	s, p := c.averaged(), c.padded()
	if c.Mean > 1 {
		clear(dst)
	}
	row, share := s.Width*s.Channels, 1/float32(c.Mean*c.Mean)
	for y := range s.Height {
		in := picture[((y+c.PadHeight)*p.Width+c.PadWidth)*p.Channels:][:row]
		if c.Mean == 1 {
			copy(dst[y*row:], in)
			continue
		}
		for my := range c.Mean {
			for x := range s.Width * c.Mean {
				kernel.Axpy(dst[((y*c.Mean+my)*c.Sample.Width+x)*s.Channels:][:s.Channels], share, in[x/c.Mean*s.Channels:][:s.Channels])
			}
		}
	}
}

// Rows gathers patches.
func (c Conv) Rows(dst, a mat.Dense) mat.Dense {
	c.each(dst, a, func(patch, pixel []float32, share float32) { kernel.Axpy(patch, share, pixel) }, dst)
	return dst
}

// Adjoint adds patches up.
func (c Conv) Adjoint(dst, rows mat.Dense) mat.Dense {
	c.each(rows, dst, func(patch, pixel []float32, share float32) { kernel.Axpy(pixel, share, patch) }, dst)
	return dst
}

// each clears what is made and calls f with every run of pixels of the samples, the
// part of a patch that it is in, and the share that it has there.
func (c Conv) each(rows, samples mat.Dense, f func(patch, pixel []float32, share float32), made mat.Dense) {
	for i := range made.Rows {
		clear(made.Row(i))
	}
	out := c.Out(1)
	for i := range samples.Rows {
		for y := range out.Height {
			for x := range out.Width {
				c.patch(rows.Row((i*out.Height+y)*out.Width+x), samples.Row(i), y*c.Stride-c.PadHeight, x*c.Stride-c.PadWidth, f)
			}
		}
	}
}

// patch calls f for the patch whose first average is at (top, left), which may be
// in the border.
func (c Conv) patch(patch, sample []float32, top, left int, f func(patch, pixel []float32, share float32)) {
	s, in, ch := c.averaged(), c.Sample, c.Sample.Channels
	lo, hi := max(0, -left), min(c.KernelWidth, s.Width-left)
	for dy := range c.KernelHeight {
		y := top + dy
		if y < 0 || y >= s.Height || lo >= hi {
			continue
		}
		row := patch[dy*c.KernelWidth*ch:][:c.KernelWidth*ch]
		if c.Mean == 1 {
			f(row[lo*ch:hi*ch], sample[(y*in.Width+left+lo)*ch:][:(hi-lo)*ch], 1)
			continue
		}
		share := 1 / float32(c.Mean*c.Mean)
		for dx := lo; dx < hi; dx++ {
			for my := range c.Mean {
				for mx := range c.Mean {
					f(row[dx*ch:][:ch], sample[((y*c.Mean+my)*in.Width+(left+dx)*c.Mean+mx)*ch:][:ch], share)
				}
			}
		}
	}
}
