// Package spec describes operators, that is activations, losses, regularisers
// and the linear maps of layers, by a kind and numbers. A Spec is what model
// files, settings and exports keep of an operator, and what it is made from
// again: as JSON, {"kind":"leaky-relu","slope":0.5}, or as text,
// leaky-relu:slope=0.5.
package spec
