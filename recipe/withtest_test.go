package recipe_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/recipe"
)

// prepared is the samples, ready for a network.
func prepared(t *testing.T, d recipe.Data) *recipe.Samples {
	t.Helper()
	p, err := recipe.Prepare(d, recipe.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	return p.Samples
}

// records are rows of a number with gaps, a text, a number that is 0 or 1, and the label.
func records() (columns []string, rows [][]any) {
	for i := range 60 {
		row := []any{float64(i*i%17) / 2, []string{"x", "y", "z"}[i%3], i % 2, []string{"p", "q"}[i/2%2]}
		if i%7 == 0 {
			row[0] = nil
		}
		rows = append(rows, row)
	}
	return []string{"a", "c", "n", "label"}, rows
}

// inOrder is rows with their columns in another order.
func inOrder[V any](order []int, rows [][]V) (out [][]V) {
	for _, row := range rows {
		to := make([]V, len(order))
		for k, j := range order {
			to[k] = row[j]
		}
		out = append(out, to)
	}
	return out
}

// TestWithTestByName: columns of test samples are found by their names, as rows in the
// order of the training samples are, and are refused where one is missing.
func TestWithTestByName(t *testing.T) {
	columns, rows := records()
	points, zones := circle(60)
	swapped := inOrder([]int{1, 0}, points)
	wide := inOrder([]int{1, 0, 1}, points)
	all := recipe.Records(columns, rows, dataset.Options{})
	numbers := []string{"a", "n", "label"}
	plain := inOrder([]int{2, 2, 3}, rows)
	for i := range plain {
		plain[i][0] = float64(i%5) / 2
	}
	for name, c := range map[string]struct{ same, other recipe.Data }{
		"rows":          {recipe.Rows(points, zones, "x", "y").WithTest(recipe.Rows(points, zones, "x", "y")), recipe.Rows(points, zones, "x", "y").WithTest(recipe.Rows(swapped, zones, "y", "x"))},
		"more columns":  {recipe.Rows(points, zones, "x", "y").WithTest(recipe.Rows(points, zones)), recipe.Rows(points, zones, "x", "y").WithTest(recipe.Rows(wide, zones, "y", "x", "z"))},
		"records":       {all.WithTest(all), all.WithTest(recipe.Records([]string{"label", "n", "a", "c"}, inOrder([]int{3, 2, 0, 1}, rows), dataset.Options{}))},
		"plain records": {recipe.Records(numbers, plain, dataset.Options{}).WithTest(recipe.Records(numbers, plain, dataset.Options{})), recipe.Records(numbers, plain, dataset.Options{}).WithTest(recipe.Records([]string{"n", "a", "label"}, inOrder([]int{1, 0, 2}, plain), dataset.Options{}))},
		"records for rows": {recipe.Rows(points, zones, "x", "y").WithTest(recipe.Rows(points, zones)), recipe.Rows(points, zones, "x", "y").WithTest(recipe.Records([]string{"zone", "y", "x"}, func() (r [][]any) {
			for i, p := range points {
				r = append(r, []any{zones[i], p[1], p[0]})
			}
			return r
		}(), dataset.Options{}))},
	} {
		same, other := prepared(t, c.same), prepared(t, c.other)
		if !slices.Equal(same.Test.X.Elements(), other.Test.X.Elements()) || !slices.Equal(same.Test.Class, other.Test.Class) {
			t.Errorf("%s: test samples depend on the order of their columns", name)
		}
		if !slices.Equal(same.Test.X.Elements(), same.Train.X.Elements()) {
			t.Errorf("%s: the same rows are other samples for testing than for training", name)
		}
	}
	for _, c := range []struct {
		d    recipe.Data
		want string
	}{
		{recipe.Rows(points, zones, "x", "y").WithTest(recipe.Rows(points, zones, "y", "z")), `no column "x", which the training samples have (there are y, z)`},
		{recipe.Rows(points, zones, "x", "y").WithTest(recipe.Rows(points, zones, "y", "y")), `several columns are called "y"`},
		{recipe.Rows(points, zones, "x", "x").WithTest(recipe.Rows(points, zones, "y", "x")), `no column "x"`},
		{all.WithTest(recipe.Records([]string{"b", "c", "n", "label"}, rows, dataset.Options{})), `no column "a"`},
		{all.WithTest(recipe.Records(columns[:3], inOrder([]int{0, 1, 2}, rows), dataset.Options{})), `no label column "label"`},
		{all.WithTest(recipe.Records(columns, rows, dataset.Options{Weight: "often"})), `no weight column "often"`},
	} {
		if _, err := recipe.Prepare(c.d, recipe.Options{Threads: 1}); err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, dataset.ErrInput) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// TestWithTestFew: what the columns of test records are follows from the training
// records, however few they are, and whatever becomes of the rows afterwards.
func TestWithTestFew(t *testing.T) {
	columns, rows := records()
	all := recipe.Records(columns, rows, dataset.Options{})
	want := prepared(t, all.WithTest(all)).Test
	for i := range 8 {
		row := [][]any{slices.Clone(rows[i])}
		test := recipe.Records(columns, row, dataset.Options{}).WithWeights([]float32{2})
		for j := range row[0] {
			row[0][j] = "overwritten"
		}
		got := prepared(t, all.WithTest(test)).Test
		if !slices.Equal(got.X.Row(0), want.X.Row(i)) || got.Class[0] != want.Class[i] || !slices.Equal(got.Weight, []float32{2}) {
			t.Errorf("row %d alone: %v of class %d and weight %v, among others %v of class %d", i, got.X.Row(0), got.Class[0], got.Weight, want.X.Row(i), want.Class[i])
		}
	}
	// A row has the weight of the column of weights of the training rows, or of its own.
	heavy := func(name string, rows [][]any, o dataset.Options) recipe.Data {
		return recipe.Records([]string{"a", name, "label"}, rows, o)
	}
	often := heavy("often", [][]any{{1, 2, "p"}, {3, 1, "q"}, {2, 4, "p"}}, dataset.Options{Weight: "1"})
	for _, test := range []recipe.Data{
		heavy("often", [][]any{{2, 3, "q"}}, dataset.Options{}),
		heavy("often", [][]any{{2, 3, "q"}, {1, 5, "q"}}, dataset.Options{Weight: "1", Limit: 1}),
		heavy("seldom", [][]any{{2, 3, "q"}}, dataset.Options{Weight: "seldom"}),
	} {
		if got := prepared(t, often.WithTest(test)).Test; !slices.Equal(got.Weight, []float32{3}) || got.X.Cols != 1 {
			t.Errorf("weights %v, %d features", got.Weight, got.X.Cols)
		}
	}
	values := recipe.Records([]string{"a", "v"}, [][]any{{1, 2.5}, {3, 1.5}, {2, 2.0}}, dataset.Options{})
	if got := prepared(t, values.WithTest(recipe.Records([]string{"v", "a"}, [][]any{{2, 3}}, dataset.Options{}))).Test; got.Value.Rows != 1 {
		t.Errorf("a whole number among values with fractions: %+v", got)
	}
	gap := recipe.Records([]string{"a", "v"}, [][]any{{nil, 2.5}}, dataset.Options{})
	if _, err := recipe.Prepare(values.WithTest(gap), recipe.Options{Threads: 1}); err == nil || !strings.Contains(err.Error(), `row 1, column "a": got no value, want a number`) {
		t.Errorf("a gap where the training rows have none: %v", err)
	}
}

// TestWithTestFiles: files whose columns were taken for the same are matched by name;
// others are refused with what to do, and are read by Source.TestData.
func TestWithTestFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, header string, n int, row func(i int) string) string {
		var b strings.Builder
		b.WriteString(header + "\n")
		for i := range n {
			b.WriteString(row(i) + "\n")
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	open := func(path, test string) recipe.Data {
		d, err := recipe.Open(t.Context(), recipe.Source{Data: path, TestData: test})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	train := file("a.csv", "a,c,label", 40, func(i int) string { return fmt.Sprintf("%g,%s,%d", float64(i%9)/2, []string{"x", "y"}[i%2], i/2%2) })
	same := file("b.csv", "c,label,a", 40, func(i int) string { return fmt.Sprintf("%s,%d,%g", []string{"y", "x"}[i%2], i/2%2, float64(i%7)/2) })
	got, want := prepared(t, open(train, "").WithTest(open(same, ""))).Test, prepared(t, open(train, same)).Test
	if !slices.Equal(got.X.Elements(), want.X.Elements()) || !slices.Equal(got.Class, want.Class) {
		t.Error("test samples of a file are others than those of Source.TestData")
	}
	numbers := file("n.csv", "a,c,label", 40, func(i int) string { return fmt.Sprintf("%g,%d,%d", float64(i%9)/2, i%3, i/2%2) })
	constant := file("k.csv", "a,c,label", 40, func(i int) string { return fmt.Sprintf("%g,x,%d", float64(i%9)/2, i/2%2) })
	for _, c := range []struct{ train, test, want string }{
		{train, numbers, `column "c" was taken for a number, and in the training samples for a category: name the file in Source.TestData`},
		{train, constant, `no column "c", which the training samples have (there are a): name the file in Source.TestData`},
		{numbers, train, "the training samples for numbers alone: name the file in Source.TestData"},
	} {
		if _, err := recipe.Prepare(open(c.train, "").WithTest(open(c.test, "")), recipe.Options{Threads: 1}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s and %s: got %v, want %q", c.train, c.test, err, c.want)
		}
	}
	prepared(t, open(train, constant))
}
