// Package prox holds the regularisers Ω of the weights, each with its
// proximal operator, which is what the W-step (eq. 2) needs of it.
package prox
