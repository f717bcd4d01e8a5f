package export

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"

	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
)

// The picture's measures, in pixels.
const (
	tileSide = 64 // of a unit, about
	tileGap  = 4  // between units, and around them
	// MaxUnits is how many units a picture shows: the first ones.
	MaxUnits = 1024
)

// WeightsPNG writes the first layer's weights as a picture: a tile a unit, row
// by row in the units' order, each as the inputs lie in the network's pictures
// (after pooling), or as a convolution's kernel. With one channel, red is positive,
// blue negative, white 0; with three, a weight of a channel is that channel's
// intensity, and grey is 0. Each tile is scaled to its own greatest |w|. It is an error
// if the model's inputs are no pictures.
func WeightsPNG(w io.Writer, m *model.Model) error {
	t, err := tilesOf(m)
	if err != nil {
		return err
	}
	t.gap, t.pixel = tileGap, max(1, tileSide/max(t.height, t.width))
	t.units = min(t.units, MaxUnits)
	return t.writeWeights(w, m)
}

// SmallWeightsPNG is WeightsPNG of the first units, a pixel a weight and few colours, for
// pages that enlarge it. It returns how many units it shows.
func SmallWeightsPNG(w io.Writer, m *model.Model, units int) (shown int, err error) {
	t, err := tilesOf(m)
	if err != nil {
		return 0, err
	}
	t.gap, t.pixel, t.few = 1, 1, t.channels == 1
	t.units = min(t.units, units)
	return t.units, t.writeWeights(w, m)
}

// SmallMapsPNG writes what a layer gives for a sample, a, of this shape, as a picture: a tile
// for each of the first channels, a pixel a place. White is 0, and the deepest red or blue is
// the greatest |a| of all channels.
func SmallMapsPNG(w io.Writer, s nn.Shape, a []float32, channels int) error {
	t := tiling{height: s.Height, width: s.Width, channels: 1, units: min(s.Channels, channels), pixel: 1, gap: 1, few: true}
	top := greatest(a)
	return t.write(w, func(u int) ([]float32, float32) {
		of := make([]float32, 0, s.Height*s.Width)
		for k := u; k < len(a); k += s.Channels {
			of = append(of, a[k])
		}
		return of, top
	})
}

// greatest is the greatest |v|, or 1 where that is 0.
func greatest(values []float32) (top float32) {
	for _, v := range values {
		top = max(top, v, -v)
	}
	if top == 0 {
		return 1
	}
	return top
}

// tilesOf is how the first layer's weights lie.
func tilesOf(m *model.Model) (t tiling, err error) {
	im, pool := m.Transform.Image, m.Transform.Pool
	first := m.Network.Layers[0]
	t = tiling{height: im.Height / max(1, pool), width: im.Width / max(1, pool), channels: im.Channels, units: first.W.Rows}
	switch c := first.Linear().(type) {
	case nn.Conv:
		t.height, t.width, t.channels = c.KernelHeight, c.KernelWidth, c.Sample.Channels
	case nn.Dense:
	default:
		return t, fmt.Errorf("the first layer is %v, want a dense one or a convolution", first.Linear().Spec())
	}
	if t.width == 0 || t.channels != 1 && t.channels != 3 {
		return t, fmt.Errorf("the model's inputs are %v, want pictures of 1 or 3 channels", im)
	}
	return t, nil
}

// tiling is how units lie in a picture.
type tiling struct {
	height, width, channels int // of the network's inputs
	units, columns          int
	pixel, gap              int  // sides of a weight, and of what is between tiles
	few                     bool // few colours, which make a small file
}

// writeWeights writes the picture of m's weights.
func (t tiling) writeWeights(w io.Writer, m *model.Model) error {
	return t.write(w, func(u int) ([]float32, float32) {
		weights := m.Network.Layers[0].W.Row(u)
		return weights, greatest(weights)
	})
}

// write writes a picture of what unit gives for each unit: its values, and which is the end
// of the scale.
func (t tiling) write(w io.Writer, unit func(u int) ([]float32, float32)) error {
	t.columns = int(math.Ceil(math.Sqrt(float64(t.units))))
	canvas := t.canvas()
	for u := range t.units {
		values, top := unit(u)
		t.draw(canvas, u, values, top)
	}
	if err := png.Encode(w, canvas); err != nil {
		return fmt.Errorf("picture of tiles: %w", err)
	}
	return nil
}

// palette is grey for what is between tiles, and the colours of weights from -1 to 1.
func (t tiling) palette() color.Palette {
	const steps = 12
	p := color.Palette{color.Gray{Y: 0xb8}}
	for k := -steps; k <= steps; k++ {
		p = append(p, t.ink([]float32{float32(k)}, steps))
	}
	return p
}

// canvas is a grey picture for all units, so that tiles are seen against it.
func (t tiling) canvas() draw.Image {
	rows := (t.units + t.columns - 1) / t.columns
	size := image.Rect(0, 0, t.columns*t.step(t.width)+t.gap, rows*t.step(t.height)+t.gap)
	if t.few {
		return image.NewPaletted(size, t.palette()) // whose first colour is the grey
	}
	c := image.NewRGBA(size)
	draw.Draw(c, c.Rect, image.NewUniform(color.Gray{Y: 0xb8}), image.Point{}, draw.Src)
	return c
}

// step is from a tile's side of n weights to the next tile's.
func (t tiling) step(n int) int { return n*t.pixel + t.gap }

// draw paints unit u with values w, of which top is the end of the scale.
func (t tiling) draw(c draw.Image, u int, w []float32, top float32) {
	left, above := t.gap+u%t.columns*t.step(t.width), t.gap+u/t.columns*t.step(t.height)
	for i := range t.height * t.width {
		ink := t.ink(w[i*t.channels:(i+1)*t.channels], top)
		x, y := left+i%t.width*t.pixel, above+i/t.width*t.pixel
		for k := range t.pixel * t.pixel {
			c.Set(x+k%t.pixel, y+k/t.pixel, ink)
		}
	}
}

// ink is the colour of the weights of one pixel, of which top is the greatest.
func (t tiling) ink(w []float32, top float32) color.RGBA {
	// The ends of ColorBrewer's RdBu (Brewer 2003).
	positive, negative := [3]float32{178, 24, 43}, [3]float32{33, 102, 172}
	var rgb [3]uint8
	for k := range rgb {
		if t.channels == 3 {
			rgb[k] = uint8(math.Round(127.5 * float64(1+w[k]/top)))
			continue
		}
		end, share := positive, w[0]/top
		if share < 0 {
			end, share = negative, -share
		}
		rgb[k] = uint8(math.Round(float64(255 - share*(255-end[k]))))
	}
	return color.RGBA{R: rgb[0], G: rgb[1], B: rgb[2], A: 0xff}
}
