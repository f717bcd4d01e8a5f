package export

import (
	"fmt"
	"slices"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/table"
)

// onnxMLDomain is the operators' that know texts.
const onnxMLDomain = "ai.onnx.ml"

// onnxSteps is the input that says how many steps a sequence has.
const onnxSteps = "steps"

// columns adds an input for each raw column of t, and what makes features of it. The
// output's name is not one of theirs. A sequence has a row of its values, the first step first,
// and as many of them are steps as an input more says.
func (g *graph) columns(t dataset.Transform, output string) {
	names := inputNames(t, output)
	g.columnInputs = map[string]bool{}
	for _, name := range names {
		g.columnInputs[name] = true
	}
	var parts []string
	for k, name := range names {
		c := &t.Columns[k]
		element := elementDouble
		if c.Kind == dataset.KindCategory {
			element = elementText
		}
		g.inputs = appendMessage(g.inputs, graphInput, matrixInfo(name, element, max(1, t.Steps)))
		if t.Steps > 0 {
			name = g.op("Reshape", name, g.ints(fmt.Sprintf("steps_%d", k), -1, 1))
		}
		switch {
		case c.Outputs() == 0:
		case element == elementText:
			parts = append(parts, g.levels(c, k, name, t.Missing))
		default:
			parts = append(parts, g.numbers(c, name))
		}
	}
	g.node("Concat", parts, intAttribute("axis", 1))
	if t.Steps > 0 {
		g.inputs = appendMessage(g.inputs, graphInput, matrixInfo(onnxSteps, elementInt32))
		g.node("Reshape", []string{g.value, g.ints("sequences", -1, t.Outputs())})
		g.steps = t.Steps
	}
}

// inputNames are what the inputs of the columns are called: as the columns, unless that is no
// name, or the output's, or beside sequences that of their steps. No two are called alike.
func inputNames(t dataset.Transform, output string) []string {
	var names []string
	for _, c := range t.Columns {
		name := c.Name
		for name == "" || name == output || t.Steps > 0 && name == onnxSteps || slices.Contains(names, name) ||
			name != c.Name && slices.ContainsFunc(t.Columns, func(of dataset.Column) bool { return of.Name == name }) {
			name += "_"
		}
		names = append(names, name)
	}
	return names
}

// op adds a node, and is the name of its output.
func (g *graph) op(op string, inputs ...string) string {
	g.node(op, inputs)
	return g.value
}

// doubles adds a constant of float64 and is its name.
func (g *graph) doubles(v []float64, dims ...int) string {
	g.scalars++
	name := g.free(fmt.Sprintf("float64_%d", g.scalars))
	g.initializers = appendMessage(g.initializers, graphInitializer, tensor(name, elementDouble, rawDoubles(v), dims))
	return name
}

func (g *graph) double(v float64) string { return g.doubles([]float64{v}, 1) }

