package report

import (
	"encoding/csv"
	"io"
)

// Table is rows of text below a head. Columns whose cells are numbers are set
// to the right by the page.
type Table struct {
	ID      string // its anchor in the page, and the name of its file
	Caption string
	Head    []string
	Rows    [][]string
	Note    string
}

// WriteCSV writes the head and the rows.
func (t Table) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	if err := c.Write(t.Head); err != nil {
		return err
	}
	return c.WriteAll(t.Rows)
}
