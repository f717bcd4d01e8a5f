package dataset

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/mat"
)

// maxClasses is up to how many distinct integers are taken for classes.
const maxClasses = 100

// classNames is the classes of all processes' labels, given those of this one:
// known, if given, else in order, by number where all are numbers.
func classNames(labels []string, o Options) ([]string, error) {
	if o.Classes != nil {
		return o.Classes, nil
	}
	names, err := union(o.ranks(), labels)
	slices.SortFunc(names, compareLabels)
	return names, err
}

// classes numbers text labels.
func classes(path string, text []string, o Options) ([]int32, []string, error) {
	names, err := classNames(distinct(text), o)
	if err != nil {
		return nil, nil, err
	}
	number := numbers(names)
	class := make([]int32, len(text))
	for i, t := range text {
		c, ok := number[t]
		if !ok {
			return nil, nil, noClass(path, i, t, names)
		}
		class[i] = c
	}
	return class, names, nil
}

// numberedClasses is classes of labels that are numbers themselves.
func numberedClasses(path string, y []float32, o Options) ([]int32, []string, error) {
	text := map[uint32]string{} // of each different label, by its bits: NaN is not equal to itself
	for _, v := range y {
		if bits := math.Float32bits(v); text[bits] == "" {
			text[bits] = strconv.FormatFloat(float64(v), 'g', -1, 32)
		}
	}
	names, err := classNames(slices.Collect(maps.Values(text)), o)
	if err != nil {
		return nil, nil, err
	}
	number := numbers(names)
	class := make([]int32, len(y))
	for i, v := range y {
		t := text[math.Float32bits(v)]
		c, ok := number[t]
		if !ok {
			return nil, nil, noClass(path, i, t, names)
		}
		class[i] = c
	}
	return class, names, nil
}

func numbers(names []string) map[string]int32 {
	m := make(map[string]int32, len(names))
	for i, n := range names {
		m[n] = int32(i)
	}
	return m
}

func noClass(path string, i int, label string, names []string) error {
	return inputf("%s: sample %d: label %q is none of the classes %s", path, i+1, label, list(names))
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
	var textual, broken bool
	for i, t := range text {
		v, err := strconv.ParseFloat(t, 32)
		if err != nil {
			textual = true
			break
		}
		values.Data[i] = float32(v)
		broken = broken || v != float64(int64(v))
	}
	if o.Classes == nil {
		is, err := areValues(text, textual, broken, o)
		if err != nil {
			return err
		}
		if is {
			d.Value = values
			return nil
		}
	}
	d.Class, d.Classes, err = classes(path, text, o)
	return err
}

// areValues decides over all processes' labels, some of this one's being text
// or broken numbers.
func areValues(text []string, textual, broken bool, o Options) (bool, error) {
	is, err := comm.Any(o.ranks(), textual, broken)
	if err != nil || is[0] {
		return false, err
	}
	if is[1] || o.Regression {
		return true, nil
	}
	mine := distinct(text)
	all, err := union(o.ranks(), mine[:min(len(mine), maxClasses+1)])
	return len(all) > maxClasses, err
}
