package judge

import (
	"fmt"
	"math"

	"github.com/dlam-go/dlam/mat"
)

// Values is how good predictions of values are, in the values' units.
type Values struct {
	Samples int     `json:"samples"`
	Weight  float64 `json:"weight"` // sum of the samples' weights
	Errors          // of one value; of several R2 alone
	// Quantile is that at which Pinball is, if the model's loss is one for quantiles.
	Quantile *float64 `json:"quantile,omitempty"`
	Values   []Value  `json:"values,omitempty"`  // of each, where they are several
	Omitted  []string `json:"omitted,omitempty"` // figures that are undefined, a line each with the reason
}

// Errors are how far predictions are from values. Several values may have units of their
// own, so that there is no RMSE, MAE and pinball loss of all of them: these are then nil.
type Errors struct {
	RMSE *float64 `json:"rmse"` // root mean squared error
	MAE  *float64 `json:"mae"`  // mean absolute error
	// R2 is 1 − Σ squared errors / Σ squared distances from the mean, and of several
	// values the mean of theirs, so that their units make no difference; nil where a
	// value does not vary.
	R2 *float64 `json:"r2"`
	// Pinball is the mean of q·e for errors e = y − z above 0, and (q − 1)·e below, of
	// quantile q (Koenker and Bassett 1978); nil without one.
	Pinball *float64 `json:"pinball,omitempty"`
}

// Value is how good predictions of one of several values are.
type Value struct {
	Name string `json:"name"`
	Errors
}

// Regress judges outputs against values y, both a row a sample and a column a value.
// names are the values' names, one for each column. quantile is that of a loss for
// quantiles, within 0 and 1, and 0 for others. weight is a weight of at least 0 for each
// sample, nil for 1 each. Errors are about shapes and weights.
func Regress(out, y mat.Dense, names []string, quantile float64, weight []float32) (*Values, error) {
	if out.Rows != y.Rows || out.Cols != y.Cols || len(names) != y.Cols {
		return nil, fmt.Errorf("judge: %d×%d outputs for %d×%d values with %d names", out.Rows, out.Cols, y.Rows, y.Cols, len(names))
	}
	total, err := sumOf(weight, y.Rows)
	if err != nil {
		return nil, err
	}
	v := &Values{Samples: y.Rows, Weight: total}
	if quantile > 0 {
		v.Quantile = &quantile
	}
	for j, name := range names {
		s := sumsOf(out, y, j, quantile, weight, total)
		v.Values = append(v.Values, Value{name, s.figures(total, v.Quantile)})
	}
	if y.Cols == 1 {
		v.Errors, v.Values = v.Values[0].Errors, nil
	} else {
		v.R2, v.Omitted = meanR2(v.Values), []string{"RMSE, MAE and the like of all values together: each has its own unit"}
	}
	if v.R2 == nil {
		v.Omitted = append(v.Omitted, "R²: the values do not vary")
	}
	return v, nil
}

// meanR2 is the mean of the values' R²; nil if one has none.
func meanR2(values []Value) *float64 {
	mean := 0.0
	for _, each := range values {
		if each.R2 == nil {
			return nil
		}
		mean += *each.R2 / float64(len(values))
	}
	return &mean
}

// sums are those of one value's errors, and of its squared distances from its mean.
type sums struct{ square, absolute, pinball, spread float64 }

func sumsOf(out, y mat.Dense, j int, quantile float64, weight []float32, total float64) (s sums) {
	var mean float64
	for i := range y.Rows {
		mean += of(weight, i) * float64(y.At(i, j)) / total
	}
	for i := range y.Rows {
		w, v := of(weight, i), float64(y.At(i, j))
		e := v - float64(out.At(i, j))
		s.square += w * e * e
		s.absolute += w * math.Abs(e)
		s.pinball += w * max(quantile*e, (quantile-1)*e)
		s.spread += w * (v - mean) * (v - mean)
	}
	return s
}

func (s sums) figures(total float64, quantile *float64) Errors {
	e := Errors{RMSE: new(math.Sqrt(s.square / total)), MAE: new(s.absolute / total)}
	if s.spread > 0 {
		e.R2 = new(1 - s.square/s.spread)
	}
	if quantile != nil {
		e.Pinball = new(s.pinball / total)
	}
	return e
}
