package report_test

import (
	"fmt"
	"strings"

	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/trace"
)

// A trace becomes a page, its figures and its tables.
func Example() {
	records, err := trace.Read(strings.NewReader(`{"iteration":1,"objective":4,"risk":0.4}
{"iteration":2,"objective":2,"risk":0.2}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	page := report.RunPage(report.Run{Name: "small", Records: records})
	for _, s := range page.Sections {
		for _, f := range s.Figures {
			fmt.Printf("%s: %d charts\n", f.ID, len(f.Charts))
		}
		for _, t := range s.Tables {
			fmt.Printf("%s: %d rows\n", t.ID, len(t.Rows))
		}
	}
	// page.Save("folder") writes report.html, objective.svg, …, records.csv.

	// Output:
	// objective: 2 charts
	// cost: 1 charts
	// records: 2 rows
}
