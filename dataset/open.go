package dataset

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/npy"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/table"
)

// Options say how to read a source. The zero value detects everything and
// downloads what is missing.
type Options struct {
	DataDir  string // where named sets are looked up first: <DataDir>/mnist/…
	CacheDir string // where they are kept once downloaded; "" for the user's cache
	Offline  bool   // never download
	// Progress is told how many bytes of a file have been downloaded or read; total
	// is 0 if unknown.
	Progress func(file string, done, total int64)

	Label   string // label column of a table: name, or number from 0 (negative from the end), or several with commas between, which are values; "" to detect
	NoLabel bool   // the table has no label column
	// Weight is the column of the rows' weights, by name or number as Label, in a table
	// whose columns have names; "" for none. With a Model it may be missing.
	Weight string
	// Sequence is the column of a table in long format that says which sequence a row is a
	// step of, and Time the one by whose numbers or dates the steps follow each other, by
	// name or number as Label; "" for rows that are samples, and for their order. A Model
	// has its own.
	Sequence, Time string
	// Task says what labels are, where they are numbers: values or classes; "" to find
	// out.
	Task Task
	// Drop are columns of a table to leave out, by name or number as Label, and Only,
	// if there are any, those that are features.
	Drop, Only []string
	Keep       []string        // columns to have as texts, where there are any of these names: Dataset.Kept
	Kinds      map[string]Kind // of columns, by name or number; others are found out
	Missing    []string        // texts that say that there is no value, beside the customary ones

	// How a table of text (CSV and its relatives) is written; each zero value is to
	// find out, or what is customary.
	Header    bool   // the first line is the names of the columns, even if it looks like data
	NoHeader  bool   // the first line is data, even if it looks like names
	Separator string // an ASCII character, "tab", or "blanks" for any number of them; "" to detect among , ; tab | and blanks
	Decimal   string // the decimal sign, "." or ","; "" for a point
	Encoding  string // one of Encodings; "" for UTF-8

	// Resize is the size that pictures from files of other sizes are given; zero to refuse
	// them. Grey takes their colours for grey. A Model with pictures has its own size and
	// channels.
	Resize picture.Size
	Grey   bool

	// MaxMemory is how many bytes reading may take, with what it gives; 0 for any.
	MaxMemory float64

	// Of a model that the data is for: classes in their order (a label that is
	// none of them is an error) and columns by name (others are ignored).
	Classes  []string
	Features []string
	// Model is what is done to the samples of a model that the data is for, by which
	// the columns are of its kinds; nil for data to train on.
	Model *Transform

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
		s, err = digits(ctx, o)
	case slices.Contains(Names, source):
		s, err = named(ctx, source, o)
	default:
		s, err = openSource(ctx, source, o)
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
	if given := o.ofTables(); len(given) > 0 && o.Model == nil && (s.Train.Table.Columns == 0 || slices.Contains(Names, source)) {
		return Split{}, inputf("%s: %s: only a table has columns, and it is none", source, strings.Join(given, ", "))
	}
	if sequence, _ := o.sequenceOf(); sequence != "" && s.Train.Table.Sequence == "" {
		return Split{}, inputf("%s: sequence column %q: it is no table, whose rows could be steps of sequences", source, sequence)
	}
	if o.Weight != "" && o.Model == nil && s.Train.Weight == nil {
		return Split{}, inputf("%s: weight column %q: it has no columns with names, of which one could be the rows' weights", source, o.Weight)
	}
	if (o.Resize != picture.Size{} || o.Grey) && s.Train.Image.Bits == 0 {
		return s, inputf("%s: resize and grey are for picture files, and it has none", source)
	}
	return s, nil
}

// ofTables is the names of the options given that say how a table's columns are taken, or
// its text is read.
func (o *Options) ofTables() (given []string) {
	for _, one := range []struct {
		name  string
		given bool
	}{
		{"label", o.Label != ""}, {"drop", len(o.Drop) > 0}, {"features", len(o.Only) > 0}, {"column", len(o.Kinds) > 0},
		{"missing values", len(o.Missing) > 0}, {"header", o.Header}, {"no header", o.NoHeader},
		{"separator", o.Separator != ""}, {"decimal", o.Decimal != ""}, {"encoding", o.Encoding != ""},
	} {
		if one.given {
			given = append(given, one.name)
		}
	}
	return given
}

