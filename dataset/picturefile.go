package dataset

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/gif"  // registers the decoder
	_ "image/jpeg" // registers the decoder
	_ "image/png"  // registers the decoder
	"io"
	"slices"

	_ "golang.org/x/image/bmp"  // registers the decoder
	_ "golang.org/x/image/tiff" // registers the decoder
	_ "golang.org/x/image/webp" // registers the decoder

	"github.com/dlam-go/dlam/picture"
)

// maxPixels bounds one picture where no memory is set: the decoder allocates what
// the header claims.
const maxPixels = 1 << 26

// mostScans bounds the scans of a JPEG file from someone else: one of 80 bytes can be as
// much work as decoding a whole picture. Encoders make some 10, of progressive files.
const mostScans = 100

// startOfScan is what a scan of a JPEG file begins with; in a scan, FF is followed by 0.
var startOfScan = []byte{0xff, 0xda}

// pictureKinds are the endings of the names of picture files.
var pictureKinds = map[string]bool{
	".png": true, ".jpg": true, ".jpeg": true, ".jpe": true, ".jfif": true, ".gif": true, ".bmp": true, ".tif": true, ".tiff": true, ".webp": true,
}

// pictureFile is a file that a decoder may read from any place: what can only be read
// from its start on, that of TIFF takes into memory as a whole, even for the header.
type pictureFile struct {
	*bufio.Reader
	io.ReaderAt
}

func newPictureFile(f randomAccess) pictureFile { return pictureFile{bufio.NewReader(f), f} }

// randomAccess is a file, or its content.
type randomAccess interface {
	io.Reader
	io.ReaderAt
}

// head is what the header of a file says of its picture.
type head struct {
	width, height int // as it is to be seen
	turn          int // to that, by Exif
	format        string
	colour, deep  bool  // there is colour, and 16 bits a channel
	work          int64 // bytes that decoding it takes beside the file
}

// readHead reads the header of a picture; path is what its file is called.
func readHead(path string, f randomAccess) (h head, err error) {
	c, format, err := image.DecodeConfig(newPictureFile(f))
	if err != nil {
		return h, inputf("%s: not a picture: %w", path, err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxPixels/c.Height {
		return h, inputf("%s: %d×%d pixels, want at most %d in all", path, c.Width, c.Height, maxPixels)
	}
	if format == "tiff" && isFax(f) {
		return h, inputf("%s: a TIFF file with the compression of faxes, which is not supported: save it with another", path)
	}
	h = head{width: c.Width, height: c.Height, turn: upright, format: format}
	h.colour, h.deep = depth(c.ColorModel, format)
	h.work = decoding(c, format, h.deep)
	if format == "jpeg" || format == "tiff" {
		h.turn = orientation(f, format)
	}
	if turned(h.turn) {
		h.width, h.height = h.height, h.width
	}
	return h, nil
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

// decoding is how many bytes a decoder takes at most for a picture beside its file.
func decoding(c image.Config, format string, deep bool) int64 {
	const itself, usual, unpacked = 1 << 16, 16, 32 // bytes for tables and windows, and for a pixel
	width, height, each := int64(c.Width), int64(c.Height), int64(usual)
	switch {
	case format == "tiff" && deep: // all of it is unpacked into a buffer that grows
		each = unpacked
	case format == "jpeg":
		each, width, height = jpegPixel(c.ColorModel), whole(width), whole(height)
	}
	return itself + each*width*height
}

// jpegPixel is how many bytes a pixel of a JPEG file takes: of each component its value and,
// in progressive files, a coefficient of four bytes; and where the decoder makes other
// colours of them, those.
func jpegPixel(m color.Model) int64 {
	const component, other = 1 + 4, 4
	switch m {
	case color.GrayModel:
		return component
	case color.YCbCrModel:
		return 3 * component
	case color.CMYKModel:
		return 4*component + other
	}
	return 3*component + other // RGB
}

// whole is a side of a JPEG file's picture with what fills its blocks up: they have 8
// pixels, and where colours are coarser up to 4 of them go together.
func whole(side int64) int64 {
	const blocks = 4 * 8
	return (side + blocks - 1) / blocks * blocks
}

// memory is how many bytes it takes to decode the picture from a file of so many bytes,
// and to make it one of im's size.
func (h head) memory(im picture.Image, size int64) int64 {
	const file = 3 // bytes for a byte of the file
	need := h.work + file*size
	if h.width != im.Width || h.height != im.Height {
		const between, made = 32, 8 // bytes for a pixel of what is scaled across alone, and across and down
		need += int64(im.Width) * (between*int64(h.height) + made*int64(im.Height))
	}
	return need
}

// decode decodes the picture.
func (h head) decode(path string, f randomAccess) (*pictureView, error) {
	decoded, _, err := image.Decode(newPictureFile(f))
	if err != nil {
		return nil, readError(path, err)
	}
	p := &pictureView{at: colours(decoded), stored: decoded.Bounds(), turn: h.turn}
	if b := p.Bounds(); b.Dx() != h.width || b.Dy() != h.height {
		return nil, inputf("%s: %d×%d pixels, its header says %d×%d", path, b.Dx(), b.Dy(), h.width, h.height)
	}
	return p, nil
}

// takesFiles reports samples that pictures from files cannot be.
func takesFiles(im picture.Image) error {
	if im.Width == 0 || im.Channels != 1 && im.Channels != 3 || !(im.Max > 0) {
		return fmt.Errorf("the model takes %s with values up to %g, and files have pictures of 1 or 3 channels with values from 0 on", im, im.Max)
	}
	return nil
}

// Picture is the raw sample of a picture, the content of a file. take is told how many
// bytes reading it takes, before they are taken; its error ends it.
func (t Transform) Picture(file []byte, take func(bytes int64) error) (sample []float32, err error) {
	const name = "the picture"
	if err := takesFiles(t.Image); err != nil {
		return nil, inputError{err}
	}
	h, err := readHead(name, bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	if (h.width != t.Image.Width || h.height != t.Image.Height) && t.Image.Resize == "" {
		return nil, otherSize(name, h, t.Image)
	}
	if h.format == "jpeg" && bytes.Count(file, startOfScan) > mostScans {
		return nil, inputf("%s: a JPEG file of more than %d scans, each of which goes over all of the picture", name, mostScans)
	}
	if err := take(h.memory(t.Image, int64(len(file))) + 4*int64(t.Inputs)); err != nil {
		return nil, err
	}
	p, err := h.decode(name, bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	sample = make([]float32, t.Inputs)
	p.copy(sample, t.Image)
	return sample, nil
}
