package dataset

import (
	"bufio"
	"context"
	"fmt"
	"image"
	"image/color"
	_ "image/gif"  // registers the decoder
	_ "image/jpeg" // registers the decoder
	_ "image/png"  // registers the decoder
	"io"
	"os"
	"slices"
	"strings"

	_ "golang.org/x/image/bmp"  // registers the decoder
	_ "golang.org/x/image/tiff" // registers the decoder
	_ "golang.org/x/image/webp" // registers the decoder

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/table"
)

// maxPixels bounds one picture where no memory is set: the decoder allocates what
// the header claims.
const maxPixels = 1 << 26

// pictureKinds are the endings of the names of picture files.
var pictureKinds = map[string]bool{
	".png": true, ".jpg": true, ".jpeg": true, ".jpe": true, ".jfif": true, ".gif": true, ".bmp": true, ".tif": true, ".tiff": true, ".webp": true,
}

// pictureFolder reads a folder of pictures of one size: a folder a class, or pictures
// alone, which have no labels.
func pictureFolder(ctx context.Context, root string, o Options) (Dataset, error) {
	budget := table.NewBudget(int64(o.MaxMemory))
	w := &pictureWalk{ctx: ctx, budget: budget, left: map[string]int{}}
	if err := w.root(root); err != nil {
		return Dataset{}, err
	}
	d := Dataset{Name: root, Comm: o.Comm, Notes: w.notes(root)}
	if len(w.files) == 0 {
		return d, inputf("%s: no pictures, in it or in a folder for each class (%s)", root, strings.Join(append([]string{"PNG, JPEG, GIF, BMP, TIFF, WebP are known"}, w.notes(root)...), "; "))
	}
	labelled := len(w.files) > w.outside
	if labelled && w.outside > 0 && !o.NoLabel {
		return d, inputf("%s: %d pictures lie outside the folders of the classes", root, w.outside)
	}
	lo, hi := o.rows(len(w.files))
	r := &pictureReader{ctx: ctx, root: root, files: w.files[lo:hi], o: o, budget: budget}
	if err := r.read(&d); err != nil || !labelled || o.NoLabel {
		return d, err
	}
	if err := d.classify(labelsOfTexts(root, w.classes), o.whole()); err != nil {
		return d, err
	}
	d.cutLabels(lo, hi)
	return d, nil
}

// pictureReader reads the pictures of some files.
type pictureReader struct {
	ctx    context.Context
	root   string
	files  []string
	o      Options
	budget *table.Budget

	upright []int // how each picture is to be turned, by Exif
	deep    bool  // there are 16 bits a channel
	total   int64 // bytes of the files that were looked at
	done    int64 // bytes that were decoded
}

// read reads all pictures: first what they are, then what is in them. There is
// colour in all if there is in one, and there are 16 bits a channel likewise.
func (r *pictureReader) read(d *Dataset) error {
	for _, f := range r.files {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if err := r.look(d, f); err != nil {
			return err
		}
	}
	if err := r.agree(d); err != nil {
		return err
	}
	im := &d.Image
	columns := im.Height * im.Width * im.Channels
	if err := r.budget.Take(4 * int64(len(r.files)) * int64(columns)); err != nil {
		return TooLarge{Name: r.root, Bytes: 4 * float64(len(r.files)) * float64(columns), Most: r.o.MaxMemory}
	}
	greatest := float32(0)
	for i, f := range r.files {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		err := r.decode(f, *im, r.upright[i], func(decoded image.Image) {
			if i == 0 { // a file without pixels does not make room for them
				d.X = mat.New(len(r.files), columns)
			}
			r.copyPixels(d.X.Row(i), *im, decoded, r.upright[i])
		})
		if err != nil {
			return err
		}
		for _, v := range d.X.Row(i) {
			greatest = max(greatest, v)
		}
	}
	im.Max = 255
	if !r.deep {
		return nil
	}
	all, err := comm.Gather(r.o.ranks(), []float64{float64(greatest)})
	for _, theirs := range all {
		greatest = max(greatest, float32(theirs[0]))
	}
	im.Max = max(1, greatest)
	d.Notes = append(d.Notes, fmt.Sprintf("%s: pictures of 16 bits, with values from 0 to %g", r.root, im.Max))
	return err
}

// pictureFile is a file that a decoder may read from any place: what can only be read
// from its start on, that of TIFF takes into memory as a whole, even for the header.
type pictureFile struct {
	*bufio.Reader
	io.ReaderAt
}

