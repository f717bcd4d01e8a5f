// Package dlam trains neural networks by alternating
// minimisation: without stochastic gradient descent on the whole network.
//
// It implements DLAM (Gradient-free Neural Network Training by Multi-convex
// Alternating Optimization, 2020), synchronised DLAM, the methods that it is
// compared with, and what their use needs. This package is the vocabulary:
// Network, Problem, Solver, and Run, the one loop around every solver.
package dlam
