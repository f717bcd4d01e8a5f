package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dlam-go/dlam/internal/parquet"
	"github.com/dlam-go/dlam/table"
)

// parquetTable reads the columns of a flat Parquet file that are features or the
// label. Only pages of these columns that hold this process's rows are read.
func parquetTable(ctx context.Context, in *input, o Options, budget *table.Budget) (*columns, error) {
	f, err := openParquet(in, budget)
	if err != nil {
		return nil, err
	}
	all := &columns{Table: &table.Table{Name: in.path}, named: true, index: pandasIndex(f)}
	for _, c := range f.Columns() {
		all.Columns = append(all.Columns, &table.Column{Name: c.Name, Kind: parquetKind(c)})
	}
	for _, j := range all.index {
		all.notes = append(all.notes, fmt.Sprintf("%s: column %s is the index of a pandas table, and no data", in.path, all.name(j)))
	}
	features, label, err := all.roles(o)
	if err != nil {
		return nil, err
	}
	used := features
	if label >= 0 {
		used = append(slices.Clone(features), label)
	}
	used = slices.Concat(used, all.labels[min(1, len(all.labels)):], all.weight, all.steps)
	for _, name := range o.Keep {
		if j := all.Column(name); j >= 0 && !slices.Contains(used, j) {
			used = append(slices.Clone(used), j)
		}
	}
	r := &parquetReader{ctx: ctx, in: in, file: f, used: used, missing: o.Missing}
	t := &columns{named: true, notes: all.notes, place: "row", budget: budget, features: numbersTo(len(features)), label: -1, why: all.why}
	for _, j := range all.index {
		t.indexNames = append(t.indexNames, all.Columns[j].Name)
	}
	if label >= 0 {
		t.label = len(features)
	}
	for k := range all.labels {
		t.labels = append(t.labels, t.label+k)
	}
	if all.weight != nil {
		t.weight = []int{slices.Index(used, all.weight[0])}
	}
	for _, j := range all.steps {
		t.steps = append(t.steps, slices.Index(used, j))
	}
	rows := o
	if t.part = o.Limit == 0; !t.part { // classes are those of all rows
		rows = o.whole()
	}
	lo, hi := rows.rows(int(f.Rows()))
	t.offset = lo
	if err := o.allowMatrix(in.path, hi-lo, len(features), budget); err != nil {
		return nil, err
	}
	t.Table, err = r.read(lo, hi, budget)
	return t, err
}

// openParquet opens a file, which may take memory out of budget for a time.
func openParquet(in *input, budget *table.Budget) (*parquet.File, error) {
	f, err := parquet.Open(in, in.size, func(bytes int64) error {
		err := budget.Take(bytes)
		if err == nil {
			budget.Give(bytes)
		}
		return err
	})
	return f, readError(in.path, err)
}

// parquetColumns reads all columns of a file.
func parquetColumns(ctx context.Context, in *input, budget *table.Budget) (*columns, error) {
	f, err := openParquet(in, budget)
	if err != nil {
		return nil, err
	}
	r := &parquetReader{ctx: ctx, in: in, file: f, used: numbersTo(len(f.Columns()))}
	t, err := r.read(0, int(f.Rows()), budget)
	return &columns{Table: t, named: true, place: "row", budget: budget}, err
}

// parquetReader reads some columns of a file.
type parquetReader struct {
	ctx     context.Context
	in      *input
	file    *parquet.File
	used    []int
	missing []string // texts that say that there is no value
}

func (r *parquetReader) read(lo, hi int, budget *table.Budget) (*table.Table, error) {
	names, kinds := make([]string, len(r.used)), make([]table.Kind, len(r.used))
	for k, j := range r.used {
		c := r.file.Columns()[j]
		if err := c.Supported(); err != nil {
			return nil, inputf("%s: column %q: %w", r.in.path, c.Name, err)
		}
		names[k], kinds[k] = c.Name, parquetKind(c)
	}
	b, err := table.NewBuilder(r.in.path, names, table.Settings{Missing: r.missing, Kinds: kinds, Budget: budget})
	if err != nil {
		return nil, readError(r.in.path, err)
	}
	err = r.file.Read(r.used, lo, hi, func(k, _ int, v parquet.Values) error {
		c := r.file.Columns()[r.used[k]]
		for i := range v.Len() {
			if v.Absent != nil && v.Absent[i] {
				b.AddMissing(k)
			} else {
				addParquet(b, k, &c, v, i)
			}
		}
		r.in.progress()
		return errors.Join(b.Err(), r.ctx.Err())
	})
	if err != nil {
		return nil, r.fault(err)
	}
	t, err := b.Table()
	return t, readError(r.in.path, err)
}

// addParquet adds value i of v to column k.
func addParquet(b *table.Builder, k int, c *parquet.Column, v parquet.Values, i int) {
	switch c.Kind() {
	case parquet.Text:
		b.AddString(k, v.Texts[i])
	case parquet.Float:
		b.AddFloat(k, v.Floats[i])
	case parquet.Decimal:
		b.AddDecimal(k, v.Integers[i], c.Scale())
	case parquet.Unsigned:
		b.AddUnsigned(k, uint64(v.Integers[i]))
	case parquet.Boolean:
		b.AddBoolean(k, v.Integers[i] != 0)
	case parquet.Time:
		b.AddTime(k, v.Integers[i])
	default:
		b.AddInteger(k, v.Integers[i])
	}
}

// parquetKind is what a column is in a table.
func parquetKind(c parquet.Column) table.Kind {
	switch c.Kind() {
	case parquet.Text:
		return table.Text
	case parquet.Boolean:
		return table.Boolean
	case parquet.Time:
		return table.Time
	}
	return table.Number
}

// fault says in which column and row of the file an error is.
func (r *parquetReader) fault(err error) error {
	var c *parquet.ColumnError
	var value *table.ValueError
	switch {
	case errors.As(err, &c):
		return readError(fmt.Sprintf("%s: rows %d and on, column %q", r.in.path, c.Row+1, c.Name), c.Err)
	case errors.As(err, &value):
		return inputf("%s: row %d, column %q: %w", r.in.path, value.Row+1, value.Column, value.Err)
	}
	return readError(r.in.path, err)
}

// pandasIndex is the columns of a file that pandas has written of the index of its
// rows, which it names in the file's metadata or by how it calls them.
func pandasIndex(f *parquet.File) (index []int) {
	var said struct {
		Columns []any `json:"index_columns"` // names, or descriptions of what is stored nowhere
	}
	_ = json.Unmarshal([]byte(f.Metadata("pandas")), &said) // or not written by pandas
	for j, c := range f.Columns() {
		if slices.Contains(said.Columns, any(c.Name)) || strings.HasPrefix(c.Name, "__index_level_") {
			index = append(index, j)
		}
	}
	return index
}

// numbersTo is 0 to n-1.
func numbersTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
