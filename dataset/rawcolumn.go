package dataset

import (
	"math"

	"github.com/dlam-go/dlam/table"
)

// RawColumn is column k of samples that no transform has been applied to. texts has a
// text for each sample, "" for none. numbers are the values of all but categories, times
// in seconds since 1970, NaN for a missing one; nil for categories.
func (d Dataset) RawColumn(k int) (texts []string, numbers []float64) {
	n := d.Rows()
	texts = make([]string, n)
	if d.Frame == nil {
		numbers = make([]float64, n)
		for i := range numbers {
			numbers[i] = float64(d.X.At(i, k))
			texts[i] = table.FormatNumber(numbers[i])
		}
		return texts, numbers
	}
	if d.Frame.columns[k].kind == KindCategory {
		levels, of := d.Frame.levelsOf(k, 0, n)
		for i, l := range of {
			if l >= 0 {
				texts[i] = levels[l]
			}
		}
		return texts, nil
	}
	numbers = make([]float64, n)
	d.Frame.floats(k, 0, numbers)
	for i, v := range numbers {
		switch {
		case math.IsNaN(v):
		case d.Frame.columns[k].kind == KindDateTime:
			texts[i] = table.FormatTime(int64(v * 1e6))
		default:
			texts[i] = table.FormatNumber(v)
		}
	}
	return texts, numbers
}
