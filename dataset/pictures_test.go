package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/picture"
)

// gray8 is a picture of equal pixels, but for the one at 1, 0.
func gray8(side int, v uint8) image.Image {
	im := image.NewGray(image.Rect(0, 0, side, side))
	im.Set(1, 0, color.Gray{v})
	return im
}

func coloured(side int, c color.Color) image.Image {
	im := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i := range side * side {
		im.Set(i%side, i/side, c)
	}
	return im
}

// encoded is a picture in the format that a file's name ends with.
func encoded(t testing.TB, name string, im image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch filepath.Ext(name) {
	case ".png":
		err = png.Encode(&b, im)
	case ".jpg":
		err = jpeg.Encode(&b, im, &jpeg.Options{Quality: 100})
	case ".gif":
		err = gif.Encode(&b, im, nil)
	case ".bmp":
		err = bmp.Encode(&b, im)
	case ".tif":
		err = tiff.Encode(&b, im, &tiff.Options{Compression: tiff.Deflate})
	default:
		t.Fatal(name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// folder is a folder with pictures, texts and links (-> where to) under their names.
func folder(t testing.TB, content map[string]any) string {
	t.Helper()
	root := t.TempDir()
	for name, c := range content {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch c := c.(type) {
		case image.Image:
			err = os.WriteFile(path, encoded(t, name, c), 0o644)
		case []byte:
			err = os.WriteFile(path, c, 0o644)
		case string:
			if to, ok := strings.CutPrefix(c, "-> "); ok {
				err = os.Symlink(filepath.Join(root, to), path)
			} else {
				err = os.WriteFile(path, []byte(c), 0o644)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestPictureFolders: what is a picture of which class, and what is told of the
// rest.
func TestPictureFolders(t *testing.T) {
	a, b := gray8(3, 100), gray8(3, 200)
	for name, c := range map[string]struct {
		content map[string]any
		counts  map[string]int
		note    string
	}{
		"hidden files and folders": {map[string]any{"cat/1.png": a, "dog/1.png": b, ".ipynb_checkpoints/1.png": a, "cat/._1.png": "no picture", "cat/.DS_Store": ""},
			map[string]int{"cat": 1, "dog": 1}, "left out: hidden files and folders (3)"},
		"what systems leave": {map[string]any{"cat/1.png": a, "dog/1.png": b, "__MACOSX/cat/1.png": a, "cat/Thumbs.db": "x", "notes.TXT": "y", "dog/README": "z"},
			map[string]int{"cat": 1, "dog": 1}, "left out: files of kind .db (1), files of kind .txt (1), files without an ending (1), folders __MACOSX (1)"},
		"links": {map[string]any{"cat/1.png": a, "dog/1.png": b, "fish/2.png": "-> cat/1.png", "fish/gone.png": "-> nowhere", "cat/loop": "-> ."},
			map[string]int{"cat": 1, "dog": 1, "fish": 1}, "left out: links to a folder that they are in (1), links to nothing (1)"},
		"a picture of two classes": {map[string]any{"cat/1.png": a, "dog/1.png": b, "fish/2.png": "-> cat/1.png", "fish/3.png": "-> dog/1.png"},
			map[string]int{"cat": 1, "dog": 1, "fish": 2}, "pictures that are samples of two classes, by links, and probably by mistake (2), as cat/1.png and fish/2.png"},
		"two links to one picture": {map[string]any{"cat/1.png": a, "cat/2.png": "-> .pool/1.png", ".pool/1.png": b, "dog/2.png": "-> .pool/1.png", "dog/3.png": "-> .pool/1.png"},
			map[string]int{"cat": 2, "dog": 2}, "samples of two classes, by links, and probably by mistake (2), as dog/2.png and cat/2.png"},
		"links to pictures of no class": {map[string]any{"cat/1.png": "-> .pool/1.png", ".pool/1.png": b, ".pool/2.png": a, "dog/2.png": "-> .pool/2.png"},
			map[string]int{"cat": 1, "dog": 1}, "left out: hidden files and folders (1)"},
		"links that cross": {map[string]any{
			"cat/a/1.png": a, "cat/b/2.png": a, "cat/c/3.png": a, "cat/a/b": "-> cat/b", "cat/a/c": "-> cat/c", "cat/b/a": "-> cat/a", "cat/b/c": "-> cat/c",
			"cat/c/a": "-> cat/a", "cat/c/b": "-> cat/b", "dog": "-> cat/a",
		}, map[string]int{"cat": 3, "dog": 3}, "left out: links to a folder that they are in (6), links to a folder that was gone into already (4)"},
		"a class in another": {map[string]any{"cat/a/1.png": a, "cat/b/2.png": b, "dog": "-> cat/a"},
			map[string]int{"cat": 2, "dog": 1}, "pictures that are samples of two classes, by links, and probably by mistake (1), as cat/a/1.png and dog/1.png"},
		"folders in folders": {map[string]any{"cat/1.png": a, "cat/persian/1.png": b, "cat/persian/old/1.png": b, "dog/1.png": b},
			map[string]int{"cat": 3, "dog": 1}, ""},
		"a folder without pictures": {map[string]any{"cat/1.png": a, "dog/1.png": b, "fish/1.heic": "x"},
			map[string]int{"cat": 1, "dog": 1}, "folders without pictures, which are no classes: fish"},
		"formats": {map[string]any{"cat/1.png": a, "cat/2.bmp": a, "cat/3.gif": a, "dog/4.tif": b, "dog/5.JPG.png": b, "dog/6.bmp": b},
			map[string]int{"cat": 3, "dog": 3}, ""},
	} {
		root := folder(t, c.content)
		d := open(t, root, Options{}).Train
		if fmt.Sprint(counts(d)) != fmt.Sprint(c.counts) {
			t.Errorf("%s: got %v, want %v", name, counts(d), c.counts)
		}
		if notes := strings.Join(d.Notes, "\n"); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
			t.Errorf("%s: told %q, want %q", name, notes, c.note)
		}
	}
	wantError(t, folder(t, map[string]any{"cat/1.png": a, "2.png": b}), Options{}, "1 pictures lie outside the folders of the classes")
	same := folder(t, map[string]any{"cat/1.png": a, "dog": "-> cat", "fish/1.png": b})
	wantError(t, same, Options{}, `the classes "cat" and "dog" are one folder, by a link: each picture would be a sample of both`)
	if d := open(t, same, Options{NoLabel: true}).Train; d.Rows() != 3 { // each has a name of its own
		t.Errorf("%d pictures without labels, want 3", d.Rows())
	}
	wantError(t, folder(t, map[string]any{"train/cat/1.png": a, "train/dog/1.png": b, "test": "-> train"}), Options{}, "train and test are one folder, by a link")
	d := open(t, folder(t, map[string]any{"train/cat/1.png": a, "train/dog/1.png": b, "test/cat": "-> train/cat", "test/dog/2.png": b}), Options{}).Test
	if notes := strings.Join(d.Notes, "\n"); !strings.Contains(notes, "pictures that lie in") || !strings.Contains(notes, "train, by links (1): what is trained on is tested on") {
		t.Errorf("told %q", notes)
	}
	wantError(t, folder(t, map[string]any{"cat/1.heic": "x"}), Options{}, "no pictures, in it or in a folder for each class (PNG, JPEG, GIF, BMP, TIFF, WebP are known; ")
	wantError(t, folder(t, map[string]any{"cat/1.png": "x"}), Options{}, "1.png: not a picture")
	if d := open(t, folder(t, map[string]any{"1.png": a, "2.png": b}), Options{}).Train; d.Rows() != 2 || d.Labelled() {
		t.Errorf("pictures alone: %d, labelled %v", d.Rows(), d.Labelled())
	}
}

// onWhite is a value of 8 bits with an opacity of 100 on white.
func onWhite(v uint32) float32 {
	const opacity = 100
	return float32(v*0x101*opacity/0xff+0xffff-opacity*0x101) / 0x101
}

// TestPictureValues: the values of a picture are those that are stored, of 8 bits or
// of 16; there is colour in all pictures if there is in one, and what is transparent is
// on white.
func TestPictureValues(t *testing.T) {
	deep := image.NewGray16(image.Rect(0, 0, 2, 1))
	deep.SetGray16(0, 0, color.Gray16{20})
	deep.SetGray16(1, 0, color.Gray16{200})
	flat := image.NewGray(image.Rect(0, 0, 2, 1))
	flat.SetGray(1, 0, color.Gray{2})
	red := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	red.Set(0, 0, color.NRGBA{R: 255, A: 255})
	red.Set(1, 0, color.NRGBA{R: 1, G: 2, B: 3, A: 255})
	clear := image.NewNRGBA(image.Rect(0, 0, 2, 1)) // whose first pixel has a colour that is not to be seen
	clear.Set(0, 0, color.NRGBA{R: 200, G: 100, B: 50})
	clear.Set(1, 0, color.NRGBA{R: 9, G: 8, B: 7, A: 100})
	clear16 := image.NewNRGBA64(image.Rect(0, 0, 2, 1))
	clear16.Set(1, 0, color.NRGBA64{R: 900, G: 800, B: 700, A: 1000})
	palette := image.NewPaletted(image.Rect(0, 0, 2, 1), color.Palette{color.NRGBA{R: 200, G: 100, B: 50}, color.NRGBA{R: 1, G: 2, B: 3, A: 255}})
	palette.SetColorIndex(1, 0, 1)
	red16 := image.NewNRGBA64(image.Rect(0, 0, 2, 1))
	red16.Set(0, 0, color.Black)
	red16.Set(1, 0, color.NRGBA64{R: 5, G: 6, B: 7000, A: 0xffff})
	for name, c := range map[string]struct {
		content  map[string]any
		x        []float32
		channels int
		max      float32
	}{
		"16 bits":               {map[string]any{"1.png": deep}, []float32{20, 200}, 1, 200},
		"16 bits, TIFF":         {map[string]any{"1.tif": deep}, []float32{20, 200}, 1, 200},
		"16 bits and 8":         {map[string]any{"1.png": deep, "2.png": flat}, []float32{20, 200, 0, 514}, 1, 514},
		"gray, then colour":     {map[string]any{"1.png": flat, "2.png": red}, []float32{0, 0, 0, 2, 2, 2, 255, 0, 0, 1, 2, 3}, 3, 255},
		"colour of 16 bits":     {map[string]any{"1.png": red16}, []float32{0, 0, 0, 5, 6, 7000}, 3, 7000},
		"transparent":           {map[string]any{"1.png": clear}, []float32{255, 255, 255, onWhite(9), onWhite(8), onWhite(7)}, 3, 255},
		"transparent, TIFF":     {map[string]any{"1.tif": clear}, []float32{255, 255, 255, onWhite(9), onWhite(8), onWhite(7)}, 3, 255},
		"transparent, 16 bits":  {map[string]any{"1.png": clear16}, []float32{0xffff, 0xffff, 0xffff, 64535 + 13, 64535 + 12, 64535 + 10}, 3, 0xffff},
		"transparent, palette":  {map[string]any{"1.png": palette}, []float32{255, 255, 255, 1, 2, 3}, 3, 255},
		"gray of 8 bits":        {map[string]any{"1.png": flat, "2.bmp": flat}, []float32{0, 2, 0, 2}, 1, 255},
		"colour in other files": {map[string]any{"1.bmp": red, "2.tif": red, "3.gif": coloured(2, color.NRGBA{A: 255}).(*image.NRGBA).SubImage(image.Rect(0, 0, 2, 1))}, []float32{255, 0, 0, 1, 2, 3, 255, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0, 0}, 3, 255},
	} {
		for size := 1; size <= min(2, len(c.content)); size++ {
			var x []float32
			for _, d := range trainShares(t, folder(t, c.content), size, Options{}) {
				if d.Image.Channels != c.channels || d.Image.Max != c.max || d.Image.Height != 1 || d.Image.Width != 2 {
					t.Errorf("%s: got %+v", name, d.Image)
				}
				x = append(x, d.X.Elements()...)
			}
			if !slices.Equal(x, c.x) {
				t.Errorf("%s: got %v, want %v", name, x, c.x)
			}
		}
	}
	fax := encoded(t, "x.tif", flat)
	at := bytes.Index(fax, []byte{3, 1, 3, 0, 1, 0, 0, 0}) // the tag of the compression
	fax[at+8] = 4
	wantError(t, folder(t, map[string]any{"1.tif": fax}), Options{}, "1.tif: a TIFF file with the compression of faxes, which is not supported")
	d := open(t, folder(t, map[string]any{"1.webp": webp(t)}), Options{}).Train
	if s := d.Summarize(); d.Image.Height != 12 || d.Image.Channels != 3 || s.Max <= 100 {
		t.Errorf("WebP: got %+v up to %v", d.Image, s.Max)
	}
}

// TestPictureNotes: what was done to pictures is told, with how many they were.
func TestPictureNotes(t *testing.T) {
	pixel := func(c color.Color) *image.Paletted {
		return image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{c, color.White})
	}
	var film bytes.Buffer
	if err := gif.EncodeAll(&film, &gif.GIF{Image: []*image.Paletted{pixel(color.Gray{7}), pixel(color.Gray{9})}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	pages := encoded(t, "x.tif", gray8(1, 0))
	at := binary.LittleEndian.Uint32(pages[4:])
	at += 2 + 12*uint32(binary.LittleEndian.Uint16(pages[at:]))
	binary.LittleEndian.PutUint32(pages[at:], 8) // where the next picture is said to be
	root := folder(t, map[string]any{
		"1.gif": film.Bytes(), "2.gif": pixel(color.Gray{5}), "3.tif": pages, "4.tif": gray8(1, 0),
		"5.png": coloured(1, color.NRGBA{A: 9}), "6.png": coloured(1, color.NRGBA{A: 255}),
	})
	for size := 1; size <= 2; size++ {
		for _, d := range trainShares(t, root, size, Options{Grey: true}) {
			notes := strings.Join(d.Notes, "\n")
			for _, want := range []string{"files with several pictures, of which the first is read (2)", "pictures with transparent pixels, which are laid on white (1)"} {
				if !strings.Contains(notes, want) {
					t.Errorf("told %q, want %q", notes, want)
				}
			}
			if d.Image.Channels != 1 || size == 1 && d.X.Data[0] != 7 {
				t.Errorf("got %v with %v", d.Image, d.X.Data)
			}
		}
	}
}

// TestResize: pictures of any size are made one, by the middle of them and with the mean
// of all pixels that one of the new size covers; a model takes them likewise.
func TestResize(t *testing.T) {
	stripes := image.NewGray(image.Rect(0, 0, 64, 16)) // in the middle columns 0 and 200 in turn, left and right of it white
	for i := range stripes.Pix {
		switch x := i % 64; {
		case x < 24 || x >= 40:
			stripes.Pix[i] = 255
		case x%2 == 1:
			stripes.Pix[i] = 200
		}
	}
	root := folder(t, map[string]any{"a/1.png": stripes, "a/2.png": gray8(2, 0), "b/3.jpg": coloured(5, color.NRGBA{R: 90, G: 90, B: 90, A: 255}), "b/4.jpg": oriented(t, gray8(16, 0), 6)})
	wantError(t, root, Options{}, "2.png: 2×2 pixels, and "+filepath.Join(root, "a", "1.png")+" has 64×16: --resize WIDTHxHEIGHT makes all of one size")
	wantError(t, root, Options{Resize: picture.Size{Width: 1 << 20, Height: 1 << 20}}, "resize: got 1048576x1048576")
	o := Options{Resize: picture.Size{Width: 4, Height: 4}, Grey: true}
	var x []float32
	for _, d := range trainShares(t, root, 1, o) {
		x = d.X.Elements()
		if want := (picture.Image{Height: 4, Width: 4, Channels: 1, Max: 255, Bits: 8, Resize: picture.Crop}); d.Image != want || d.Rows() != 4 {
			t.Fatalf("got %d of %+v", d.Rows(), d.Image)
		}
		for i, v := range x[:16] {
			if x := i % 4; x == 1 || x == 2 { // those at the edge have some less or more of the first and the last column
				if v < 95 || v > 105 {
					t.Errorf("stripes: pixel %d is %v, want their mean, 100", i, v)
				}
			} else if v < 85 || v > 115 {
				t.Errorf("stripes: pixel %d is %v, want about 100, and nothing of what is left and right", i, v)
			}
		}
		for _, v := range x[32:48] {
			if v < 89 || v > 91 {
				t.Errorf("a larger picture of 90: got %v", v)
			}
		}
		model, err := Fit(d, ScaleUnit, 1)
		if err != nil {
			t.Fatal(err)
		}
		again := open(t, root, Options{Model: &model, Classes: d.Classes, Features: d.Features}).Train
		if !slices.Equal(again.X.Elements(), x) || again.Image != d.Image {
			t.Errorf("a model's pictures are others than those that it was trained on")
		}
		file, err := os.ReadFile(filepath.Join(root, "a", "1.png"))
		if err != nil {
			t.Fatal(err)
		}
		took := int64(0)
		sample, err := model.Picture(file, func(n int64) error { took += n; return nil })
		if err != nil || !slices.Equal(sample, x[:16]) || took < 64*16 {
			t.Errorf("one picture: got %v, %v, in %d bytes", sample, err, took)
		}
		full := errors.New("full")
		if _, err := model.Picture(file, func(int64) error { return full }); !errors.Is(err, full) {
			t.Errorf("without memory: got %v", err)
		}
		if _, err := model.Picture([]byte("GIF8"), func(int64) error { return nil }); !errors.Is(err, ErrInput) {
			t.Errorf("no picture: got %v", err)
		}
	}
	var two []float32
	for _, d := range trainShares(t, root, 2, o) {
		two = append(two, d.X.Elements()...)
	}
	if !slices.Equal(two, x) {
		t.Error("two processes read others")
	}
}

// TestPicturesForModels: files are made what a model's pictures are: its channels, and
// values as if they had been among those that it was trained on.
func TestPicturesForModels(t *testing.T) {
	red := coloured(2, color.NRGBA{R: 255, A: 255})
	for name, c := range map[string]struct {
		model picture.Image
		im    image.Image
		want  []float32 // of the pixel at 1, 0
		note  string
	}{
		"grey of colour":      {picture.Image{Channels: 1, Max: 255, Bits: 8}, red, []float32{19595.0 / 65536 * 255}, "colours are made grey"},
		"colour of grey":      {picture.Image{Channels: 3, Max: 255, Bits: 8}, gray8(2, 50), []float32{50, 50, 50}, ""},
		"16 bits of 8":        {picture.Image{Channels: 1, Max: 900, Bits: 16}, gray8(2, 2), []float32{514}, ""},
		"arrays of 0 to 255":  {picture.Image{Channels: 1, Max: 255}, gray8(2, 50), []float32{50}, ""},
		"arrays of 0 to 1":    {picture.Image{Channels: 1, Max: 1}, gray8(2, 51), []float32{0.2}, ""},
		"arrays of 0 to 1023": {picture.Image{Channels: 1, Max: 1023}, gray8(2, 1), []float32{257}, ""},
	} {
		c.model.Height, c.model.Width = 2, 2
		d := open(t, folder(t, map[string]any{"1.png": c.im}), Options{Model: &Transform{Image: c.model}}).Train
		n := c.model.Channels
		for i, want := range c.want {
			if got := d.X.Data[n+i]; got < want-0.01 || got > want+0.01 {
				t.Errorf("%s: got %v, want %v", name, d.X.Data[n:2*n], c.want)
			}
		}
		if notes := strings.Join(d.Notes, "\n"); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
			t.Errorf("%s: told %q, want %q", name, notes, c.note)
		}
	}
	other := picture.Image{Height: 3, Width: 2, Channels: 1, Max: 255, Bits: 8}
	root := folder(t, map[string]any{"1.png": red})
	wantError(t, root, Options{Model: &Transform{Image: other}}, "1.png: 2×2 pixels, and those to train on had 2×3: training with --resize 2x3 takes any")
	other.Channels = 2
	wantError(t, root, Options{Model: &Transform{Image: other}}, "the model takes 3×2×2 pictures")
}

// TestPictureParts: folders train and test, or one to validate on, are what they are
// called if nothing else is beside them; pictures can be named by themselves.
func TestPictureParts(t *testing.T) {
	a, b := gray8(3, 100), gray8(3, 200)
	for name, c := range map[string]struct {
		content     map[string]any
		train, test map[string]int
		note        string
	}{
		"train and test":    {map[string]any{"train/cat/1.png": a, "train/dog/1.png": b, "test/dog/2.png": b, ".DS_Store": "x"}, map[string]int{"cat": 1, "dog": 1}, map[string]int{"dog": 1}, "train is to train on, test to test on"},
		"three":             {map[string]any{"train/cat/1.png": a, "train/dog/1.png": b, "val/dog/2.png": b, "test/cat/1.png": a, "README": ""}, map[string]int{"cat": 1, "dog": 1}, map[string]int{"cat": 1}, "left out beside them: val, README"},
		"one to validate":   {map[string]any{"train/cat/1.png": a, "train/dog/1.png": b, "valid/dog/2.png": b}, map[string]int{"cat": 1, "dog": 1}, map[string]int{"dog": 1}, "train is to train on, valid to test on"},
		"a class of trains": {map[string]any{"train/1.png": a, "car/1.png": b, "test/1.png": a}, map[string]int{"car": 1, "test": 1, "train": 1}, map[string]int{}, ""},
	} {
		root := folder(t, c.content)
		s := open(t, root, Options{})
		if fmt.Sprint(counts(s.Train)) != fmt.Sprint(c.train) || fmt.Sprint(counts(s.Test)) != fmt.Sprint(c.test) || s.Train.Name != root {
			t.Errorf("%s: got %v and %v", name, counts(s.Train), counts(s.Test))
		}
		if notes := strings.Join(s.Train.Notes, "\n"); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
			t.Errorf("%s: told %q, want %q", name, notes, c.note)
		}
	}
	wantError(t, folder(t, map[string]any{"train/cat/1.png": a, "train/dog/1.png": b, "test/fish/2.png": b}), Options{}, `"fish"`)
	wantError(t, folder(t, map[string]any{"train/cat/1.png": a, "train/dog/1.png": b, "test/dog/2.png": gray8(2, 1)}), Options{}, "2.png: 2×2 pixels, and those to train on had 3×3: ")
	root := folder(t, map[string]any{"new/1.png": a, "new/more/2.JPG.png": b})
	for source, want := range map[string]string{"new": "1.png more/2.JPG.png", "new/1.png": filepath.Join(root, "new/1.png"), "new/?.png": filepath.Join(root, "new/1.png")} {
		d := open(t, filepath.Join(root, source), Options{NoLabel: true, Keep: []string{"file"}}).Train
		if d.Labelled() || len(d.Kept) != 1 || strings.Join(d.Kept[0].Values, " ") != want {
			t.Errorf("%s: %d pictures, labelled %v, kept %v", source, d.Rows(), d.Labelled(), d.Kept)
		}
	}
	wantError(t, "digits", Options{Grey: true}, "resize and grey are for picture files")
	red := coloured(3, color.NRGBA{R: 9, A: 255})
	if d := open(t, folder(t, map[string]any{"train/cat/1.png": red, "train/dog/1.png": b, "test/dog/2.png": red}), Options{Grey: true}).Test; d.Image.Channels != 1 || d.Notes != nil {
		t.Errorf("grey pictures to test on: %v, told %q of what was asked for", d.Image, d.Notes)
	}
}

func webp(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/files/picture.webp")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// oriented is a JPEG file with an Exif segment that says how it is to be turned.
func oriented(t testing.TB, im image.Image, orientation byte) []byte {
	t.Helper()
	exif := "Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x02" + // a directory of two entries
		"\x01\x0f\x00\x02\x00\x00\x00\x04abc\x00" + "\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(orientation) + "\x00\x00" + "\x00\x00\x00\x00"
	b := encoded(t, "x.jpg", im)
	comment := "\xff\xfe\x00\x05hey"
	return slices.Concat(b[:2], []byte(comment), []byte{0xff, 0xe1, 0, byte(len(exif) + 2)}, []byte(exif), b[2:])
}

// progressive is a JPEG file of 8×8 pixels with so many scans.
func progressive(scans int) []byte {
	const table = "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" // of one code, a bit long
	return []byte("\xff\xd8\xff\xdb\x00\x43\x00" + strings.Repeat("\x01", 64) +
		"\xff\xc2\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00" + "\xff\xc4\x00\x14\x00" + table + "\xff\xc4\x00\x14\x10" + table +
		"\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00\x00" + strings.Repeat("\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00\x00", scans-1) + "\xff\xd9")
}

// TestScans: a JPEG file from someone else has as many scans as encoders make, and not so many
// that a small file keeps a processor busy.
func TestScans(t *testing.T) {
	model := Transform{Image: picture.Image{Height: 8, Width: 8, Channels: 1, Max: 255, Bits: 8}, Inputs: 64}
	room := func(int64) error { return nil }
	if sample, err := model.Picture(progressive(mostScans), room); err != nil || sample[0] != 128 {
		t.Errorf("%d scans: got %v, %v", mostScans, sample, err)
	}
	if _, err := model.Picture(progressive(mostScans+1), room); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), "more than 100 scans") {
		t.Errorf("%d scans: got %v", mostScans+1, err)
	}
}

// TestOrientation: a picture is turned as Exif says.
func TestOrientation(t *testing.T) {
	const w, h, block = 2, 3, 8 // of what JPEG compresses as one
	im := image.NewGray(image.Rect(0, 0, w*block, h*block))
	for i := range w * h * block * block {
		x, y := i%(w*block), i/(w*block)
		im.SetGray(x, y, color.Gray{uint8(40 * (1 + x/block + w*(y/block)))})
	}
	for orientation, want := range map[byte][][]int{
		0: {{1, 2}, {3, 4}, {5, 6}}, 1: {{1, 2}, {3, 4}, {5, 6}}, 2: {{2, 1}, {4, 3}, {6, 5}}, 3: {{6, 5}, {4, 3}, {2, 1}}, 4: {{5, 6}, {3, 4}, {1, 2}},
		5: {{1, 3, 5}, {2, 4, 6}}, 6: {{5, 3, 1}, {6, 4, 2}}, 7: {{6, 4, 2}, {5, 3, 1}}, 8: {{2, 4, 6}, {1, 3, 5}}, 9: {{1, 2}, {3, 4}, {5, 6}},
	} {
		d := open(t, folder(t, map[string]any{"1.jpg": oriented(t, im, orientation)}), Options{}).Train
		if d.Image.Height != len(want)*block || d.Image.Width != len(want[0])*block {
			t.Fatalf("orientation %d: %+v", orientation, d.Image)
		}
		for y, row := range want {
			for x, v := range row {
				at := (y*block+block/2)*d.Image.Width + x*block + block/2
				if got := d.X.Data[at] / 40; got < float32(v)-0.2 || got > float32(v)+0.2 {
					t.Errorf("orientation %d: block %d, %d is %v, want %d", orientation, x, y, got, v)
				}
			}
		}
	}
	// Pictures that are to be turned have the size that they are seen in.
	wantError(t, folder(t, map[string]any{"1.jpg": oriented(t, im, 6), "2.jpg": oriented(t, im, 1)}), Options{}, "1.jpg has 24×16: --resize WIDTHxHEIGHT makes all of one size")
}

// TestPictureMemory: pictures take what is allowed for their values and for decoding
// one, and no more.
func TestPictureMemory(t *testing.T) {
	content := map[string]any{}
	for i := range 4 {
		content[fmt.Sprint(i, ".png")] = gray8(512, 1)
	}
	root := folder(t, content)
	const values = 4 * 512 * 512 * 4
	for bytes, ok := range map[float64]bool{values - 1: false, values + 1<<20: false, values + 5<<20: true} {
		_, err := Open(context.Background(), root, Options{MaxMemory: bytes})
		var large TooLarge
		if ok != (err == nil) || !ok && !errors.As(err, &large) {
			t.Errorf("%.0f bytes: got %v", bytes, err)
		}
	}
	// What stands at the end of a file is read from there: a TIFF file is not taken into
	// memory to learn that it is too large.
	noise := image.NewGray(image.Rect(0, 0, 2048, 2048))
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise.Pix) // never fails
	root = folder(t, map[string]any{"1.tif": noise})
	var err error
	took := testprob.Allocated(func() { _, err = Open(context.Background(), root, Options{MaxMemory: 1 << 20}) })
	var large TooLarge
	if !errors.As(err, &large) || took > 1<<20 {
		t.Errorf("a file of %d bytes: %.0f allocated, %v", len(noise.Pix), took, err)
	}
}

// FuzzPicture: any file is refused or a picture, in the memory that is allowed.
func FuzzPicture(f *testing.F) {
	for _, name := range []string{"x.png", "x.jpg", "x.gif", "x.bmp", "x.tif"} {
		f.Add(encoded(f, name, gray8(5, 9)))
		f.Add(encoded(f, name, coloured(4, color.NRGBA{R: 9, G: 8, B: 7, A: 255})))
	}
	f.Add(webp(f))
	f.Add(oriented(f, gray8(9, 5), 6))
	f.Fuzz(func(t *testing.T, content []byte) {
		root := folder(t, map[string]any{"x.png": content})
		s, err := Open(context.Background(), root, Options{MaxMemory: 16 << 20})
		if err != nil {
			if !errors.Is(err, ErrInput) {
				t.Fatalf("error is not ErrInput: %v", err)
			}
			return
		}
		if im := s.Train.Image; len(s.Train.X.Data) != im.Height*im.Width*im.Channels {
			t.Fatalf("%+v with %d values", im, len(s.Train.X.Data))
		}
	})
}

// TestDecodingMemory decodes files whose decoders take much, and holds the memory against
// what is said of it beforehand. What is collected on the way counts too: it may not be yet.
func TestDecodingMemory(t *testing.T) {
	const side = 320
	files := map[string][]byte{}
	for _, name := range []string{"cmyk.jpg", "rgb.jpg", "l.jpg", "thin.jpg"} {
		raw, err := os.ReadFile(filepath.Join("testdata/progressive", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = raw
	}
	rgb := files["rgb.jpg"] // whose colours are those of the screen with an Adobe segment in JFIF's place
	files["adobe.jpg"] = slices.Concat(rgb[:2], []byte("\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"), rgb[20:])
	deep := image.NewNRGBA64(image.Rect(0, 0, side, side))
	for _, name := range []string{"deep.png", "deep.tif"} {
		files[name] = encoded(t, name, deep)
	}
	for name, raw := range files {
		h, err := readHead(name, bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		took := testprob.Allocated(func() {
			if _, err := h.decode(name, bytes.NewReader(raw)); err != nil {
				t.Fatal(err)
			}
		})
		said := float64(h.memory(picture.Image{Width: h.width, Height: h.height}, int64(len(raw))))
		if took > said || name != "thin.jpg" && said > 2.5*took {
			t.Errorf("%s: took %.0f bytes, %.0f were said", name, took, said)
		}
		if testing.Verbose() {
			t.Logf("%s: took %.0f bytes, %.0f were said", name, took, said)
		}
	}
}
