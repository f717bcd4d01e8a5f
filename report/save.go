package report

import (
	"io"
	"path/filepath"

	"github.com/dlam-go/dlam/internal/atomicfile"
)

// PageFile is the name of a page in its folder.
const PageFile = "report.html"

// Save writes the page into dir, which it makes: report.html, and beside it
// each figure as ID.svg and ID.png, and each table as ID.csv.
func (p Page) Save(dir string) error {
	if err := atomicfile.MkdirAll(dir); err != nil {
		return err
	}
	write := func(name string, f func(io.Writer) error) error {
		return atomicfile.Write(filepath.Join(dir, name), f)
	}
	for _, s := range p.Sections {
		for _, f := range s.Figures {
			if err := write(f.ID+".svg", func(w io.Writer) error { return WriteSVG(w, f.Charts, f.Columns) }); err != nil {
				return err
			}
			if err := write(f.ID+".png", func(w io.Writer) error { return WritePNG(w, f.Charts, f.Columns) }); err != nil {
				return err
			}
		}
		for _, t := range s.Tables {
			if err := write(t.ID+".csv", t.WriteCSV); err != nil {
				return err
			}
		}
	}
	return write(PageFile, p.WriteHTML)
}