// look reads the header of a picture.
func (r *pictureReader) look(d *Dataset, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return inputError{err}
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return inputError{err}
	}
	r.total += info.Size()
	r.progress()
	c, format, err := image.DecodeConfig(pictureFile{bufio.NewReader(f), f})
	if err != nil {
		return inputf("%s: not a picture: %w", path, err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxPixels/c.Height {
		return inputf("%s: %d×%d pixels, want at most %d in all", path, c.Width, c.Height, maxPixels)
	}
	if format == "tiff" && isFax(f) {
		return inputf("%s: a TIFF file with the compression of faxes, which is not supported: save it with another", path)
	}
	turn := upright
	if format == "jpeg" || format == "tiff" {
		turn = orientation(f, format)
	}
	r.upright = append(r.upright, turn)
	w, h := c.Width, c.Height
	if turned(turn) {
		w, h = h, w
	}
	im := &d.Image
	if im.Width == 0 {
		*im = picture.Image{Height: h, Width: w, Channels: 1}
	}
	if w != im.Width || h != im.Height {
		return inputf("%s: %d×%d pixels, the others have %d×%d", path, w, h, im.Width, im.Height)
	}
	colour, deep := depth(c.ColorModel, format)
	r.deep = r.deep || deep
	if colour {
		im.Channels = 3
	}
	return nil
}

// depth is whether pictures of a colour model have colour, and 16 bits a channel. A
// palette of grays is colour in a PNG file alone, where gray has a type of its own.
func depth(m color.Model, format string) (colour, deep bool) {
	palette, ok := m.(color.Palette)
	switch {
	case ok:
		return format == "png" || slices.ContainsFunc(palette, func(c color.Color) bool {
			r, g, b, _ := c.RGBA()
			return r != g || g != b
		}), false
	case m == color.GrayModel:
		return false, false
	case m == color.Gray16Model:
		return false, true
	}
	return true, m == color.RGBA64Model || m == color.NRGBA64Model
}

// agree makes what the pictures are what those of all processes are.
func (r *pictureReader) agree(d *Dataset) error {
	im := &d.Image
	is, err := comm.Any(r.o.ranks(), im.Channels == 3, r.deep)
	if err != nil {
		return err
	}
	if im.Channels = 1; is[0] {
		im.Channels = 3
	}
	r.deep = is[1]
	sizes, err := comm.Gather(r.o.ranks(), []float64{float64(im.Height), float64(im.Width)})
	for _, s := range sizes {
		if h, w := int(s[0]), int(s[1]); h != im.Height || w != im.Width {
			return inputf("%s: pictures of %d×%d and of %d×%d pixels", r.root, im.Width, im.Height, w, h)
		}
	}
	return err
}

// decode decodes a picture of the given shape, and gives it to take.
func (r *pictureReader) decode(path string, shape picture.Image, turn int, take func(image.Image)) error {
	info, err := os.Stat(path)
	if err != nil {
		return inputError{err}
	}
	const each, file = 16, 3 // bytes that decoding takes for a pixel, and for a byte of the file
	need := each*int64(shape.Height)*int64(shape.Width) + file*info.Size()
	if err := r.budget.Take(need); err != nil {
		return readError(path, err)
	}
	defer r.budget.Give(need)
	f, err := os.Open(path)
	if err != nil {
		return inputError{err}
	}
	defer func() { _ = f.Close() }()
	decoded, _, err := image.Decode(pictureFile{bufio.NewReader(f), f})
	if err != nil {
		return readError(path, err)
	}
	b := decoded.Bounds()
	if turned(turn) && (b.Dx() != shape.Height || b.Dy() != shape.Width) || !turned(turn) && (b.Dx() != shape.Width || b.Dy() != shape.Height) {
		return inputf("%s: %d×%d pixels, its header says otherwise", path, b.Dx(), b.Dy())
	}
	take(decoded)
	r.done += info.Size()
	r.progress()
	return nil
}

func (r *pictureReader) progress() {
	if r.o.Progress != nil {
		r.o.Progress(r.root, r.done, r.total)
	}
}

// copyPixels fills dst with a decoded picture, turned upright: its values row by
// row, channels last.
func (r *pictureReader) copyPixels(dst []float32, shape picture.Image, decoded image.Image, turn int) {
	b := decoded.Bounds()
	at := colours(decoded)
	shift := 8 // 16 bits to 8
	if r.deep {
		shift = 0
	}
	k := 0
	for y := range shape.Height {
		for x := range shape.Width {
			sx, sy := source(x, y, b.Dx(), b.Dy(), turn)
			c := at(b.Min.X+sx, b.Min.Y+sy)
			if shape.Channels == 1 {
				dst[k] = float32(gray(c) >> shift)
				k++
				continue
			}
			dst[k], dst[k+1], dst[k+2] = float32(c.R>>shift), float32(c.G>>shift), float32(c.B>>shift)
			k += 3
		}
	}
}

// colours is the colours of a decoded picture as they are stored: how far they are
// transparent does not count.
func colours(decoded image.Image) func(x, y int) color.RGBA64 {
	straight := func(c color.Color) color.RGBA64 {
		switch c := c.(type) {
		case color.NRGBA:
			return color.RGBA64{R: uint16(c.R) * 0x101, G: uint16(c.G) * 0x101, B: uint16(c.B) * 0x101, A: 0xffff}
		case color.NRGBA64:
			return color.RGBA64{R: c.R, G: c.G, B: c.B, A: 0xffff}
		}
		v, _ := color.RGBA64Model.Convert(c).(color.RGBA64)
		return v
	}
	switch p := decoded.(type) {
	case *image.NRGBA:
		return func(x, y int) color.RGBA64 { return straight(p.NRGBAAt(x, y)) }
	case *image.NRGBA64:
		return func(x, y int) color.RGBA64 { return straight(p.NRGBA64At(x, y)) }
	case *image.NYCbCrA:
		return p.YCbCr.RGBA64At
	case *image.Paletted:
		var entries [256]color.RGBA64
		for i, c := range p.Palette {
			entries[i] = straight(c)
		}
		return func(x, y int) color.RGBA64 { return entries[p.ColorIndexAt(x, y)] }
	case image.RGBA64Image:
		return p.RGBA64At
	}
	return func(x, y int) color.RGBA64 { return straight(decoded.At(x, y)) }
}

// gray is the luma of a colour, as package image/color has it.
func gray(c color.RGBA64) uint16 {
	return uint16((19595*uint32(c.R) + 38470*uint32(c.G) + 7471*uint32(c.B) + 1<<15) >> 16)
}
