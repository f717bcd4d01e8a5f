// Package nn is what a network is: layers, each a linear map with shared
// weights, an intercept and an activation; how weights are drawn; and the
// forward pass. Solvers, the engine, model files, exports and certificates all
// speak of these types.
package nn

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/spec"
)

// Layer is a linear map followed by an activation: A = h(U(A_{l-1})·Wᵀ + 1bᵀ),
// samples being rows. In a dense layer W is d_l × d_{l-1}. With Max above 1, h takes of
// each unit the largest in each Max×Max window of U's places: max pooling.
type Layer struct {
	Map Map       // U; nil is the identity, of a dense layer
	W   mat.Dense // a row for each unit, a column for each of U's
	B   []float32 // of each unit
	Max int       // side of the windows; 0 and 1 for none
	H   activation.Func
}

// Linear is the layer's map U; of a dense layer without one, Dense.
func (ly Layer) Linear() Map {
	if ly.Map == nil {
		return Dense{Inputs: ly.W.Cols}
	}
	return ly.Map
}

// In is the shape of a sample that the layer takes, Out of what it gives.
func (ly Layer) In() Shape { return ly.Linear().In() }

// Out is the shape of what the layer gives for a sample.
func (ly Layer) Out() Shape { return ly.Linear().Out(ly.channels()).Windows(max(1, ly.Max)) }

// channels is how many entries the layer gives at each place: one for each row of W, but of
// a layer with gates.
func (ly Layer) channels() int {
	if g, ok := ly.Map.(GRU); ok {
		return g.Units
	}
	return ly.W.Rows
}

// Inputs is the number of entries of a sample that the layer takes.
func (ly Layer) Inputs() int { return ly.In().Size() }

// Units is the number of entries that the layer gives for a sample: rows of W
// times Places, or times the windows of those; of gates fewer (GRU).
func (ly Layer) Units() int {
	if ly.Max > 1 {
		return ly.Out().Size()
	}
	return ly.channels() * ly.Places()
}

// ZSize is the number of entries of z for a sample, and of δ: Units, but of a layer with gates.
func (ly Layer) ZSize() int {
	if ly.Gated() {
		return ly.W.Rows * ly.Places()
	}
	return ly.Units()
}

// Columns are the columns, lo to hi-1, of row i of W that have weights: all, but of a layer
// with gates, some of whose rows are 0 elsewhere for good.
func (ly Layer) Columns(i int) (lo, hi int) {
	if g, ok := ly.Map.(GRU); ok {
		return g.columns(i)
	}
	return 0, ly.W.Cols
}

// Weights is the number of weights.
func (ly Layer) Weights() int {
	if g, ok := ly.Map.(GRU); ok {
		return (gateRows - 1) * g.Units * g.Columns()
	}
	return ly.W.Rows * ly.W.Cols
}

// Places is the number of rows of U(A) for each sample: how many places share
// the weights; 1 in a dense layer.
func (ly Layer) Places() int {
	if ly.Map == nil { // Linear would allocate
		return 1
	}
	return ly.Map.Out(1).Size()
}

// Rows is U(a) for the samples a: a itself in a dense layer, else new memory. own is what
// the layer gives for the samples, which a recurrent layer takes too.
func (ly Layer) Rows(a, own mat.Dense) mat.Dense {
	u := ly.Linear()
	if _, dense := u.(Dense); dense {
		return a
	}
	rows := u.Rows(mat.New(a.Rows*ly.Places(), u.Columns()), a)
	if r, ok := ly.recurrent(); ok {
		r.addStates(rows, a, own)
	}
	return rows
}

// ByPlace is the view of v, which has the layer's ZSize for each sample, with a
// row for each place, as Rows has.
func (ly Layer) ByPlace(v mat.Dense) mat.Dense { return byPlace(v, ly.Places()) }

// Network is a network of layers, one after another. Its last layer's activation is
// Identity: what makes probabilities of its outputs belongs to the loss.
type Network struct{ Layers []Layer }

// Initializer draws a layer's weights.
type Initializer string

// The initialisers; intercepts start at zero but for Paper, and all but it start a recurrent
// layer's weights of its own activations as a random rotation, which neither shortens nor
// lengthens what goes through many steps (Saxe et al. 2014).
const (
	// Paper draws weights and intercepts from N(0, 0.1²).
	Paper Initializer = "paper"
	// He draws weights from N(0, 2/d_{l-1}) (He et al. 2015), with d_{l-1} the columns of W.
	He Initializer = "he"
	// Glorot draws weights from N(0, 2/(d_{l-1}+d_l)) (Glorot & Bengio 2010).
	Glorot Initializer = "glorot"
	// LeCun draws weights from N(0, 1/d_{l-1}) (LeCun et al. 1998).
	LeCun Initializer = "lecun"
)

// Initializers lists the choices.
var Initializers = []Initializer{Paper, He, Glorot, LeCun}

