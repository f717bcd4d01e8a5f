package dlam

import "github.com/dlam-go/dlam/mat"

// Iterate is the variables of a method that splits the network by auxiliary
// z and a, and the curvatures that its last iteration used. Indices run over
// layers from 0 for the first; A, Tau have one less, for the hidden layers. Z is of
// all places of a layer, also where max pooling takes the largest of some.
type Iterate struct {
	Rho, Epsilon float64
	Network      *Network
	Z, A         []mat.Dense
	Theta        [][]float64 // θ of each row of W_l
	Scale        [][]float32 // factor of θ in each column of W_l; nil for 1
	Tau          [][]float64 // τ of each sample
	Extrapolated bool        // W-steps may start elsewhere than at the last iterate
	Binary       bool        // W-steps end where no change of one sign, and none of a row's magnitude, lowers F
}

// Splitting is a Stepper whose iterates can be looked at, for certificates.
type Splitting interface {
	Stepper
	// Iterate is the current iterate, in the stepper's own memory. Tau is
	// kept only from the first call on, since it costs memory.
	Iterate() Iterate
}
