package dataset

import (
	"context"
	"slices"
	"strings"

	"github.com/dlam-go/dlam/table"
)

// ReadColumn reads a column of a table file by which samples are divided, whatever becomes of
// the others: the one called by a name, or a number from 0, but not the label. texts is its
// values, one for each sample that Open gives, numbers in one way however they were written;
// of sequences, the one that all steps have. numbers is the same as numbers,
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
	if _, label, err := all.roles(o); err == nil && all.isLabel(j, label) { // of what is wrong with them Open tells
		return nil, nil, inputf("%s: column %q is the label: it %s", path, t.Columns[j].Name, all.why)
	}
	c := t.Columns[j]
	n := t.Rows
	if o.Limit > 0 && all.steps == nil {
		n = min(n, o.Limit)
	}
	texts = make([]string, n)
	for i := range texts {
		if texts[i] = c.Format(i); table.IsMissing([]byte(texts[i])) {
			return nil, nil, inputf("%s: row %d, column %q: the value is missing, and every row must have one", path, i+1, called)
		}
	}
	if numbers = numbersOf(c, texts); all.steps == nil {
		return texts, numbers, nil
	}
	first, err := all.firstSteps(j, texts)
	if err != nil {
		return nil, nil, err
	}
	if o.Limit > 0 { // of sequences
		first = first[:min(len(first), o.Limit)]
	}
	if numbers != nil {
		numbers = entries(numbers, first)
	}
	return entries(texts, first), numbers, nil
}

// numbersOf is the values of c, of which texts is the first, as numbers, or nil.
func numbersOf(c *table.Column, texts []string) (numbers []float64) {
	if c.Kind != table.Text {
		numbers = make([]float64, len(texts))
		c.Floats(numbers, 0)
		return numbers
	}
	layout := dateLayout(c.Levels())
	for _, text := range texts {
		v, ok := parseDate(strings.TrimSpace(text), layout)
		if !ok {
			return nil
		}
		numbers = append(numbers, v)
	}
	return numbers
}

// firstSteps is a row of each sequence. Column j, whose values are texts, must be the same in
// all rows of a sequence, which is one sample.
func (t *columns) firstSteps(j int, texts []string) (first []int, err error) {
	s, err := t.sequences()
	if err != nil {
		return nil, err
	}
	lo := 0
	for n, end := range s.ends {
		rows := s.order[lo:end]
		for _, i := range rows {
			if texts[i] != texts[rows[0]] {
				return nil, inputf("%s: rows %d and %d: column %s differs, and both are steps of sequence %q, which is one sample", t.Name, rows[0]+1, i+1, t.name(j), s.names[n])
			}
		}
		first, lo = append(first, rows[0]), int(end)
	}
	return first, nil
}
