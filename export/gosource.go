package export

import (
	"bytes"
	_ "embed" // the template
	"encoding/base64"
	"fmt"
	"go/format"
	"go/token"
	"slices"
	"strings"
	"text/template"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/model"
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
	Activations    []goFunction // those of the hidden layers, each once
	Hidden         []string     // name of each hidden layer's
	Transform      dataset.Transform
	Widths         []int
	Classes        []string
	Parameters     string   // base64, in lines
	Gaps           []string // texts that say that there is no value
}

// GoSource is the model as the source of package name: its weights, and a
// function Predict that needs the standard library alone (Go 1.21).
func GoSource(m *model.Model, name string) ([]byte, error) {
	if !token.IsIdentifier(name) || name == "_" {
		return nil, fmt.Errorf("package: got %q, want a Go identifier", name)
	}
	if err := m.Network.FullyConnected(); err != nil { // there is no form of other layers yet
		return nil, fmt.Errorf("source: %w", err)
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
		Widths: m.Network.Widths(), Classes: m.Classes, Parameters: goParameters(m),
	}
	if err := source.activations(m); err != nil {
		return nil, fmt.Errorf("source: %w", err)
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
	if err := t.Execute(&b, source); err != nil {
		return nil, err
	}
	return format.Source(b.Bytes())
}

// goFunction is an activation in the source.
type goFunction struct{ Name, Spec, Body string }

// activations fills in the hidden layers' activations.
func (s *goSource) activations(m *model.Model) error {
	names := map[string]string{} // by the Spec
	for l, ly := range m.Network.Layers[:len(m.Network.Layers)-1] {
		text := ly.H.Spec().String()
		if names[text] == "" {
			body, err := goActivation(ly.H)
			if err != nil {
				return fmt.Errorf("layer %d: %w", l+1, err)
			}
			names[text] = fmt.Sprintf("activation%d", len(names)+1)
			s.Activations = append(s.Activations, goFunction{names[text], text, body})
		}
		s.Hidden = append(s.Hidden, names[text])
	}
	return nil
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
// least and greatest values.
func goParameters(m *model.Model) string {
	t := m.Transform
	var raw []byte
	if t.Columns == nil {
		raw = rawFloats(raw, each(t.Shift, t.Outputs()))
		raw = rawFloats(raw, each(t.Factor, t.Outputs()))
	}
	for _, ly := range m.Network.Layers {
		raw = rawFloats(rawFloats(raw, ly.W.Elements()), ly.B)
	}
	if t.TargetFactor != nil {
		raw = rawFloats(rawFloats(raw, t.TargetShift), each(t.TargetFactor, len(t.TargetShift)))
		raw = rawFloats(rawFloats(raw, t.TargetLow), t.TargetHigh)
	}
	text := base64.StdEncoding.EncodeToString(raw)
	var b strings.Builder
	for len(text) > goLine {
		b.WriteString(text[:goLine] + "\n")
		text = text[goLine:]
	}
	b.WriteString(text)
	return b.String()
}

// each is v for n features, where one entry stands for all.
func each(v []float32, n int) []float32 {
	if len(v) == n {
		return v
	}
	return slices.Repeat(v[:1], n)
}
