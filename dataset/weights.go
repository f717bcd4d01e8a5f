package dataset

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/dlam-go/dlam/table"
)

// findWeight finds the column of the rows' weights. A table for a model need not have
// it; what a model is trained on must have names, by which it is found again.
func (t *columns) findWeight(o Options) error {
	switch {
	case o.Weight == "":
		return nil
	case o.Model != nil && (!t.named || t.Column(o.Weight) < 0):
		t.notes = append(t.notes, fmt.Sprintf("%s: no column %q, which had the weights of the training rows: every row has the weight 1", t.Name, o.Weight))
		return nil
	case !t.named:
		return inputf("%s: weight column %q: the columns have no names, by which the model could find it again", t.Name, o.Weight)
	}
	j, err := t.find("weight column", o.Weight)
	t.weight = []int{j}
	return err
}

// refuseWeight reports a column of weights that is something else too.
func (t *columns) refuseWeight(label int, features []int, o Options) error {
	if t.weight == nil {
		return nil
	}
	j := t.weight[0]
	if as := t.otherPart(j, label, features, o); as != "" {
		return inputf("%s: column %s %s, and cannot be the rows' weights too", t.Name, t.name(j), as)
	}
	return nil
}

// otherPart says what column j, which tells something of rows, is to be as well; "" for nothing.
func (t *columns) otherPart(j, label int, features []int, o Options) (as string) {
	switch {
	case t.isLabel(j, label):
		as = "is the label"
	case slices.Contains(features, j):
		as = "is to be a feature"
	}
	for _, name := range o.Drop {
		if at, err := t.find("column to drop", name); err == nil && at == j && o.Features == nil {
			as = "is to be left out"
		}
	}
	return as
}

// weigh makes the weights of rows lo to hi-1, if t has a column of them, those of d.
func (d *Dataset) weigh(t *columns, lo, hi int, o Options) error {
	if t.weight == nil {
		return nil
	}
	j := t.weight[0]
	c := t.Columns[j]
	if c.Kind != table.Number {
		row, line := c.First()
		return inputf("%s: %s, column %s: got %q, want a number: it is the rows' weights", t.Name, t.at(row, line), t.name(j), c.Format(row))
	}
	if err := t.budget.Take(4 * int64(hi-lo)); err != nil {
		return readError(t.Name, err)
	}
	d.Weight = make([]float32, hi-lo)
	var v [1]float64
	for i := range d.Weight {
		c.Floats(v[:], lo+i)
		if d.Weight[i] = float32(v[0]); !(d.Weight[i] > 0) || math.IsInf(float64(d.Weight[i]), 0) {
			got := "nothing"
			if !c.MissingAt(lo + i) {
				got = c.Format(lo + i)
			}
			return inputf("%s: sample %d, column %s: got the weight %s, want a number above 0 that float32 holds: leave out rows that are not to count", t.Name, t.offset+lo+i+1, t.name(j), got)
		}
	}
	d.Table.Weight = c.Name
	s, err := t.look(j, o.ranks())
	d.Taken = append(d.Taken, Taken{Name: c.Name, Weight: true, About: fmt.Sprintf("%s to %s: how often each row counts, and no feature", short(s.low), short(s.high))})
	return err
}

// ClassWeights say how much the samples of a class count: a factor of their weights.
// The zero value is no weights of classes.
type ClassWeights struct {
	// Balanced gives each class the same sum of factors: those of class c of k are
	// n/(k·n_c), for n_c of n training samples of it, as scikit-learn has it.
	Balanced bool
	// Of is the factor of each class by its name, all above 0; nil for none.
	Of map[string]float64
}

// IsZero reports whether there are none.
func (c ClassWeights) IsZero() bool { return !c.Balanced && len(c.Of) == 0 }

// Factors is the factor of each class of d, in their order; nil for none. Samples are
// counted over all processes; a class of which there are none has 1.
func (c ClassWeights) Factors(d Dataset) ([]float64, error) {
	switch {
	case c.IsZero():
		return nil, nil
	case d.Class == nil:
		return nil, inputf("the labels of %s are values, and have no classes", d.Name)
	case !c.Balanced:
		return c.named(d)
	}
	counts := make([]float64, len(d.Classes))
	for _, class := range d.Class {
		counts[class]++
	}
	if err := d.ranks().Sum(counts); err != nil {
		return nil, err
	}
	var n, present float64
	for _, count := range counts {
		n += count
		if count > 0 {
			present++
		}
	}
	factors := make([]float64, len(counts))
	for i, count := range counts {
		if factors[i] = 1; count > 0 {
			factors[i] = n / (present * count)
		}
	}
	return factors, nil
}

// named is factors by the names of classes, each of which must have one.
func (c ClassWeights) named(d Dataset) ([]float64, error) {
	classes := "the classes are " + table.List(d.Classes)
	for _, name := range slices.Sorted(maps.Keys(c.Of)) {
		if !slices.Contains(d.Classes, name) {
			return nil, inputf("%s has no class %q: %s", d.Name, name, classes)
		}
	}
	factors := make([]float64, len(d.Classes))
	for i, name := range d.Classes {
		w, ok := c.Of[name]
		if !ok {
			return nil, inputf("no weight for class %q: %s, and each needs one", name, classes)
		}
		factors[i] = w
	}
	return factors, nil
}

// WeighClasses is d with the weight of each sample times the factor of its class; nil
// changes nothing.
func (d Dataset) WeighClasses(factors []float64) Dataset {
	if factors == nil || d.Class == nil {
		return d
	}
	weight := make([]float32, len(d.Class))
	for i, class := range d.Class {
		w := factors[class]
		if d.Weight != nil {
			w *= float64(d.Weight[i])
		}
		weight[i] = float32(w)
	}
	d.Weight = weight
	return d
}
