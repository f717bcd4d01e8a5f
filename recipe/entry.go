package recipe

import (
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/solver/anderson"
	"github.com/dlam-go/dlam/spec"
)

// Entry is a setting of a Config by its name, which is that of a flag of the
// command line and of a key in config.toml.
type Entry struct {
	Name  string
	Group Group  // what it is about
	About string // what it is, for help texts
	value
}

// Group is what an entry is about.
type Group string

// The groups.
const (
	OfData     Group = "data"
	OfNetwork  Group = "network"
	OfTraining Group = "training"
	OfMethod   Group = "method"
)

// Auto is the text of a value that is to be what suits.
const Auto = "auto"

// value is the field that an Entry is of.
type value interface {
	// Set reads the value. Whether it is in its range is left to
	// Options.Validate, which tells of all at once.
	Set(text string) error
	// Get is the value; nil if it is to be what suits.
	Get() any
	// Clear makes the value what suits.
	Clear()
	// Kind is how help texts call the values: int, float, …; "" for a switch.
	Kind() string
	// Choices are the values, if they are few.
	Choices() []string
	// Usage is how help texts write the choices, with their parameters.
	Usage() []string
	// Default is the text of the value if nothing is said.
	Default() string
	// Fixed reports whether the value that is taken then does not follow from the
	// data, so that it can be told without any.
	Fixed() bool
	check(v *check.Violations, name string)
	zero() any // what files have for what suits
}

// TakesEmpty reports whether an empty text is a value, which the help then says.
func (e Entry) TakesEmpty() bool { return strings.Contains(e.About, `""`) }

// Text is the value as Set reads it.
func (e Entry) Text() string {
	if v := e.Get(); v != nil {
		return textOf(v)
	}
	return e.Default()
}

// textOf is a value as text. Operators have all their parameters in it.
func textOf(v any) string {
	switch v := v.(type) {
	case []int:
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(v), " ", ","), "[]")
	case []string:
		return joined(v)
	case []dataset.Kind:
		texts := make([]string, len(v))
		for i, k := range v {
			texts[i] = string(k)
		}
		return strings.Join(texts, ", ")
	case dataset.ClassWeights:
		return textOfClassWeights(v)
	case map[string]dataset.Kind:
		texts := make([]string, 0, len(v))
		for name, k := range v {
			texts = append(texts, name+"="+string(k))
		}
		slices.Sort(texts)
		return joined(texts)
	case []nn.LayerSpec:
		return nn.LayersText(v)
	case nn.Shape:
		return fmt.Sprintf("%dx%dx%d", v.Height, v.Width, v.Channels)
	case spec.Operator:
		return v.Spec().String()
	case []activation.Func:
		texts := make([]string, len(v))
		for i, h := range v {
			texts[i] = textOf(h)
		}
		return strings.Join(texts, ",")
	}
	return fmt.Sprint(v)
}

// kind is what the values of a field may be.
type kind[T any] struct {
	name    string
	choices []string
	usage   []string // nil for choices
	parse   func(text string) (T, error)
	within  func(v *check.Violations, name string, x T) // nil for any
}

// Kind is the kind's name.
func (k kind[T]) Kind() string { return k.name }

// Choices are the values, if they are few.
func (k kind[T]) Choices() []string { return k.choices }

// Usage is how help texts write the choices.
func (k kind[T]) Usage() []string {
	if k.usage != nil {
		return k.usage
	}
	return k.choices
}

func (k kind[T]) hold(v *check.Violations, name string, x T) {
	if k.within != nil {
		k.within(v, name, x)
	}
}

// parsed is a text's value, or if it is none, as auto, the text.
func (k kind[T]) parsed(text string) any {
	if x, err := k.parse(text); err == nil {
		return x
	}
	return text
}

// optional is a field that points to its value, nil for what suits.
type optional[T any] struct {
	kind[T]
	p        **T
	suits    string // how what suits is called
	minusOne bool   // -1 calls it too
}

// maybe is the field p, nil for what suits.
func maybe[T any](p **T, k kind[T]) optional[T] { return optional[T]{kind: k, p: p, suits: Auto} }

// orMinusOne makes -1 mean what suits.
func (o optional[T]) orMinusOne() optional[T] { o.minusOne = true; return o }

// by names the value that is taken if nothing is said.
func (o optional[T]) by(suits T) optional[T] { o.suits = fmt.Sprint(suits); return o }

