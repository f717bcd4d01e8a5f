package report

import (
	"math"
	"strconv"
)

// chartData is what the page's script draws a chart of.
type chartData struct {
	Title   string       `json:"title"`
	XLabel  string       `json:"xLabel"`
	YLabel  string       `json:"yLabel"`
	YLog    bool         `json:"yLog"`
	Clocked bool         `json:"clocked"` // x is iterations, which the page's clocks turn into samples and seconds
	Series  []seriesData `json:"series"`
	Levels  []levelData  `json:"levels"`
}

type seriesData struct {
	Name   string    `json:"name"`
	Kind   string    `json:"kind,omitempty"`
	Style  int       `json:"style"`
	Ink    int       `json:"ink"`
	Dash   int       `json:"dash"`
	Marker int       `json:"marker"`
	Run    int       `json:"run"`
	Dots   bool      `json:"dots,omitempty"`
	X      []decimal `json:"x"`
	Y      []decimal `json:"y"`
	Low    []decimal `json:"low,omitempty"`
	High   []decimal `json:"high,omitempty"`
}

type levelData struct {
	Label string  `json:"label"`
	Y     decimal `json:"y"`
}

// decimal is a number with the digits that are shown of it; null if it is not finite.
type decimal float64

// MarshalJSON writes it.
func (v decimal) MarshalJSON() ([]byte, error) {
	f := float64(v)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e9 { // iterations are exact
		return strconv.AppendInt(nil, int64(f), 10), nil
	}
	return strconv.AppendFloat(nil, f, 'g', 5, 64), nil
}

func decimals(v []float64) []decimal {
	d := make([]decimal, len(v))
	for i, x := range v {
		d[i] = decimal(x)
	}
	return d
}

func dataOf(c Chart) chartData {
	d := chartData{
		Title: c.Title, XLabel: c.X.Label, YLabel: c.Y.Label, YLog: c.Y.Log, Clocked: c.Clocked,
		Series: []seriesData{}, Levels: []levelData{},
	}
	for _, s := range c.Series {
		d.Series = append(d.Series, seriesData{
			Name: s.Name, Kind: s.Kind, Style: s.Style, Ink: int(styleOf(s.Style)), Dash: dashNumber(s.Style), Marker: int(markerOf(s.Style)),
			Run: s.Run, Dots: s.Dots, X: decimals(s.X), Y: decimals(s.Y), Low: decimals(s.Low), High: decimals(s.High),
		})
	}
	for _, l := range c.Levels {
		d.Levels = append(d.Levels, levelData{l.Label, decimal(l.Y)})
	}
	return d
}
