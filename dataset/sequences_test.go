package dataset

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/dlam-go/dlam/comm"
)

// longRow is a step: of three sequences whose rows are mixed up, in the order of their
// times but for the first two of b.
type longRow struct {
	ID    string  `parquet:"id"`
	X     float64 `parquet:"x"`
	Day   int32   `parquet:"day"`
	Word  string  `parquet:"word"`
	Label string  `parquet:"label"`
}

var longRows = []longRow{
	{"b", 2, 20, "u", "no"}, {"a", 10, 1, "u", "yes"}, {"b", 1, 10, "v", "no"}, {"b", 3, 30, "v", "no"}, {"c", 7, 5, "u", "yes"}, {"a", 11, 2, "v", "yes"},
}

// longCSV is rows as a CSV file.
func longCSV(rows []longRow) []byte {
	var b strings.Builder
	b.WriteString("id,x,day,word,label\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "%s,%v,%d,%s,%s\n", r.ID, r.X, r.Day, r.Word, r.Label)
	}
	return []byte(b.String())
}

// TestSequences: rows become steps, in whatever format they are, with what is said of their
// sequence, and NaN before the first.
func TestSequences(t *testing.T) {
	var lines strings.Builder
	for _, r := range longRows {
		fmt.Fprintf(&lines, `{"id":%q,"x":%v,"day":%d,"word":%q,"label":%q}`+"\n", r.ID, r.X, r.Day, r.Word, r.Label)
	}
	var columns bytes.Buffer
	if err := parquet.Write(&columns, longRows); err != nil {
		t.Fatal(err)
	}
	nan := float32(math.NaN())
	for name, content := range map[string][]byte{"long.csv": longCSV(longRows), "long.jsonl": []byte(lines.String()), "long.parquet": columns.Bytes()} {
		o := Options{Sequence: "id", Time: "day", Kinds: map[string]Kind{"x": KindNumber}, Drop: []string{"word"}}
		d := open(t, write(t, name, content), o).Train
		if d.Rows() != 3 || d.RawFeatures() != 1 || d.Longest() != 3 || d.Table.Sequence != "id" || d.Table.Time != "day" {
			t.Fatalf("%s: %d sequences of %d columns, at most %d steps, of %+v", name, d.Rows(), d.RawFeatures(), d.Longest(), d.Table)
		}
		if !slices.Equal(d.Kept[0].Values, []string{"b", "a", "c"}) || !slices.Equal(d.Class, []int32{0, 1, 1}) || !slices.Equal(d.Classes, []string{"no", "yes"}) {
			t.Errorf("%s: sequences %q of classes %v of %q", name, d.Kept[0].Values, d.Class, d.Classes)
		}
		transform, err := Fit(d, ScaleNone, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := transform.Validate(); err != nil {
			t.Error(err)
		}
		for _, c := range []struct {
			d    Dataset
			want [][]float32
		}{
			{d, [][]float32{{1, 2, 3}, {nan, 10, 11}, {nan, nan, 7}}},
			{d.RowRange(1, 3), [][]float32{{nan, 10, 11}, {nan, nan, 7}}},
			{picked(t, d.RowRange(1, 3), 1, 0), [][]float32{{nan, nan, 7}, {nan, 10, 11}}},
			{picked(t, d, 2), [][]float32{{nan, nan, 7}}},
		} {
			made, err := transform.Apply(c.d)
			if err != nil {
				t.Fatal(err)
			}
			if made.X.Rows != len(c.want) || made.X.Cols != 3 || made.Steps != 3 {
				t.Fatalf("%s: %d×%d samples of %d steps", name, made.X.Rows, made.X.Cols, made.Steps)
			}
			for i, want := range c.want {
				if !slices.EqualFunc(made.X.Row(i), want, func(a, b float32) bool { return a == b || a != a && b != b }) {
					t.Errorf("%s: sample %d: got %v, want %v", name, i, made.X.Row(i), want)
				}
			}
		}
		if limited := open(t, write(t, name, content), Options{Sequence: "id", Time: "day", Limit: 2}).Train; limited.Rows() != 2 {
			t.Errorf("%s: %d sequences, want the limit, 2", name, limited.Rows())
		}
	}
	// Without times steps have the order of the rows; scaling is that of all steps.
	d := open(t, write(t, "long.csv", longCSV(longRows)), Options{Sequence: "id", Drop: []string{"day", "word"}, Kinds: map[string]Kind{"x": KindNumber}}).Train
	transform, err := Fit(d, ScaleStandard, 1)
	if err != nil {
		t.Fatal(err)
	}
	made, err := transform.Apply(d)
	if err != nil {
		t.Fatal(err)
	}
	scaled := func(v float64) float32 {
		const mean = 34. / 6
		return float32((v - mean) / math.Sqrt((4+100+1+9+49+121)/6.-mean*mean))
	}
	for j, v := range []float64{2, 1, 3} {
		if got := made.X.At(0, j); math.Abs(float64(got-scaled(v))) > 1e-6 {
			t.Errorf("step %d: got %v, want %v", j, got, scaled(v))
		}
	}
}

// picked is some samples of d.
func picked(t *testing.T, d Dataset, index ...int) Dataset {
	t.Helper()
	p, err := d.Pick(index)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSequencesDivided: parts have whole sequences, and a part has room for the longest of all.
func TestSequencesDivided(t *testing.T) {
	var rows []longRow
	for i := range 40 {
		for k := range 1 + i%7 {
			rows = append(rows, longRow{fmt.Sprint("s", i), float64(i), int32(k), "u", []string{"no", "yes"}[i%2]})
		}
	}
	d := open(t, write(t, "long.csv", longCSV(rows)), Options{Sequence: "id", Time: "day", Kinds: map[string]Kind{"x": KindNumber}}).Train
	s, err := Divide(d, 0.25, 1)
	if err != nil {
		t.Fatal(err)
	}
	if s.Train.Rows() != 30 || s.Test.Rows() != 10 || s.Train.Longest() != 7 || s.Test.Longest() != 7 {
		t.Errorf("%d and %d sequences of %d and %d steps", s.Train.Rows(), s.Test.Rows(), s.Train.Longest(), s.Test.Longest())
	}
	transform, err := Fit(s.Train, ScaleNone, 1)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[float32]bool{}
	for _, part := range []Dataset{s.Train, s.Test} {
		made, err := transform.Apply(part)
		if err != nil {
			t.Fatal(err)
		}
		width := made.X.Cols / 7
		for i := range made.X.Rows {
			last := made.X.At(i, 6*width)
			steps := 0
			for j := range 7 {
				if v := made.X.At(i, j*width); v == last {
					steps++
				} else if v == v {
					t.Fatalf("steps %v and %v in one sequence", v, last)
				}
			}
			if seen[last] || steps != 1+int(last)%7 {
				t.Errorf("sequence %v: %d steps, or in both parts", last, steps)
			}
			seen[last] = true
		}
	}
	if len(seen) != 40 {
		t.Errorf("%d sequences in both parts, want 40", len(seen))
	}
	if wide := longest(t, transform, rows); !strings.Contains(wide, `sequence "s0" has 8 steps, and the model takes 7 at most`) {
		t.Errorf("a longer sequence: got %q", wide)
	}
}

// longest is what is said of a sequence of 8 steps.
func longest(t *testing.T, transform Transform, rows []longRow) string {
	t.Helper()
	var more []longRow
	for k := range 8 {
		r := rows[0]
		r.Day = int32(k)
		more = append(more, r)
	}
	d := open(t, write(t, "longer.csv", longCSV(more)), Options{Classes: []string{"no", "yes"}, Features: transform.ColumnNames(), Model: &transform}).Train
	_, err := transform.Apply(d)
	return fmt.Sprint(err)
}

func TestSequencesRefused(t *testing.T) {
	change := func(f func(rows []longRow)) []byte {
		rows := slices.Clone(longRows)
		f(rows)
		return longCSV(rows)
	}
	plain := longCSV(longRows)
	for _, c := range []struct {
		want    string
		content []byte
		o       Options
	}{
		{`rows 3 and 1: the label (label) differs, and both are steps of sequence "b"`, change(func(r []longRow) { r[0].Label = "yes" }), Options{Sequence: "id", Time: "day"}},
		{`rows 1 and 4, column "day": sequence "b" has the time 20 twice`, change(func(r []longRow) { r[3].Day = 20 }), Options{Sequence: "id", Time: "day"}},
		{`rows 1 and 3: column "word", which is to be kept, differs`, plain, Options{Sequence: "id", Keep: []string{"word"}}},
		{`rows 1 and 3: the weight (x) differs`, plain, Options{Sequence: "id", Weight: "x"}},
		{`row 2, column "id": got nothing, want the sequence`, change(func(r []longRow) { r[1].ID = "" }), Options{Sequence: "id"}},
		{`got "u", want a number or a date: the time of the step`, plain, Options{Sequence: "id", Time: "word"}},
		{`column "label" is the label, and cannot say which sequence`, plain, Options{Sequence: "label", Label: "label"}},
		{`column "id" is to be left out, and cannot say which sequence`, plain, Options{Sequence: "id", Drop: []string{"id"}}},
		{`column "id" is to be a feature, and cannot say which sequence`, plain, Options{Sequence: "id", Only: []string{"x", "id"}}},
		{`time column "id" has another part already`, plain, Options{Sequence: "id", Time: "id"}},
		{`no sequence column "who"`, plain, Options{Sequence: "who"}},
		{`time column "day": rows are steps of sequences, which a column has to tell apart`, plain, Options{Time: "day"}},
		{`sequence column "0": the columns have no names`, []byte("1,2,3\n1,3,3\n2,4,5\n"), Options{Sequence: "0", NoHeader: true}},
		{`sequence column "id": sequences are read by one process alone`, plain, Options{Sequence: "id", Comm: two{}}},
	} {
		if _, err := Open(context.Background(), write(t, "long.csv", c.content), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if _, err := Open(context.Background(), "digits", Options{Sequence: "id"}); err == nil || !strings.Contains(err.Error(), "sequence column") {
		t.Errorf("digits: got %v", err)
	}
	d := open(t, write(t, "long.csv", plain), Options{Sequence: "id", Time: "day"}).Train
	transform, err := Fit(d, ScaleStandard, 1)
	if err != nil {
		t.Fatal(err)
	}
	rows := write(t, filepath.Base("rows.csv"), []byte("x,word\n1,u\n2,v\n"))
	if _, err := Open(context.Background(), rows, Options{NoLabel: true, Features: transform.ColumnNames(), Model: &transform}); err == nil || !strings.Contains(err.Error(), `no sequence column "id"`) {
		t.Errorf("rows for a model of sequences: got %v", err)
	}
}

// two is the first of two processes.
type two struct{ comm.Self }

func (two) Size() int { return 2 }
