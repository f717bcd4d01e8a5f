// Package certify proves, after the fact, that a run kept the theory's
// promises. It recomputes them in float64 from raw iterates, and takes nothing
// on trust but the curvatures θ and τ, which the promises are about.
//
// For a splitting method it checks, sweep by sweep and block by block, the
// paper's Lemma 1 (eqs. 10 to 13), feasibility, Lemma 3 and that F does not
// rise, and reports c_k. For a method on the network itself it
// checks that its objective never rises.
package certify
