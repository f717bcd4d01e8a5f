package export_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/export"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
)

// drawn is the picture of a network on pictures of 4×6 pixels, pooled to 2×3,
// with units hidden units whose weights are w repeated.
func drawn(t *testing.T, channels, units int, w ...float32) image.Image {
	t.Helper()
	d := pictures()
	d.X, d.Image.Channels = random(1, 4*6*channels, 1), channels
	m := newSample(t, "p", d, []int{units}, []activation.Func{activation.ReLU{}}, loss.CrossEntropy{}, dataset.ScaleUnit, 2).model
	for i := range m.Network.Layers[0].W.Data {
		m.Network.Layers[0].W.Data[i] = w[i%len(w)]
	}
	var b bytes.Buffer
	if err := export.WeightsPNG(&b, m); err != nil {
		t.Fatal(err)
	}
	im, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func TestWeightsPNG(t *testing.T) {
	im := drawn(t, 1, 5, 2, -2, 0, 1, -1, 0)
	// Three columns of tiles 3·21 wide and two rows of tiles 2·21 high.
	if want := image.Pt(3*(63+4)+4, 2*(42+4)+4); im.Bounds().Max != want {
		t.Fatalf("size %v, want %v", im.Bounds().Max, want)
	}
	grey, white, red, blue := color.RGBA{184, 184, 184, 255}, color.RGBA{255, 255, 255, 255}, color.RGBA{178, 24, 43, 255}, color.RGBA{33, 102, 172, 255}
	for _, c := range []struct {
		x, y int
		want color.RGBA
	}{
		{0, 0, grey}, {4, 4, red}, {24, 24, red}, {25, 4, blue}, {46, 4, white}, // first row of unit 0
		{4, 25, color.RGBA{217, 140, 149, 255}}, {25, 45, color.RGBA{144, 179, 214, 255}}, // half of the scale
		{67, 4, grey}, {71, 4, red}, {4, 50, red}, // gap, unit 1, unit 3
		{4 + 2*67, 50, grey}, // no unit 5
	} {
		if got := color.RGBAModel.Convert(im.At(c.x, c.y)); got != c.want {
			t.Errorf("(%d, %d): got %v, want %v", c.x, c.y, got, c.want)
		}
	}
	rgb := drawn(t, 3, 1, 1, 0, -1)
	if got, want := color.RGBAModel.Convert(rgb.At(4, 4)), (color.RGBA{255, 128, 0, 255}); got != want {
		t.Errorf("three channels: got %v, want %v", got, want)
	}
	if got := color.RGBAModel.Convert(drawn(t, 1, 1, 0).At(4, 4)); got != white {
		t.Errorf("a unit without weights: got %v, want white", got)
	}
	if many := drawn(t, 1, export.MaxUnits+7, 1); many.Bounds().Max.X != 32*(63+4)+4 {
		t.Errorf("size %v for more than %d units", many.Bounds().Max, export.MaxUnits)
	}
}

func TestWeightsPNGRefuses(t *testing.T) {
	for name, m := range map[string]*model.Model{
		"a table":      newSample(t, "t", table(7), []int{3}, []activation.Func{activation.ReLU{}}, loss.Hinge{}, dataset.ScaleUnit, 1).model,
		"two channels": newSample(t, "p", pictures(), []int{3}, []activation.Func{activation.ReLU{}}, loss.Hinge{}, dataset.ScaleUnit, 1).model,
	} {
		var b bytes.Buffer
		if err := export.WeightsPNG(&b, m); err == nil || b.Len() > 0 {
			t.Errorf("%s: drawn, error %v", name, err)
		}
	}
}

// TestKernelsPNG draws the kernels of a convolution, large and small.
func TestKernelsPNG(t *testing.T) {
	d := pictures()
	d.X, d.Image.Channels = random(1, 4*6, 1), 1
	m := newSample(t, "p", d, []int{5}, []activation.Func{activation.ReLU{}}, loss.CrossEntropy{}, dataset.ScaleUnit, 1).model
	layers, err := nn.ParseLayers("conv 3 2x3")
	if err != nil {
		t.Fatal(err)
	}
	m.Network, err = nn.NewNetworkFor(nn.Shape{Height: 4, Width: 6, Channels: 1}, layers, 2, activation.ReLU{}, nn.He, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	copy(m.Network.Layers[0].W.Row(1), []float32{2, -2, 0, 1, -1, 0})
	var b bytes.Buffer
	if err := export.WeightsPNG(&b, m); err != nil {
		t.Fatal(err)
	}
	if im, err := png.Decode(&b); err != nil || im.Bounds().Max != image.Pt(2*(63+4)+4, 2*(42+4)+4) {
		t.Errorf("%v, size %v, want two by two tiles of 63×42", err, im.Bounds().Max)
	}
	for units, size := range map[int]image.Point{64: {2*(3+1) + 1, 2*(2+1) + 1}, 2: {2*(3+1) + 1, 2 + 1 + 1}} {
		shown, err := export.SmallWeightsPNG(&b, m, units)
		if err != nil || shown != min(3, units) {
			t.Fatalf("%d units of 3 shown, %v", shown, err)
		}
		im, err := png.Decode(&b)
		if err != nil || im.Bounds().Max != size {
			t.Fatalf("%v, size %v, want %v", err, im.Bounds().Max, size)
		}
		red, half := color.RGBA{178, 24, 43, 255}, color.RGBA{217, 140, 149, 255}
		if got := color.RGBAModel.Convert(im.At(5, 1)); got != red { // unit 1 begins there
			t.Errorf("the greatest weight: got %v, want %v", got, red)
		}
		if got := color.RGBAModel.Convert(im.At(5, 2)); got != half {
			t.Errorf("half of it: got %v, want %v", got, half)
		}
	}
}

// TestMapsPNG draws what a layer gives: a tile a channel, all on one scale.
func TestMapsPNG(t *testing.T) {
	var b bytes.Buffer
	// Two places of three channels each, which lie beside each other.
	if err := export.SmallMapsPNG(&b, nn.Shape{Height: 1, Width: 2, Channels: 3}, []float32{4, -2, 0, 0, 4, 9}, 2); err != nil {
		t.Fatal(err)
	}
	im, err := png.Decode(&b)
	if err != nil || im.Bounds().Max != image.Pt(2*(2+1)+1, 1+2) {
		t.Fatalf("%v, size %v, want two tiles of 2×1", err, im.Bounds().Max)
	}
	for x, want := range []color.RGBA{
		{184, 184, 184, 255}, {223, 159, 167, 255}, {255, 255, 255, 255}, // 4 of 9, in 12 steps 5; 0
		{184, 184, 184, 255}, {200, 217, 234, 255}, {223, 159, 167, 255}, // -2 of 9: 3 steps
	} {
		if got := color.RGBAModel.Convert(im.At(x, 1)); got != want {
			t.Errorf("pixel %d: got %v, want %v", x, got, want)
		}
	}
}
