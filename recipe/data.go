package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/internal/memory"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/picture"
)

// Data is labelled samples as they are, before anything is held back or scaled.
// Make it by Rows, From or Open. A fault in what it is made of is told by what
// it is given to.
type Data struct {
	name   string
	split  dataset.Split
	source *Source // of samples that were read; nil for others
	err    error   // what is wrong with it
	taken  *bool   // whether samples were moved, of Data that is for one training; nil for others
	// again reads raw rows as those of train were, since by themselves a few rows may be
	// taken for something else; nil for samples that are no raw rows in memory.
	again func(train dataset.Dataset) (dataset.Dataset, error)
}

// Rows is samples in memory, a row each, with the features that columns names,
// if it names any, and their labels: integers and texts are classes, floats are
// values to predict. The samples are copied.
func Rows[T dataset.Number, L dataset.Label](rows [][]T, labels []L, columns ...string) Data {
	d, err := dataset.FromRows("samples", rows, labels, columns...)
	return Data{name: d.Name, split: dataset.Split{Train: d}, err: err}
}

// Records is raw rows in memory, as those of a file: a value for each of the named
// columns, which is a number, a bool, a time.Time, a text that is read as the field of
// a CSV file is, or nil for none. o says which column is the label, and what else is
// not to be found out. The rows are copied.
func Records[V any](columns []string, rows [][]V, o dataset.Options) Data {
	d, err := dataset.FromRecords("records", columns, rows, o)
	columns = slices.Clone(columns)
	copied := make([][]V, len(rows)) // the caller may change rows before WithTest
	for i, row := range rows {
		copied[i] = slices.Clone(row)
	}
	weight := d.Table.Weight // the column's name, where o has its number
	again := func(train dataset.Dataset) (dataset.Dataset, error) {
		like := asTest(o, train)
		like.Weight = cmp.Or(weight, like.Weight)
		test, failed := dataset.FromRecords("records", columns, copied, like)
		if failed == nil && o.Weight != "" && test.Weight == nil {
			failed = err // the column that o names is not there
		}
		return test, failed
	}
	return Data{name: d.Name, split: dataset.Split{Train: d}, err: err, again: again}
}

// asTest is o for samples to test on: they have the columns and the classes of train.
func asTest(o dataset.Options, train dataset.Dataset) dataset.Options {
	o.Classes, o.Features, o.Model = train.Classes, train.Features, train.Schema()
	o.Weight = cmp.Or(o.Weight, train.Table.Weight)
	if o.Features != nil { // by which columns are found
		o.Drop = nil
	}
	if o.Missing == nil {
		o.Missing = train.Missing
	}
	if train.Class == nil {
		o.Task = dataset.Regression
	}
	if shape := train.Table; shape.Columns > 0 && shape.Label >= 0 && o.Label == "" {
		o.Label = shape.Name
	}
	return o
}

// From is samples that a program has read itself, to train on and, if there are
// any, to test on. They stay as they are.
func From(split dataset.Split) Data { return Data{name: split.Train.Name, split: split} }

// WithTest is d with the samples of test to test on. Columns are those of d by their
// names, in any order, where both have names, and by their places else; a column that is
// missing is refused, and further ones are left out. Records are read again, with the
// label, the classes and the kinds of columns that d has, so that a single row will do. A
// file is not, and is refused where its columns were taken for something else by
// themselves: Source.TestData has it read as the training samples were.
func (d Data) WithTest(test Data) Data {
	if d.err != nil {
		return d
	}
	train := d.split.Train
	samples, err := test.split.Train, test.err
	if test.again != nil {
		samples, err = test.again(train)
	}
	if err == nil {
		if samples, err = samples.WithColumns(train); err != nil && test.source != nil {
			err = fmt.Errorf("%w: name the file in Source.TestData, with which it is read as the training samples were, or give all rows as one and Options.TestSplit", err)
		}
	}
	if err == nil && train.Class != nil {
		samples, err = samples.WithClasses(train.Classes)
	}
	if err != nil {
		d.err = fmt.Errorf("test samples: %w", err)
		return d
	}
	if train.Class == nil && samples.Value.Cols != train.Value.Cols {
		d.err = refusef("test labels are %d values, training labels %d", samples.Value.Cols, train.Value.Cols)
		return d
	}
	d.split.Test = samples
	d.split.SameLongest()
	return d
}

