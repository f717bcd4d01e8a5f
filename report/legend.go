package report

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"
)

// textWidth is about how wide s is in the fonts of the pictures.
func textWidth(s string, size float64) float64 {
	w := 0.0
	for _, r := range s {
		switch {
		case strings.ContainsRune("mwMW%@—…", r):
			w += 0.9
		case strings.ContainsRune("iljtfrI.,:;|'()[] ", r):
			w += 0.36
		case unicode.IsUpper(r):
			w += 0.72
		default:
			w += 0.58
		}
	}
	return size * w
}

const (
	zero      = ": 0" // behind the name of a curve that is 0 throughout
	keyWidth  = 26
	nameLimit = 18 // longer names are cut; the page's table has them whole
)

func shorten(s string) string {
	if r := []rune(s); len(r) > nameLimit {
		return string(r[:nameLimit-1]) + "…"
	}
	return s
}

func (l *layout) legendWidth() float64 {
	w := 14.0
	fit := func(name string) {
		if name != "" {
			w = max(w, 12+keyWidth+textWidth(shorten(name), smallSize)+6)
		}
	}
	for _, s := range l.chart.Series {
		if l.chart.alwaysZero(s) {
			s.Name += zero
		}
		fit(s.Name)
	}
	for _, v := range l.chart.Levels {
		fit(v.Label)
	}
	return w
}

// legendGap is between the top of a plot and the first name beside it.
const legendGap = 4

// heightOf is the height of charts, so that the names of each have room.
func heightOf(charts []Chart) int {
	most := 0
	for _, c := range charts {
		n := len(c.Levels)
		for _, s := range c.Series {
			if s.Name != "" {
				n++
			}
		}
		most = max(most, n)
	}
	return max(chartHeight, aboveChart+legendGap+lineHeight*(most-1)+belowChart)
}

// named is an entry of the legend: a curve or a level.
type named struct {
	name string
	end  point // of its line
	key  func(at point) []mark
}

// legend names what shows beside its end, to the right of the plot.
func (l *layout) legend() {
	es := append(l.namedCurves(), l.namedLevels()...)
	slices.SortStableFunc(es, func(a, b named) int { return cmp.Compare(a.end.y, b.end.y) })
	ys := make([]float64, len(es))
	for i, e := range es {
		ys[i] = e.end.y
	}
	spread(ys, l.y.b+legendGap, l.y.a)
	for i, e := range es {
		at := point{l.x.b + 12, ys[i]}
		if math.Abs(e.end.x-l.x.b) < 1 {
			l.add(mark{ink: inkGrid, points: []point{e.end, at}, width: 0.8})
		}
		l.marks = append(l.marks, e.key(at)...)
		l.add(mark{ink: inkText, text: shorten(e.name), size: smallSize, at: point{at.x + keyWidth, at.y + 4}})
	}
}

func (l *layout) namedCurves() []named {
	var es []named
	for _, s := range l.chart.Series {
		if l.chart.alwaysZero(s) {
			es = append(es, named{name: s.Name + zero, end: point{math.NaN(), l.y.a}, key: func(point) []mark { return nil }})
		}
		k := styleOf(s.Style)
		for i := len(s.X) - 1; i >= 0 && s.Name != ""; i-- {
			end, ok := l.place(s, i)
			if !ok {
				continue
			}
			es = append(es, named{name: s.Name, end: end, key: func(at point) []mark {
				return []mark{
					{ink: k, points: []point{at, {at.x + keyWidth - 5, at.y}}, width: 1.8, dash: dashOf(s.Style)},
					{ink: k, points: markerOf(s.Style).outline(point{at.x + (keyWidth-5)/2, at.y}), filled: true},
				}
			}})
			break
		}
	}
	return es
}

// alwaysZero reports a named curve that a logarithmic axis has no place for:
// its name says what it is.
func (c Chart) alwaysZero(s Series) bool {
	return c.Y.Log && s.Name != "" && len(s.Y) > 0 && !slices.ContainsFunc(s.Y, func(v float64) bool { return v != 0 })
}

func (l *layout) namedLevels() []named {
	var es []named
	for _, v := range l.chart.Levels {
		if l.y.shows(v.Y) {
			es = append(es, named{name: v.Label, end: point{l.x.b, l.y.at(v.Y)}, key: func(at point) []mark {
				return []mark{{ink: inkMuted, points: []point{at, {at.x + keyWidth - 5, at.y}}, width: 1, dash: levelDash}}
			}})
		}
	}
	return es
}

// spread moves ascending places apart to a line's height, within lo and hi as
// far as they fit.
func spread(ys []float64, lo, hi float64) {
	for i := range ys {
		ys[i] = max(ys[i], lo)
		if i > 0 {
			ys[i] = max(ys[i], ys[i-1]+lineHeight)
		}
	}
	for i := len(ys) - 1; i >= 0; i-- {
		limit := hi
		if i < len(ys)-1 {
			limit = ys[i+1] - lineHeight
		}
		ys[i] = min(ys[i], limit)
	}
}
