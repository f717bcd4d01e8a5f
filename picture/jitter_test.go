package picture_test

import (
	"fmt"
	"math"
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
		{picture.Jitter{Image: im, Deviation: -1}, 20, "jitter: got -1 pixels, want from 0 to the side of 4×5×1 pictures"},
		{picture.Jitter{Image: im, Deviation: 4.1}, 20, "jitter: got 4.1 pixels, want from 0 to the side of 4×5×1 pictures"},
		{picture.Jitter{Image: im, Deviation: math.NaN()}, 20, "jitter: got NaN pixels, want from 0 to the side of 4×5×1 pictures"},
	} {
		if got := fmt.Sprint(c.j.Validate(c.features)); got != c.want {
			t.Errorf("%+v, %d features: got %q, want %q", c.j, c.features, got, c.want)
		}
	}
}
