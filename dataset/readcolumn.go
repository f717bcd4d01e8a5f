package dataset

import (
	"context"
	"slices"
	"strings"

	"github.com/dlam-go/dlam/table"
)

// ReadColumn reads a column of a table file, whatever becomes of the others: the one
// called by a name, or a number from 0. texts is its values, one for each row that Open
// gives, numbers in one way however they were written. numbers is the same as numbers,
// times in seconds since 1970; nil if some are neither. A value that is missing is an
// error. It takes the memory of the whole table while it reads.
func ReadColumn(ctx context.Context, path, called string, o Options) (texts []string, numbers []float64, err error) {
	if path == StandardInput {
		return nil, nil, inputf("%s: column %q is read by itself, and standard input can be read only once: put it in a file", path, called)
	}
	if slices.Contains(Names, path) {
		return nil, nil, inputf("got %q, and %s has no columns with names", called, path)
	}
	t, _, err := ReadTable(ctx, path, o)
	if err != nil {
		return nil, nil, err
	}
	all := &columns{Table: t, named: true}
	j, err := all.find("column", called)
	if err != nil {
		return nil, nil, err
	}
	c := t.Columns[j]
	n := t.Rows
	if o.Limit > 0 {
		n = min(n, o.Limit)
	}
	texts = make([]string, n)
	for i := range texts {
		if texts[i] = c.Format(i); table.IsMissing([]byte(texts[i])) {
			return nil, nil, inputf("%s: row %d, column %q: the value is missing, and every row must have one", path, i+1, called)
		}
	}
	if c.Kind != table.Text {
		numbers = make([]float64, n)
		c.Floats(numbers, 0)
		return texts, numbers, nil
	}
	layout := dateLayout(c.Levels())
	for _, text := range texts {
		v, ok := parseDate(strings.TrimSpace(text), layout)
		if !ok {
			return texts, nil, nil
		}
		numbers = append(numbers, v)
	}
	return texts, numbers, nil
}
