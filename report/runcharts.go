package report

import (
	"fmt"
	"slices"
	"strings"

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

// layerCharts show the weights of each layer, of every method.
func layerCharts(rs []dlam.Record) []Chart {
	x := Axis{Label: "iteration"}
	norm, moved := func(r dlam.Record) []float64 { return r.WeightNorm }, func(r dlam.Record) []float64 { return r.FromStart }
	return []Chart{
		{Title: ofLayers("Norm of each layer's weights", layersOf(rs, norm)), X: x, Y: Axis{Label: "‖W‖", Log: true}, Series: layerCurves(rs, norm)},
		{Title: ofLayers("Distance from the first weights", layersOf(rs, moved)), X: x, Y: Axis{Label: "‖W − W⁰‖", Log: true}, Series: layerCurves(rs, moved)},
	}
}

// unmoved names the blocks that no record has a move of, as "W, b of layers 1, 2".
func unmoved(rs []dlam.Record) string {
	moved := map[dlam.Block]bool{}
	for _, r := range rs {
		for _, b := range r.Blocks {
			k := dlam.Block{Layer: b.Layer, Variable: b.Variable}
			moved[k] = moved[k] || b.Move != 0
		}
	}
	var still []string
	for _, v := range []string{"W", "b", "z", "a"} {
		var layers []int
		for k, m := range moved {
			if k.Variable == v && !m {
				layers = append(layers, k.Layer)
			}
		}
		if slices.Sort(layers); len(layers) > 0 {
			still = append(still, fmt.Sprintf("%s of %s", v, numbered("layer", layers)))
		}
	}
	return strings.Join(still, "; ")
}

// numbered is "layer 2", or "layers 1, 2 and 3 more".
func numbered(what string, list []int) string {
	const most = 12
	if len(list) == 1 {
		return fmt.Sprint(what, " ", list[0])
	}
	text := strings.ReplaceAll(strings.Trim(fmt.Sprint(list[:min(most, len(list))]), "[]"), " ", ", ")
	if more := len(list) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return what + "s " + text
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
