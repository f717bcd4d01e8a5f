// Package multiconvex is the paper's method, DLAM: Algorithm 1 of "Gradient-free
// Neural Network Training by Multi-convex Alternating Optimization" (2020), and
// mDLAM, its accelerated form.
//
// The network's equations z_l = W_l a_{l-1} + b_l become the penalty
// φ_l = (ρ/2)‖W_l a_{l-1} + b_l − z_l‖², and a_l = h(z_l) the band
// h(z_l) − ε ≤ a_l ≤ h(z_l) + ε. Then W, b, z and a of every layer are updated
// in turn, each by a convex subproblem with a closed form, and
//
//	F = Σ R(z_L; y) + Σ_l Ω(W_l) + Σ_l φ_l
//
// never rises while ε stays (Lemma 1).
//
// A file holds a block: w.go eq. 2, b.go eq. 3, z.go eq. 4, output.go eq. 5,
// a.go eq. 6. Solver runs them in the order of Algorithm 1; Blocks lets another
// method call them in an order of its own.
package multiconvex
