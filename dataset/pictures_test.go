package dataset

import (
	"bytes"
	"context"
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
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
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
		"links": {map[string]any{"cat/1.png": a, "dog": "-> cat", "fish/2.png": "-> cat/1.png", "fish/gone.png": "-> nowhere", "cat/loop": "-> ."},
			map[string]int{"cat": 1, "dog": 1, "fish": 1}, "left out: links to a folder that they are in (2), links to nothing (1)"},
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
	wantError(t, folder(t, map[string]any{"cat/1.heic": "x"}), Options{}, "no pictures, in it or in a folder for each class (PNG, JPEG, GIF, BMP, TIFF, WebP are known; ")
	wantError(t, folder(t, map[string]any{"cat/1.png": "x"}), Options{}, "1.png: not a picture")
	if d := open(t, folder(t, map[string]any{"1.png": a, "2.png": b}), Options{}).Train; d.Rows() != 2 || d.Labelled() {
		t.Errorf("pictures alone: %d, labelled %v", d.Rows(), d.Labelled())
	}
}

// TestPictureValues: the values of a picture are those that are stored, of 8 bits or
// of 16; there is colour in all pictures if there is in one.
func TestPictureValues(t *testing.T) {
	deep := image.NewGray16(image.Rect(0, 0, 2, 1))
	deep.SetGray16(0, 0, color.Gray16{20})
	deep.SetGray16(1, 0, color.Gray16{200})
	flat := image.NewGray(image.Rect(0, 0, 2, 1))
	flat.SetGray(1, 0, color.Gray{2})
	red := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	red.Set(0, 0, color.NRGBA{R: 255, A: 255})
	red.Set(1, 0, color.NRGBA{R: 1, G: 2, B: 3, A: 255})
	clear := image.NewNRGBA(image.Rect(0, 0, 2, 1)) // whose colours are there, though not to be seen
	clear.Set(0, 0, color.NRGBA{R: 200, G: 100, B: 50})
	clear.Set(1, 0, color.NRGBA{R: 9, G: 8, B: 7, A: 100})
	clear16 := image.NewNRGBA64(image.Rect(0, 0, 2, 1))
	clear16.Set(1, 0, color.NRGBA64{R: 900, G: 800, B: 700, A: 1000})
	palette := image.NewPaletted(image.Rect(0, 0, 2, 1), color.Palette{color.NRGBA{R: 200, G: 100, B: 50}, color.NRGBA{R: 1, G: 2, B: 3, A: 255}})
	palette.SetColorIndex(1, 0, 1)
	red16 := image.NewNRGBA64(image.Rect(0, 0, 2, 1))
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
		"transparent":           {map[string]any{"1.png": clear}, []float32{200, 100, 50, 9, 8, 7}, 3, 255},
		"transparent, TIFF":     {map[string]any{"1.tif": clear}, []float32{200, 100, 50, 9, 8, 7}, 3, 255},
		"transparent, 16 bits":  {map[string]any{"1.png": clear16}, []float32{0, 0, 0, 900, 800, 700}, 3, 900},
		"transparent, palette":  {map[string]any{"1.png": palette}, []float32{200, 100, 50, 1, 2, 3}, 3, 255},
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
	wantError(t, folder(t, map[string]any{"1.jpg": oriented(t, im, 6), "2.jpg": oriented(t, im, 1)}), Options{}, "2.jpg: 16×24 pixels, the others have 24×16")
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
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Open(context.Background(), root, Options{MaxMemory: 1 << 20})
	runtime.ReadMemStats(&after)
	var large TooLarge
	if took := after.TotalAlloc - before.TotalAlloc; !errors.As(err, &large) || took > 1<<20 {
		t.Errorf("a file of %d bytes: %d allocated, %v", len(noise.Pix), took, err)
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
