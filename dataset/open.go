package dataset

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dlam-go/dlam/comm"
)

// Options say how to read a source. The zero value detects everything and
// downloads what is missing.
type Options struct {
	DataDir  string // where named sets are looked up first: <DataDir>/mnist/…
	CacheDir string // where they are kept once downloaded; "" for the user's cache
	Offline  bool   // never download
	// Progress is told how much of a download is done; total is 0 if unknown.
	Progress func(file string, done, total int64)

	Label      string // label column of a table: name, or number from 0 (negative from the end); "" to detect
	NoLabel    bool   // the table has no label column
	NoHeader   bool   // a CSV's first line is data, even if it looks like names
	Comma      rune   // a CSV's separator; 0 to detect among , ; tab and |
	Regression bool   // numeric labels are values, not classes

	// Of a model that the data is for: classes in their order (a label that is
	// none of them is an error) and columns by name (others are ignored).
	Classes  []string
	Features []string

	Limit int // the first so many training samples; 0 for all
	// Comm is the processes that divide the samples; nil for one. Each then
	// reads its share of the rows and no others, where the format can be read
	// from the middle: not so a gzip file, an NPZ archive and text labels.
	Comm comm.Comm
	// Scratch is where samples are kept; nil for memory. Samples of IDX and NPY
	// files then never are in memory as a whole.
	Scratch *Scratch
}

// Names are the data sets that Open knows by name.
var Names = []string{"digits", "mnist", "fashion-mnist"}

// Open reads a named data set, a file, or a folder of images. A source without
// test data of its own gives an empty Test.
func Open(ctx context.Context, source string, o Options) (Split, error) {
	var s Split
	var err error
	switch {
	case source == "digits":
		s, err = digits(o)
	case slices.Contains(Names, source):
		s, err = named(ctx, source, o)
	default:
		s, err = openPath(source, o)
	}
	if err != nil {
		return Split{}, err
	}
	for _, d := range []Dataset{s.Train, s.Test} {
		if d.Rows() == 0 && d.X.Cols == 0 && len(d.Name) == 0 {
			continue
		}
		if n := o.ranks().Size(); n > 1 && d.Rows() == 0 {
			return Split{}, inputf("%s: fewer samples than the %d processes that are to share them", d.Name, n)
		}
		if err := d.Validate(); err != nil {
			return Split{}, err
		}
	}
	return s, nil
}

func openPath(path string, o Options) (Split, error) {
	info, err := os.Stat(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return Split{}, inputf("%s: no such file, and no data set of that name (there are %s)", path, strings.Join(Names, ", "))
		}
		return Split{}, inputError{err}
	}
	if info.IsDir() {
		d, err := imageFolder(path, o)
		return Split{Train: d}, err
	}
	if companion, ok := testCompanion(path); ok {
		return idxSplit(path, companion, o)
	}
	d, err := openFile(path, info.Size(), o)
	return Split{Train: d}, err
}

// openFile reads one file of any format.
func openFile(path string, size int64, o Options) (Dataset, error) {
	f, err := os.Open(path)
	if err != nil {
		return Dataset{}, inputError{err}
	}
	defer func() { _ = f.Close() }()
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".npy":
		return npy(path, f, size, o)
	case ".npz":
		d, err := npz(path, f, size, o.whole())
		return o.share(d), err
	case ".parquet":
		if o.Limit == 0 {
			return parquetTable(path, f, size, o)
		}
		d, err := parquetTable(path, f, size, o.whole()) // classes are those of all rows
		return o.share(d), err
	}
	r, err := plain(path, f)
	if err != nil {
		return Dataset{}, err
	}
	head, _ := r.Peek(4)
	if isIDX(head) || strings.Contains(filepath.Base(path), "-idx") { // its reader says what is wrong
		return idxDataset(path, r, o)
	}
	if r.file != nil && o.Limit == 0 {
		return csvTable(path, r, o)
	}
	d, err := csvTable(path, r, o.whole()) // and classes are those of all rows
	return o.share(d), err
}

// readError says what is wrong with a file that ended or broke off.
func readError(path string, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return inputf("%s: the file is truncated", path)
	}
	return inputf("%s: %w", path, err)
}