// WithWeights is d with weights of its samples, one for each, in their order: finite
// numbers above 0. A sample of weight 2 counts twice, in training and in scores. They
// are copied.
func (d Data) WithWeights(weights []float32) Data {
	weights = slices.Clone(weights)
	weigh := func(samples dataset.Dataset, err error) (dataset.Dataset, error) {
		if err == nil {
			samples.Weight = weights
			err = samples.Validate()
		}
		return samples, err
	}
	d.split.Train, d.err = weigh(d.split.Train, d.err)
	if again := d.again; again != nil {
		d.again = func(train dataset.Dataset) (dataset.Dataset, error) { return weigh(again(train)) }
	}
	return d
}

// Pictures is d with samples that are pictures of the given shape, so that they
// are trained on as pictures: scaled by im.Max, and moved at random.
func (d Data) Pictures(im picture.Image) Data {
	if d.err != nil {
		return d
	}
	v := check.Of("pictures")
	v.AtLeast(1, "height", im.Height, "")
	v.AtLeast(1, "width", im.Width, "")
	v.AtLeast(1, "channels", im.Channels, "")
	v.That(im.Max > 0, "max", im.Max, "the value of full intensity, above 0")
	if d.err = refuse(v.Err()); d.err == nil && im.Height*im.Width*im.Channels != d.split.Train.X.Cols {
		d.err = refusef("%s have %d values each, and the samples %d", im, im.Height*im.Width*im.Channels, d.split.Train.X.Cols)
	}
	d.split.Train.Image, d.split.Test.Image = im, im
	return d
}

// Columns are what the columns of a table were taken for; none of other samples.
func (d Data) Columns() []dataset.Taken { return d.split.Train.Taken }

// Tested reports whether there are samples to test on, so that none are held back for that.
func (d Data) Tested() bool { return d.split.Test.Rows() > 0 }

// Notes are what people are to be told of how the samples were taken from files, a
// line each.
func (d Data) Notes() []string { return slices.Concat(d.split.Train.Notes, d.split.Test.Notes) }

// Once is d for one training, which may scale the samples where they are instead
// of in a copy. A second training is refused.
func (d Data) Once() Data {
	d.taken = new(bool)
	return d
}

// Divide is the raw samples to train on and to test on: a share of the former is
// held back for the latter, if there are none.
func (d Data) Divide(o *Options) (dataset.Split, error) {
	s := d.split
	if d.err != nil {
		return s, d.err
	}
	if d.taken != nil && *d.taken {
		return s, refusef("%s: these samples were for one training; make them again, or leave out Once", d.name)
	}
	if s.Train.Comm == nil {
		s.Train.Comm, s.Test.Comm = o.sharing(), o.sharing()
	}
	if s.Train.Comm.Size() > o.sharing().Size() {
		return s, refusef("parallel: got layers, and each of %d processes has read a part of the samples alone: with layers each must read all (Options.SamplesOf)", s.Train.Comm.Size())
	}
	if err := d.suits(o.Loss); err != nil {
		return s, refuse(err)
	}
	if err := s.Train.Trainable(); err != nil {
		return s, err
	}
	if err := room(o, "reading "+d.name, s.Train.Bytes()+s.Test.Bytes(), d.copies(o)); err != nil {
		return s, err
	}
	if d.divides(o) {
		return dataset.Divide(s.Train, o.testSplit(), o.Seed)
	}
	return s, nil
}

// suits reports a loss that is not for d's labels; nil is for any.
func (d Data) suits(l loss.Loss) error {
	if l == nil || !d.split.Train.Labelled() {
		return nil
	}
	got, other := loss.Classes, loss.Values
	if d.split.Train.Class == nil {
		got, other = other, got
	}
	if loss.IsFor(l, got) {
		return nil
	}
	var fit []string
	for _, l := range loss.All {
		if loss.IsFor(l, got) {
			fit = append(fit, l.Spec().Kind)
		}
	}
	advice := ""
	if got == loss.Values && d.source != nil {
		advice = ", or make them classes (task classification)"
	}
	return fmt.Errorf("loss: %v needs %s, and the labels of %s are %s: use %s%s", l.Spec(), other, d.name, got, strings.Join(fit, " or "), advice)
}

