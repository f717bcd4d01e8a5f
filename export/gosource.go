package export

import (
	"bytes"
	_ "embed" // the template
	"encoding/base64"
	"fmt"
	"go/format"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/table"
)

//go:embed predict.go.tmpl
var goTemplate string

//go:embed predict_table.go.tmpl
var goTableTemplate string // what a table with texts, dates or gaps needs beside

// goLine is how many characters of weights a line of source holds.
const goLine = 116

// goSource is what the template takes.
type goSource struct {
	Package, Model string
	Output         model.Meaning
	Outputs        int
	Steps          []string     // statements: from features in x to outputs in x
	Activations    []goFunction // those of the hidden layers, each once
	Transform      dataset.Transform
	Classes        []string
	Parameters     string   // base64, in lines
	Parts          []string // statements that take them apart, where some are bits
	Gaps           []string // texts that say that there is no value
}

// GoSource is the model as the source of package name: its weights, and a
// function Predict that needs the standard library alone (Go 1.21). Of a model of sequences
// it takes the rows of one.
func GoSource(m *model.Model, name string) ([]byte, error) {
	if !token.IsIdentifier(name) || name == "_" {
		return nil, fmt.Errorf("package: got %q, want a Go identifier", name)
	}
	about, err := describe(m)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	if _, err := softmax(m); err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	source := goSource{
		Package: name, Model: about, Output: m.Meaning(), Transform: m.Transform,
		Outputs: m.Network.Outputs(), Classes: m.Classes,
	}
	source.Parameters, source.Parts = goParameters(m)
	for l, ly := range m.Network.Layers {
		if _, all := ly.Linear().(nn.Dense); all && m.Transform.Steps > 0 && m.Network.Layers[l-1].Recurrent() {
			source.step("late(x, %d)", ly.W.Cols)
		}
		err := source.linear(ly)
		if err == nil && l < len(m.Network.Layers)-1 {
			err = source.activate(ly)
		}
		if err != nil {
			return nil, fmt.Errorf("source: layer %d: %w", l+1, err)
		}
	}
	if m.Transform.Columns != nil {
		gaps := slices.Concat(table.MissingTexts(), m.Transform.Missing)
		slices.Sort(gaps)
		source.Gaps = slices.Compact(gaps)
	}
	t, err := template.New("predict").Parse(goTemplate)
	if err == nil {
		t, err = t.Parse(goTableTemplate)
	}
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, &source); err != nil {
		return nil, err
	}
	return format.Source(b.Bytes())
}

// goFunction is an activation in the source.
type goFunction struct{ Name, Spec, Body string }

// step adds a statement that gives x another value.
func (s *goSource) step(format string, args ...any) {
	s.Steps = append(s.Steps, "x = "+fmt.Sprintf(format, args...))
}

// linear adds the statements of a layer before its activation, of a recurrent one with it.
func (s *goSource) linear(ly nn.Layer) error {
	weights := fmt.Sprintf("take(%d), take(%d)", ly.W.Rows*ly.W.Cols, len(ly.B))
	switch u := ly.Linear().(type) {
	case nn.Dense:
		s.step("affine(nil, x, %s)", weights)
	case nn.Conv:
		in := u.Sample
		if u.Mean > 1 {
			s.step("mean(x, %s, %d)", goShape(in), u.Mean)
			in = in.Windows(u.Mean)
		}
		s.step("conv(x, %s, window{%d, %d, %d, %d, %d}, %s)", goShape(in), u.KernelHeight, u.KernelWidth, u.Stride, u.PadHeight, u.PadWidth, weights)
	case nn.RNN:
		h, err := s.activation(ly.H)
		if err != nil {
			return err
		}
		s.step("rnn(x, %s, %s, %s)", s.steps(u.Steps), weights, h)
	case nn.GRU:
		s.step("gru(x, %s, %s)", s.steps(u.Steps), weights)
	case nn.Last:
		s.step("affine(nil, x[len(x)-%d:], %s)", u.Inputs, weights)
	default:
		return fmt.Errorf("map %v: there is no form of it", u.Spec())
	}
	if ly.Max > 1 {
		s.step("largest(x, %s, %d)", goShape(ly.Linear().Out(ly.W.Rows)), ly.Max)
	}
	return nil
}

