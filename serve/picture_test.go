package serve_test

import (
	"bytes"
	"image"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/serve"
)

// TestPicture: the file of a picture is answered as the row of its pixels is.
func TestPicture(t *testing.T) {
	im := picture.Image{Height: 1, Width: 2, Channels: 1, Max: 255, Bits: 8, Resize: picture.Crop}
	n, err := dlam.NewNetwork([]int{2, 4, 2}, activation.ReLU{}, dlam.He, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	m := &model.Model{Network: n, Loss: loss.CrossEntropy{}, Classes: []string{"no", "yes"},
		Transform: dataset.Transform{Inputs: 2, Image: im, Pool: 1, Shift: []float32{0}, Factor: []float32{1.0 / 255}}}
	s := newServer(t, m, nil)
	file := func(w, h int, left, right uint8) string {
		p := image.NewGray(image.Rect(0, 0, w, h))
		for i := range p.Pix {
			if p.Pix[i] = left; i%w >= w/2 {
				p.Pix[i] = right
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, p); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	want := ask(s, "POST", inferPath, `{"inputs":[{"name":"input","datatype":"UINT8","shape":[1,2],"data":[10,200]}]}`)
	if want.Code != 200 {
		t.Fatal(want.Body)
	}
	for name, kind := range map[string]string{file(2, 1, 10, 200): "image/png", file(2, 5, 10, 200): "image/jpeg; q=1"} {
		if got := ask(s, "POST", inferPath, name, "Content-Type", kind); got.Code != 200 || got.Body.String() != want.Body.String() {
			t.Errorf("got %d, %s, want %s", got.Code, got.Body, want.Body)
		}
	}
	post := func(s *serve.Server, file string) func() (string, int, string) {
		return func() (string, int, string) {
			w := ask(s, "POST", inferPath, file, "Content-Type", "image/png")
			return w.Header().Get("Content-Type"), w.Code, w.Body.String()
		}
	}
	narrow := newServer(t, m, func(s *serve.Settings) { s.MaxMemory = 32 << 20 })
	fixed := *m
	fixed.Transform.Image.Resize = ""
	for want, got := range map[string]func() (string, int, string){
		"the picture: not a picture":                 post(s, "GIF8"),
		"2×3 pixels, and those to train on had 2×1":  post(newServer(t, &fixed, nil), file(2, 3, 1, 2)),
		"the model takes no pictures":                post(newServer(t, sample(t, true), nil), file(2, 1, 1, 2)),
		"the requests under way take all the memory": post(narrow, file(2048, 2048, 1, 2)),
		"the picture: png: invalid format":           post(s, file(2, 1, 1, 2)[:45]),
	} {
		kind, code, body := got()
		if kind != "application/json" || code < 400 || code > 503 || !strings.Contains(body, want) {
			t.Errorf("got %d, %s, want %q", code, body, want)
		}
	}
	if w := ask(s, "GET", "/v2/models/m", ""); !strings.Contains(w.Body.String(), `"image":{"height":1,"width":2,"channels":1,"max":255,"bits":8,"resize":"crop"}`) {
		t.Errorf("described as %s", w.Body)
	}
}
