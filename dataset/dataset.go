package dataset

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/picture"
)

// ErrInput is what every error about data or options wraps.
var ErrInput = errors.New("bad input")

// inputf is an error about input.
func inputf(format string, args ...any) error {
	return inputError{fmt.Errorf(format, args...)}
}

type inputError struct{ error }

func (e inputError) Is(target error) bool { return target == ErrInput }
func (e inputError) Unwrap() error        { return e.error }

// Dataset is a table of samples: features, and a class or values for each.
type Dataset struct {
	Name     string
	X        mat.Dense // one row a sample; without columns where the samples are in Frame
	Frame    *Frame    // samples with texts, dates or gaps, of which a Transform makes X; else nil
	Taken    []Taken   // what the columns of a table were taken for
	Class    []int32   // class of each sample; nil for a regression or if unlabelled
	Classes  []string  // class names, in the order of their numbers
	Value    mat.Dense // values to predict, one row a sample; no rows for a classification
	Weight   []float32 // how much each sample counts (loss.Target); nil: all 1
	Low      []float32 // bounds of predicted values, which scores heed; nil for none
	High     []float32
	Features []string      // names of the columns of X, or nil
	Image    picture.Image // shape of a row of X, if it is a picture
	Steps    int           // of a row of X that is a sequence, one after another; 0 if nothing says so
	Comm     comm.Comm     // the processes that hold the other samples; nil for none
	Scratch  *Scratch      // where samples are kept; nil for memory
	Table    Shape         // of the file that the samples are from, if it is a table
	Kept     []Kept        // columns that are neither features nor the label, as texts; see Options.Keep
	Missing  []string      // texts that said that there is no value, beside the customary ones
	Notes    []string      // what people are to be told of how the data was taken, a line each
}

// Shape is how many columns a table has, and which of them is the label.
type Shape struct {
	Columns int      `json:"columns"`
	Label   int      `json:"label"`            // from 0; -1 for none
	Name    string   `json:"name"`             // of the label
	Weight  string   `json:"weight,omitempty"` // name of the column of the rows' weights
	IDs     []string `json:"ids,omitempty"`    // names of columns that name the rows
	// Sequence is the name of the column that says which sequence a row is a step of, and
	// Time of the one by which they follow each other; "" for none.
	Sequence string `json:"sequence,omitempty"`
	Time     string `json:"time,omitempty"`
}

// Kept is a column as texts, a row each.
type Kept struct {
	Name   string
	Values []string
}

// Split is a data set divided for training and testing. Test has no rows if
// there is none.
type Split struct{ Train, Test Dataset }

// Rows is the number of samples.
func (d Dataset) Rows() int { return d.X.Rows }

// RawFeatures is how many columns a sample has.
func (d Dataset) RawFeatures() int {
	if d.Frame != nil {
		return len(d.Frame.columns)
	}
	return d.X.Cols
}

// Bytes is how much memory the samples take, in bytes: none, if they are kept in a
// file.
func (d Dataset) Bytes() float64 {
	if d.Scratch != nil && d.Scratch.Dir != "" {
		return 0
	}
	b := 4 * float64(d.X.Rows) * float64(d.X.Cols)
	if d.Frame != nil {
		b += d.Frame.bytes()
	}
	return b
}

// Labelled reports whether each sample has a class or values.
func (d Dataset) Labelled() bool { return d.Class != nil || d.Value.Rows > 0 }

// Target is what a network is to give for the samples: their classes, or their
// values. It shares the memory of d, and is empty if d is not labelled.
func (d Dataset) Target() loss.Target {
	return loss.Target{Class: d.Class, Classes: len(d.Classes), Value: d.Value, Low: d.Low, High: d.High, Weight: d.Weight}
}

// RowRange is the view of samples lo to hi-1.
func (d Dataset) RowRange(lo, hi int) Dataset {
	d.X = d.X.RowRange(lo, hi)
	if d.Frame != nil {
		d.Frame = d.Frame.rowRange(lo, hi)
	}
	if d.Class != nil {
		d.Class = d.Class[lo:hi]
	}
	if d.Value.Rows > 0 {
		d.Value = d.Value.RowRange(lo, hi)
	}
	if d.Weight != nil {
		d.Weight = d.Weight[lo:hi]
	}
	return d
}