// steps is how many steps a recurrent layer of so many takes: of sequences those that are there.
func (s *goSource) steps(n int) string {
	if s.Transform.Steps > 0 {
		return "steps"
	}
	return strconv.Itoa(n)
}

// activate adds the statement of a hidden layer's activation, unless linear has it.
func (s *goSource) activate(ly nn.Layer) error {
	if ly.Recurrent() {
		return nil
	}
	name, err := s.activation(ly.H)
	if err == nil {
		s.step("apply(%s, x)", name)
	}
	return err
}

// goShape is a shape in the source.
func goShape(s nn.Shape) string {
	return fmt.Sprintf("shape{%d, %d, %d}", s.Height, s.Width, s.Channels)
}

// Uses reports whether the source calls one of its functions.
func (s *goSource) Uses(function string) bool {
	return function == "mean" && s.Transform.Pool > 1 ||
		slices.ContainsFunc(s.Steps, func(step string) bool { return strings.HasPrefix(step, "x = "+function+"(") })
}

// activation is the name of h in the source.
func (s *goSource) activation(h activation.Func) (string, error) {
	text := h.Spec().String()
	for _, f := range s.Activations {
		if f.Spec == text {
			return f.Name, nil
		}
	}
	body, err := goActivation(h)
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("activation%d", len(s.Activations)+1)
	s.Activations = append(s.Activations, goFunction{name, text, body})
	return name, nil
}

// goActivation is the body of a function of v that is h.
func goActivation(h activation.Func) (string, error) {
	switch h := h.(type) {
	case activation.ReLU:
		return "return max(v, 0)", nil
	case activation.LeakyReLU:
		return fmt.Sprintf("return max(v, %g*v)", h.Slope), nil
	case activation.Tanh:
		return "return float32(math.Tanh(float64(v)))", nil
	case activation.Sigmoid:
		return "return float32(1 / (1 + math.Exp(-float64(v))))", nil
	case activation.HardTanh:
		return "return min(max(v, -1), 1)", nil
	case activation.Identity:
		return "return v", nil
	case activation.Sign:
		return "if v >= 0 {\nreturn 1\n}\nreturn -1", nil
	}
	return "", fmt.Errorf("activation %v: there is no form of it", h.Spec())
}

// goParameters are the transform's shifts and factors, one of each a feature,
// each layer's weights and intercepts, and a regression's shifts and factors, and its
// least and greatest values. Weights of one magnitude in each row are magnitudes and bits;
// parts then says what comes after what.
func goParameters(m *model.Model) (lines string, parts []string) {
	t := m.Transform
	var raw []byte
	floats, binary := 0, false // since the last bits
	add := func(v []float32) {
		raw, floats = rawFloats(raw, v), floats+len(v)
	}
	flush := func() {
		if floats > 0 {
			parts, floats = append(parts, fmt.Sprintf("floats(%d)", floats)), 0
		}
	}
	if t.Columns == nil {
		add(each(t.Shift, t.Outputs()))
		add(each(t.Factor, t.Outputs()))
	}
	for _, ly := range m.Network.Layers {
		sizes, ok := ly.Binary()
		if !ok {
			add(ly.W.Elements())
			add(ly.B)
			continue
		}
		flush()
		binary = true
		raw = rawFloats(raw, sizes)
		for _, row := range packed(ly.W) {
			raw = append(raw, row...)
		}
		parts = append(parts, fmt.Sprintf("signs(%d, %d)", ly.W.Rows, ly.W.Cols))
		add(ly.B)
	}
	if t.TargetFactor != nil {
		add(t.TargetShift)
		add(each(t.TargetFactor, len(t.TargetShift)))
		add(t.TargetLow)
		add(t.TargetHigh)
	}
	if flush(); !binary {
		parts = nil
	}
	text := base64.StdEncoding.EncodeToString(raw)
	var b strings.Builder
	for len(text) > goLine {
		b.WriteString(text[:goLine] + "\n")
		text = text[goLine:]
	}
	b.WriteString(text)
	return b.String(), parts
}

// each is v for n features, where one entry stands for all.
func each(v []float32, n int) []float32 {
	if len(v) == n {
		return v
	}
	return slices.Repeat(v[:1], n)
}
