package nn

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/spec"
)

// LayerKind is what a LayerSpec asks for.
type LayerKind string

// The kinds.
const (
	KindConv  LayerKind = "conv"  // a convolution
	KindMax   LayerKind = "max"   // the largest in each window, of what the convolution before gives
	KindMean  LayerKind = "mean"  // the mean in each window
	KindDense LayerKind = "dense" // fully connected
	KindRNN   LayerKind = "rnn"   // recurrent, over the rows of what it takes as steps
	KindGRU   LayerKind = "gru"   // the same with gates
)

// LayerSpec asks for a hidden layer, or for pooling between two. Sizes that follow from
// what comes before are inferred. The zero value is not valid: use ConvLayer, MaxPool,
// MeanPool, DenseLayer, RNNLayer or GRULayer, and change fields of what they give.
type LayerSpec struct {
	Kind                      LayerKind
	Units                     int             // of conv its channels, of dense, rnn and gru their units
	KernelHeight, KernelWidth int             // of conv
	Stride                    int             // of conv, at least 1
	PadHeight, PadWidth       int             // of conv: zeros around the picture
	Side                      int             // of max and mean: of the windows, which do not overlap
	All                       bool            // of rnn and gru: the layer after takes all steps, not the last alone
	Activation                activation.Func // of conv, dense and rnn; nil: the network's
}

// ConvLayer is a convolution with so many channels and a kernel×kernel window.
func ConvLayer(channels, kernel int) LayerSpec {
	return LayerSpec{Kind: KindConv, Units: channels, KernelHeight: kernel, KernelWidth: kernel, Stride: 1}
}

// MaxPool takes the largest in each side×side window.
func MaxPool(side int) LayerSpec { return LayerSpec{Kind: KindMax, Side: side} }

// MeanPool takes the mean in each side×side window.
func MeanPool(side int) LayerSpec { return LayerSpec{Kind: KindMean, Side: side} }

// DenseLayer is a fully-connected layer with so many units.
func DenseLayer(units int) LayerSpec { return LayerSpec{Kind: KindDense, Units: units} }

// RNNLayer is a recurrent layer with so many units, of which the layer after takes the
// last step.
func RNNLayer(units int) LayerSpec { return LayerSpec{Kind: KindRNN, Units: units} }

// GRULayer is a gated recurrent layer with so many units, of which the layer after takes the
// last step. Its activations are its own, σ and tanh.
func GRULayer(units int) LayerSpec { return LayerSpec{Kind: KindGRU, Units: units} }

// String is the text that ParseLayers reads.
func (s LayerSpec) String() string {
	var b strings.Builder
	switch s.Kind {
	case KindMax, KindMean:
		return fmt.Sprintf("%s %d", s.Kind, s.Side)
	case KindConv:
		fmt.Fprintf(&b, "conv %d %dx%d", s.Units, s.KernelHeight, s.KernelWidth)
		if s.Stride != 1 {
			fmt.Fprintf(&b, " /%d", s.Stride)
		}
		switch {
		case s.PadHeight == 0 && s.PadWidth == 0:
		case s.same():
			b.WriteString(" same")
		case s.PadHeight == s.PadWidth:
			fmt.Fprintf(&b, " pad %d", s.PadHeight)
		default:
			fmt.Fprintf(&b, " pad %dx%d", s.PadHeight, s.PadWidth)
		}
	default:
		fmt.Fprintf(&b, "%s %d", s.Kind, s.Units)
		if s.All {
			b.WriteString(" all")
		}
	}
	if s.Activation != nil {
		b.WriteString(" " + s.Activation.Spec().String())
	}
	return b.String()
}

// same reports whether a convolution gives as many places as it takes pixels.
func (s LayerSpec) same() bool {
	return s.Stride == 1 && s.KernelHeight == 2*s.PadHeight+1 && s.KernelWidth == 2*s.PadWidth+1
}

