package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Spec says which operator something is: its kind, and a number for each of
// its parameters. Kinds and names of parameters consist of ASCII letters,
// digits and the characters -_./; numbers are finite. A parameter cannot be
// called "kind".
type Spec struct {
	Kind    string
	Numbers map[string]float64 // by the parameter's name; nil for none
}

// Operator is anything that a Spec describes.
type Operator interface {
	// Spec is all that tells the operator from others of its sort: two
	// operators with equal Specs compute the same.
	Spec() Spec
}

// kindKey is the key of the kind in a Spec's JSON object.
const kindKey = "kind"

// Parse reads the text form: the kind, then, after a colon, the parameters as
// name=number, divided by commas.
func Parse(text string) (Spec, error) {
	kind, rest, parameters := strings.Cut(text, ":")
	s := Spec{Kind: kind}
	if parameters {
		s.Numbers = map[string]float64{}
		for _, part := range strings.Split(rest, ",") {
			name, value, ok := strings.Cut(part, "=")
			if !ok {
				return Spec{}, fmt.Errorf("%q: got %q, want NAME=NUMBER, as in leaky-relu:slope=0.5", text, part)
			}
			x, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return Spec{}, fmt.Errorf("%q: %s: got %q, want a number", text, name, value)
			}
			if _, twice := s.Numbers[name]; twice {
				return Spec{}, fmt.Errorf("%q: %s is given twice", text, name)
			}
			s.Numbers[name] = x
		}
	}
	if err := s.Validate(); err != nil {
		return Spec{}, fmt.Errorf("%q: %w", text, err)
	}
	return s, nil
}

// ParseList reads texts divided by commas. A part that is NAME=NUMBER is a
// parameter of the Spec before it: a:x=1,y=2,b is a:x=1,y=2 and b.
func ParseList(text string) ([]Spec, error) {
	var texts []string
	for _, part := range strings.Split(text, ",") {
		if strings.Contains(part, "=") && !strings.Contains(part, ":") && len(texts) > 0 {
			texts[len(texts)-1] += "," + part
			continue
		}
		texts = append(texts, part)
	}
	list := make([]Spec, len(texts))
	for i, t := range texts {
		var err error
		if list[i], err = Parse(t); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// String is the text form, with the parameters in the order of their names.
func (s Spec) String() string {
	var b strings.Builder
	b.WriteString(s.Kind)
	for i, name := range s.names() {
		b.WriteString([]string{":", ","}[min(i, 1)] + name + "=" + strconv.FormatFloat(s.Numbers[name], 'g', -1, 64))
	}
	return b.String()
}

// names are the parameters' names, sorted.
func (s Spec) names() []string { return slices.Sorted(maps.Keys(s.Numbers)) }

// Equal reports whether s and t have the same kind and the same numbers.
func (s Spec) Equal(t Spec) bool { return s.Kind == t.Kind && maps.Equal(s.Numbers, t.Numbers) }

// Validate reports a kind, a name or a number that no Spec may have.
func (s Spec) Validate() error {
	if !isName(s.Kind) {
		return fmt.Errorf("kind: got %q, want letters, digits and -_./", s.Kind)
	}
	for _, name := range s.names() {
		if !isName(name) || name == kindKey {
			return fmt.Errorf("%s: got a parameter %q, want a name of letters, digits and -_./ other than %q", s.Kind, name, kindKey)
		}
		if x := s.Numbers[name]; math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("%s: %s: got %g, want a finite number", s.Kind, name, x)
		}
	}
	return nil
}

func isName(s string) bool {
	const characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./"
	return s != "" && strings.Trim(s, characters) == ""
}

// MarshalJSON is one flat object: the kind under "kind", then each parameter
// under its name, in the order of their names.
func (s Spec) MarshalJSON() ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"%s":"%s"`, kindKey, s.Kind) // names need no escapes
	for _, name := range s.names() {
		fmt.Fprintf(&b, `,"%s":%s`, name, strconv.FormatFloat(s.Numbers[name], 'g', -1, 64))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads the object that MarshalJSON writes.
func (s *Spec) UnmarshalJSON(text []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	raw, ok := fields[kindKey]
	if !ok {
		return errors.New(`an operator without "kind"`)
	}
	got := Spec{}
	if err := json.Unmarshal(raw, &got.Kind); err != nil {
		return fmt.Errorf("kind: %w", err)
	}
	delete(fields, kindKey)
	if len(fields) > 0 {
		got.Numbers = make(map[string]float64, len(fields))
	}
	for name, raw := range fields {
		var x *float64
		if err := json.Unmarshal(raw, &x); err != nil || x == nil {
			return fmt.Errorf("%s: %s: got %s, want a number", got.Kind, name, raw)
		}
		got.Numbers[name] = *x
	}
	if err := got.Validate(); err != nil {
		return err
	}
	*s = got
	return nil
}

// Float32 is x as a number of a Spec: the shortest decimal that stands for x,
// 0.01 and not 0.009999999776, so that float32 of it is x again.
func Float32(x float32) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(float64(x), 'g', -1, 32), 64)
	if err != nil || float32(y) != x {
		return float64(x)
	}
	return y
}
