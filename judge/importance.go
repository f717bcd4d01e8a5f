package judge

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
)

// Importance is how much worse a model becomes when a column of the table says nothing,
// because its values have changed places between the samples (Breiman 2001). Columns
// that tell much the same stand in for each other, so that each may seem to matter little.
type Importance struct {
	Column string   `json:"column"`
	Drops  []Change `json:"drops"` // of each figure of Importances.Base
}

// Change is how much worse a figure becomes: its fall of an accuracy, its rise of an
// error. Below 0 the model is better without the column, mostly by chance.
type Change struct {
	Figure string  `json:"figure"` // as Figure.Name
	Mean   float64 `json:"mean"`   // over the repetitions
	SD     float64 `json:"sd"`     // between them; 0 for one
}

// Importances are those of all columns, in the table's order.
type Importances struct {
	// Base is the figures with the columns as they are: accuracy, and log-loss where
	// there are probabilities; RMSE of a value, 1 − R² of several.
	Base    []Figure     `json:"base"`
	Columns []Importance `json:"columns"`
	Repeats int          `json:"repeats"`
	Samples int          `json:"samples"`
}

// block is what a raw column becomes: features lo to hi-1.
type block struct {
	name   string
	lo, hi int
}

// blocks are those of m's raw columns.
func blocks(m *model.Model) ([]block, error) {
	t := &m.Transform
	if t.Image.Width > 0 || t.Pool > 1 {
		return nil, errors.New("judge: the model takes pictures, whose pixels are no columns of a table")
	}
	if t.Steps > 0 {
		return nil, errors.New("judge: the model takes sequences, and a column has a value at each step")
	}
	var list []block
	if t.Columns != nil {
		at := 0
		for _, c := range t.Columns {
			list = append(list, block{c.Name, at, at + c.Outputs()})
			at += c.Outputs()
		}
		return list, nil
	}
	for j := range t.Inputs {
		name := strconv.Itoa(j)
		if m.Features != nil {
			name = m.Features[j]
		}
		list = append(list, block{name, j, j + 1})
	}
	return list, nil
}

// put makes the block in rows of to that of the row of from which pick gives.
func (b block) put(to, from mat.Dense, pick func(i int) int) {
	for i := range to.Rows {
		copy(to.Row(i)[b.lo:b.hi], from.Row(pick(i))[b.lo:b.hi])
	}
}

// Permuting says how Permute goes about it.
type Permuting struct {
	Repeats int    // permutations of each column; 0: five
	Seed    uint64 // of the permutations: each column has its own, whatever others there are
	Threads int    // to compute on, at least 1
	Tell    func(done, columns int)
}

// Permute is the importance of each column of the table for m's predictions of d:
// labelled samples that its transform has been applied to, best such as it was not
// trained on; their weights count. It takes the memory of d's features once more, and
// len(columns)·Repeats predictions of d. Once ctx ends, so does it, with ctx's error. Models of pictures are refused.
func Permute(ctx context.Context, m *model.Model, d dataset.Dataset, p Permuting) (*Importances, error) {
	if !d.Labelled() || (d.Class != nil) != (m.Classes != nil) {
		return nil, fmt.Errorf("judge: %s has no labels of the model's kind", d.Name)
	}
	columns, err := blocks(m)
	if err != nil {
		return nil, err
	}
	total, err := sumOf(d.Weight, d.Rows())
	if err != nil {
		return nil, err
	}
	if p.Repeats == 0 {
		p.Repeats = 5
	}
	f := &few{m: m, d: d, total: total, threads: p.Threads}
	if m.Classes == nil {
		f.values = raw(m, d)
	}
	all := &Importances{Repeats: p.Repeats, Samples: d.Rows()}
	if all.Base, err = f.figures(d.X); err != nil {
		return nil, err
	}
	x := d.X.Clone()
	for k, b := range columns {
		one, err := f.permute(ctx, b, x, all.Base, p.Repeats, rand.New(rand.NewPCG(p.Seed, uint64(k))))
		if err != nil {
			return nil, err
		}
		all.Columns = append(all.Columns, one)
		if p.Tell != nil {
			p.Tell(k+1, len(columns))
		}
	}
	return all, nil
}

// few is what computes few figures often.
type few struct {
	m       *model.Model
	d       dataset.Dataset
	values  mat.Dense // of a regression, in the data's units
	total   float64
	threads int
}

// figures are accuracy, and log-loss where there are probabilities; RMSE of a value, and
// 1 − R² of several, or RMSE of each where one does not vary.
func (f *few) figures(x mat.Dense) ([]Figure, error) {
	out, err := f.m.Outputs(x, f.threads)
	if err != nil {
		return nil, err
	}
	if f.m.Classes == nil {
		v, err := Regress(out, f.values, ValueNames(f.m, out.Cols), 0, f.d.Weight)
		if err != nil {
			return nil, err
		}
		if v.Values == nil {
			return []Figure{{"rmse", "RMSE", v.RMSE}}, nil
		}
		if v.R2 != nil { // several may have units of their own
			return []Figure{{"unexplained", "1 − R²", new(1 - *v.R2)}}, nil
		}
		var list []Figure
		for _, one := range v.Values {
			list = append(list, Figure{"rmse:" + one.Name, "RMSE of " + one.Name, one.RMSE})
		}
		return list, nil
	}
	list := []Figure{{"accuracy", "accuracy", new(accuracy(out, f.d.Class, f.d.Weight) / f.total)}}
	if f.m.Meaning() == model.Probabilities {
		list = append(list, Figure{"log_loss", "log-loss", new(logLoss(out, f.d.Class, f.d.Weight) / f.total)})
	}
	return list, nil
}

// permute is the importance of a column. x is as the samples are, and is again after it.
func (f *few) permute(ctx context.Context, b block, x mat.Dense, base []Figure, repeats int, rng *rand.Rand) (Importance, error) {
	drops := make([][]float64, len(base))
	for range repeats {
		if ctx.Err() != nil {
			return Importance{}, ctx.Err()
		}
		order := rng.Perm(x.Rows)
		b.put(x, f.d.X, func(i int) int { return order[i] })
		now, err := f.figures(x)
		if err != nil {
			return Importance{}, err
		}
		for k := range base {
			drop := *now[k].Value - *base[k].Value
			if base[k].Name == "accuracy" {
				drop = -drop
			}
			drops[k] = append(drops[k], drop)
		}
	}
	b.put(x, f.d.X, func(i int) int { return i })
	one := Importance{Column: b.name}
	for k, list := range drops {
		mean, sd := spread(list)
		one.Drops = append(one.Drops, Change{base[k].Name, mean, sd})
	}
	return one, nil
}

// spread is the mean of values and their standard deviation.
func spread(values []float64) (mean, sd float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		sd += (v - mean) * (v - mean) / max(1, n-1)
	}
	return mean, math.Sqrt(sd)
}
