// Package activation holds the nonlinearities h of a network, each with the
// projection that replaces it in alternating minimisation.
//
// The paper relaxes a = h(z) to the band h(z) − ε ≤ a ≤ h(z) + ε. For a
// monotone h (Assumption 1: quasilinear, in one dimension) the z that satisfy
// it form an interval [B1, B2], so the z-step (eq. 4) is a clip. A new
// activation needs h, those two bounds, and, for methods that use gradients,
// its derivative.
package activation
