package report

import (
	"math"
	"slices"
)

// Chart is curves over one pair of axes.
type Chart struct {
	Title  string
	X, Y   Axis
	Series []Series
	Levels []Level
	// Clocked says that X is iterations, which a page's clocks turn into samples and
	// seconds.
	Clocked bool
}

// Axis is a labelled axis. On a logarithmic one, values up to 0 are gaps.
type Axis struct {
	Label string
	Log   bool
}

// Series is a curve through (X[i], Y[i]), X ascending. A Y that is not finite
// is a gap. A chart with one unnamed series needs no legend.
type Series struct {
	Name string
	X, Y []float64
	// Style is the number of colour, dash and marker, so that a method looks
	// the same in every chart of a page.
	Style int
	// Low and High are the ends of a band around the curve; nil for none.
	Low, High []float64
	// Kind is what the curve has in common with others, which long legends of pages show
	// and hide together; "" for nothing.
	Kind string
	// Run is the number of the page's clock that the curve's iterations are of.
	Run  int
	Dots bool // points without a line
}

// Level is a value to compare with, across the whole chart.
type Level struct {
	Label string
	Y     float64
}

// A chart's size in pixels of a screen, or points on paper. Names that need more height
// have it.
const (
	chartWidth  = 460
	chartHeight = 300
	aboveChart  = 30
	belowChart  = 46
	fontSize    = 12.5
	smallSize   = 11.5
	lineHeight  = 15
)

// levelDash is the dash of levels.
var levelDash = []float64{1, 3}

type point struct{ x, y float64 }

// mark is a thing drawn: a line, a polygon, or a text. The layout of a chart
// is a list of marks, which each file format writes in its own words.
type mark struct {
	ink     ink
	points  []point // of a line or polygon
	filled  bool    // a polygon
	width   float64 // of a line
	dash    []float64
	text    string
	size    float64
	at      point
	anchor  float64 // 0: text starts at its point; 0.5: is centred; 1: ends
	upright bool    // text runs upwards
	bold    bool
}

// layout is a chart laid out.
type layout struct {
	chart Chart
	x, y  scale
	marks []mark
}

func newLayout(c Chart, height float64) *layout {
	l := &layout{chart: c}
	var xs, ys []float64
	for _, s := range c.Series {
		xs, ys = append(xs, s.X...), slices.Concat(ys, s.Y, s.Low, s.High)
	}
	for _, v := range c.Levels {
		ys = append(ys, v.Y)
	}
	l.x = newScale(xs, c.X, 62, chartWidth-l.legendWidth())
	l.y = newScale(ys, c.Y, height-belowChart, aboveChart)
	if !c.Y.Log {
		l.y.padLinear()
	}
	l.axes()
	l.levels()
	for _, s := range c.Series {
		l.curve(s)
	}
	l.legend()
	return l
}

func (l *layout) add(m mark) { l.marks = append(l.marks, m) }

func (l *layout) axes() {
	left, right, bottom, top := l.x.a, l.x.b, l.y.a, l.y.b
	l.add(mark{ink: inkText, text: l.chart.Title, size: fontSize, at: point{left, 18}, bold: true})
	for _, v := range l.y.ticks(6) {
		y := l.y.at(v)
		l.add(mark{ink: inkGrid, points: []point{{left, y}, {right, y}}, width: 0.8})
		l.add(mark{ink: inkMuted, text: tickLabel(v), size: smallSize, at: point{left - 6, y + 4}, anchor: 1})
	}
	free := math.Inf(-1)
	for _, v := range l.x.ticks(6) {
		x, w := l.x.at(v), textWidth(tickLabel(v), smallSize)
		l.add(mark{ink: inkMuted, points: []point{{x, bottom}, {x, bottom + 4}}, width: 0.8})
		if x-w/2 > free {
			l.add(mark{ink: inkMuted, text: tickLabel(v), size: smallSize, at: point{x, bottom + 17}, anchor: 0.5})
			free = x + w/2 + 6
		}
	}
	l.add(mark{ink: inkMuted, points: []point{{left, top}, {left, bottom}, {right, bottom}}, width: 1})
	l.add(mark{ink: inkText, text: l.chart.X.Label, size: smallSize, at: point{(left + right) / 2, bottom + 36}, anchor: 0.5})
	l.add(mark{ink: inkText, text: l.chart.Y.Label, size: smallSize, at: point{14, (top + bottom) / 2}, anchor: 0.5, upright: true})
}

func (l *layout) levels() {
	for _, v := range l.chart.Levels {
		if l.y.shows(v.Y) {
			y := l.y.at(v.Y)
			l.add(mark{ink: inkMuted, points: []point{{l.x.a, y}, {l.x.b, y}}, width: 1, dash: levelDash})
		}
	}
}

// place is where point i of s is drawn.
func (l *layout) place(s Series, i int) (point, bool) {
	if !l.x.shows(s.X[i]) || !l.y.shows(s.Y[i]) {
		return point{}, false
	}
	return point{l.x.at(s.X[i]), l.y.at(s.Y[i])}, true
}

func (l *layout) curve(s Series) {
	k := styleOf(s.Style)
	if s.Low != nil { // a band by its edges, which both kinds of files can draw
		l.line(Series{X: s.X, Y: s.Low, Style: s.Style}, 0.5)
		l.line(Series{X: s.X, Y: s.High, Style: s.Style}, 0.5)
	}
	if !s.Dots {
		l.line(s, 1.8)
	}
	every := 46.0 // pixels between markers, each series at another phase
	next := l.x.a + every*math.Mod(0.37*float64(s.Style), 1)
	for i := range s.X {
		p, ok := l.place(s, i)
		if !ok {
			continue
		}
		if p.x >= next || len(s.X) == 1 || s.Dots {
			l.add(mark{ink: k, points: markerOf(s.Style).outline(p), filled: true})
			next = p.x + every
		}
	}
}

// line draws a curve, with gaps where it has no place.
func (l *layout) line(s Series, width float64) {
	var run []point
	flush := func() {
		if len(run) > 1 {
			l.add(mark{ink: styleOf(s.Style), points: run, width: width, dash: dashOf(s.Style)})
		}
		run = nil
	}
	for i := range s.X {
		if p, ok := l.place(s, i); ok {
			run = append(run, p)
		} else {
			flush()
		}
	}
	flush()
}
