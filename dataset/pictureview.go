package dataset

import (
	"image"
	"image/color"

	"golang.org/x/image/draw"

	"github.com/dlam-go/dlam/picture"
)

// pictureView is a decoded picture as it is to be seen: upright, and on white where it is
// transparent.
type pictureView struct {
	at     func(x, y int) color.RGBA64
	stored image.Rectangle
	turn   int
	clear  bool // some pixel that was looked at is transparent
}

var _ image.RGBA64Image = (*pictureView)(nil)

// ColorModel is that of RGBA64At.
func (p *pictureView) ColorModel() color.Model { return color.RGBA64Model }

// Bounds are from 0, 0.
func (p *pictureView) Bounds() image.Rectangle {
	if turned(p.turn) {
		return image.Rect(0, 0, p.stored.Dy(), p.stored.Dx())
	}
	return image.Rect(0, 0, p.stored.Dx(), p.stored.Dy())
}

// At is RGBA64At.
func (p *pictureView) At(x, y int) color.Color { return p.RGBA64At(x, y) }

// RGBA64At is an opaque colour.
func (p *pictureView) RGBA64At(x, y int) color.RGBA64 {
	sx, sy := source(x, y, p.stored.Dx(), p.stored.Dy(), p.turn)
	c := p.at(p.stored.Min.X+sx, p.stored.Min.Y+sy)
	if white := 0xffff - c.A; white > 0 {
		p.clear = true
		c = color.RGBA64{R: c.R + white, G: c.G + white, B: c.B + white, A: 0xffff}
	}
	return c
}

// colours is the colours of a decoded picture, times their opacity.
func colours(decoded image.Image) func(x, y int) color.RGBA64 {
	if p, ok := decoded.(image.RGBA64Image); ok {
		return p.RGBA64At
	}
	return func(x, y int) color.RGBA64 {
		c, _ := color.RGBA64Model.Convert(decoded.At(x, y)).(color.RGBA64)
		return c
	}
}

// copy fills dst with the picture, resized if it has another size than im: its values
// row by row, channels last.
func (p *pictureView) copy(dst []float32, im picture.Image) {
	from := image.RGBA64Image(p)
	if b := p.Bounds(); b.Dx() != im.Width || b.Dy() != im.Height {
		scaled := image.NewRGBA64(image.Rect(0, 0, im.Width, im.Height))
		draw.BiLinear.Scale(scaled, scaled.Rect, p, middle(b.Dx(), b.Dy(), im.Width, im.Height), draw.Src, nil)
		from = scaled
	}
	one := stepOf(im)
	k := 0
	for y := range im.Height {
		for x := range im.Width {
			c := from.RGBA64At(x, y)
			if im.Channels == 1 {
				dst[k] = float32(gray(c)) / one
				k++
				continue
			}
			dst[k], dst[k+1], dst[k+2] = float32(c.R)/one, float32(c.G)/one, float32(c.B)/one
			k += 3
		}
	}
}

// stepOf is how much of a colour's 16 bits a value of 1 is.
func stepOf(im picture.Image) float32 {
	switch {
	case im.Bits == 16 || im.Max > 0xff: // the latter of models of other versions
		return 1
	case im.Bits == 8:
		return 0x101
	}
	return 0xffff / im.Max
}

// middle is the largest part in the middle of a picture of w×h pixels that has the
// shape of toW×toH, to a pixel.
func middle(w, h, toW, toH int) image.Rectangle {
	inW, inH := w, h
	if w*toH > h*toW {
		inW = max(1, (2*h*toW+toH)/(2*toH)) // rounded
	} else {
		inH = max(1, (2*w*toH+toW)/(2*toW))
	}
	x, y := (w-inW)/2, (h-inH)/2
	return image.Rect(x, y, x+inW, y+inH)
}

// gray is the luma of a colour, as package image/color has it.
func gray(c color.RGBA64) uint16 {
	return uint16((19595*uint32(c.R) + 38470*uint32(c.G) + 7471*uint32(c.B) + 1<<15) >> 16)
}
