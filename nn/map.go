package nn

import (
	"fmt"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/spec"
)

// Shape is that of a sample between two layers, channels last: a picture, a
// sequence of Height steps, or a vector of 1×1×Channels.
type Shape struct{ Height, Width, Channels int }

// Vector is the shape of n features.
func Vector(n int) Shape { return Shape{1, 1, n} }

// Size is the number of entries.
func (s Shape) Size() int { return s.Height * s.Width * s.Channels }

// Windows is the shape of a number a channel for each window of side×side pixels:
// what is left over at the end of a row or a column is dropped.
func (s Shape) Windows(side int) Shape { return Shape{s.Height / side, s.Width / side, s.Channels} }

// String is as 28x28x1, and of a vector its length.
func (s Shape) String() string {
	if s.Height == 1 && s.Width == 1 {
		return fmt.Sprint(s.Channels)
	}
	return fmt.Sprintf("%dx%dx%d", s.Height, s.Width, s.Channels)
}

// Map is what makes a layer's linear part more than a matrix: a fixed linear
// map U that gives Places rows a sample, each of which meets the same weights:
//
//	V = U(A)·Wᵀ + 1bᵀ,
//
// so that every formula with A_{l-1} holds with U(A_{l-1}), whose rows are
// (sample, place), and only what goes back to A needs the adjoint U*. In a
// dense layer U is the identity. In a convolution its rows are patches, the
// places are positions, and U* adds patches up; averages over windows go into
// U as well. What goes in and comes out of a block of samples is a matrix with
// a sample a row, channels last. Of a recurrent layer U takes its own activations at the
// place before, too: what that adds is not in a Map's methods (see RNN and GRU).
type Map interface {
	// Spec is of kind "dense" for the identity; a map's sizes are among its
	// numbers where the weights do not tell them.
	spec.Operator
	// In is the shape of a sample that U takes.
	In() Shape
	// Out is the shape of what a layer with so many units (rows of W, but of GRU) gives
	// for a sample: Places×units entries.
	Out(units int) Shape
	// Columns is the number of columns of U(A), and so of W.
	Columns() int
	// Rows computes U(a) for the samples a (n × In) into dst
	// (n·Places × Columns), which it returns. The identity returns a itself.
	Rows(dst, a mat.Dense) mat.Dense
	// Adjoint computes U*(p) for p (n·Places × Columns) into dst (n × In),
	// which it returns. The identity returns p itself.
	Adjoint(dst, p mat.Dense) mat.Dense
	// Norm bounds ‖U‖²: how many rows an entry of a sample is in, at most.
	Norm() float64
}

// Maps is a map of every kind, in the order in which they are listed to users.
var Maps = []Map{
	Dense{},
	Conv{Sample: Shape{6, 5, 2}, Mean: 1, KernelHeight: 3, KernelWidth: 2, Stride: 1, PadHeight: 1},
	RNN{Steps: 5, Inputs: 2, Units: 3},
	GRU{Steps: 5, Inputs: 2, Units: 3},
	Last{Steps: 5, Inputs: 3},
}

// Dense is the map of a fully-connected layer of so many inputs: U is the
// identity.
type Dense struct{ Inputs int }

var _ Map = Dense{}

// Spec is of kind "dense".
func (Dense) Spec() spec.Spec { return spec.Spec{Kind: "dense"} }

// In is a vector of the inputs.
func (d Dense) In() Shape { return Vector(d.Inputs) }

// Out is a vector of the units.
func (Dense) Out(units int) Shape { return Vector(units) }

// Columns is the number of inputs.
func (d Dense) Columns() int { return d.Inputs }

// Rows is a.
func (Dense) Rows(_, a mat.Dense) mat.Dense { return a }

// Adjoint is p.
func (Dense) Adjoint(_, p mat.Dense) mat.Dense { return p }

// Norm is 1.
func (Dense) Norm() float64 { return 1 }

// byPlace is the view of what a layer gives for some samples, a sample a row,
// as a row for each place.
func byPlace(v mat.Dense, places int) mat.Dense {
	if places == 1 {
		return v
	}
	return mat.FromSlice(v.Rows*places, v.Cols/places, v.Elements())
}
