package report

import (
	"slices"

	"github.com/dlam-go/dlam"
)

// constraintCharts show how far the auxiliary variables are from a forward
// pass.
func constraintCharts(rs []dlam.Record) []Chart {
	x := Axis{Label: "iteration"}
	return []Chart{
		{Title: ofLayers("Penalty of each layer", layersOf(rs, penalty)), X: x, Y: Axis{Label: "φ", Log: true},
			Series: layerCurves(rs, penalty)},
		{Title: ofLayers("Residual a − h(z)", layersOf(rs, gap)), X: x, Y: Axis{Label: "root mean square", Log: true},
			Series: layerCurves(rs, gap)},
		{Title: "Band half-width ε", X: x, Y: Axis{Label: "ε", Log: true}, Series: []Series{
			curve("", 0, rs, iteration, func(r dlam.Record) (float64, bool) { return r.Epsilon, r.Epsilon > 0 })}},
	}
}

func penalty(r dlam.Record) []float64 { return r.Penalty }
func gap(r dlam.Record) []float64     { return r.Gap }

// layersOf is the number of layers that records tell something of.
func layersOf(rs []dlam.Record, of func(dlam.Record) []float64) (n int) {
	for _, r := range rs {
		n = max(n, len(of(r)))
	}
	return n
}

// layerCurves are the curves of what records tell of each layer, if they do.
func layerCurves(rs []dlam.Record, of func(dlam.Record) []float64) []Series {
	var series []Series
	for _, l := range drawn(layersOf(rs, of)) {
		series = append(series, curve(layerName(l+1), l, rs, iteration, func(r dlam.Record) (float64, bool) {
			if v := of(r); l < len(v) {
				return v[l], true
			}
			return 0, false
		}))
	}
	return series
}

func moveCharts(rs []dlam.Record) []Chart {
	x := Axis{Label: "iteration"}
	layers := 0
	for _, r := range rs {
		for _, b := range r.Blocks {
			layers = max(layers, b.Layer)
		}
	}
	sum := func(take func(dlam.Block) bool) func(dlam.Record) (float64, bool) {
		return func(r dlam.Record) (v float64, ok bool) {
			for _, b := range r.Blocks {
				if take(b) {
					v, ok = v+b.Move, true
				}
			}
			return v, ok
		}
	}
	byLayer := Chart{Title: ofLayers("Moves of each layer", layers), X: x, Y: Axis{Label: "move", Log: true}}
	for _, l := range drawn(layers) {
		byLayer.Series = append(byLayer.Series, curve(layerName(l+1), l, rs, iteration, sum(func(b dlam.Block) bool { return b.Layer == l+1 })))
	}
	byVariable := Chart{Title: "Moves of each variable", X: x, Y: Axis{Label: "move", Log: true}}
	for i, v := range []string{"W", "b", "z", "a"} {
		byVariable.Series = append(byVariable.Series, curve(v, i, rs, iteration, sum(func(b dlam.Block) bool { return b.Variable == v })))
	}
	return []Chart{byLayer, byVariable,
		{Title: "c_k", X: x, Y: Axis{Label: "c", Log: true}, Series: []Series{
			curve("", 0, rs, iteration, func(r dlam.Record) (float64, bool) { return r.C, r.C > 0 })}},
		{Title: "Step length", X: x, Y: Axis{Label: "step", Log: true}, Series: []Series{
			curve("", 0, rs, iteration, func(r dlam.Record) (float64, bool) { return r.Step, r.Step > 0 })}},
	}
}

func costCharts(rs []dlam.Record) []Chart {
	x := Axis{Label: "iteration"}
	return []Chart{
		{Title: "Time of each iteration", X: x, Y: Axis{Label: "milliseconds"}, Series: []Series{
			curve("", 0, rs, iteration, func(r dlam.Record) (float64, bool) { return 1000 * r.Seconds, true })}},
		{Title: "Line-search trials", X: x, Y: Axis{Label: "trials"}, Series: []Series{
			curve("", 0, rs, iteration, func(r dlam.Record) (float64, bool) {
				t := r.Trials
				for _, b := range r.Blocks {
					t += b.Trials
				}
				return float64(t), t > 0
			})}},
	}
}

// partCharts show where the time of an iteration went: by what was updated,
// and by layer.
func partCharts(rs []dlam.Record) []Chart {
	var kinds []string
	layers := 0
	for _, r := range rs {
		for _, p := range r.Parts {
			layers = max(layers, p.Layer)
			if len(kinds) < maxSeries && !slices.Contains(kinds, p.Variables) {
				kinds = append(kinds, p.Variables)
			}
		}
	}
	sum := func(take func(dlam.Part) bool) func(dlam.Record) (float64, bool) {
		return func(r dlam.Record) (v float64, ok bool) {
			for _, p := range r.Parts {
				if take(p) {
					v += 1000 * p.Seconds
				}
			}
			return v, len(r.Parts) > 0
		}
	}
	x, y := Axis{Label: "iteration"}, Axis{Label: "milliseconds", Log: true}
	byKind, byLayer := Chart{Title: "Time of each block", X: x, Y: y}, Chart{Title: ofLayers("Time of each layer", layers), X: x, Y: y}
	for i, k := range kinds {
		byKind.Series = append(byKind.Series, curve(partName(k), i, rs, iteration, sum(func(p dlam.Part) bool { return p.Variables == k })))
	}
	for _, l := range drawn(layers) {
		byLayer.Series = append(byLayer.Series, curve(layerName(l+1), l, rs, iteration, sum(func(p dlam.Part) bool { return p.Layer == l+1 })))
	}
	return []Chart{byKind, byLayer}
}

func partName(variables string) string {
	if variables == "za" {
		return "z and a"
	}
	return variables
}
