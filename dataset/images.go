package dataset

import (
	"image"
	"image/color"
	_ "image/jpeg" // registers the decoder
	_ "image/png"  // registers the decoder
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/picture"
)

// maxPixels bounds one picture: the decoder allocates what the header claims.
const maxPixels = 1 << 22

// imageFolder reads a folder of pictures of one size, PNG or JPEG: a folder a
// class, or pictures alone, which have no labels.
func imageFolder(root string, o Options) (Dataset, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return Dataset{}, inputError{err}
	}
	d := Dataset{Name: root, Comm: o.Comm}
	var files, text []string
	for _, e := range entries {
		inside := []string{filepath.Join(root, e.Name())}
		if e.IsDir() {
			if inside, err = filepath.Glob(filepath.Join(escape(inside[0]), "*")); err != nil {
				return d, inputError{err}
			}
		}
		for _, f := range inside {
			if !isPicture(f) {
				continue
			}
			files = append(files, f)
			if e.IsDir() {
				text = append(text, e.Name())
			}
		}
	}
	if len(files) == 0 {
		return d, inputf("%s: no PNG or JPEG files, in it or in a folder for each class", root)
	}
	if n := len(text); n > 0 && n != len(files) && !o.NoLabel {
		return d, inputf("%s: %d pictures lie outside the folders of the classes", root, len(files)-n)
	}
	lo, hi := o.rows(len(files))
	if err := d.addPictures(files[lo:hi]); err != nil || len(text) == 0 || o.NoLabel {
		return d, err
	}
	if err := d.classify(labelsOfTexts(root, text), o.whole()); err != nil {
		return d, err
	}
	d.cutLabels(lo, hi)
	return d, nil
}

func (d *Dataset) addPictures(files []string) (err error) {
	var data []float32
	for _, f := range files {
		if data, err = d.addPicture(data, f); err != nil {
			return err
		}
	}
	cols := d.Image.Height * d.Image.Width * d.Image.Channels
	d.X = mat.FromSlice(len(files), cols, data)
	return nil
}

// escape quotes what Glob would take for a pattern.
func escape(path string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(path)
}

func isPicture(path string) bool {
	return slices.Contains([]string{".png", ".jpg", ".jpeg"}, strings.ToLower(filepath.Ext(path)))
}

// addPicture appends a picture's values, row by row, channels last. The first
// one decides the size, and whether there is colour.
func (d *Dataset) addPicture(data []float32, path string) ([]float32, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, inputError{err}
	}
	defer func() { _ = f.Close() }()
	c, _, err := image.DecodeConfig(f)
	if err != nil {
		return nil, inputf("%s: not a PNG or JPEG file: %w", path, err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxPixels/c.Height {
		return nil, inputf("%s: %d×%d pixels, want at most %d in all", path, c.Width, c.Height, maxPixels)
	}
	if d.Image.Width == 0 {
		d.Image = picture.Image{Height: c.Height, Width: c.Width, Channels: 3, Max: 255}
		if c.ColorModel == color.GrayModel || c.ColorModel == color.Gray16Model {
			d.Image.Channels = 1
		}
	}
	if c.Width != d.Image.Width || c.Height != d.Image.Height {
		return nil, inputf("%s: %d×%d pixels, the others have %d×%d", path, c.Width, c.Height, d.Image.Width, d.Image.Height)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return nil, readError(path, err)
	}
	im, _, err := image.Decode(f)
	if err != nil {
		return nil, readError(path, err)
	}
	b := im.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if d.Image.Channels == 1 {
				g, _ := color.GrayModel.Convert(im.At(x, y)).(color.Gray)
				data = append(data, float32(g.Y))
				continue
			}
			r, g, bl, _ := im.At(x, y).RGBA()
			data = append(data, float32(r>>8), float32(g>>8), float32(bl>>8))
		}
	}
	return data, nil
}
