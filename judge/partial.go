package judge

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
)

// Partial is how a model's predictions depend on a column of the table: their mean over
// samples that have all one value in the column, and all else as it is (Friedman 2001).
// Values that do not come together in any row come together there.
type Partial struct {
	Column  string   `json:"column"`
	Outputs []string `json:"outputs"` // what the means are of: the second class of two, each of more, or each value
	Points  []Point  `json:"points"`
}

// Point is the mean outputs at a value of the column.
type Point struct {
	Value   string    `json:"value"`   // "" for a missing one
	Samples int       `json:"samples"` // that have the value
	Mean    []float64 `json:"mean"`
}

// Depend is the partial dependence of m's predictions on the column called so, over
// samples d, to which no transform has been applied, and x, the features that m's makes
// of them. Of a column of numbers with more than most different values those are taken
// that divide the samples evenly; of texts the most frequent, in that order. The mean is
// over the samples as their weights count. It takes the memory of x once more, and so many threads,
// at least 1. Once ctx ends, so does it, with ctx's error. Models of pictures are refused, and
// columns that the model does not have.
func Depend(ctx context.Context, m *model.Model, d dataset.Dataset, x mat.Dense, column string, most, threads int) (*Partial, error) {
	columns, err := blocks(m)
	if err != nil {
		return nil, err
	}
	k := slices.IndexFunc(columns, func(b block) bool { return b.name == column })
	if k < 0 {
		return nil, fmt.Errorf("judge: the model has no column %q", column)
	}
	total, err := sumOf(d.Weight, x.Rows)
	if err != nil {
		return nil, err
	}
	p := &Partial{Column: column}
	first := 0
	switch {
	case m.Classes == nil:
		p.Outputs = ValueNames(m, m.Network.Outputs())
	case len(m.Classes) == 2:
		first, p.Outputs = 1, m.Classes[1:]
	default:
		p.Outputs = m.Classes
	}
	all := x.Clone()
	for _, g := range grid(d, k, max(1, most)) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		columns[k].put(all, x, func(int) int { return g.row })
		out, err := m.Outputs(all, threads)
		if err != nil {
			return nil, err
		}
		mean := make([]float64, len(p.Outputs))
		for i := range out.Rows {
			for j := range mean {
				mean[j] += of(d.Weight, i) * float64(out.At(i, first+j)) / total
			}
		}
		p.Points = append(p.Points, Point{g.text, g.samples, mean})
	}
	return p, nil
}

// level is a value of a column: how it is written, what it is as a number, one of the
// rows that have it, and how many there are.
type level struct {
	text    string
	number  float64
	row     int
	samples int
}

// grid is at most so many values of raw column k, and a missing one if there is one.
func grid(d dataset.Dataset, k, most int) []level {
	texts, numbers := d.RawColumn(k)
	place := map[string]int{}
	var all []level
	for i, text := range texts {
		at, ok := place[text]
		if !ok {
			at = len(all)
			place[text] = at
			all = append(all, level{text: text, row: i})
			if numbers != nil {
				all[at].number = numbers[i]
			}
		}
		all[at].samples++
	}
	var missing []level
	if i, ok := place[""]; ok {
		missing = []level{all[i]}
		all = slices.Delete(all, i, i+1)
	}
	if numbers == nil {
		slices.SortStableFunc(all, func(a, b level) int { return cmp.Or(cmp.Compare(b.samples, a.samples), cmp.Compare(a.text, b.text)) })
		return append(all[:min(most, len(all))], missing...)
	}
	slices.SortFunc(all, func(a, b level) int { return cmp.Compare(a.number, b.number) })
	return append(even(all, most), missing...)
}

// even is up to most of sorted values: those in the middle of parts of the samples of
// one size.
func even(all []level, most int) []level {
	if len(all) <= most {
		return all
	}
	samples := 0
	for _, l := range all {
		samples += l.samples
	}
	middle := func(part int) float64 { return (float64(part) + 0.5) * float64(samples) / float64(most) }
	var picked []level
	before, part := 0, 0
	for _, l := range all {
		before += l.samples
		if middle(part) < float64(before) {
			picked = append(picked, l)
		}
		for middle(part) < float64(before) { // a frequent value has several
			part++
		}
	}
	return picked
}
