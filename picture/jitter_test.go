package picture_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/dlam-go/dlam/internal/fixedseed"
	"github.com/dlam-go/dlam/picture"
)

// at is a pixel; outside, the nearest.
func at(im picture.Image, x []float32, row, col, c int) float64 {
	row, col = min(max(row, 0), im.Height-1), min(max(col, 0), im.Width-1)
	return float64(x[(row*im.Width+col)*im.Channels+c])
}

// TestMove holds a moved picture to the definition of bilinear interpolation.
func TestMove(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		side := rapid.IntRange(1, 9)
		im := picture.Image{Height: side.Draw(t, "height"), Width: side.Draw(t, "width"), Channels: rapid.IntRange(1, 3).Draw(t, "channels")}
		n := im.Height * im.Width * im.Channels
		src := rapid.SliceOfN(rapid.Float32Range(-1, 1), n, n).Draw(t, "picture")
		move := rapid.OneOf(rapid.Float64Range(-2, 2), rapid.Float64Range(-1e6, 1e6), rapid.Map(rapid.IntRange(-2, 2), func(i int) float64 { return float64(i) }))
		down, across := move.Draw(t, "down"), move.Draw(t, "across")
		dst := make([]float32, n)
		for i := range dst {
			dst[i] = float32(math.NaN()) // all of it is written
		}
		im.Move(dst, src, down, across)
		for row := range im.Height {
			for col := range im.Width {
				for c := range im.Channels {
					y, x := float64(row)-down, float64(col)-across
					i, j := math.Floor(y), math.Floor(x)
					p := func(di, dj int) float64 { return at(im, src, int(i)+di, int(j)+dj, c) }
					want := (1-(y-i))*((1-(x-j))*p(0, 0)+(x-j)*p(0, 1)) + (y-i)*((1-(x-j))*p(1, 0)+(x-j)*p(1, 1))
					if got := at(im, dst, row, col, c); !(math.Abs(got-want) <= 1e-6) {
						t.Fatalf("pixel %d,%d,%d is %v, want %v", row, col, c, got, want)
					}
				}
			}
		}
	})
}

// TestChange holds a changed picture to the definition: the part is enlarged, then
// mirrored, and its values are multiplied.
func TestChange(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		side := rapid.IntRange(1, 9)
		im := picture.Image{Height: side.Draw(t, "height"), Width: side.Draw(t, "width"), Channels: rapid.IntRange(1, 3).Draw(t, "channels")}
		n := im.Height * im.Width * im.Channels
		src := rapid.SliceOfN(rapid.Float32Range(-1, 1), n, n).Draw(t, "picture")
		move := rapid.Float64Range(-3, 3)
		c := picture.Change{Down: move.Draw(t, "down"), Across: move.Draw(t, "across"), Size: rapid.SampledFrom([]float64{0.5, 0.8, 0.93, 1}).Draw(t, "size"), Mirrored: rapid.Bool().Draw(t, "mirrored"), Light: rapid.SampledFrom([]float32{0.8, 1, 1.2}).Draw(t, "light")}
		dst := make([]float32, n)
		for i := range dst {
			dst[i] = float32(math.NaN()) // all of it is written
		}
		im.Change(dst, src, c)
		for row := range im.Height {
			for col := range im.Width {
				from := col
				if c.Mirrored {
					from = im.Width - 1 - col
				}
				y, x := c.Size*(float64(row)+0.5)-0.5-c.Down, c.Size*(float64(from)+0.5)-0.5-c.Across
				i, j := math.Floor(y), math.Floor(x)
				for ch := range im.Channels {
					p := func(di, dj int) float64 { return at(im, src, int(i)+di, int(j)+dj, ch) }
					want := float64(c.Light) * ((1-(y-i))*((1-(x-j))*p(0, 0)+(x-j)*p(0, 1)) + (y-i)*((1-(x-j))*p(1, 0)+(x-j)*p(1, 1)))
					if got := at(im, dst, row, col, ch); !(math.Abs(got-want) <= 2e-6) {
						t.Fatalf("pixel %d,%d,%d is %v, want %v", row, col, ch, got, want)
					}
				}
			}
		}
	})
}