// divides reports whether samples are held back for testing.
func (d Data) divides(o *Options) bool { return !d.Tested() && o.testSplit() > 0 }

// copies is the bytes of the samples that are copied to divide, pool or scale
// them.
func (d Data) copies(o *Options) float64 {
	s := d.split
	switch {
	case o.Validation > 0 || d.divides(o):
		return s.Train.Bytes()
	case o.pool() > 1:
		return (s.Train.Bytes() + s.Test.Bytes()) / float64(o.pool()*o.pool())
	case d.taken == nil:
		return s.Train.Bytes() + s.Test.Bytes()
	}
	return 0
}

// Samples are ready for a network: divided and scaled.
type Samples struct {
	Train, Validation, Test dataset.Dataset // the last two without rows where there are none
	Transform               dataset.Transform

	name     string
	features []string // names of the raw columns
	source   *Source
	raw      float64 // bytes of the samples as they were, which stay in memory
}

// table reports whether the samples are rows of a table, with columns that say
// something each, and not pictures, spectra or counts of words.
func (s *Samples) table() bool {
	return s.Train.Image.Width == 0 && (s.Transform.Columns != nil || s.Transform.Inputs <= dataset.WideTable)
}

// Name is what the samples are called.
func (s *Samples) Name() string { return s.name }

// part is samples that are to be scaled: where they are, if they are a copy that
// nobody else has.
type part struct {
	from dataset.Dataset
	to   *dataset.Dataset
	own  bool
}

// Ready divides and scales the samples as o says.
func (d Data) Ready(o *Options) (*Samples, error) {
	split, err := d.Divide(o)
	if err != nil {
		return nil, err
	}
	r := &Samples{name: d.name, source: d.source}
	once := d.taken != nil
	train := part{split.Train, &r.Train, once || d.divides(o)}
	test := part{split.Test, &r.Test, train.own}
	held := part{to: &r.Validation, own: true}
	if o.Validation > 0 {
		v, err := dataset.Divide(train.from, o.Validation, o.Seed+1) // not the draw that made the test samples
		if err != nil {
			return nil, refuse(fmt.Errorf("validation: %w", err))
		}
		train.from, held.from, train.own = v.Train, v.Test, true
	}
	if s := scaling(o, train.from); o.Bins > 0 {
		r.Transform, err = dataset.FitBins(train.from, s, o.Bins)
	} else {
		r.Transform, err = dataset.Fit(train.from, s, o.pool())
	}
	if err != nil {
		return nil, refuse(err)
	}
	if !orElse(o.Clamp, true) {
		r.Transform = r.Transform.Unclamped()
	}
	if r.features = r.Transform.ColumnNames(); r.features == nil {
		r.features = train.from.Features
	}
	if r.Transform.Columns != nil { // the features take memory beside the columns
		rows := float64(split.Train.Rows() + split.Test.Rows())
		if err := room(o, "making features of "+d.name, d.split.Train.Bytes()+d.split.Test.Bytes(), 4*rows*float64(r.Transform.Outputs())); err != nil {
			return nil, err
		}
	}
	if once {
		*d.taken = true
	} else {
		r.raw = d.split.Train.Bytes() + d.split.Test.Bytes()
	}
	for _, p := range []part{train, held, test} {
		if p.from.Rows() == 0 {
			continue
		}
		transform := r.Transform.Apply
		if p.own {
			transform = r.Transform.Move
		}
		if *p.to, err = transform(p.from); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// scaling is how features are scaled: as o says, or as suits d.
func scaling(o *Options, d dataset.Dataset) dataset.Scaling {
	switch {
	case o.Scale != "":
		return o.Scale
	case d.Image.Max > 0:
		return dataset.ScaleUnit
	}
	return dataset.ScaleStandard
}

// room refuses work that takes more memory than there is for it.
func room(o *Options, work string, held, need float64) error {
	return refuse(memory.Room(work, held, need, o.MaxMemory, local(o.ranks())))
}
