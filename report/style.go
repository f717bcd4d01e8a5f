package report

import (
	"image/color"
	"slices"
)

// ink is a colour by its role; the page gives roles other values in the dark.
type ink int

// Inks from 0 on are those of series, in order.
const (
	inkText  ink = -1
	inkMuted ink = -2
	inkGrid  ink = -3
)

// seriesStyles are eight styles that differ in colour, dash and marker, so
// that no reader needs all three. The colours are those of Okabe & Ito
// (2008), told apart with every common form of colour blindness.
var seriesStyles = [...]struct {
	light  color.RGBA
	dark   string
	dash   []float64
	marker marker
}{
	{color.RGBA{0x00, 0x72, 0xb2, 0xff}, "#5ab4e8", nil, disc},
	{color.RGBA{0xd5, 0x5e, 0x00, 0xff}, "#ff8b3d", []float64{7, 3}, square},
	{color.RGBA{0x00, 0x8f, 0x68, 0xff}, "#2fc79a", []float64{2, 2.5}, triangle},
	{color.RGBA{0xb3, 0x55, 0x8c, 0xff}, "#e593bf", []float64{8, 3, 2, 3}, diamond},
	{color.RGBA{0x22, 0x22, 0x22, 0xff}, "#e6e6e6", []float64{12, 3}, cross},
	{color.RGBA{0xc2, 0x85, 0x00, 0xff}, "#f0b93a", []float64{4, 2}, wedge},
	{color.RGBA{0x2f, 0x94, 0xc9, 0xff}, "#8fd3f7", []float64{10, 2, 2, 2, 2, 2}, disc},
	{color.RGBA{0x7a, 0x6a, 0x00, 0xff}, "#d8cc4a", []float64{1, 2}, square},
}

// light is an ink's colour on white paper.
func (k ink) light() color.RGBA {
	switch k {
	case inkText:
		return color.RGBA{0x1c, 0x1f, 0x23, 0xff}
	case inkMuted:
		return color.RGBA{0x5b, 0x62, 0x6b, 0xff}
	case inkGrid:
		return color.RGBA{0xdd, 0xe0, 0xe4, 0xff}
	}
	return seriesStyles[k].light
}

// class is the ink's name in style sheets.
func (k ink) class() string {
	switch k {
	case inkText:
		return "ink"
	case inkMuted:
		return "muted"
	case inkGrid:
		return "grid"
	}
	return "s" + string(rune('0'+k))
}

// methods are in the order of their styles: those that are compared most have colours
// of their own.
var methods = []string{
	"sync", "dlam", "adam", "sgd", "admm", "mdlam", "bcd", "cdlam",
	"adagrad", "momentum", "adadelta", "nesterov", "dladmm", "rmsprop", "adamw", "amsgrad", "muon", "schedule-free", "lifted", "mac", "pdadmm", "onlineam",
}

// MethodStyle is the style of a method by its name, the same on every page; 0 of one
// that is not known here.
func MethodStyle(name string) int { return max(0, slices.Index(methods, name)) }

// kinds are the sorts of methods, in the order of legends.
var kinds = []struct {
	name    string
	methods []string
}{
	{"alternating", []string{"sync", "dlam", "mdlam", "cdlam", "bcd", "lifted", "mac", "onlineam"}},
	{"multipliers", []string{"admm", "dladmm", "pdadmm"}}, // alternating steps towards a saddle point
	{"first order", []string{"sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "amsgrad", "adamw", "muon", "schedule-free"}},
}

// MethodKind is the sort of a method by its name; "" of one that is not known here.
func MethodKind(name string) string {
	for _, k := range kinds {
		if slices.Contains(k.methods, name) {
			return k.name
		}
	}
	return ""
}

// styleOf is the ink of series number i.
func styleOf(i int) ink { return ink(i % len(seriesStyles)) }

// From the ninth series on colours come again, with another dash and marker.

func dashOf(i int) []float64 { return seriesStyles[dashNumber(i)].dash }

// dashNumber is the number of a style that has the dash of series number i.
func dashNumber(i int) int {
	n := len(seriesStyles)
	return (i + 3*(i/n)) % n
}

func markerOf(i int) marker {
	n := len(seriesStyles)
	return (seriesStyles[i%n].marker + marker(2*(i/n))) % markers
}

type marker int

const (
	disc marker = iota
	square
	triangle
	diamond
	cross
	wedge
	markers // how many there are
)

// outline is the marker's polygon around p.
func (m marker) outline(p point) []point {
	const r = 3.4
	var d []point
	switch m {
	case square:
		d = []point{{-r, -r}, {r, -r}, {r, r}, {-r, r}}
	case triangle:
		d = []point{{0, -1.25 * r}, {1.15 * r, r}, {-1.15 * r, r}}
	case wedge:
		d = []point{{0, 1.25 * r}, {1.15 * r, -r}, {-1.15 * r, -r}}
	case diamond:
		d = []point{{0, -1.4 * r}, {1.2 * r, 0}, {0, 1.4 * r}, {-1.2 * r, 0}}
	case cross:
		const a, b = 1.3 * r, 0.35 * r
		d = []point{{-a, -b}, {-b, -b}, {-b, -a}, {b, -a}, {b, -b}, {a, -b}, {a, b}, {b, b}, {b, a}, {-b, a}, {-b, b}, {-a, b}}
	default: // a disc, as a dodecagon
		const c, s = 0.866 * r, 0.5 * r
		d = []point{{r, 0}, {c, s}, {s, c}, {0, r}, {-s, c}, {-c, s}, {-r, 0}, {-c, -s}, {-s, -c}, {0, -r}, {s, -c}, {c, -s}}
	}
	for i := range d {
		d[i] = point{p.x + d[i].x, p.y + d[i].y}
	}
	return d
}
