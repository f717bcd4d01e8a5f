package recipe

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/internal/memory"
	"github.com/dlam-go/dlam/picture"
)

// Source says where samples are: in files, or in a data set that is known by
// name.
type Source struct {
	Data     string // a name of dataset.Names, a file, or a folder of pictures; "": the embedded digits
	DataDir  string // where named data sets are looked up before any download; "": nowhere
	Offline  bool   // never download
	TestData string // file to test on; "": none
	Limit    int    // the first so many training samples; 0: all

	// What the columns of a table are, and how it is written if it is a text. Each
	// zero value is what is found out, or customary; see dataset.Options.
	Label     string // label column, by name or number from 0; "": one called label, target, class or species, or else y, else the last
	Drop      []string
	Header    bool
	NoHeader  bool
	Separator string
	Decimal   string
	Encoding  string

	Sequence, Time string // columns that say which sequence a row is a step of, and when; "": rows are samples, and in their order

	Weight   string                  // column of the rows' weights, by name or number from 0; "": none
	Features []string                // columns that are features; nil: all but the label and what is ignored
	Kinds    map[string]dataset.Kind // of columns, by name or number; others are found out
	Missing  []string                // texts that say that there is no value, beside NA, ? and the like
	Task     dataset.Task            // what labels that are numbers are; "": what is found out

	// Of picture files: the size that all are given, zero for the one that they have, and
	// whether colours are taken for grey; see dataset.Options.
	Resize picture.Size
	Grey   bool

	Scratch   string                               // folder to keep the samples of IDX and NPY files in, mapped; "": in memory
	MaxMemory float64                              // bytes that the process may take; 0: what is available
	Progress  func(file string, done, total int64) // told of downloads and of reading; nil: nobody
	Comm      comm.Comm                            // processes that share the samples; nil: one
}

// name is what the samples are called.
func (s *Source) name() string {
	if s.Data == "" {
		return dataset.Names[0]
	}
	return s.Data
}

// readingMemory is how many bytes reading may take, with the samples: what is
// allowed, or else most of this process's share of what is available.
func (s *Source) readingMemory() float64 {
	if s.MaxMemory > 0 {
		return s.MaxMemory
	}
	const share, own = 0.9, 32 << 20 // own is about what the program takes beside
	processes := 1
	if s.Comm != nil {
		processes = local(s.Comm)
	}
	free := memory.Available(processes)
	if free == 0 {
		return 0
	}
	return max(1, share*free-own)
}

// Reading is how s says to read a file.
func (s *Source) Reading() dataset.Options {
	most := s.readingMemory()
	return dataset.Options{
		DataDir: s.DataDir, Offline: s.Offline, Label: s.Label, Weight: s.Weight, Sequence: s.Sequence, Time: s.Time, Drop: s.Drop, Header: s.Header, NoHeader: s.NoHeader,
		Separator: s.Separator, Decimal: s.Decimal, Encoding: s.Encoding,
		Only: s.Features, Kinds: s.Kinds, Missing: s.Missing, Task: s.Task, Resize: s.Resize, Grey: s.Grey, Progress: s.Progress, Limit: s.Limit, Comm: s.Comm, MaxMemory: most,
		Scratch: &dataset.Scratch{Dir: s.Scratch, Most: most},
	}
}

// Read reads a file, or named data. Samples that say beforehand that there is no
// room for them are not read.
func (s *Source) Read(ctx context.Context, path string, o dataset.Options) (dataset.Split, error) {
	split, err := dataset.Open(ctx, path, o)
	var large dataset.TooLarge
	if errors.As(err, &large) {
		return split, refuse(&memory.Error{Work: "reading " + large.Name, Need: large.Bytes, Limit: large.Most, Allowed: s.MaxMemory > 0, AtLeast: large.AtLeast})
	}
	return split, err
}

