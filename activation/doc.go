// Package activation holds the nonlinearities h of a network, each with what
// methods need of it.
//
// An activation is a Func: h, and the Spec by which files know it. Methods that
// use gradients also need its derivative (Differentiable). DLAM relaxes a = h(z)
// to the band h(z) − ε ≤ a ≤ h(z) + ε. For a monotone h (Assumption 1 of the
// paper: quasilinear, in one dimension) the z that satisfy it form an interval
// [B1, B2], so the z-step (eq. 4) is a clip, which Monotone adds. ADMM, dlADMM
// and block coordinate descent need no more than h: see Fitter.
package activation