// LayersText is the text of layers, which ParseLayers reads.
func LayersText(layers []LayerSpec) string {
	texts := make([]string, len(layers))
	for i, s := range layers {
		texts[i] = s.String()
	}
	return strings.Join(texts, ", ")
}

// layersUsage is the language, for errors.
const layersUsage = "want: conv CHANNELS ROWSxCOLUMNS [/STRIDE] [same | pad N] [ACTIVATION], max SIDE, mean SIDE, rnn UNITS [all] [ACTIVATION], gru UNITS [all], dense UNITS [ACTIVATION]"

// ParseLayers reads layers divided by commas or line ends, as
//
//	conv 16 5x5, max 2, conv 32 5x5 same relu, mean 2, dense 128
//
// What follows a # is a comment. conv C KxK takes windows of K by K pixels, K alone means
// the same, and is followed by /S for a stride of S, and by same, or pad P or pad PxQ, for
// zeros around the picture. rnn H is a recurrent layer with H units over the rows of what
// it takes, and gru H one with gates; the layer after takes its last step, or all with rnn H
// all. Conv, dense and rnn may name an activation of their own.
func ParseLayers(text string) ([]LayerSpec, error) {
	var list []LayerSpec
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		parts := strings.Split(line, ",")
		for i, part := range parts {
			words := strings.Fields(part)
			if last := i == len(parts)-1; len(words) == 0 && last {
				continue // the line ends with a comma, or is empty
			} else if len(words) == 0 {
				return nil, fmt.Errorf("layer %d: nothing between two commas", len(list)+1)
			}
			s, err := parseLayer(words)
			if err != nil {
				return nil, fmt.Errorf("layer %d (%s): %w", len(list)+1, strings.Join(words, " "), err)
			}
			list = append(list, s)
		}
	}
	if list == nil {
		return nil, errors.New("no layers: " + layersUsage)
	}
	if strings.HasSuffix(strings.TrimSpace(text), ",") {
		return nil, fmt.Errorf("layer %d: nothing after the last comma", len(list)+1)
	}
	return list, nil
}

func parseLayer(words []string) (s LayerSpec, err error) {
	s.Kind = LayerKind(words[0])
	if len(words) < 2 {
		return s, errors.New("a number is missing; " + layersUsage)
	}
	n, err := count(words[1])
	rest := words[2:]
	switch s.Kind {
	case KindMax, KindMean:
		s.Side = n
		if err == nil && n < 2 {
			err = fmt.Errorf("got %d, want windows of side 2 at least", n)
		}
		if err == nil && len(rest) > 0 {
			err = fmt.Errorf("got %q after it, want nothing", strings.Join(rest, " "))
		}
		return s, err
	case KindDense:
		s.Units = n
	case KindRNN, KindGRU:
		s.Units = n
		if len(rest) > 0 && rest[0] == "all" {
			s.All, rest = true, rest[1:]
		}
	case KindConv:
		s.Units = n
		if err == nil {
			rest, err = s.parseConv(rest)
		}
	default:
		return s, fmt.Errorf("unknown kind %q; %s", words[0], layersUsage)
	}
	if err != nil {
		return s, err
	}
	switch {
	case len(rest) == 0:
	case s.Kind == KindGRU:
		err = fmt.Errorf("got %q after it, want nothing: a gru has its own activations, sigmoid in its gates and tanh", strings.Join(rest, " "))
	case len(rest) == 1:
		s.Activation, err = activation.Parse(rest[0])
	default:
		err = fmt.Errorf("got %q, want one activation at most; %s", strings.Join(rest, " "), layersUsage)
	}
	return s, err
}

