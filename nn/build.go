package nn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/mat"
)

// NewNetworkFor is a network of the layers asked for, from samples of a shape to so many
// outputs, which a dense layer of its own gives. Hidden layers have h where they ask
// for no other activation. Before a dense layer, what has a shape is taken as a vector,
// channels last. Weights are drawn from rng, as NewNetwork draws them, with the columns
// of W as the number of inputs. Errors name the layer, counted from 1, and shapes.
func NewNetworkFor(in Shape, layers []LayerSpec, outputs int, h activation.Func, init Initializer, rng *rand.Rand) (*Network, error) {
	n, err := Outline(in, layers, outputs, h)
	if err != nil {
		return nil, err
	}
	return n.Drawn(init, rng)
}

// Drawn is a network of n's layers with parameters of its own, drawn from rng.
func (n *Network) Drawn(init Initializer, rng *rand.Rand) (*Network, error) {
	drawn := &Network{Layers: slices.Clone(n.Layers)}
	for l := range drawn.Layers {
		ly := &drawn.Layers[l]
		ly.W, ly.B = mat.New(ly.W.Rows, ly.W.Cols), make([]float32, ly.W.Rows)
		if err := ly.draw(init, rng); err != nil {
			return nil, err
		}
	}
	return drawn, nil
}

// Outline is the network of NewNetworkFor without memory for its parameters, for what
// is asked of shapes alone.
func Outline(in Shape, layers []LayerSpec, outputs int, h activation.Func) (*Network, error) {
	if min(in.Height, in.Width, in.Channels) < 1 || max(in.Height, in.Width, in.Channels) > mostSize {
		return nil, fmt.Errorf("shape of a sample: got %dx%dx%d, want sizes from 1 to %d", in.Height, in.Width, in.Channels, mostSize)
	}
	b := builder{shape: in, mean: 1, net: &Network{}}
	for i, s := range layers {
		err := s.Validate()
		if err == nil {
			err = b.add(s, h)
		}
		if err != nil {
			return nil, fmt.Errorf("layer %d (%v): %w", i+1, s, err)
		}
	}
	if outputs < 1 {
		return nil, fmt.Errorf("outputs: got %d, want at least 1", outputs)
	}
	if err := b.dense(outputs, activation.Identity{}); err != nil {
		return nil, fmt.Errorf("output layer: %w", err)
	}
	return b.net, nil
}

// builder puts layers one after another.
type builder struct {
	shape Shape     // what the next layer takes, before the averages
	mean  int       // side of the windows that are averaged first
	last  bool      // the next layer takes the last step alone
	kind  LayerKind // of the recurrent layer before, then
	net   *Network
}

// seen is the shape of what the next layer takes.
func (b *builder) seen() Shape {
	if b.last {
		return Vector(b.shape.Channels)
	}
	return b.shape.Windows(b.mean)
}

func (b *builder) add(s LayerSpec, h activation.Func) error {
	if s.Activation != nil {
		h = s.Activation
	}
	seen := b.seen()
	switch {
	case s.Kind == KindDense:
		return b.dense(s.Units, h)
	case b.last:
		return fmt.Errorf("input %v is the last step of %v: write all after the %s before for a sequence", seen, b.shape, b.kind)
	}
	switch s.Kind {
	case KindRNN, KindGRU:
		return b.recurrent(s, seen, h)
	case KindMean:
		if s.Side > min(seen.Height, seen.Width) {
			return fmt.Errorf("input %v is smaller than the window %dx%d", seen, s.Side, s.Side)
		}
		b.mean *= s.Side
	case KindMax:
		return b.max(s.Side, seen)
	case KindConv:
		u := Conv{
			Sample: b.shape, Mean: b.mean, KernelHeight: s.KernelHeight, KernelWidth: s.KernelWidth, Stride: s.Stride,
			PadHeight: s.PadHeight, PadWidth: s.PadWidth,
		}
		if u.Out(1).Size() == 0 {
			around := ""
			if p := u.padded(); p != seen {
				around = fmt.Sprintf(", with zeros %v,", p)
			}
			return fmt.Errorf("input %v%s is smaller than the kernel %dx%d", seen, around, s.KernelHeight, s.KernelWidth)
		}
		return b.layer(u, u.Columns(), s.Units, h)
	}
	return nil
}

// max makes the last layer's h take the largest in windows.
func (b *builder) max(side int, seen Shape) error {
	switch l := len(b.net.Layers) - 1; {
	case l < 0 || b.net.Layers[l].Places() == 1 || b.net.Layers[l].Recurrent():
		return fmt.Errorf("max pooling follows a convolution; its input is %v", seen)
	case b.mean > 1 || b.net.Layers[l].Max > 1:
		return fmt.Errorf("max pooling follows a convolution, not pooling")
	case side > min(seen.Height, seen.Width):
		return fmt.Errorf("input %v is smaller than the window %dx%d", seen, side, side)
	default:
		b.net.Layers[l].Max = side
		b.shape = b.net.Layers[l].Out()
	}
	return nil
}

