// Command readers reads tables and arrays for readers.py, which reads the same files
// with pandas and NumPy and compares: of each file named on a line of the standard
// input it writes what is in it, a line of JSON.
//
// A line may have settings after the file's name, separated by tabs: separator=…,
// decimal=…, header, no-header.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/table"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	encode := json.NewEncoder(out)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		if err := encode.Encode(answer(fields[0], fields[1:])); err != nil {
			fail(err)
		}
		if err := out.Flush(); err != nil {
			fail(err)
		}
	}
	if err := lines.Err(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// column is a column as JSON: its values are written as texts, null where they are
// missing.
type column struct {
	Name   string    `json:"name"`
	Kind   string    `json:"kind"`
	Values []*string `json:"values"`
}

func answer(path string, settings []string) any {
	var o dataset.Options
	for _, s := range settings {
		switch name, value, _ := strings.Cut(s, "="); name {
		case "separator":
			o.Separator = value
		case "decimal":
			o.Decimal = value
		case "header":
			o.Header = true
		case "no-header":
			o.NoHeader = true
		}
	}
	t, _, err := dataset.ReadTable(context.Background(), path, o)
	if err != nil {
		return map[string]string{"error": err.Error()}
	}
	columns := make([]column, 0, len(t.Columns))
	for _, c := range t.Columns {
		columns = append(columns, column{c.Name, c.Kind.String(), values(c)})
	}
	return map[string]any{"columns": columns}
}

func values(c *table.Column) []*string {
	list := make([]*string, c.Rows())
	number := make([]float64, 1)
	for i := range list {
		if c.MissingAt(i) {
			continue
		}
		text := c.Format(i)
		if c.Kind == table.Number && !c.Whole() {
			c.Floats(number, i)
			if text = strconv.FormatFloat(number[0], 'g', -1, 64); math.IsInf(number[0], 0) {
				text = strings.TrimPrefix(strings.ToLower(text), "+")
			}
		}
		list[i] = &text
	}
	return list
}
