package report

import "strconv"

// hover is what the page's script needs to find values under the pointer.
type hover struct {
	Width  int           `json:"width"`
	X      hoverScale    `json:"x"`
	Y      hoverScale    `json:"y"`
	XLabel string        `json:"xLabel"`
	YLabel string        `json:"yLabel"`
	Series []hoverSeries `json:"series"`
}

type hoverScale struct {
	Lo  float64 `json:"lo"`
	Hi  float64 `json:"hi"`
	Log bool    `json:"log"`
	A   float64 `json:"a"`
	B   float64 `json:"b"`
}

type hoverSeries struct {
	Name  string    `json:"name"`
	Style int       `json:"style"`
	X     []float64 `json:"x"`
	Y     []float64 `json:"y"`
}

func (s scale) hover() hoverScale {
	return hoverScale{Lo: s.lo, Hi: s.hi, Log: s.log, A: s.a, B: s.b}
}

func hoverData(c Chart) hover {
	l := newLayout(c)
	h := hover{
		Width: chartWidth, XLabel: c.X.Label, YLabel: c.Y.Label,
		X: l.x.hover(), Y: l.y.hover(),
	}
	for _, s := range c.Series {
		hs := hoverSeries{Name: s.Name, Style: int(styleOf(s.Style)), X: []float64{}, Y: []float64{}}
		for i := range s.X {
			if _, ok := l.place(s, i); ok {
				hs.X, hs.Y = append(hs.X, short(s.X[i])), append(hs.Y, short(s.Y[i]))
			}
		}
		h.Series = append(h.Series, hs)
	}
	return h
}

// short keeps the seven digits that anybody reads.
func short(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 7, 64), 64)
	if err != nil {
		return v
	}
	return r
}