// recurrent adds a recurrent layer, whose steps are the rows of what there is.
func (b *builder) recurrent(s LayerSpec, seen Shape, h activation.Func) error {
	switch {
	case seen.Height == 1:
		return fmt.Errorf("input %v is no sequence of steps", seen)
	case b.mean > 1:
		return fmt.Errorf("a recurrent layer cannot follow mean pooling; its input is %v", b.shape)
	}
	u := RNN{Steps: seen.Height, Inputs: seen.Width * seen.Channels, Units: s.Units}
	m, rows := Map(u), s.Units
	if s.Kind == KindGRU {
		m, rows, h = GRU(u), gateRows*s.Units, activation.Tanh{}
	}
	if err := b.layer(m, u.Columns(), rows, h); err != nil {
		return err
	}
	b.last, b.kind = !s.All, s.Kind
	return nil
}

// dense adds a layer that takes all there is as a vector.
func (b *builder) dense(units int, h activation.Func) error {
	seen := b.seen()
	switch {
	case b.last:
		return b.layer(Last{Steps: b.shape.Height, Inputs: seen.Size()}, seen.Size(), units, h)
	case b.mean == 1:
		return b.layer(nil, seen.Size(), units, h)
	}
	// Of averages: a convolution at one place.
	return b.layer(Conv{Sample: b.shape, Mean: b.mean, KernelHeight: seen.Height, KernelWidth: seen.Width, Stride: 1}, seen.Size(), units, h)
}

// mostWeights bounds a layer's weights, so that sizes are numbers.
const mostWeights = 1 << 40

func (b *builder) layer(u Map, columns, units int, h activation.Func) error {
	if columns > mostWeights/units {
		return fmt.Errorf("%d×%d weights, want at most %d", units, columns, mostWeights)
	}
	ly := Layer{Map: u, W: mat.Dense{Rows: units, Cols: columns, Stride: columns}, H: h}
	if u != nil && max(ly.Places(), ly.Inputs()) > mostEntries/units {
		return fmt.Errorf("input %v and %d units: more than %d entries a sample", b.shape, units, mostEntries)
	}
	b.net.Layers = append(b.net.Layers, ly)
	b.shape, b.mean, b.last = ly.Out(), 1, false
	return nil
}

// takesLast reports whether the layer after layer l takes the last step alone.
func (n *Network) takesLast(l int) bool {
	if l+1 >= len(n.Layers) {
		return false
	}
	_, last := n.Layers[l+1].Map.(Last)
	return last
}

// Seen is the shape of what the layer after layer l sees of it: of a sequence perhaps the
// last step alone.
func (n *Network) Seen(l int) Shape {
	if n.takesLast(l) {
		return Vector(n.Layers[l].channels())
	}
	return n.Layers[l].Out()
}

// Text is what layer l is in the language of ParseLayers, but for its activation: a
// convolution of averages of maxima, mean 2, conv 32 5x5, max 2. A map of another kind
// is its Spec.
func (n *Network) Text(l int) string {
	ly := n.Layers[l]
	var parts []string
	switch u := ly.Linear().(type) {
	case Dense, Last:
		parts = append(parts, DenseLayer(ly.W.Rows).String())
	case RNN:
		parts = append(parts, LayerSpec{Kind: KindRNN, Units: ly.W.Rows, All: !n.takesLast(l)}.String())
	case GRU:
		parts = append(parts, LayerSpec{Kind: KindGRU, Units: u.Units, All: !n.takesLast(l)}.String())
	case Conv:
		if u.Mean > 1 {
			parts = append(parts, MeanPool(u.Mean).String())
		}
		s := LayerSpec{
			Kind: KindConv, Units: ly.W.Rows, KernelHeight: u.KernelHeight, KernelWidth: u.KernelWidth, Stride: u.Stride,
			PadHeight: u.PadHeight, PadWidth: u.PadWidth,
		}
		if u.Mean > 1 && u.Out(1).Size() == 1 && u.padded() == u.averaged() {
			s = DenseLayer(ly.W.Rows)
		}
		parts = append(parts, s.String())
	default:
		parts = append(parts, u.Spec().String())
	}
	if ly.Max > 1 {
		parts = append(parts, MaxPool(ly.Max).String())
	}
	return strings.Join(parts, ", ")
}

// Dropped says what of a sample a layer's windows leave out, where they do not divide
// it; "" where they do.
func (ly Layer) Dropped() string {
	var parts []string
	left := func(what string, s Shape, side int) {
		if side > 1 && (s.Height%side > 0 || s.Width%side > 0) {
			parts = append(parts, fmt.Sprintf("%s %d leaves out %d rows and %d columns of %v", what, side, s.Height%side, s.Width%side, s))
		}
	}
	if u, ok := ly.Map.(Conv); ok {
		left("mean", u.Sample, u.Mean)
		left("max", u.Out(ly.W.Rows), ly.Max)
	}
	return strings.Join(parts, "; ")
}

// MultiplyAdds is how many multiplications with weights the layer makes for a sample.
func (ly Layer) MultiplyAdds() int { return ly.Places() * ly.Weights() }
