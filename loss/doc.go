// Package loss holds the risk functions R(z; y) of the output layer. A Loss is
// its value, its gradient and the Spec by which files know it. Methods that keep
// the outputs as a variable need its proximal operator, which is the output step
// of alternating minimisation (Proximal, eq. 5); sync needs its curvature
// (Curved).
//
// Everything is per sample and summed over the rows given; the mean is the
// caller's, and so are weights of samples (Target.Weight, Weighted). Sums are
// accumulated in float64.
package loss
