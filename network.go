package dlam

import (
	"math/rand/v2"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/nn"
)

// What a network is stands in nn; the names are here too, so that a program
// needs one import for the vocabulary.
type (
	Network     = nn.Network     // layers, one after another
	Layer       = nn.Layer       // a linear map, weights, an intercept and an activation
	Initializer = nn.Initializer // how first weights are drawn
	Predictor   = nn.Predictor   // a network made ready for many predictions
)

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