// TableEntries are the settings that say what the columns of a table are and how it
// is written.
func (s *Source) TableEntries() []Entry {
	return []Entry{
		{"label", OfData, "label column of a table: name, or number from 0, or several with commas between, which are values; default a column named label, target, class or species, or else y, else the last", field(&s.Label, anyText, "")},
		{"drop", OfData, "columns of a table to leave out: names, or numbers from 0, with commas between", plain[[]string]{columnNames, &s.Drop, func(l []string) bool { return len(l) == 0 }, ""}},
		{"missing-values", OfData, "texts that say that there is no value, with commas between, beside nothing, NA, N/A, nan, null, ? and -", plain[[]string]{columnNames, &s.Missing, func(l []string) bool { return len(l) == 0 }, ""}},
		{"header", OfData, "a CSV's first line is the names of its columns, even if they are numbers", field(&s.Header, onOff, "false")},
		{"no-header", OfData, "a CSV's first line is data", field(&s.NoHeader, onOff, "false")},
		{"separator", OfData, `what separates a CSV's columns: a character, "tab" or "blanks"; default what it looks like`, field(&s.Separator, anyText, "")},
		{"decimal", OfData, "a CSV's decimal sign, . or ,; default a point", field(&s.Decimal, anyText, "")},
		{"encoding", OfData, "a CSV's encoding: " + strings.Join(dataset.Encodings(), ", ") + "; default utf-8", field(&s.Encoding, anyText, "")},
	}
}

// ColumnEntries are the settings that say what the columns of a table are, or the pixels
// of pictures, which a model then knows.
func (s *Source) ColumnEntries() []Entry {
	return []Entry{
		{"task", OfData, "what labels that are numbers are; auto: whole numbers are classes if they are few and frequent, others values", field(&s.Task, oneOf(dataset.Regression, dataset.Classification), Auto)},
		{"weight-column", OfData, "column of a table with the rows' weights, above 0: a row of weight 2 counts twice, in training and in scores", field(&s.Weight, anyText, "")},
		{"sequence-column", OfData, "column of a table in long format that says which sequence a row is a step of: a sequence is a sample, for --layers 'rnn H' or 'gru H' (docs/layers.md)", field(&s.Sequence, anyText, "")},
		{"time-column", OfData, "with --sequence-column: the column by whose numbers or dates the steps follow each other; default the order of the rows", field(&s.Time, anyText, "")},
		{"features", OfData, "columns of a table that are features: names, or numbers from 0, with commas between; default all but the label, ids and constant ones", plain[[]string]{columnNames, &s.Features, func(l []string) bool { return len(l) == 0 }, ""}},
		{"resize", OfData, "WIDTHxHEIGHT, or one number for a square: the size that pictures from files are given, by their middle, the largest part of this shape; default: all have one size", field(&s.Resize, pictureSize, "")},
		{"grey", OfData, "take the colours of pictures from files for grey", field(&s.Grey, onOff, "false")},
		{"column", OfData, "NAME=KIND, with commas between or once for each column: what a column of a table is, " + textOf(dataset.Kinds), kindsOf(&s.Kinds)},
	}
}

// Open reads the samples of s, to train on and to test on.
func Open(ctx context.Context, s Source) (Data, error) {
	if s.Limit < 0 {
		return Data{}, refuse(&check.Violation{Field: "limit", Got: s.Limit, Want: "at least 0 (0: all)"})
	}
	o := s.Reading()
	split, err := s.Read(ctx, s.name(), o)
	if err != nil {
		return Data{}, err
	}
	if s.TestData != "" {
		o.Weight, o.Limit = "", 0 // the column's name is known now
		o = asTest(o, split.Train)
		test, err := s.Read(ctx, s.TestData, o)
		if err != nil {
			return Data{}, err
		}
		split.Test = test.Train
		if sameFile(s.name(), s.TestData) {
			split.Test.Notes = append(slices.Clone(split.Test.Notes), s.TestData+": the test samples are the training samples")
		}
		split.SameLongest()
		if !split.Test.Labelled() || split.Test.RawFeatures() != split.Train.RawFeatures() {
			return Data{}, refusef("%s: %d features, labelled: %t; want %d features and labels, as %s has", s.TestData, split.Test.RawFeatures(), split.Test.Labelled(), split.Train.RawFeatures(), s.name())
		}
	}
	return Data{split: split, source: &s, name: s.name()}, nil
}

// sameFile reports whether two paths are one file or folder.
func sameFile(a, b string) bool {
	of, errA := os.Stat(a)
	to, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(of, to)
}