// NewNetwork is a network with layers of the given widths, from the number of
// features to the number of outputs, with h between them, drawn from rng.
func NewNetwork(widths []int, h activation.Func, init Initializer, rng *rand.Rand) (*Network, error) {
	if len(widths) < 2 {
		return nil, errors.New("a network needs a width for its input and one for its output")
	}
	for l, d := range widths {
		if d < 1 {
			return nil, fmt.Errorf("width of layer %d: got %d, want at least 1", l, d)
		}
	}
	n := &Network{Layers: make([]Layer, len(widths)-1)}
	for l := range n.Layers {
		in, out := widths[l], widths[l+1]
		ly := Layer{W: mat.New(out, in), B: make([]float32, out), H: h}
		if l == len(n.Layers)-1 {
			ly.H = activation.Identity{}
		}
		if err := ly.draw(init, rng); err != nil {
			return nil, err
		}
		n.Layers[l] = ly
	}
	return n, nil
}

// draw draws the layer's parameters.
func (ly Layer) draw(init Initializer, rng *rand.Rand) error {
	if ly.H == nil {
		return errors.New("activation: got none, want one for the hidden layers (activation.Identity{} for linear ones)")
	}
	in, out := ly.W.Cols, ly.channels()
	if u, ok := ly.Map.(Conv); ok && ly.Places() > 1 { // an input meets each of the kernel's places
		out *= u.KernelHeight * u.KernelWidth
	}
	var sd float64
	switch init {
	case Paper:
		sd = 0.1
	case He:
		sd = math.Sqrt(2 / float64(in))
	case Glorot:
		sd = math.Sqrt(2 / float64(in+out))
	case LeCun:
		sd = math.Sqrt(1 / float64(in))
	default:
		return fmt.Errorf("unknown initialiser %q (choose one of %v)", init, Initializers)
	}
	for i := range ly.W.Data {
		ly.W.Data[i] = float32(sd * rng.NormFloat64())
	}
	if init == Paper {
		for i := range ly.B {
			ly.B[i] = float32(sd * rng.NormFloat64())
		}
	}
	switch u := ly.Map.(type) {
	case RNN:
		if init != Paper {
			orthogonalize(ly.W.ColRange(u.Inputs, ly.W.Cols))
		}
	case GRU:
		u.draw(ly.W, init != Paper)
	}
	return nil
}

// orthogonalize makes the rows of a square matrix orthogonal and of length 1, by Gram and
// Schmidt's method, twice over for its rounding: of random numbers a random rotation.
func orthogonalize(m mat.Dense) {
	for i := range m.Rows {
		row := m.Row(i)
		for range 2 {
			for j := range i {
				kernel.Axpy(row, float32(-kernel.Dot(row, m.Row(j))), m.Row(j))
			}
			kernel.Axpby(row, 0, float32(1/math.Sqrt(kernel.SumSquares(row))), row)
		}
	}
}

// Widths are the numbers of entries of a sample between the layers, from the
// number of features to the number of outputs.
func (n *Network) Widths() []int {
	w := []int{n.Layers[0].Inputs()}
	for _, ly := range n.Layers {
		w = append(w, ly.Units())
	}
	return w
}

// Outputs is the number of outputs.
func (n *Network) Outputs() int { return n.Layers[len(n.Layers)-1].Units() }

// Parameters is the number of weights and intercepts.
func (n *Network) Parameters() int {
	p := 0
	for _, ly := range n.Layers {
		p += ly.Weights() + ly.W.Rows
	}
	return p
}

// Numbers is how many numbers its parameters are kept as: Parameters, and the 0 for good of
// layers with gates.
func (n *Network) Numbers() int {
	p := 0
	for _, ly := range n.Layers {
		p += ly.W.Rows * (ly.W.Cols + 1)
	}
	return p
}

// Clone is a copy that shares nothing with n.
func (n *Network) Clone() *Network {
	c := &Network{Layers: make([]Layer, len(n.Layers))}
	for l, ly := range n.Layers {
		c.Layers[l] = Layer{Map: ly.Map, W: ly.W.Clone(), B: append([]float32(nil), ly.B...), Max: ly.Max, H: ly.H}
	}
	return c
}

// CopyFrom copies the parameters of src, of the same shape, into n.
func (n *Network) CopyFrom(src *Network) {
	for l, ly := range n.Layers {
		ly.W.CopyFrom(src.Layers[l].W)
		copy(ly.B, src.Layers[l].B)
	}
}

