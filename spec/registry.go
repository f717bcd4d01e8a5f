package spec

import (
	"fmt"
	"maps"
	"math"
	"strings"
)

// Parameter is a parameter of an operator: its name and the numbers that it
// may be.
type Parameter struct {
	Name             string
	Min, Max         float64 // infinite for no bound
	OpenMin, OpenMax bool    // whether Min, or Max, itself is out of range
}

// Range is the parameter's range in words, as 0 < slope ≤ 1.
func (p Parameter) Range() string {
	below := func(open bool) string {
		if open {
			return " < "
		}
		return " ≤ "
	}
	text := p.Name
	if !math.IsInf(p.Min, 0) {
		text = fmt.Sprint(p.Min) + below(p.OpenMin) + text
	}
	if !math.IsInf(p.Max, 0) {
		text += below(p.OpenMax) + fmt.Sprint(p.Max)
	}
	return text
}

// holds reports whether x is in the range; NaN never is.
func (p Parameter) holds(x float64) bool {
	return x >= p.Min && x <= p.Max && !(p.OpenMin && x == p.Min) && !(p.OpenMax && x == p.Max)
}

// Parametric is an operator with parameters. Its Spec has a number for each of
// Parameters, and no other.
type Parametric interface {
	Operator
	Parameters() []Parameter
}

// Maker is a Parametric operator that makes others of its kind, of the sort T.
type Maker[T Operator] interface {
	Parametric
	// With is the operator of this kind with these numbers, which hold one in
	// its range for each parameter.
	With(numbers map[string]float64) T
}

// Check reports a parameter of o outside its range, by the operator, the
// parameter, its value and the range.
func Check(o Operator) error {
	p, ok := o.(Parametric)
	if !ok {
		return nil
	}
	return check(o.Spec(), p.Parameters())
}

func check(s Spec, parameters []Parameter) error {
	for _, p := range parameters {
		if x := s.Numbers[p.Name]; !p.holds(x) {
			return fmt.Errorf("%s: %s: got %g, want %s", s.Kind, p.Name, x, p.Range())
		}
	}
	return nil
}

// Make is the operator that s describes, of those in all: one of each kind,
// whose own parameters stand for those that s does not give. The sort of
// operator, as "activation", is for errors.
func Make[T Operator](sort string, all []T, s Spec) (T, error) {
	var none T
	for _, o := range all {
		standard := o.Spec()
		if standard.Kind != s.Kind {
			continue
		}
		for _, name := range s.names() {
			if _, ok := standard.Numbers[name]; !ok {
				return none, fmt.Errorf("%s %s: unknown parameter %q (%s)", sort, s.Kind, name, choices(standard.names()))
			}
		}
		m, ok := any(o).(Maker[T])
		if !ok {
			return o, nil
		}
		full := Spec{Kind: s.Kind, Numbers: maps.Clone(standard.Numbers)}
		maps.Copy(full.Numbers, s.Numbers)
		if err := check(full, m.Parameters()); err != nil {
			return none, fmt.Errorf("%s %w", sort, err)
		}
		made := m.With(full.Numbers)
		if err := Check(made); err != nil { // a number that rounding moved out of its range
			return none, fmt.Errorf("%s %w", sort, err)
		}
		return made, nil
	}
	return none, fmt.Errorf("unknown %s %q (%s)", sort, s.Kind, choices(Kinds(all)))
}

func choices(names []string) string {
	if len(names) == 0 {
		return "it has none"
	}
	return "choose one of " + strings.Join(names, ", ")
}

// Usage are the texts of the operators in all, with the parameters that may be
// left out in brackets: leaky-relu[:slope=0.01].
func Usage[T Operator](all []T) []string {
	texts := make([]string, len(all))
	for i, o := range all {
		s := o.Spec()
		texts[i] = s.Kind
		if rest := strings.TrimPrefix(s.String(), s.Kind); rest != "" {
			texts[i] += "[" + rest + "]"
		}
	}
	return texts
}

// Kinds are the kinds of the operators in all, in their order.
func Kinds[T Operator](all []T) []string {
	kinds := make([]string, len(all))
	for i, o := range all {
		kinds[i] = o.Spec().Kind
	}
	return kinds
}
