package dataset

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/dlam-go/dlam/table"
)

// FromRecords is the data set called name of raw rows in memory: a value for each of
// the named columns, which is a number, a bool, a time.Time, a text that is read as
// the field of a CSV file is, or nil for none. What the columns are taken for, and
// which is the label, follows from o as if they had been read from a file. The rows
// are copied.
func FromRecords[V any](name string, names []string, rows [][]V, o Options) (Dataset, error) {
	distinct, repeated := table.Distinct(names)
	if len(repeated) > 0 {
		return Dataset{}, inputf("%s: several columns are called %q", name, repeated[0])
	}
	if len(rows) == 0 {
		return Dataset{}, inputf("%s: no samples", name)
	}
	for i, row := range rows {
		if len(row) != len(names) {
			return Dataset{}, inputf("%s: row %d has %d values, want %d", name, i+1, len(row), len(names))
		}
	}
	t, err := recordTable(name, distinct, rows, o)
	if err != nil {
		return Dataset{}, err
	}
	c := &columns{Table: t, named: true, place: "row"}
	d, err := c.dataset(o, nil)
	if err != nil {
		return d, err
	}
	return d, d.Validate()
}

// recordTable is rows as a table. Rows are added again where a column that begins
// with numbers turns out to have other texts.
func recordTable[V any](name string, names []string, rows [][]V, o Options) (*table.Table, error) {
	kinds := make([]table.Kind, len(names))
	for j := range names {
		kinds[j] = recordKind(rows, j)
	}
	if texts := o.textKinds(names); texts != nil {
		for j, k := range texts {
			if k == table.Text && kinds[j] == table.Unknown {
				kinds[j] = k
			}
		}
	}
	for {
		b, err := table.NewBuilder(name, names, table.Settings{Kinds: kinds, Missing: o.Missing})
		if err != nil {
			return nil, err
		}
		for i, row := range rows {
			for j, v := range row {
				if err := addRecord(b, j, kinds[j], v); err != nil {
					return nil, inputf("%s: row %d, column %q: %w", name, i+1, names[j], err)
				}
			}
			if err := b.Err(); err != nil {
				return nil, inputf("%s: %w", name, err)
			}
		}
		again := b.Again()
		if again == nil {
			return b.Table()
		}
		kinds = again
	}
}

// recordKind is the kind of the values of column j, Unknown if they are texts, or of
// several kinds.
func recordKind[V any](rows [][]V, j int) (kind table.Kind) {
	for _, row := range rows {
		k := table.Unknown
		switch v := reflect.ValueOf(row[j]); {
		case !v.IsValid():
			continue
		case v.CanInt(), v.CanUint(), v.CanFloat():
			k = table.Number
		case v.Kind() == reflect.Bool:
			k = table.Boolean
		case v.Type() == reflect.TypeFor[time.Time]():
			k = table.Time
		}
		if k == table.Unknown || kind != table.Unknown && k != kind {
			return table.Unknown
		}
		kind = k
	}
	return kind
}

// addRecord adds a value to column j.
func addRecord(b *table.Builder, j int, kind table.Kind, value any) error {
	v := reflect.ValueOf(value)
	if !v.IsValid() {
		b.AddMissing(j)
		return nil
	}
	if t, ok := value.(time.Time); ok {
		if kind == table.Time {
			b.AddTime(j, t.UnixMicro())
		} else {
			b.AddText(j, []byte(table.FormatTime(t.UnixMicro())))
		}
		return nil
	}
	switch {
	case v.Kind() == reflect.String:
		b.AddText(j, []byte(strings.TrimSpace(v.String())))
	case v.CanFloat() && math.IsNaN(v.Float()):
		b.AddMissing(j)
	case kind == table.Number && v.CanInt():
		b.AddInteger(j, v.Int())
	case kind == table.Number && v.CanUint():
		b.AddUnsigned(j, v.Uint())
	case kind == table.Number && v.CanFloat():
		b.AddFloat(j, v.Float())
	case kind == table.Boolean && v.Kind() == reflect.Bool:
		b.AddBoolean(j, v.Bool())
	case v.CanFloat():
		b.AddText(j, []byte(table.FormatNumber(v.Float())))
	case v.CanInt(), v.CanUint(), v.Kind() == reflect.Bool:
		b.AddText(j, fmt.Append(nil, value))
	default:
		return fmt.Errorf("got a %T, want a number, a bool, a time.Time, a text, or nil", value)
	}
	return nil
}
