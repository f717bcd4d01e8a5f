package nn_test

import (
	"strings"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/nn"
)

func TestParseLayers(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"conv 16 5x5, max 2, conv 32 5x5, max 2, dense 128", "conv 16 5x5, max 2, conv 32 5x5, max 2, dense 128"},
		{"conv 8 3 same relu # edges\n\n mean 2\ndense 10 tanh", "conv 8 3x3 same relu, mean 2, dense 10 tanh"},
		{"conv 8 3x5 /2 pad 1x2", "conv 8 3x5 /2 pad 1x2"},
		{"conv 8 3 pad 1", "conv 8 3x3 same"},
		{"conv 4 2 /2 pad 3 leaky-relu:slope=0.5", "conv 4 2x2 /2 pad 3 leaky-relu:slope=0.5"},
		{"rnn 100 all, rnn 50 relu", "rnn 100 all, rnn 50 relu"},
		{"gru 100 all, gru 50", "gru 100 all, gru 50"},
	} {
		list, err := nn.ParseLayers(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := nn.LayersText(list); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
		again, err := nn.ParseLayers(c.want)
		if err != nil || nn.LayersText(again) != c.want {
			t.Errorf("%q again: %v, %v", c.want, again, err)
		}
	}
}

func TestParseLayersRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "no layers"},
		{"conv", "layer 1 (conv): a number is missing"},
		{"dense 5, lstm 8", `layer 2 (lstm 8): unknown kind "lstm"`},
		{"conv 0 3x3", `got "0", want a number from 1`},
		{"conv 5", "the size of the kernel is missing, as 5x5"},
		{"conv 5 3x0", `got "3x0", want one number or two`},
		{"conv 5 3 /0", `stride: got "0"`},
		{"conv 5 4 same", "same needs a kernel of odd sides"},
		{"conv 5 3 /2 same", "same needs a kernel of odd sides and a stride of 1"},
		{"conv 5 3 pad", "a number is missing after pad"},
		{"conv 5 3 relu tanh", "want one activation at most"},
		{"conv 5 3 swosh", `unknown activation "swosh"`},
		{"dense 8,,dense 4", "layer 2: nothing between two commas"},
		{"dense 8,", "layer 2: nothing after the last comma"},
		{"rnn", "layer 1 (rnn): a number is missing"},
		{"rnn 5 all tanh relu", "want one activation at most"},
		{"rnn 5 tanh all", "want one activation at most"},
		{"gru", "layer 1 (gru): a number is missing"},
		{"dense 3, gru 5 all tanh", `layer 2 (gru 5 all tanh): got "tanh" after it, want nothing: a gru has its own activations, sigmoid in its gates and tanh`},
		{"gru 0", "layer 1 (gru 0): got \"0\", want a number from 1 to"},
		{"max 1", "want windows of side 2 at least"},
		{"max 2 relu", `got "relu" after it, want nothing`},
	} {
		if list, err := nn.ParseLayers(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, %v, want an error with %q", c.text, list, err, c.want)
		}
	}
}

