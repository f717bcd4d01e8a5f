package model

import (
	"encoding/json"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/spec"
)

// description1 is the description of format 1: one activation for all hidden
// layers, and the loss, by their names alone.
type description1 struct {
	Widths     []int             `json:"widths"`
	Activation string            `json:"activation"`
	Loss       string            `json:"loss"`
	Classes    []string          `json:"classes"`
	Features   []string          `json:"features"`
	Transform  dataset.Transform `json:"transform"`
	Training   Training          `json:"training"`
}

// readFormat1 is the same in the format of today. Names without parameters
// stand for the operators with the parameters that they had then: a leaky ReLU
// of slope 0.01.
func readFormat1(text string) (Description, error) {
	var old description1
	if err := json.Unmarshal([]byte(text), &old); err != nil {
		return Description{}, err
	}
	d := Description{
		Format: Format, Loss: spec.Spec{Kind: old.Loss}, Classes: old.Classes, Features: old.Features, Transform: old.Transform, Training: old.Training,
	}
	hidden := spec.Spec{Kind: old.Activation}
	if old.Activation == "leaky-relu" {
		hidden.Numbers = map[string]float64{"slope": 0.01}
	}
	for l := range len(old.Widths) - 1 {
		d.Layers = append(d.Layers, Layer{Map: nn.Dense{}.Spec(), Inputs: old.Widths[l], Outputs: old.Widths[l+1], Activation: hidden})
	}
	if len(d.Layers) > 0 {
		d.Layers[len(d.Layers)-1].Activation = spec.Spec{Kind: "identity"}
	}
	return d, nil
}
