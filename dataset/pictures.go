package dataset

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/table"
)

// isPicture reports whether a file is called as a picture is.
func isPicture(path string) bool { return pictureKinds[strings.ToLower(filepath.Ext(path))] }

// pictures reads a folder of pictures, or files of them. Folders of a folder are
// classes, unless they are train and test, which then have the classes' folders.
func pictures(ctx context.Context, name string, files []string, o Options) (s Split, err error) {
	budget := table.NewBudget(int64(o.MaxMemory))
	read := func(w pictureWalk, d *Dataset, add func(*pictureWalk) error) error {
		w.ctx, w.budget, w.left = ctx, budget, map[string]int{}
		if err := add(&w); err != nil {
			return err
		}
		*d, err = w.dataset(o)
		d.Name = name
		return err
	}
	if files != nil {
		err = read(pictureWalk{root: name, loose: true}, &s.Train, func(w *pictureWalk) error { return w.list(files) })
		return s, err
	}
	train, test, notes, err := partsOf(name)
	if err != nil {
		return s, err
	}
	if err := read(pictureWalk{root: train, beside: test}, &s.Train, (*pictureWalk).walk); err != nil || test == "" {
		return s, err
	}
	s.Train.Notes = append(notes, s.Train.Notes...)
	o.Limit = 0
	if o.Model == nil {
		o.Model = s.Train.Schema()
	}
	if o.Classes == nil {
		o.Classes = s.Train.Classes
	}
	err = read(pictureWalk{root: test, beside: train}, &s.Test, (*pictureWalk).walk)
	return s, err
}

// dataset reads the pictures that were found.
func (w *pictureWalk) dataset(o Options) (Dataset, error) {
	d := Dataset{Comm: o.Comm, Notes: w.notes(), Table: Shape{IDs: []string{fileColumn}}}
	if len(w.files) == 0 {
		return d, inputf("%s: no pictures, in it or in a folder for each class (%s)", w.root, strings.Join(append([]string{"PNG, JPEG, GIF, BMP, TIFF, WebP are known"}, w.notes()...), "; "))
	}
	labelled := len(w.files) > w.outside && !w.loose
	if labelled && !o.NoLabel {
		notes, err := w.links.notes(w)
		if err != nil {
			return d, err
		}
		d.Notes = append(d.Notes, notes...)
	}
	if labelled && w.outside > 0 && !o.NoLabel {
		return d, inputf("%s: %d pictures lie outside the folders of the classes", w.root, w.outside)
	}
	lo, hi := o.rows(len(w.files))
	r := &pictureReader{ctx: w.ctx, root: w.root, files: w.files[lo:hi], o: o, budget: w.budget}
	if err := r.read(&d); err != nil {
		return d, err
	}
	if slices.Contains(o.Keep, fileColumn) {
		d.Kept = []Kept{{fileColumn, w.names(lo, hi)}}
	}
	if !labelled || o.NoLabel {
		return d, nil
	}
	if err := d.classify(labelsOfTexts(w.root, w.classes), o.whole()); err != nil {
		return d, err
	}
	d.cutLabels(lo, hi)
	return d, nil
}

// fileColumn is the name of the column with the files' names.
const fileColumn = "file"

// pictureReader reads the pictures of some files.
type pictureReader struct {
	ctx    context.Context
	root   string
	files  []string
	o      Options
	budget *table.Budget

	heads   []head
	first   string // the file that the others' size is held against
	deep    bool   // there are 16 bits a channel in some
	colour  bool   // there is colour in some
	several int    // files with more pictures than one
	clear   int    // pictures with transparent pixels
	total   int64  // bytes of the files that were looked at
	done    int64  // bytes that were decoded
}

// read reads all pictures: first what they are, then what is in them. There is
// colour in all if there is in one, and there are 16 bits a channel likewise, unless a
// model says what its pictures have.
func (r *pictureReader) read(d *Dataset) error {
	if err := r.expect(&d.Image); err != nil {
		return err
	}
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
		err := r.decode(f, *im, r.heads[i], func(p *pictureView) {
			if i == 0 { // a file without pixels does not make room for them
				d.X = mat.New(len(r.files), columns)
			}
			p.copy(d.X.Row(i), *im)
			if p.clear {
				r.clear++
			}
		})
		if err != nil {
			return err
		}
		for _, v := range d.X.Row(i) {
			greatest = max(greatest, v)
		}
	}
	if err := r.tell(d); err != nil || r.model() != nil || im.Bits == 8 {
		return err
	}
	all, err := comm.Gather(r.o.ranks(), []float64{float64(greatest)})
	for _, theirs := range all {
		greatest = max(greatest, float32(theirs[0]))
	}
	im.Max = max(1, greatest)
	d.Notes = append(d.Notes, fmt.Sprintf("%s: pictures of 16 bits, with values from 0 to %g", r.root, im.Max))
	return err
}