func (o optional[T]) Set(text string) error {
	if text == Auto || text == o.suits || o.minusOne && isMinusOne(text) {
		o.Clear()
		return nil
	}
	x, err := o.parse(text)
	if err == nil {
		*o.p = &x
	}
	return err
}

func (o optional[T]) Get() any {
	if *o.p == nil {
		return nil
	}
	return **o.p
}

func (o optional[T]) Clear()          { *o.p = nil }
func (o optional[T]) Default() string { return o.suits }

func (o optional[T]) Fixed() bool { return !o.minusOne }
func (o optional[T]) zero() any   { return o.parsed(o.suits) }

func (o optional[T]) check(v *check.Violations, name string) {
	if *o.p != nil {
		o.hold(v, name, **o.p)
	}
}

func isMinusOne(text string) bool {
	x, err := strconv.ParseFloat(text, 64)
	return err == nil && x == -1
}

// plain is a field whose zero value is what suits, or is what is meant.
type plain[T any] struct {
	kind[T]
	p      *T
	isZero func(T) bool
	suits  string // text of the zero value
}

// field is the field p, whose zero value is called suits.
func field[T comparable](p *T, k kind[T], suits string) plain[T] {
	return plain[T]{k, p, func(x T) bool { var zero T; return x == zero }, suits}
}

func (f plain[T]) Set(text string) error {
	if text == f.suits {
		f.Clear()
		return nil
	}
	x, err := f.parse(text)
	if err == nil {
		*f.p = x
	}
	return err
}

func (f plain[T]) Get() any {
	if f.isZero(*f.p) {
		return nil
	}
	return *f.p
}

func (f plain[T]) Clear()          { var zero T; *f.p = zero }
func (f plain[T]) Default() string { return f.suits }

func (f plain[T]) Fixed() bool { return f.suits != Auto }
func (f plain[T]) zero() any   { return f.parsed(f.suits) }

func (f plain[T]) check(v *check.Violations, name string) {
	if !f.isZero(*f.p) {
		f.hold(v, name, *f.p)
	}
}

// The kinds of values.
var (
	anyText = kind[string]{name: "string", parse: func(text string) (string, error) { return text, nil }}
	onOff   = kind[bool]{parse: func(text string) (bool, error) {
		on, err := strconv.ParseBool(text)
		return on, wrong(err, text, "true or false")
	}}
	seeds = kind[uint64]{name: "uint", parse: func(text string) (uint64, error) {
		n, err := strconv.ParseUint(text, 10, 64)
		return n, wrong(err, text, "a whole number of at least 0")
	}}
	aboveZero   = numbers(func(v *check.Violations, name string, x float64) { v.Above(0, name, x) })
	notNegative = numbers((*check.Violations).NotNegative)
	belowOne    = numbers((*check.Violations).BelowOne)
	withinOne   = numbers((*check.Violations).Within)
	atLeastOne  = numbers(func(v *check.Violations, name string, x float64) {
		v.That(x >= 1 && !math.IsInf(x, 0), name, x, "a finite number of at least 1")
	})
	shareOfMove = numbers(func(v *check.Violations, name string, x float64) {
		v.That(x > 0 && x <= 1, name, x, "above 0 and at most 1")
	})
)

func numbers(within func(*check.Violations, string, float64)) kind[float64] {
	return kind[float64]{name: "float", within: within, parse: func(text string) (float64, error) {
		x, err := strconv.ParseFloat(text, 64)
		return x, wrong(err, text, "a number")
	}}
}

// from is whole numbers of at least least; see check.Violations.AtLeast.
func from(least int, meaning string) kind[int] {
	return kind[int]{name: "int", parse: func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		return n, wrong(err, text, "a whole number")
	}, within: func(v *check.Violations, name string, n int) { v.AtLeast(least, name, n, meaning) }}
}

// counts is whole numbers of at least 1, with 0 for what the command line does
// not take for one.
func counts() kind[int] {
	k := from(1, "")
	parse := k.parse
	k.parse = func(text string) (int, error) {
		n, err := parse(text)
		if err == nil && n == 0 {
			err = fmt.Errorf("got %q, want at least 1", text)
		}
		return n, err
	}
	return k
}

// binCounts is how many bins a number has; 0 for none.
var binCounts = kind[int]{name: "int", parse: from(0, "").parse, within: func(v *check.Violations, name string, n int) {
	v.That(n == 0 || n >= 2 && n <= dataset.MostBins, name, n, fmt.Sprintf("2 to %d, or 0 for none", dataset.MostBins))
}}