// parseConv reads what follows a convolution's channels, and gives what it leaves.
func (s *LayerSpec) parseConv(words []string) (rest []string, err error) {
	if len(words) == 0 {
		return nil, errors.New("the size of the kernel is missing, as 5x5")
	}
	if s.KernelHeight, s.KernelWidth, err = sides(words[0], 1); err != nil {
		return nil, err
	}
	s.Stride, rest = 1, words[1:]
	if len(rest) > 0 && strings.HasPrefix(rest[0], "/") {
		if s.Stride, err = count(rest[0][1:]); err != nil {
			return nil, fmt.Errorf("stride: %w", err)
		}
		rest = rest[1:]
	}
	switch {
	case len(rest) > 0 && rest[0] == "same":
		if s.KernelHeight%2 == 0 || s.KernelWidth%2 == 0 || s.Stride != 1 {
			return nil, errors.New("same needs a kernel of odd sides and a stride of 1")
		}
		s.PadHeight, s.PadWidth, rest = s.KernelHeight/2, s.KernelWidth/2, rest[1:]
	case len(rest) > 0 && rest[0] == "pad":
		if len(rest) == 1 {
			return nil, errors.New("a number is missing after pad")
		}
		if s.PadHeight, s.PadWidth, err = sides(rest[1], 0); err != nil {
			return nil, fmt.Errorf("pad: %w", err)
		}
		rest = rest[2:]
	}
	return rest, nil
}

// count is a number from 1 on.
func count(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostSize {
		return 0, fmt.Errorf("got %q, want a number from 1 to %d", text, mostSize)
	}
	return n, nil
}

// sides are two numbers, as 5x3, or one for both.
func sides(text string, least int) (high, wide int, err error) {
	first, second, two := strings.Cut(text, "x")
	high, err = strconv.Atoi(first)
	wide = high
	if two && err == nil {
		wide, err = strconv.Atoi(second)
	}
	if err != nil || min(high, wide) < least || max(high, wide) > mostSize {
		return 0, 0, fmt.Errorf("got %q, want one number or two, as 5x3, from %d to %d", text, least, mostSize)
	}
	return high, wide, nil
}

// Flat reports whether the layers are dense alone: samples need no shape.
func Flat(layers []LayerSpec) bool {
	return !slices.ContainsFunc(layers, func(s LayerSpec) bool { return s.Kind != KindDense })
}

// ParseShape reads a shape as 28x28x1, rows by columns by channels; 28x28 has one channel.
func ParseShape(text string) (Shape, error) {
	sizes := []int{1, 1, 1}
	parts := strings.Split(text, "x")
	if len(parts) != 2 && len(parts) != 3 {
		return Shape{}, fmt.Errorf("got %q, want rows, columns and channels, as 28x28x1", text)
	}
	for i, part := range parts {
		n, err := count(part)
		if err != nil {
			return Shape{}, fmt.Errorf("%q: %w", text, err)
		}
		sizes[i] = n
	}
	return Shape{sizes[0], sizes[1], sizes[2]}, nil
}

// Validate reports sizes that no layer has.
func (s LayerSpec) Validate() error {
	inRange := func(name string, n, least int) error {
		if n < least || n > mostSize {
			return fmt.Errorf("%s: got %d, want %d to %d", name, n, least, mostSize)
		}
		return nil
	}
	switch s.Kind {
	case KindMax, KindMean:
		return inRange("side", s.Side, 2)
	case KindDense, KindRNN, KindGRU:
		return errors.Join(inRange("units", s.Units, 1), s.checkActivation())
	case KindConv:
		return errors.Join(inRange("channels", s.Units, 1), inRange("kernel", s.KernelHeight, 1), inRange("kernel", s.KernelWidth, 1),
			inRange("stride", s.Stride, 1), inRange("pad", s.PadHeight, 0), inRange("pad", s.PadWidth, 0), s.checkActivation())
	}
	return fmt.Errorf("unknown kind %q", s.Kind)
}

func (s LayerSpec) checkActivation() error {
	switch {
	case s.Activation == nil:
		return nil
	case s.Kind == KindGRU:
		return fmt.Errorf("activation: got %v, want none: a gru has its own, sigmoid in its gates and tanh", s.Activation.Spec())
	}
	return spec.Check(s.Activation)
}