// model is the shape of a model's pictures; nil if the pictures are for none that has
// such.
func (r *pictureReader) model() *picture.Image {
	if m := r.o.Model; m != nil && m.Image.Width > 0 {
		return &m.Image
	}
	return nil
}

// expect sets what is known of the pictures before any was looked at.
func (r *pictureReader) expect(im *picture.Image) error {
	if m := r.model(); m != nil {
		if err := takesFiles(*m); err != nil {
			return inputf("%s: %w", r.root, err)
		}
		*im = *m
		return nil
	}
	size := r.o.Resize
	if size == (picture.Size{}) {
		return nil
	}
	if err := size.Validate(); err != nil || size.Width > maxPixels/size.Height {
		return inputf("resize: got %s, want at least 1 pixel a side, and at most %d in all", size, maxPixels)
	}
	*im = picture.Image{Height: size.Height, Width: size.Width, Resize: picture.Crop}
	return nil
}

// tell adds notes on what was done to pictures, of all processes.
func (r *pictureReader) tell(d *Dataset) error {
	counts := []float64{float64(r.several), float64(r.clear)}
	if err := r.o.ranks().Sum(counts); err != nil {
		return err
	}
	for i, what := range []string{"files with several pictures, of which the first is read", "pictures with transparent pixels, which are laid on white"} {
		if counts[i] > 0 {
			d.Notes = append(d.Notes, fmt.Sprintf("%s: %s (%.0f)", r.root, what, counts[i]))
		}
	}
	return nil
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
	h, err := readHead(path, f)
	if err != nil {
		return err
	}
	if several(f, h.format) {
		r.several++
	}
	r.deep, r.colour = r.deep || h.deep, r.colour || h.colour
	r.heads = append(r.heads, h)
	im := &d.Image
	if im.Width == 0 {
		*im, r.first = picture.Image{Height: h.height, Width: h.width}, path
	}
	if h.width == im.Width && h.height == im.Height || im.Resize != "" {
		return nil
	}
	if r.model() != nil {
		return otherSize(path, h, *im)
	}
	return inputf("%s: %d×%d pixels, and %s has %d×%d: --resize WIDTHxHEIGHT makes all of one size", path, h.width, h.height, r.first, im.Width, im.Height)
}

// otherSize is the error of a picture whose size is not that of those that a model is trained on.
func otherSize(path string, h head, im picture.Image) error {
	return inputf("%s: %d×%d pixels, and those to train on had %d×%d: training with --resize %dx%d takes any", path, h.width, h.height, im.Width, im.Height, im.Width, im.Height)
}

// agree makes what the pictures are what those of all processes are.
func (r *pictureReader) agree(d *Dataset) error {
	im := &d.Image
	is, err := comm.Any(r.o.ranks(), r.colour, r.deep)
	if err != nil {
		return err
	}
	sizes, err := comm.Gather(r.o.ranks(), []float64{float64(im.Height), float64(im.Width)})
	for _, s := range sizes {
		if h, w := int(s[0]), int(s[1]); h != im.Height || w != im.Width {
			return inputf("%s: pictures of %d×%d and of %d×%d pixels: --resize WIDTHxHEIGHT makes all of one size", r.root, im.Width, im.Height, w, h)
		}
	}
	if r.model() != nil {
		if is[0] && im.Channels == 1 && !r.o.Grey { // those who ask for it know
			d.Notes = append(d.Notes, r.root+": colours are made grey, as the model's pictures are")
		}
		return err
	}
	if im.Channels, im.Bits, im.Max = 1, 8, 255; is[0] && !r.o.Grey {
		im.Channels = 3
	}
	if is[1] {
		im.Bits, im.Max = 16, 0xffff
	}
	return err
}

// decode decodes a picture, and gives it to take, as it is to be seen.
func (r *pictureReader) decode(path string, im picture.Image, h head, take func(*pictureView)) error {
	info, err := os.Stat(path)
	if err != nil {
		return inputError{err}
	}
	need := h.memory(im, info.Size())
	if err := r.budget.Take(need); err != nil {
		return readError(path, err)
	}
	defer r.budget.Give(need)
	f, err := os.Open(path)
	if err != nil {
		return inputError{err}
	}
	defer func() { _ = f.Close() }()
	p, err := h.decode(path, f)
	if err != nil {
		return err
	}
	take(p)
	r.done += info.Size()
	r.progress()
	return nil
}

func (r *pictureReader) progress() {
	if r.o.Progress != nil {
		r.o.Progress(r.root, r.done, r.total)
	}
}
