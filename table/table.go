package table

import "slices"

// Table is named columns of one length.
type Table struct {
	Name    string
	Rows    int
	Columns []*Column

	budget *Budget
}

// Column is the place of the column called name, -1 if there is none.
func (t *Table) Column(name string) int {
	return slices.IndexFunc(t.Columns, func(c *Column) bool { return c.Name == name })
}

// Names are the columns' names.
func (t *Table) Names() []string {
	names := make([]string, len(t.Columns))
	for j, c := range t.Columns {
		names[j] = c.Name
	}
	return names
}

// Free gives up the memory of rows before row end that is not needed for the rows
// after them. Their values must not be read any more. The number of bytes is what
// has been freed.
func (t *Table) Free(end int) (bytes int64) {
	for _, c := range t.Columns {
		n := min(len(c.chunks), end/c.every)
		if end >= c.rows {
			n = len(c.chunks)
		}
		for i := range n {
			if k := &c.chunks[i]; k.data != nil {
				bytes += k.bytes()
				k.data, k.missing = nil, nil
			}
		}
	}
	t.budget.Give(bytes)
	return bytes
}
