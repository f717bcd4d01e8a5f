package model

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/spec"
)

// Description is what a model file says of its model beside the parameters.
type Description struct {
	Format    int               `json:"format"`
	Layers    []Layer           `json:"layers"` // from the input to the output
	Loss      spec.Spec         `json:"loss"`
	Classes   []string          `json:"classes,omitempty"`  // names, in the order of the outputs
	Features  []string          `json:"features,omitempty"` // names of the raw columns
	Transform dataset.Transform `json:"transform"`          // from raw samples to inputs
	Training  Training          `json:"training"`
}

// Layer describes a layer: its linear map, how many numbers of a sample it
// takes and gives, the side of the windows of max pooling, and its activation.
type Layer struct {
	Map        spec.Spec `json:"map"`
	Max        int       `json:"max,omitempty"`
	Inputs     int       `json:"inputs"`
	Outputs    int       `json:"outputs"`
	Activation spec.Spec `json:"activation"`
}

// Describe is m's description. It refuses operators that Load could not make
// from it again.
func (m *Model) Describe() (Description, error) {
	d := Description{Format: Format, Classes: m.Classes, Features: m.Features, Transform: m.Transform, Training: m.Training}
	if m.Loss == nil {
		return d, errors.New("no loss")
	}
	var err error
	if d.Loss, err = describe("loss", m.Loss, loss.All); err != nil {
		return d, err
	}
	d.Layers, err = describeLayers(m.Network)
	return d, err
}

// describeLayers describes the layers of a network that is valid.
func describeLayers(n *dlam.Network) ([]Layer, error) {
	layers := make([]Layer, len(n.Layers))
	for l, ly := range n.Layers {
		u, err := describe("map", ly.Linear(), nn.Maps)
		if err != nil {
			return nil, fmt.Errorf("layer %d: %w", l+1, err)
		}
		h, err := describe("activation", ly.H, activation.All)
		if err != nil {
			return nil, fmt.Errorf("layer %d: %w", l+1, err)
		}
		layers[l] = Layer{Map: u, Max: max(0, ly.Max), Inputs: ly.Inputs(), Outputs: ly.Units(), Activation: h}
	}
	return layers, nil
}

// describe is o's Spec. An operator whose kind is in all must be the one that
// the Spec makes; one of the user's own may not borrow its kind.
func describe[T spec.Operator](sort string, o T, all []T) (spec.Spec, error) {
	s := o.Spec()
	if err := errors.Join(s.Validate(), spec.Check(o)); err != nil {
		return s, fmt.Errorf("%s %w", sort, err)
	}
	if !isKind(s.Kind, all) {
		return s, nil
	}
	made, err := spec.Make(sort, all, s)
	if err != nil {
		return s, err
	}
	if reflect.TypeOf(made) != reflect.TypeOf(o) || !made.Spec().Equal(s) {
		return s, fmt.Errorf("%s of type %T: its Spec is %v, which stands for a %T", sort, o, s, made)
	}
	return s, nil
}

func isKind[T spec.Operator](kind string, all []T) bool {
	for _, o := range all {
		if o.Spec().Kind == kind {
			return true
		}
	}
	return false
}

// Architecture is the network in words: its hidden layers' activations, one if
// they are all the same, and its widths, as in tanh network [64 100 10].
func (d Description) Architecture() string {
	widths := []int{d.Layers[0].Inputs}
	var hidden []string
	for l, ly := range d.Layers {
		widths = append(widths, ly.Outputs)
		if l < len(d.Layers)-1 {
			hidden = append(hidden, ly.Activation.String())
		}
	}
	switch alike := slices.Compact(slices.Clone(hidden)); len(alike) {
	case 0:
		hidden = []string{"linear"}
	case 1:
		hidden = alike
	}
	return fmt.Sprintf("%s network %v", strings.Join(hidden, ","), widths)
}

// operators are a user's own, by which Specs of other kinds than this
// library's become what they were.
type operators []spec.Operator

// validate reports operators that no Spec can stand for.
func (own operators) validate() error {
	for _, o := range own {
		s := o.Spec()
		if err := errors.Join(s.Validate(), spec.Check(o)); err != nil {
			return fmt.Errorf("own operator of type %T: %w", o, err)
		}
		_, isActivation := o.(activation.Func)
		_, isLoss := o.(loss.Loss)
		_, isMap := o.(nn.Map)
		switch {
		case !isActivation && !isLoss && !isMap:
			return fmt.Errorf("own operator %v of type %T: neither an activation nor a loss nor a layer's map", s, o)
		case isActivation && isKind(s.Kind, activation.All), isLoss && isKind(s.Kind, loss.All), isMap && isKind(s.Kind, nn.Maps):
			return fmt.Errorf("own operator %v of type %T: the kind is one of this library's", s, o)
		}
	}
	return nil
}

// restore is the operator that s describes: one of all, or else the one of own
// whose Spec is s.
func restore[T spec.Operator](sort string, s spec.Spec, all []T, own operators) (T, error) {
	var none T
	if isKind(s.Kind, all) {
		made, err := spec.Make(sort, all, s)
		if err == nil && !made.Spec().Equal(s) {
			return none, fmt.Errorf("%s %v: want a number for each parameter, as exact as it is kept: %v", sort, s, made.Spec())
		}
		return made, err
	}
	var other []string
	for _, o := range own {
		t, ok := o.(T)
		switch {
		case ok && o.Spec().Equal(s):
			return t, nil
		case ok && o.Spec().Kind == s.Kind:
			other = append(other, o.Spec().String())
		}
	}
	if other != nil {
		return none, fmt.Errorf("%s %v: handed in was %s: hand in one with the numbers of the file", sort, s, strings.Join(other, " and "))
	}
	return none, fmt.Errorf("unknown %s %q: not one of %s; a program that has one of its own hands it to model.Load, after the path",
		sort, s, strings.Join(spec.Kinds(all), ", "))
}

// newMap is the linear map that s describes; nil is the identity, whose inputs
// are the weights' columns.
func newMap(s spec.Spec, own operators) (nn.Map, error) {
	if s.Equal(nn.Dense{}.Spec()) {
		return nil, nil
	}
	return restore("map", s, nn.Maps, own)
}

// equip gives the layers of n, which have parameters alone, what description
// says of them.
func equip(n *dlam.Network, description []Layer, own operators) error {
	if len(description) != len(n.Layers) {
		return fmt.Errorf("%d layers described, tensors of %d", len(description), len(n.Layers))
	}
	for l, d := range description {
		ly := &n.Layers[l]
		var err error
		if ly.Map, err = newMap(d.Map, own); err != nil {
			return fmt.Errorf("layer %d: %w", l+1, err)
		}
		if d.Max < 0 || d.Max > 1 && d.Map.Equal(nn.Dense{}.Spec()) {
			return fmt.Errorf("layer %d: max pooling over windows of side %d, of a layer of kind %v", l+1, d.Max, d.Map)
		}
		ly.Max = d.Max
		if d.Inputs != ly.Inputs() || d.Outputs != ly.Units() {
			return fmt.Errorf("layer %d: described with %d inputs and %d outputs, its weights have %d and %d", l+1, d.Inputs, d.Outputs, ly.Inputs(), ly.Units())
		}
		if ly.H, err = restore("activation", d.Activation, activation.All, own); err != nil {
			return fmt.Errorf("layer %d: %w", l+1, err)
		}
	}
	return n.Validate()
}