// TestDraw: each move is drawn within its range, over all of it, and none changes what is
// drawn for shifts alone.
func TestDraw(t *testing.T) {
	im := picture.Image{Height: 40, Width: 20, Channels: 1}
	shifts, again := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(1, 2))
	for range 10 {
		c := picture.Jitter{Image: im, Deviation: 0.5}.Draw(shifts)
		if want := (picture.Change{Down: 0.5 * again.NormFloat64(), Across: 0.5 * again.NormFloat64(), Size: 1, Light: 1}); c != want {
			t.Fatalf("shifts alone: got %+v, want %+v", c, want)
		}
	}
	rng := rand.New(rand.NewPCG(3, 4))
	j := picture.Jitter{Image: im, Moves: picture.Moves{Flip: true, Crop: true, Brightness: true}}
	const draws = 2000
	var mirrored int
	least, most := picture.Change{Size: 2, Light: 2}, picture.Change{Down: -99, Across: -99}
	for range draws {
		c := j.Draw(rng)
		if c.Mirrored {
			mirrored++
		}
		for _, v := range [][3]float64{ // the value and its range
			{c.Size, 0.8, 1}, {float64(c.Light), 0.8, 1.2}, {-c.Down, 0, (1 - c.Size) * 40}, {-c.Across, 0, (1 - c.Size) * 20},
		} {
			if !(v[0] >= v[1]-1e-6 && v[0] <= v[2]+1e-6) {
				t.Fatalf("%+v: %v, want from %v to %v", c, v[0], v[1], v[2])
			}
		}
		least = picture.Change{Down: min(least.Down, c.Down), Across: min(least.Across, c.Across), Size: min(least.Size, c.Size), Light: min(least.Light, c.Light)}
		most = picture.Change{Down: max(most.Down, c.Down), Across: max(most.Across, c.Across), Size: max(most.Size, c.Size), Light: max(most.Light, c.Light)}
	}
	if mirrored < draws*2/5 || mirrored > draws*3/5 {
		t.Errorf("%d of %d mirrored", mirrored, draws)
	}
	if least.Size > 0.81 || most.Size < 0.99 || least.Light > 0.81 || most.Light < 1.19 || least.Down > -6 || least.Across > -3 || most.Down < -0.1 || most.Across < -0.1 {
		t.Errorf("drawn from %+v to %+v", least, most)
	}
}

func TestMoves(t *testing.T) {
	for text, want := range map[string]picture.Moves{"none": {}, "flip": {Flip: true}, "crop, flip": {Flip: true, Crop: true}, "flip,crop,brightness": {Flip: true, Crop: true, Brightness: true}} {
		m, err := picture.ParseMoves(text)
		if again, err2 := picture.ParseMoves(m.String()); err != nil || err2 != nil || m != want || again != want {
			t.Errorf("%s: got %v, %v, and again %v, %v", text, m, err, again, err2)
		}
	}
	for _, text := range []string{"", "flop", "flip,", "none,flip"} {
		if m, err := picture.ParseMoves(text); err == nil || m != (picture.Moves{}) {
			t.Errorf("%q: got %v, %v", text, m, err)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]picture.Size{"64x48": {Width: 64, Height: 48}, "32": {Width: 32, Height: 32}} {
		if s, err := picture.ParseSize(text); err != nil || s != want {
			t.Errorf("%s: got %v, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "x", "64x", "0x3", "-1", "3x4x5", "1.5"} {
		if s, err := picture.ParseSize(text); err == nil || s != (picture.Size{}) {
			t.Errorf("%q: got %v, %v", text, s, err)
		}
	}
}

func TestJitterValidate(t *testing.T) {
	im := picture.Image{Height: 4, Width: 5, Channels: 1}
	for _, c := range []struct {
		j        picture.Jitter
		features int
		want     string
	}{
		{picture.Jitter{}, 7, "<nil>"},
		{picture.Jitter{Image: im, Deviation: 0.5}, 20, "<nil>"},
		{picture.Jitter{Image: im, Deviation: 0.5}, 21, "jitter: the samples have 21 features, and 4×5×1 pictures have 20"},
		{picture.Jitter{Deviation: 0.5}, 20, "jitter: got 0.5 pixels, and the samples are no pictures"},
		{picture.Jitter{Moves: picture.Moves{Flip: true}}, 20, "moves: got flip, and the samples are no pictures"},
		{picture.Jitter{Image: im, Moves: picture.Moves{Flip: true}}, 20, "<nil>"},
		{picture.Jitter{Image: im, Deviation: -1}, 20, "jitter: got -1 pixels, want from 0 to the side of 4×5×1 pictures"},
		{picture.Jitter{Image: im, Deviation: 4.1}, 20, "jitter: got 4.1 pixels, want from 0 to the side of 4×5×1 pictures"},
		{picture.Jitter{Image: im, Deviation: math.NaN()}, 20, "jitter: got NaN pixels, want from 0 to the side of 4×5×1 pictures"},
	} {
		if got := fmt.Sprint(c.j.Validate(c.features)); got != c.want {
			t.Errorf("%+v, %d features: got %q, want %q", c.j, c.features, got, c.want)
		}
	}
}
