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
	// Sortable tables are sorted by a click on their heads.
	Sortable bool
	Mark     []bool // of each row, whether it stands out; nil: none does
	Form     string // address that the rows marked are sent to; "": none are
	Links    []Link // of the first cells of the rows, if there is a Form
}

// Link is a place to go to, and the value that stands for it in a form.
type Link struct{ Address, Value string }

// Marked reports whether a row stands out.
func (t Table) Marked(row int) bool { return t.Mark != nil && t.Mark[row] }

// Link is that of a cell; nil for none.
func (t Table) Link(row, column int) *Link {
	if t.Form == "" || column > 0 {
		return nil
	}
	return &t.Links[row]
}

// WriteCSV writes the head and the rows.
func (t Table) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	if err := c.Write(t.Head); err != nil {
		return err
	}
	return c.WriteAll(t.Rows)
}