// bitCounts is how many bits a quantised value has; 0 for none.
var bitCounts = kind[int]{name: "int", parse: from(0, "").parse, within: func(v *check.Violations, name string, n int) {
	v.That(0 <= n && n <= 16, name, n, "1 to 16, or 0: not quantised")
}}

// depths is how many iterates are mixed; 0 for none.
var depths = kind[int]{name: "int", parse: from(0, "").parse, within: func(v *check.Violations, name string, n int) {
	v.That(n == 0 || anderson.Least <= n && n <= anderson.Most, name, n, fmt.Sprintf("%d to %d, or 0: none", anderson.Least, anderson.Most))
}}

// oneOf is the choices.
func oneOf[T ~string](choices ...T) kind[T] {
	k := kind[T]{name: "string", parse: func(text string) (T, error) { return T(text), nil }}
	for _, c := range choices {
		k.choices = append(k.choices, string(c))
	}
	k.within = func(v *check.Violations, name string, x T) { check.OneOf(v, name, x, choices...) }
	return k
}

// layerWidths is lists of widths.
var layerWidths = kind[[]int]{name: "widths", parse: func(text string) ([]int, error) {
	list := []int{}
	if text == "" {
		return list, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		d, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || d < 1 {
			return nil, fmt.Errorf("got %q, want numbers of at least 1 with commas between, as 100,100", text)
		}
		list = append(list, d)
	}
	return list, nil
}, within: func(v *check.Violations, name string, list []int) {
	v.That(!slices.ContainsFunc(list, func(d int) bool { return d < 1 }), name, list, "widths of at least 1")
}}

// layerList is layers as nn.ParseLayers reads them.
var layerList = kind[[]nn.LayerSpec]{name: "layers", parse: nn.ParseLayers, within: func(v *check.Violations, _ string, list []nn.LayerSpec) {
	for i, s := range list {
		if err := s.Validate(); err != nil {
			v.Also(fmt.Errorf("layers: layer %d (%v): %w", i+1, s, err))
		}
	}
}}

// sampleShape is shapes as 28x28x1.
var sampleShape = kind[nn.Shape]{name: "shape", parse: nn.ParseShape}

// pictureSize is sizes as 64x48.
var pictureSize = kind[picture.Size]{name: "size", parse: picture.ParseSize, within: func(v *check.Violations, _ string, s picture.Size) {
	if err := s.Validate(); err != nil {
		v.Also(fmt.Errorf("resize: %w", err))
	}
}}

// randomMoves is moves as flip,crop.
var randomMoves = kind[picture.Moves]{name: "moves", parse: picture.ParseMoves}

// columnNames is lists of names with commas between; a name with a comma in it is in
// quotes, as in a CSV file.
var columnNames = kind[[]string]{name: "names", parse: func(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	names, err := csv.NewReader(strings.NewReader(text)).Read()
	return names, wrong(err, text, "names with commas between")
}}

// kindsOf is kinds of columns, NAME=KIND; each is added to those before it.
func kindsOf(p *map[string]dataset.Kind) value {
	return columnKinds{plain[map[string]dataset.Kind]{kind: kind[map[string]dataset.Kind]{name: "NAME=KIND"}, p: p, isZero: func(m map[string]dataset.Kind) bool { return len(m) == 0 }}}
}

type columnKinds struct {
	plain[map[string]dataset.Kind]
}

func (columnKinds) zero() any { return "" }

func (c columnKinds) Set(text string) error {
	list, err := columnNames.parse(text)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		c.Clear()
	}
	for _, part := range list {
		i := strings.LastIndex(part, "=")
		if i <= 0 {
			return fmt.Errorf("got %q, want NAME=KIND", part)
		}
		k := dataset.Kind(part[i+1:])
		if k == "date" || k == "time" {
			k = dataset.KindDateTime
		}
		if !slices.Contains(dataset.Kinds, k) {
			return fmt.Errorf("got %q, want the kind to be one of %s", part, textOf(dataset.Kinds))
		}
		if was, ok := (*c.p)[part[:i]]; ok && was != k {
			return fmt.Errorf("got the column %q as %s and as %s", part[:i], was, k)
		}
		if *c.p == nil {
			*c.p = map[string]dataset.Kind{}
		}
		(*c.p)[part[:i]] = k
	}
	return nil
}

// joined is names as columnNames reads them.
func joined(names []string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(names) // to memory
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// wrong says what is wanted of a text that is no such thing.
func wrong(err error, text, want string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("got %q, want %s", text, want)
}
