// Package loss holds the risk functions R(z; y) of the output layer, each with
// its gradient and its proximal operator, which is the output step of
// alternating minimisation (eq. 5).
//
// Everything is per sample and summed over the rows given; the mean is the
// caller's. Sums are accumulated in float64.
package loss