// levels adds the features of a column of texts. A text that is none of the levels
// has no 1 among them, and the features of an unknown one.
func (g *graph) levels(c *dataset.Column, k int, input string, missing []string) string {
	texts := slices.Clone(c.Levels)
	for _, text := range slices.Concat(table.MissingTexts(), missing) {
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	unknown := make([]float32, c.Outputs())
	c.EncodeLevel(unknown, c.Level("", false))
	var of []float32
	for i, text := range texts {
		features := make([]float32, c.Outputs())
		c.EncodeLevel(features, c.Level(text, i >= len(c.Levels)))
		for j, v := range features {
			of = append(of, float32(float64(v)-float64(unknown[j])))
		}
	}
	g.node("OneHotEncoder", []string{input}, textsAttribute("cats_strings", texts), intAttribute("zeros", 1))
	g.nodes[len(g.nodes)-1].domain = onnxMLDomain
	g.values = appendMessage(g.values, graphValue, matrixInfo(g.value, elementFloat, 1, len(texts))) // which ONNX's checker does not infer
	hot := g.op("Reshape", g.value, g.ints(fmt.Sprintf("levels_%d", k), -1, len(texts)))
	known := g.op("MatMul", hot, g.floats(fmt.Sprintf("features_%d", k), of, len(texts), c.Outputs()))
	return g.op("Add", known, g.floats(fmt.Sprintf("unknown_%d", k), unknown, len(unknown)))
}

// numbers adds the features of a column of numbers, truth values or times.
func (g *graph) numbers(c *dataset.Column, input string) string {
	there := g.op("Equal", input, input) // NaN differs from itself
	v := g.op("Where", there, input, g.double(c.Fill))
	shift, factor := make([]float64, len(c.Features)), make([]float64, len(c.Features))
	parts, bin := make([]string, len(c.Features)), 0
	for i, f := range c.Features {
		shift[i], factor[i] = f.Shift, f.Factor
		switch f.Part {
		case dataset.PartMissing:
			parts[i] = g.op("Where", there, g.double(0), g.double(1))
		case dataset.PartCurve:
			shift[i], factor[i] = 0, 1
			parts[i] = g.curve(c, v)
		case dataset.PartBin:
			low, high := c.Edges[bin], c.Edges[bin+1]
			share := g.op("Div", g.op("Sub", v, g.double(low)), g.double(high-low))
			parts[i] = g.op("Min", g.op("Max", share, g.double(0)), g.double(1))
			bin++
		case dataset.PartValue:
			parts[i] = v
		default:
			parts[i] = g.time(f.Part, v)
		}
	}
	g.node("Concat", parts, intAttribute("axis", 1))
	scaled := g.op("Mul", g.op("Sub", g.value, g.doubles(shift, len(shift))), g.doubles(factor, len(factor)))
	g.node("Cast", []string{scaled}, intAttribute("to", elementFloat))
	return g.value
}

// curve adds the feature of a number with a heavy tail: the height of the first knot,
// and of each part between two how much of it lies below the number, times its slope.
func (g *graph) curve(c *dataset.Column, v string) string {
	n := len(c.Knots) - 1
	width, slope := make([]float64, n), make([]float64, n)
	for i := range n {
		width[i] = c.Knots[i+1] - c.Knots[i]
		slope[i] = (c.Heights[i+1] - c.Heights[i]) / width[i]
	}
	over := g.op("Max", g.op("Sub", v, g.doubles(c.Knots[:n], n)), g.double(0))
	within := g.op("Min", over, g.doubles(width, n))
	return g.op("Add", g.op("MatMul", within, g.doubles(slope, n, 1)), g.double(c.Heights[0]))
}

// time adds a part of a time that is given in seconds since 1970: the calendar's
// arithmetic with whole days.
func (g *graph) time(p dataset.Part, seconds string) string {
	add := func(a string, b float64) string { return g.op("Add", a, g.double(b)) }
	times := func(a string, b float64) string { return g.op("Mul", a, g.double(b)) }
	by := func(a string, b float64) string { return g.op("Div", a, g.double(b)) }
	floor := func(a string) string { return g.op("Floor", a) }
	minus := func(a, b string) string { return g.op("Sub", a, b) }
	plus := func(a, b string) string { return g.op("Add", a, b) }
	const day = 24 * 60 * 60
	if p == dataset.PartElapsed {
		return by(seconds, day)
	}
	days := floor(by(seconds, day))
	switch p {
	case dataset.PartHour:
		return by(minus(seconds, times(days, day)), 3600)
	case dataset.PartWeekday:
		d := add(days, 3)
		return minus(d, times(floor(by(d, 7)), 7))
	}
	// Years that begin in March have their leap day at the end; 400 of them, an era,
	// have 146,097 days.
	d := add(days, 719468)
	era := floor(by(d, 146097))
	ofEra := minus(d, times(era, 146097))
	year := floor(by(minus(plus(minus(ofEra, floor(by(ofEra, 1460))), floor(by(ofEra, 36524))), floor(by(ofEra, 146096))), 365))
	ofYear := minus(ofEra, minus(plus(times(year, 365), floor(by(year, 4))), floor(by(year, 100))))
	fromMarch := floor(by(add(times(ofYear, 5), 2), 153))
	late := g.op("Less", fromMarch, g.double(10)) // March to December
	if p == dataset.PartMonth {
		return plus(fromMarch, g.op("Where", late, g.double(3), g.double(-9)))
	}
	return plus(plus(year, times(era, 400)), g.op("Where", late, g.double(0), g.double(1)))
}