// Validate reports every fault of shape, and parameters that are not finite.
func (n *Network) Validate() error {
	if len(n.Layers) == 0 {
		return errors.New("network: no layers")
	}
	var errs []error
	for l, ly := range n.Layers {
		if ly.H == nil {
			errs = append(errs, fmt.Errorf("network layer %d: no activation", l+1))
		} else if err := spec.Check(ly.H); err != nil {
			errs = append(errs, fmt.Errorf("network layer %d: activation %w", l+1, err))
		}
		if len(ly.B) != ly.W.Rows {
			errs = append(errs, fmt.Errorf("network layer %d: %d intercepts for %d outputs", l+1, len(ly.B), ly.W.Rows))
		}
		if err := spec.Check(ly.Linear()); err != nil {
			errs = append(errs, fmt.Errorf("network layer %d: map %w", l+1, err))
		} else if out := ly.Linear().Out(1); min(out.Height, out.Width, out.Channels) < 1 {
			errs = append(errs, fmt.Errorf("network layer %d: map %v gives %v for a sample, want at least one place", l+1, ly.Linear().Spec(), out))
		}
		if out := ly.Linear().Out(1); ly.Max < 0 || ly.Max > 1 && ly.Map == nil || ly.Max > 1 && ly.Max > min(out.Height, out.Width) {
			errs = append(errs, fmt.Errorf("network layer %d: max pooling over %d×%d places, of which it has %d×%d", l+1, ly.Max, ly.Max, out.Height, out.Width))
		}
		if most := max(ly.Inputs(), ly.Linear().Out(1).Size()); ly.Map != nil && most > mostEntries/max(1, ly.W.Rows) {
			errs = append(errs, fmt.Errorf("network layer %d: %d places or inputs and %d units, more than %d entries a sample", l+1, most, ly.W.Rows, mostEntries))
		}
		if columns := ly.Linear().Columns(); columns != ly.W.Cols {
			errs = append(errs, fmt.Errorf("network layer %d: weights of %d columns, its map has %d", l+1, ly.W.Cols, columns))
		}
		if u, ok := ly.Map.(RNN); ok && u.Units != ly.W.Rows {
			errs = append(errs, fmt.Errorf("network layer %d: weights of %d units, its map has %d", l+1, ly.W.Rows, u.Units))
		}
		if g, ok := ly.Map.(GRU); ok {
			if err := g.fits(ly); err != nil {
				errs = append(errs, fmt.Errorf("network layer %d: %w", l+1, err))
			}
		}
		if ly.Recurrent() && ly.Max > 1 {
			errs = append(errs, fmt.Errorf("network layer %d: max pooling of a recurrent layer", l+1))
		}
		if l > 0 && ly.Inputs() != n.Layers[l-1].Units() {
			errs = append(errs, fmt.Errorf("network layer %d: takes %d inputs, layer %d gives %d", l+1, ly.Inputs(), l, n.Layers[l-1].Units()))
		}
		if err := ly.Finite(); err != nil {
			errs = append(errs, fmt.Errorf("network layer %d: %w", l+1, err))
		}
	}
	if n.Layers[len(n.Layers)-1].Recurrent() {
		errs = append(errs, fmt.Errorf("network layer %d: a recurrent layer gives the outputs, want another after it", len(n.Layers)))
	}
	if h := n.Layers[len(n.Layers)-1].H; h != nil && h != activation.Func(activation.Identity{}) {
		errs = append(errs, fmt.Errorf("network: output activation is %v, want identity", h.Spec()))
	}
	return errors.Join(errs...)
}

// mostEntries is how many numbers of a sample a layer with shared weights may take, or
// give: a few weights of a file are no reason to take any memory.
const mostEntries = 1 << 28

// Recurrent reports whether some layer is recurrent.
func (n *Network) Recurrent() bool { return slices.ContainsFunc(n.Layers, Layer.Recurrent) }

// Ungated reports the first layer with gates, for methods that have an entry of z for each of
// a, or that give each row of W a weight in each column.
func (n *Network) Ungated() error {
	for l, ly := range n.Layers {
		if ly.Gated() {
			return fmt.Errorf("layer %d (%s) has gates, which multiply entries of z", l+1, n.Text(l))
		}
	}
	return nil
}

// AnyLength reports the first layer that does not take sequences of any length.
func (n *Network) AnyLength() error {
	for l, ly := range n.Layers {
		switch _, convolution := ly.Map.(Conv); {
		case l == 0 && !ly.Recurrent():
			return fmt.Errorf("layer 1 (%s): the samples are sequences, which may be shorter than the longest: want a recurrent layer first, as rnn 64 or gru 64", n.Text(l))
		case convolution:
			return fmt.Errorf("layer %d (%s): the samples are sequences, which may be shorter than the longest: a convolution would take steps that are not there", l+1, n.Text(l))
		}
	}
	return nil
}

// Finite reports the first parameter that is NaN or infinite.
func (ly Layer) Finite() error {
	for i := range ly.W.Rows {
		for j, v := range ly.W.Row(i) {
			if v-v != 0 {
				return fmt.Errorf("weight W[%d,%d] is %v", i, j, v)
			}
		}
	}
	for i, v := range ly.B {
		if v-v != 0 {
			return fmt.Errorf("b[%d] is %v", i, v)
		}
	}
	return nil
}

// FullyConnected reports the first layer whose map is not the identity, for
// methods that have no block for another and formats without a place for it.
func (n *Network) FullyConnected() error {
	for l, ly := range n.Layers {
		switch ly.Linear().(type) {
		case Dense:
		case Conv:
			return fmt.Errorf("layer %d (%s) is a convolution, not fully connected", l+1, n.Text(l))
		case RNN, GRU:
			return fmt.Errorf("layer %d (%s) is recurrent, not fully connected", l+1, n.Text(l))
		default:
			return fmt.Errorf("layer %d is of kind %v, not fully connected", l+1, ly.Map.Spec())
		}
	}
	return nil
}