// Pick is a copy of the samples with the given numbers.
func (d Dataset) Pick(index []int) (p Dataset, err error) {
	p = d
	if p.X, err = d.Scratch.matrix(d.Name, len(index), d.X.Cols); err != nil {
		return p, err
	}
	if d.Frame != nil {
		p.Frame = d.Frame.pick(index)
	}
	if d.Class != nil {
		p.Class = make([]int32, len(index))
	}
	if d.Value.Rows > 0 {
		p.Value = mat.New(len(index), d.Value.Cols)
	}
	if d.Weight != nil {
		p.Weight = make([]float32, len(index))
	}
	for i, from := range index {
		copy(p.X.Row(i), d.X.Row(from))
		if d.Class != nil {
			p.Class[i] = d.Class[from]
		}
		if d.Value.Rows > 0 {
			copy(p.Value.Row(i), d.Value.Row(from))
		}
		if d.Weight != nil {
			p.Weight[i] = d.Weight[from]
		}
	}
	return p, nil
}

// feature is the name of column j, for messages.
func (d Dataset) feature(j int) string {
	if j < len(d.Features) {
		return fmt.Sprintf("column %q", d.Features[j])
	}
	return fmt.Sprintf("feature %d", j)
}

// Validate reports data that no method can learn from or predict on: no rows,
// no columns, and values that are NaN or infinite, with their place.
func (d Dataset) Validate() error {
	if d.Rows() == 0 {
		return inputf("%s: no samples", d.Name)
	}
	if d.X.Cols == 0 && d.Frame == nil {
		return inputf("%s: no features", d.Name)
	}
	for i := range d.X.Rows {
		for j, v := range d.X.Row(i) {
			if v-v != 0 {
				return inputf("%s: sample %d, %s: got %v, want a finite number", d.Name, i+1, d.feature(j), v)
			}
		}
	}
	if d.Weight != nil && len(d.Weight) != d.Rows() {
		return inputf("%s: %d weights for %d samples", d.Name, len(d.Weight), d.Rows())
	}
	for i, w := range d.Weight {
		if !(w > 0) || w-w != 0 {
			return inputf("%s: sample %d: got the weight %v, want a finite number above 0: leave out samples that are not to count", d.Name, i+1, w)
		}
	}
	for i := range d.Value.Rows {
		for _, v := range d.Value.Row(i) {
			if v-v != 0 {
				return inputf("%s: sample %d, label: got %v, want a finite number", d.Name, i+1, v)
			}
		}
	}
	return nil
}

// Trainable reports what Validate does, missing labels, and fewer than two
// classes, which may be with other processes.
func (d Dataset) Trainable() error {
	if err := d.Validate(); err != nil {
		return err
	}
	if !d.Labelled() {
		return inputf("%s: no labels to train on", d.Name)
	}
	if d.Class != nil {
		counts := make([]float64, len(d.Classes))
		for _, c := range d.Class {
			counts[c]++
		}
		if err := d.ranks().Sum(counts); err != nil {
			return err
		}
		present := slices.DeleteFunc(slices.Clone(counts), func(n float64) bool { return n == 0 })
		if len(present) < 2 {
			return inputf("%s: every sample is of class %q, want at least two classes", d.Name, d.Classes[d.Class[0]])
		}
	}
	return nil
}

// Summary is what a data set is like; of a table with texts, dates or gaps the numbers
// are those that are there.
type Summary struct {
	Rows, Features int
	Min, Max, Mean float64
	Constant       int   // features with one value
	Counts         []int // samples of each class
}

// Summarize looks at every value.
func (d Dataset) Summarize() Summary {
	s := Summary{Rows: d.Rows(), Features: d.X.Cols, Min: math.Inf(1), Max: math.Inf(-1), Counts: make([]int, len(d.Classes))}
	lo, hi := make([]float32, d.X.Cols), make([]float32, d.X.Cols)
	for i := range d.X.Rows {
		for j, v := range d.X.Row(i) {
			if i == 0 {
				lo[j], hi[j] = v, v
			}
			lo[j], hi[j] = min(lo[j], v), max(hi[j], v)
			s.Mean += float64(v)
		}
	}
	for j := range lo {
		s.Min, s.Max = math.Min(s.Min, float64(lo[j])), math.Max(s.Max, float64(hi[j]))
		if lo[j] == hi[j] {
			s.Constant++
		}
	}
	n := d.X.Rows * d.X.Cols
	if d.Frame != nil {
		s.Features = len(d.Frame.columns)
		n = d.Frame.summarize(&s)
	}
	s.Mean /= float64(max(1, n))
	for _, c := range d.Class {
		s.Counts[c]++
	}
	return s
}
