package dataset

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

type weighedRow struct {
	A     float64 `parquet:"a"`
	W     float64 `parquet:"w"`
	Label string  `parquet:"label"`
}

// TestWeightColumn: the column of weights is found by its name in every table with
// names, is no feature, and goes with its rows wherever they go.
func TestWeightColumn(t *testing.T) {
	rows := []weighedRow{{1, 0.5, "x"}, {2, 1, "y"}, {4, 3, "x"}, {3, 2, "y"}, {7, 0.25, "x"}, {8, 1, "y"}}
	csv, lines := "a,w,label\n", ""
	for _, r := range rows {
		csv += fmt.Sprintf("%g,%g,%s\n", r.A, r.W, r.Label)
		lines += fmt.Sprintf("{\"w\": %g, \"label\": %q, \"a\": %g}\n", r.W, r.Label, r.A)
	}
	var pq bytes.Buffer
	if err := parquet.Write(&pq, rows); err != nil {
		t.Fatal(err)
	}
	want := []float32{0.5, 1, 3, 2, 0.25, 1}
	for name, content := range map[string][]byte{"t.csv": []byte(csv), "t.jsonl": []byte(lines), "t.parquet": pq.Bytes()} {
		path := write(t, name, content)
		for _, called := range []string{"w", map[string]string{"t.jsonl": "0"}[name]} {
			if called == "" {
				called = "1"
			}
			d := open(t, path, Options{Weight: called}).Train
			if !slices.Equal(d.Weight, want) || !slices.Equal(d.Target().Weight, want) || d.Table.Weight != "w" || !slices.Equal(d.Features, []string{"a"}) {
				t.Fatalf("%s, column %s: weights %v of column %q, features %v", name, called, d.Weight, d.Table.Weight, d.Features)
			}
			if !slices.ContainsFunc(d.Taken, func(k Taken) bool { return k.Weight && k.Name == "w" }) {
				t.Errorf("%s: what was taken for what does not tell of the weights: %v", name, d.Taken)
			}
			if p, err := d.RowRange(1, 5).Pick([]int{3, 0}); err != nil || !slices.Equal(p.Weight, []float32{0.25, 1}) {
				t.Errorf("%s: picked weights %v, %v", name, p.Weight, err)
			}
		}
		d := open(t, path, Options{Weight: "w", Limit: 3}).Train
		if !slices.Equal(d.Weight, want[:3]) {
			t.Errorf("%s: the first three have weights %v", name, d.Weight)
		}
		plain := open(t, path, Options{}).Train
		if plain.Weight != nil || len(plain.Features) != 2 {
			t.Errorf("%s: not asked for, weights are %v, features %v", name, plain.Weight, plain.Features)
		}
	}

	// Data for a model may lack the column, which is told.
	d := open(t, write(t, "t.csv", []byte("a,label\n1,x\n2,y\n")), Options{Weight: "w", Model: &Transform{}, Features: []string{"a"}, Classes: []string{"x", "y"}}).Train
	if d.Weight != nil || len(d.Notes) != 1 || !strings.Contains(d.Notes[0], `no column "w", which had the weights of the training rows: every row has the weight 1`) {
		t.Errorf("a file without weights, for a model that has some: %v, %q", d.Weight, d.Notes)
	}
}

func TestWeightColumnRefused(t *testing.T) {
	text := func(w string) string { return "a,w,label\n1,1,x\n2," + w + ",y\n3,2,x\n" }
	for _, c := range []struct {
		content string
		o       Options
		want    string
	}{
		{text("0"), Options{}, `sample 2, column "w": got the weight 0, want a number above 0`},
		{text("-2"), Options{}, `sample 2, column "w": got the weight -2`},
		{text("1e-60"), Options{}, `sample 2, column "w": got the weight 1e-60`},
		{text("1e60"), Options{}, `sample 2, column "w": got the weight 1e+60`},
		{text(""), Options{}, `sample 2, column "w": got the weight nothing`},
		{text("NaN"), Options{}, `sample 2, column "w": got the weight nothing`},
		{text("much"), Options{}, `column "w": got "much", want a number`},
		{text("1"), Options{Weight: "v"}, `no weight column "v" (there are a, w, label)`},
		{text("1"), Options{Weight: "label", Label: "label"}, `column "label" is the label, and cannot be the rows' weights too`},
		{text("1"), Options{Drop: []string{"w"}}, `column "w" is to be left out, and cannot be the rows' weights too`},
		{text("1"), Options{Only: []string{"a", "w"}}, `column "w" is to be a feature, and cannot be the rows' weights too`},
		{"1,1,0\n2,1,1\n3,1,0\n", Options{Weight: "1"}, `weight column "1": the columns have no names`},
	} {
		if c.o.Weight == "" {
			c.o.Weight = "w"
		}
		if _, err := Open(t.Context(), write(t, "t.csv", []byte(c.content)), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q, %+v: got %v, want %s", c.content, c.o, err, c.want)
		}
	}
	if _, err := Open(t.Context(), "digits", Options{Weight: "w"}); err == nil || !strings.Contains(err.Error(), "it has no columns with names") {
		t.Errorf("pictures with a weight column: %v", err)
	}
}

// TestClassWeights restates scikit-learn's definition of balanced, and what is refused.
func TestClassWeights(t *testing.T) {
	d := Dataset{Name: "d", Classes: []string{"no", "yes", "never"}, Class: []int32{0, 0, 0, 1}, Weight: []float32{1, 2, 4, 8}}
	got, err := ClassWeights{Balanced: true}.Factors(d)
	if want := []float64{4.0 / (2 * 3), 4.0 / (2 * 1), 1}; err != nil || !slices.Equal(got, want) {
		t.Errorf("balanced: got %v, %v, want %v", got, err, want)
	}
	got, err = ClassWeights{Of: map[string]float64{"no": 0.5, "yes": 3, "never": 1}}.Factors(d)
	if err != nil || !slices.Equal(got, []float64{0.5, 3, 1}) {
		t.Fatalf("by name: got %v, %v", got, err)
	}
	if w := d.WeighClasses(got).Weight; !slices.Equal(w, []float32{0.5, 1, 2, 24}) || d.Weight[0] != 1 {
		t.Errorf("with the rows' own weights: %v, and these are now %v", w, d.Weight)
	}
	for want, c := range map[string]struct {
		d  Dataset
		of map[string]float64
	}{
		`d has no class "maybe": the classes are no, yes, never`: {d, map[string]float64{"no": 1, "yes": 1, "never": 1, "maybe": 1}},
		`no weight for class "never": the classes are`:           {d, map[string]float64{"no": 1, "yes": 1}},
		"values, and have no classes":                            {Dataset{Name: "v"}, map[string]float64{"no": 1}},
	} {
		if _, err := (ClassWeights{Of: c.of}).Factors(c.d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
