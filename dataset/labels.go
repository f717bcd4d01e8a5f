package dataset

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/mat"
)

// maxClasses is up to how many distinct integers are taken for classes.
const maxClasses = 100

// classes numbers text labels: by known, if given, else in order, by number
// where all are numbers.
func classes(path string, text []string, known []string) ([]int32, []string, error) {
	names := known
	if names == nil {
		names = slices.Clone(text)
		slices.SortFunc(names, compareLabels)
		names = slices.Compact(names)
	}
	number := make(map[string]int32, len(names))
	for i, n := range names {
		number[n] = int32(i)
	}
	class := make([]int32, len(text))
	for i, t := range text {
		c, ok := number[t]
		if !ok {
			return nil, nil, inputf("%s: sample %d: label %q is none of the classes %s", path, i+1, t, list(names))
		}
		class[i] = c
	}
	return class, names, nil
}

func compareLabels(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil {
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
	}
	return cmp.Compare(a, b)
}

// list is names for a message, at most ten.
func list(names []string) string {
	if len(names) > 10 {
		return strings.Join(names[:10], ", ") + fmt.Sprintf(", … (%d)", len(names))
	}
	return strings.Join(names, ", ")
}

// label turns a column of text into classes or values. Text means classes;
// numbers mean values if a regression is asked for, or if they are not whole
// or too many; else classes.
func (d *Dataset) label(path string, text []string, o Options) (err error) {
	values := mat.New(len(text), 1)
	numeric, whole := true, true
	distinct := map[string]bool{}
	for i, t := range text {
		v, err := strconv.ParseFloat(t, 32)
		if err != nil {
			numeric = false
			break
		}
		values.Data[i] = float32(v)
		whole = whole && v == float64(int64(v))
		distinct[t] = true
	}
	if o.Classes == nil && numeric && (o.Regression || !whole || len(distinct) > maxClasses) {
		d.Value = values
		return nil
	}
	d.Class, d.Classes, err = classes(path, text, o.Classes)
	return err
}