// ReadTable reads a table as it is in its file: text, Parquet, or an NPY array of one
// or two dimensions. Of o it heeds what says how a text is written, and MaxMemory. notes
// are what people are to be told of how it was taken.
func ReadTable(ctx context.Context, path string, o Options) (t *table.Table, notes []string, err error) {
	files, err := filesOf(path)
	if err != nil {
		return nil, nil, err
	}
	in, err := openInput(ctx, files[0], o)
	if err != nil {
		return nil, nil, err
	}
	defer in.close()
	o.Comm, o.Limit = nil, 0
	budget := table.NewBudget(int64(o.MaxMemory))
	kind, err := kindOf(in)
	if err == nil && kind != textFile && len(files) > 1 {
		err = severalFiles(files[0])
	}
	if err != nil {
		return nil, nil, err
	}
	var c *columns
	switch kind {
	case textFile:
		c, err = textTable(ctx, in, files, o, budget)
	case parquetFile:
		c, err = parquetColumns(ctx, in, budget)
	case npyFile:
		c, err = npyTable(ctx, in, o, budget)
	default:
		err = inputf("%s: no table: want text, Parquet, or an NPY array", path)
	}
	if err != nil {
		return nil, nil, err
	}
	return c.Table, c.notes, nil
}

func openSource(ctx context.Context, path string, o Options) (Split, error) {
	files, err := filesOf(path)
	if err != nil {
		return Split{}, err
	}
	if info, err := os.Stat(files[0]); err == nil && info.IsDir() && len(files) == 1 {
		return pictures(ctx, path, nil, o)
	}
	if !slices.ContainsFunc(files, func(f string) bool { return !isPicture(f) }) {
		return pictures(ctx, path, files, o)
	}
	if companion, ok := testCompanion(path); ok {
		return idxSplit(ctx, path, companion, o)
	}
	d, err := readFile(ctx, files[0], o, files[1:]...)
	return Split{Train: d}, err
}

// filesOf is the files that a source names: itself, or those that match it as a
// pattern of the shell.
func filesOf(path string) ([]string, error) {
	if path == StandardInput {
		return []string{path}, nil
	}
	_, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		if files, _ := filepath.Glob(path); len(files) > 0 {
			return files, nil
		}
		return nil, inputf("%s: no such file, and no data set of that name (there are %s)", path, strings.Join(Names, ", "))
	}
	if err != nil {
		return nil, inputError{err}
	}
	return []string{path}, nil
}

// fileKind is the format of a file.
type fileKind int

const (
	textFile fileKind = iota
	idxFile
	npyFile
	npzFile
	parquetFile
)

// kindOf is the format of a file, which its first bytes tell, or else its name; its
// reader then says what is wrong.
func kindOf(in *input) (fileKind, error) {
	s, err := in.content()
	if err != nil {
		return 0, err
	}
	in.first = s
	head, err := s.Peek(8)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, readError(in.path, err)
	}
	var kind fileKind
	switch {
	case bytes.HasPrefix(head, []byte(npy.Magic)):
		kind = npyFile
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		kind = npzFile
	case bytes.HasPrefix(head, []byte("PAR1")):
		kind = parquetFile
	case len(head) >= 4 && isIDX(head[:4]):
		kind = idxFile
	case isIDXName(in.path):
		kind = idxFile
	default:
		kind = map[string]fileKind{".npy": npyFile, ".npz": npzFile, ".parquet": parquetFile}[strings.ToLower(filepath.Ext(strings.TrimSuffix(in.path, ".gz")))]
	}
	if s.in == nil && (kind == npzFile || kind == parquetFile) {
		return 0, inputf("%s: NPZ and Parquet are read from several places at a time, and a pipe or gzip cannot be: put it in a file", in.path)
	}
	return kind, nil
}

func severalFiles(path string) error {
	return inputf("%s: several files are read as one only if they are tables of text", path)
}

// readFile reads a file of any format; with more after it, if they are tables of text.
func readFile(ctx context.Context, path string, o Options, more ...string) (Dataset, error) {
	in, err := openInput(ctx, path, o)
	if err != nil {
		return Dataset{}, err
	}
	defer in.close()
	kind, err := kindOf(in)
	if err != nil {
		return Dataset{}, err
	}
	if kind != textFile && len(more) > 0 {
		return Dataset{}, severalFiles(path)
	}
	budget := table.NewBudget(int64(o.MaxMemory))
	switch kind {
	case npyFile:
		return npyDataset(ctx, in, o, budget)
	case npzFile:
		d, err := npzDataset(ctx, in, o, budget)
		return o.share(d), err
	case parquetFile:
		t, err := parquetTable(ctx, in, o, budget)
		return t.dataset(o, err)
	case idxFile:
		return idxDataset(ctx, in, o, budget)
	}
	t, err := textTable(ctx, in, append([]string{path}, more...), o, budget)
	return t.dataset(o, err)
}

// readError says what is wrong with a file that ended or broke off, or that takes
// more memory than it may.
func readError(path string, err error) error {
	var m *table.MemoryError
	switch {
	case err == nil, errors.Is(err, ErrInput), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &m):
		return TooLarge{Name: path, Bytes: float64(m.Need), Most: float64(m.Limit), AtLeast: true}
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return inputf("%s: the file is truncated", path)
	}
	return inputf("%s: %w", path, err)
}
