package dlam

import (
	"math/rand/v2"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/nn"
)

// Network is nn.Network, layers one after another. It and the names below stand
// in both packages, so that a program needs one import for the vocabulary.
type Network = nn.Network

// Layer is nn.Layer: a linear map, weights, an intercept and an activation.
type Layer = nn.Layer

// Initializer is nn.Initializer: how first weights are drawn.
type Initializer = nn.Initializer

// LayerSpec is nn.LayerSpec: what a hidden layer is to be, or the pooling between two.
type LayerSpec = nn.LayerSpec

// Shape is nn.Shape: that of a sample, channels last.
type Shape = nn.Shape

// Predictor is nn.Predictor: a network made ready for many predictions.
type Predictor = nn.Predictor

// The initialisers; see nn.
const (
	Paper  = nn.Paper
	He     = nn.He
	Glorot = nn.Glorot
	LeCun  = nn.LeCun
)

// Initializers lists the choices.
var Initializers = nn.Initializers

// NewNetwork is a fully-connected network of the given widths, from the number
// of features to the number of outputs, with h between them, drawn from rng.
func NewNetwork(widths []int, h activation.Func, init Initializer, rng *rand.Rand) (*Network, error) {
	return nn.NewNetwork(widths, h, init, rng)
}

// NewNetworkFor is a network of the layers asked for, from samples of a shape to so many
// outputs; see nn.NewNetworkFor. ParseLayers reads layers from text.
func NewNetworkFor(in Shape, layers []LayerSpec, outputs int, h activation.Func, init Initializer, rng *rand.Rand) (*Network, error) {
	return nn.NewNetworkFor(in, layers, outputs, h, init, rng)
}

// ParseLayers reads layers as "conv 16 5x5, max 2, dense 128"; see nn.ParseLayers.
func ParseLayers(text string) ([]LayerSpec, error) { return nn.ParseLayers(text) }
