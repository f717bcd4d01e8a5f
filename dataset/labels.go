package dataset

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/table"
)

// firstTexts is up to most of the different values of a column.
func firstTexts(c *table.Column, most int) []string {
	seen := map[int64]bool{}
	var list []string
	eachInteger(c, func(row int, v int64) bool {
		if !seen[v] {
			seen[v] = true
			list = append(list, c.Format(row))
		}
		return len(list) < most
	})
	return list
}

// eachInteger calls f for every value of a column, until it gives false.
func eachInteger(c *table.Column, f func(row int, v int64) bool) {
	const block = 1 << 10
	var values [block]int64
	for row := 0; row < c.Rows(); row += block {
		n := min(block, c.Rows()-row)
		c.Integers(values[:n], row)
		for i, v := range values[:n] {
			if !f(row+i, v) {
				return
			}
		}
	}
}

// copyValues copies the numbers of column j.
func (t *columns) copyValues(dst []float32, j int) error {
	const block = 1 << 10
	var values [block]float64
	for row := 0; row < t.Rows; row += block {
		n := min(block, t.Rows-row)
		t.Columns[j].Floats(values[:n], row)
		for i, v := range values[:n] {
			x := float32(v)
			if x-x != 0 {
				return inputf("%s: sample %d, column %s: got the label %g, want a finite number of at most 3.4e38", t.Name, t.offset+row+i+1, t.name(j), v)
			}
			dst[row+i] = x
		}
	}
	return nil
}

// labels are the labels of samples: names, and which of them each sample has.
type labels struct {
	path  string
	names []string
	of    []int32
}

// labelsOf is the labels of a column, as names: integers in digits, however they
// were written.
func labelsOf(t *columns, j int) labels {
	c := t.Columns[j]
	l := labels{path: t.Name, of: make([]int32, t.Rows)}
	if c.Kind == table.Number && !c.Whole() {
		number := map[float64]int32{}
		var v [1]float64
		for row := range l.of {
			c.Floats(v[:], row)
			l.of[row] = add(&l.names, number, v[0], func() string { return c.Format(row) })
		}
		return l
	}
	number := map[int64]int32{}
	eachInteger(c, func(row int, v int64) bool {
		l.of[row] = add(&l.names, number, v, func() string { return c.Format(row) })
		return true
	})
	return l
}

// labelsOfTexts is labels of which each has its name.
func labelsOfTexts(path string, text []string) labels {
	l := labels{path: path, of: make([]int32, len(text))}
	number := map[string]int32{}
	for i, t := range text {
		l.of[i] = add(&l.names, number, t, func() string { return t })
	}
	return l
}

// add is the number of a name among those added so far, to which it is added if it
// is not one of them.
func add[K comparable](names *[]string, number map[K]int32, key K, name func() string) int32 {
	i, ok := number[key]
	if !ok {
		i = int32(len(*names))
		number[key] = i
		*names = append(*names, name())
	}
	return i
}

// classify makes labels d's classes: those that are known beforehand, if there are
// any, else all that occur, in order: by number where all are numbers.
func (d *Dataset) classify(l labels, o Options) error {
	names := o.Classes
	if names == nil {
		var err error
		if names, err = union(o.ranks(), l.names); err != nil {
			return err
		}
		slices.SortFunc(names, compareLabels)
	}
	numbers := classNumbers(names)
	class := make([]int32, len(l.names))
	for i, name := range l.names {
		n, ok := numbers[name]
		if !ok {
			n, ok = numbers[sameValue(name)]
		}
		if !ok {
			n, ok = looseNumber(names, name)
		}
		class[i] = n
		if first := slices.Index(l.of, int32(i)); !ok && first >= 0 {
			return inputf("%s: sample %d: label %q is none of the classes %s", l.path, first+1, name, table.List(names))
		}
	}
	d.Class, d.Classes = make([]int32, len(l.of)), names
	for i, n := range l.of {
		d.Class[i] = class[n]
	}
	return nil
}

// classNumbers are the numbers of classes by their names, and by what has the same
// value.
func classNumbers(names []string) map[string]int32 {
	m := make(map[string]int32, 2*len(names))
	for i, n := range names {
		if v := sameValue(n); v != n {
			if _, ok := m[v]; !ok {
				m[v] = int32(i)
			}
		}
	}
	for i, n := range names {
		m[n] = int32(i)
	}
	return m
}

// looseNumber is the number of the one class whose name differs from a label only by
// capitals, blanks and points: >50K for >50K.
func looseNumber(names []string, label string) (number int32, ok bool) {
	loose := func(name string) string { return strings.ToLower(strings.Trim(name, " .\t")) }
	for i, n := range names {
		if loose(n) == loose(label) {
			if ok {
				return 0, false
			}
			number, ok = int32(i), true
		}
	}
	return number, ok
}

// sameValue is one way to write what a name means, the same for all names that mean
// it: 1 for 1.0, +1 and True.
func sameValue(name string) string {
	switch strings.ToLower(name) {
	case "true":
		return "1"
	case "false":
		return "0"
	}
	if v, ok := table.ParseNumber([]byte(name), '.'); ok {
		if is, integer := table.IsNumber([]byte(name), '.'); is && integer {
			if i, err := strconv.ParseInt(name, 10, 64); err == nil {
				return strconv.FormatInt(i, 10)
			}
		}
		return table.FormatNumber(v)
	}
	return name
}

// cutLabels leaves the labels of samples lo to hi-1.
func (d *Dataset) cutLabels(lo, hi int) {
	if d.Class != nil {
		d.Class = d.Class[lo:hi]
	}
	if d.Value.Rows > 0 {
		d.Value = d.Value.RowRange(lo, hi)
	}
}

// compareLabels orders names: numbers by their size, then texts.
func compareLabels(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	switch {
	case errX == nil && errY == nil:
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return cmp.Compare(a, b)
}
