package dataset

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/mat"
)

// labelNames are the columns taken for the label, if there is no other word.
var labelNames = []string{"label", "class", "target", "y", "species"}

// table collects the rows of a table: features, and labels as text.
type table struct {
	path    string
	columns []string // all, by name; nil if they have none
	width   int
	label   int   // column of the label, -1 if none
	take    []int // columns of the features, in order
	data    []float32
	labels  []string
	skipped io.ReadSeeker // what lies before this process's share; nil for nothing
}

// newTable decides which columns are features and which the label.
func newTable(path string, columns []string, width int, o Options) (*table, error) {
	t := &table{path: path, columns: columns, width: width, label: -1}
	if !o.NoLabel {
		l, err := t.findLabel(o)
		if err != nil {
			return nil, err
		}
		t.label = l
	}
	if o.Features == nil || columns == nil {
		for j := range width {
			if j != t.label {
				t.take = append(t.take, j)
			}
		}
		return t, nil
	}
	for _, name := range o.Features {
		j := slices.Index(columns, name)
		if j < 0 {
			return nil, inputf("%s: no column %q, which the model needs (there are %s)", path, name, list(columns))
		}
		t.take = append(t.take, j)
	}
	return t, nil
}

func (t *table) findLabel(o Options) (int, error) {
	if o.Label == "" {
		for j, c := range t.columns {
			if slices.Contains(labelNames, strings.ToLower(strings.TrimSpace(c))) {
				return j, nil
			}
		}
		return t.width - 1, nil
	}
	if j := slices.Index(t.columns, o.Label); j >= 0 {
		return j, nil
	}
	if j, err := strconv.Atoi(o.Label); err == nil {
		if j < 0 {
			j += t.width
		}
		if j >= 0 && j < t.width {
			return j, nil
		}
	}
	if t.columns == nil {
		return 0, inputf("%s: no label column %q: the columns have no names, give a number from 0 to %d", t.path, o.Label, t.width-1)
	}
	return 0, inputf("%s: no label column %q (there are %s)", t.path, o.Label, list(t.columns))
}

func (t *table) name(j int) string {
	if t.columns != nil {
		return strconv.Quote(t.columns[j])
	}
	return strconv.Itoa(j)
}

// dataset makes the data set of the rows collected.
func (t *table) dataset(o Options) (Dataset, error) {
	d := Dataset{Name: t.path, Comm: o.Comm}
	if len(t.take) == 0 {
		return d, inputf("%s: no feature columns", t.path)
	}
	d.X = mat.FromSlice(len(t.data)/len(t.take), len(t.take), t.data)
	for _, j := range t.take {
		if t.columns != nil {
			d.Features = append(d.Features, t.columns[j])
		}
	}
	if t.label < 0 || d.Rows() == 0 {
		return d, nil
	}
	return d, d.label(t.path, t.labels, o)
}
