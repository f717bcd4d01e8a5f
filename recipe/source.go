package recipe

import (
	"context"
	"errors"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/internal/memory"
)

// Source says where samples are: in files, or in a data set that is known by
// name.
type Source struct {
	Data     string // a name of dataset.Names, a file, or a folder of pictures; "": the embedded digits
	DataDir  string // where named data sets are looked up before any download; "": nowhere
	Offline  bool   // never download
	TestData string // file to test on; "": none
	Label    string // label column of a table, by name or number from 0; "": one called label, class, target or y, else the last
	NoHeader bool   // a CSV's first line is data
	Limit    int    // the first so many training samples; 0: all

	Values    bool                                 // labels that are numbers are values, not classes
	Scratch   string                               // folder to keep the samples of IDX and NPY files in, mapped; "": in memory
	MaxMemory float64                              // bytes that the process may take; 0: what is available
	Progress  func(file string, done, total int64) // told of downloads; nil: nobody
	Comm      comm.Comm                            // processes that share the samples; nil: one
}

// name is what the samples are called.
func (s *Source) name() string {
	if s.Data == "" {
		return dataset.Names[0]
	}
	return s.Data
}

// Reading is how s says to read a file.
func (s *Source) Reading() dataset.Options {
	return dataset.Options{
		DataDir: s.DataDir, Offline: s.Offline, Label: s.Label, NoHeader: s.NoHeader,
		Regression: s.Values, Progress: s.Progress, Limit: s.Limit, Comm: s.Comm,
		Scratch: &dataset.Scratch{Dir: s.Scratch, Most: s.MaxMemory},
	}
}

// Read reads a file, or named data. Samples that say beforehand that there is no
// room for them are not read.
func (s *Source) Read(ctx context.Context, path string, o dataset.Options) (dataset.Split, error) {
	split, err := dataset.Open(ctx, path, o)
	var large dataset.TooLarge
	if errors.As(err, &large) {
		return split, refuse(&memory.Error{Work: "reading " + large.Name, Need: large.Bytes, Limit: s.MaxMemory, Allowed: true})
	}
	return split, err
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
		o.Classes, o.Features, o.Limit = split.Train.Classes, split.Train.Features, 0
		test, err := s.Read(ctx, s.TestData, o)
		if err != nil {
			return Data{}, err
		}
		split.Test = test.Train
		if !split.Test.Labelled() || split.Test.X.Cols != split.Train.X.Cols {
			return Data{}, refusef("%s: %d features, labelled: %t; want %d features and labels, as %s has", s.TestData, split.Test.X.Cols, split.Test.Labelled(), split.Train.X.Cols, s.name())
		}
	}
	return Data{split: split, source: &s, name: s.name()}, nil
}
