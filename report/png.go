package report

import (
	"fmt"
	"image/color"
	"io"
	"math"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// pngDPI gives pictures that are sharp in print at a column's width.
const pngDPI = 192

// WritePNG writes what WriteSVG does, in pixels.
func WritePNG(w io.Writer, charts []Chart, columns int) error {
	width, height, each := sheet(charts, columns)
	faces := font.NewCache(liberation.Collection())
	c := vgimg.NewWith(vgimg.UseWH(vg.Length(width), vg.Length(height)), vgimg.UseDPI(pngDPI), vgimg.UseBackgroundColor(color.White))
	for i, chart := range charts {
		r := raster{c: c, faces: faces, left: float64(i % columns * chartWidth), top: float64(height - i/columns*each)}
		for _, m := range newLayout(chart, float64(each)).marks {
			r.draw(m)
		}
	}
	if _, err := (vgimg.PngCanvas{Canvas: c}).WriteTo(w); err != nil {
		return fmt.Errorf("write PNG: %w", err)
	}
	return nil
}

// raster draws marks on a canvas whose y runs upwards.
type raster struct {
	c         *vgimg.Canvas
	faces     *font.Cache
	left, top float64
}

func (r raster) at(p point) vg.Point {
	return vg.Point{X: vg.Length(r.left + p.x), Y: vg.Length(r.top - p.y)}
}

func (r raster) draw(m mark) {
	r.c.SetColor(m.ink.light())
	if m.text != "" {
		r.text(m)
		return
	}
	var p vg.Path
	for i, q := range m.points {
		if i == 0 {
			p.Move(r.at(q))
		} else {
			p.Line(r.at(q))
		}
	}
	if m.filled {
		p.Close()
		r.c.Fill(p)
		return
	}
	dash := make([]vg.Length, len(m.dash))
	for i, d := range m.dash {
		dash[i] = vg.Length(d)
	}
	r.c.SetLineWidth(vg.Length(m.width))
	r.c.SetLineDash(dash, 0)
	r.c.Stroke(p)
}

func (r raster) text(m mark) {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if m.bold {
		f.Weight = xfont.WeightBold
	}
	face := r.faces.Lookup(f, vg.Length(m.size))
	at := r.at(m.at)
	r.c.Push()
	defer r.c.Pop()
	r.c.Translate(at)
	if m.upright {
		r.c.Rotate(math.Pi / 2)
	}
	r.c.FillString(face, vg.Point{X: vg.Length(-m.anchor) * face.Width(m.text)}, m.text)
}