// Shapes are inferred, and faults name the layer and both shapes.
func TestOutline(t *testing.T) {
	outline := func(in nn.Shape, text string) (*nn.Network, error) {
		list, err := nn.ParseLayers(text)
		if err != nil {
			t.Fatal(err)
		}
		return nn.Outline(in, list, 10, activation.ReLU{})
	}
	n, err := outline(nn.Shape{Height: 28, Width: 28, Channels: 1}, "conv 16 5x5, max 2, conv 32 5x5, max 2, dense 128")
	if err != nil {
		t.Fatal(err)
	}
	for l, want := range []string{"12x12x16", "4x4x32", "128", "10"} {
		if got := n.Layers[l].Out().String(); got != want {
			t.Errorf("layer %d gives %s, want %s", l+1, got, want)
		}
	}
	if n.Parameters() != 416+12832+65664+1290 {
		t.Errorf("%d parameters", n.Parameters())
	}
	for _, c := range []struct {
		in         nn.Shape
		text, want string
	}{
		{nn.Shape{Height: 5, Width: 5, Channels: 1}, "conv 16 2x2, max 2, conv 32 5x5", "layer 3 (conv 32 5x5): input 2x2x16 is smaller than the kernel 5x5"},
		{nn.Shape{Height: 5, Width: 5, Channels: 1}, "max 2", "layer 1 (max 2): max pooling follows a convolution; its input is 5x5x1"},
		{nn.Shape{Height: 5, Width: 5, Channels: 1}, "dense 9, max 2", "layer 2 (max 2): max pooling follows a convolution"},
		{nn.Shape{Height: 9, Width: 9, Channels: 1}, "conv 2 3, max 2, max 2", "layer 3 (max 2): max pooling follows a convolution, not pooling"},
		{nn.Shape{Height: 5, Width: 5, Channels: 1}, "conv 2 3, max 4", "layer 2 (max 4): input 3x3x2 is smaller than the window 4x4"},
		{nn.Shape{Height: 5, Width: 5, Channels: 3}, "mean 6, dense 3", "layer 1 (mean 6): input 5x5x3 is smaller than the window 6x6"},
		{nn.Shape{Height: 5, Width: 4, Channels: 3}, "rnn 8, rnn 2", "layer 2 (rnn 2): input 8 is the last step of 5x1x8: write all after the rnn before for a sequence"},
		{nn.Shape{Height: 5, Width: 4, Channels: 3}, "rnn 8 all, conv 2 6x1", "layer 2 (conv 2 6x1): input 5x1x8 is smaller than the kernel 6x1"},
		{nn.Shape{Height: 5, Width: 4, Channels: 3}, "rnn 8 all, max 2", "layer 2 (max 2): max pooling follows a convolution; its input is 5x1x8"},
		{nn.Shape{Height: 5, Width: 4, Channels: 3}, "mean 2, rnn 8", "layer 2 (rnn 8): a recurrent layer cannot follow mean pooling; its input is 5x4x3"},
		{nn.Shape{Height: 5, Width: 4, Channels: 3}, "gru 8, gru 2", "layer 2 (gru 2): input 8 is the last step of 5x1x8: write all after the gru before for a sequence"},
		{nn.Shape{Height: 5, Width: 4, Channels: 3}, "gru 8 all, max 2", "layer 2 (max 2): max pooling follows a convolution; its input is 5x1x8"},
		{nn.Shape{Height: 5, Width: 4, Channels: 3}, "mean 2, gru 8", "layer 2 (gru 8): a recurrent layer cannot follow mean pooling; its input is 5x4x3"},
		{nn.Vector(7), "gru 3", "layer 1 (gru 3): input 7 is no sequence of steps"},
		{nn.Vector(7), "rnn 3", "layer 1 (rnn 3): input 7 is no sequence of steps"},
		{nn.Vector(7), "conv 2 3", "layer 1 (conv 2 3x3): input 7 is smaller than the kernel 3x3"},
		{nn.Shape{Height: 1 << 16, Width: 1 << 16, Channels: 1 << 16}, "dense 65536", "weights, want at most"},
	} {
		_, err := outline(c.in, c.text)
		wantError(t, err, c.want)
	}
}

// Dense layers of the language are the network of NewNetwork, to the bit.
func TestDenseLayersAsWidths(t *testing.T) {
	want, err := nn.NewNetwork([]int{6, 5, 4, 3}, activation.ReLU{}, nn.He, testprob.Rng(3))
	if err != nil {
		t.Fatal(err)
	}
	got, err := nn.NewNetworkFor(nn.Vector(6), []nn.LayerSpec{nn.DenseLayer(5), nn.DenseLayer(4)}, 3, activation.ReLU{}, nn.He, testprob.Rng(3))
	if err != nil {
		t.Fatal(err)
	}
	for l, ly := range want.Layers {
		for i, v := range ly.W.Data {
			if got.Layers[l].W.Data[i] != v {
				t.Fatalf("layer %d, weight %d: %v, want %v", l+1, i, got.Layers[l].W.Data[i], v)
			}
		}
	}
}
