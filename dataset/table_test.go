package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/dlam-go/dlam/mat"
)

// taken says what a column was taken for, and why.
func taken(d Dataset, name string) string {
	for _, k := range d.Taken {
		if k.Name == name {
			if k.Label {
				return "label: " + k.About
			}
			return string(k.Kind) + ": " + k.About
		}
	}
	return ""
}

// lines is a table with a header of n rows, each made by row.
func lines(header string, n int, row func(i int) string) []byte {
	var b strings.Builder
	b.WriteString(header + "\n")
	for i := range n {
		b.WriteString(row(i) + "\n")
	}
	return []byte(b.String())
}

// TestColumnKinds: what columns are taken for, by the rules.
func TestColumnKinds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	order := rng.Perm(1000)
	for name, c := range map[string]struct {
		value func(i int) string
		o     Options
		want  string
	}{
		"numbers":                  {func(i int) string { return fmt.Sprint(float64(i%7) / 2) }, Options{}, "number: 0 to 3"},
		"gaps":                     {func(i int) string { return []string{"1.5", "2", "NA", "?", "N/A", "null", "nan", "-", ""}[i%9] }, Options{}, "number: 1.5 to 2; 46 missing"},
		"texts":                    {func(i int) string { return []string{"a", "b", "-"}[i%3] }, Options{}, "category: 2 texts; 20 missing"},
		"truth values":             {func(i int) string { return []string{"True", "False", ""}[i%3] }, Options{}, "boolean: False, True; 20 missing"},
		"dates":                    {func(i int) string { return fmt.Sprintf("2024-05-%02d", 1+i%30) }, Options{}, "date-time: 2024-05-01 to 2024-05-30"},
		"row numbers":              {func(i int) string { return fmt.Sprint(100 + i) }, Options{}, "ignored: every whole number is another: an id"},
		"row numbers in any order": {func(i int) string { return fmt.Sprint(slices.Index(order[:60], order[i]) + (i*37)%60 - i) }, Options{}, "ignored: every whole number is another: an id"},
		"rising far apart":         {func(i int) string { return fmt.Sprint(i * i * i) }, Options{}, "ignored: every whole number is another: an id"},
		"amounts, all different":   {func(i int) string { return fmt.Sprint(order[i]) }, Options{}, "number: "},
		"fractions, all different": {func(i int) string { return fmt.Sprint(float64(order[i]) + 0.5) }, Options{}, "number: "},
		"names":                    {func(i int) string { return fmt.Sprint("name", i) }, Options{}, "ignored: every text is another: an id, or a name"},
		"dates between slashes":    {func(i int) string { return []string{"5/13/2024", "1/2/2023", "NA"}[i%3] }, Options{}, "date-time: dates written as 1/2/2006; 20 missing"},
		"the day first":            {func(i int) string { return []string{"13/5/2024", "1/2/2023"}[i%2] }, Options{}, "date-time: dates written as 2/1/2006"},
		"with a time":              {func(i int) string { return []string{"13.05.2024 08:30", "1.2.2023 17:00"}[i%2] }, Options{}, "date-time: dates written as 2.1.2006 15:04"},
		"months by name":           {func(i int) string { return []string{"Jan 2024", "Dec 2023"}[i%2] }, Options{}, "date-time: dates written as Jan 2006"},
		"months of counted years":  {func(i int) string { return fmt.Sprintf("%d-%02d", 1+i/12, 1+i%12) }, Options{}, "date-time: dates written as year-month"},
		"ranges":                   {func(i int) string { return []string{"0-2", "3-5", "12-14"}[i%3] }, Options{}, "category: 3 texts"},
		"one value":                {func(int) string { return "7" }, Options{}, "ignored: every value is the same"},
		"no value":                 {func(int) string { return "NA" }, Options{}, "ignored: every value is missing"},
		"a code by choice":         {func(i int) string { return fmt.Sprint(i % 3) }, Options{Kinds: map[string]Kind{"c": KindCategory}}, "category: as asked for"},
		"an id by choice":          {func(i int) string { return fmt.Sprint(i) }, Options{Kinds: map[string]Kind{"c": KindNumber}}, "number: as asked for"},
		"ignored by choice":        {func(i int) string { return fmt.Sprint(i % 4) }, Options{Kinds: map[string]Kind{"0": KindIgnored}}, "ignored: as asked for"},
		"numbers and a word":       {func(i int) string { return []string{"1", "2", "none"}[i%3] }, Options{Missing: []string{"none"}}, "number: 1 to 2; 20 missing"},
		"numbers that say missing": {func(i int) string { return []string{"1.5", "2", "-999"}[i%3] }, Options{Missing: []string{"-999"}}, "number: 1.5 to 2; 20 missing"},
	} {
		b := lines("c,x,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%g,%s", c.value(i), rng.NormFloat64(), []string{"p", "q"}[i%2])
		})
		s, err := Open(context.Background(), write(t, "t.csv", b), c.o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := taken(s.Train, "c"); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: taken for %q, want %q", name, got, c.want)
		}
		if ignored := strings.HasPrefix(c.want, "ignored"); ignored == slices.Contains(s.Train.Features, "c") && !strings.Contains(c.want, "the same") {
			t.Errorf("%s: features %q", name, s.Train.Features)
		}
	}
	for name, c := range map[string]struct {
		value func(i int) string
		o     Options
		want  string
	}{
		"no number":     {func(i int) string { return []string{"1", "old"}[i%2] }, Options{Kinds: map[string]Kind{"c": KindNumber}}, `column "c": got "old", want a number (--missing-values takes it for no value)`},
		"no date":       {func(i int) string { return []string{"2024-05-01", "May"}[i%2] }, Options{Kinds: map[string]Kind{"c": KindDateTime}}, `sample 2, column "c": got "May", want a date`},
		"no truth":      {func(i int) string { return fmt.Sprint(i % 3) }, Options{Kinds: map[string]Kind{"c": KindBoolean}}, `sample 3, column "c": got 2, want true or false`},
		"no column":     {func(i int) string { return fmt.Sprint(i % 3) }, Options{Kinds: map[string]Kind{"d": KindBoolean}}, `no column "d"`},
		"a typo":        {func(i int) string { return []string{fmt.Sprint(i % 40), "3x"}[min(i, 50)/50] }, Options{}, `line 52, column "c": got "3x", want a number, as nearly all of its values are`},
		"the label too": {func(i int) string { return fmt.Sprint(i % 3) }, Options{Only: []string{"c", "label"}}, `column "label" is the label, and cannot be a feature too`},
	} {
		b := lines("c,x,label", 60, func(i int) string {
			return fmt.Sprintf("%s,%g,%s", c.value(i), rng.NormFloat64(), []string{"p", "q"}[i%2])
		})
		t.Run(name, func(t *testing.T) { wantError(t, write(t, "t.csv", b), c.o, c.want) })
	}
	d := open(t, write(t, "t.csv", lines("a,b,label", 60, func(i int) string { return fmt.Sprintf("%d,%d,%d", i, i%7, i%2) })), Options{Only: []string{"a"}}).Train
	if !slices.Equal(d.Features, []string{"a"}) {
		t.Errorf("an id that is the only column: features %q, want a", d.Features)
	}
}

// TestLabels: which column is the label, and whether it is classes or values.
func TestLabels(t *testing.T) {
	for name, c := range map[string]struct {
		header string
		label  func(i int) string // in the last column but in "first"
		o      Options
		want   string
		err    string
	}{
		"by name":               {"target,b,c", nil, Options{}, "target", ""},
		"by another name":       {"a,Species,c", nil, Options{}, "Species", ""},
		"the last":              {"a,b,c", nil, Options{}, "c", ""},
		"y if nothing else":     {"y,b,c", nil, Options{}, "y", ""},
		"y beside another":      {"y,b,class", nil, Options{}, "class", ""},
		"two candidates":        {"label,b,class", nil, Options{}, "", `columns "label" and "class" could each be the label: say which (--label label)`},
		"two, and one is meant": {"label,b,class", nil, Options{Label: "class"}, "class", ""},
	} {
		b := lines(c.header, 40, func(i int) string { return fmt.Sprintf("%d,%d,%d", i%2, i%3, (i/2)%2) })
		s, err := Open(context.Background(), write(t, "t.csv", b), c.o)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: got %v, want %s", name, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s.Train.Table.Name != c.want {
			t.Errorf("%s: the label is %q, want %q", name, s.Train.Table.Name, c.want)
		}
	}
	for name, c := range map[string]struct {
		label   func(i int) string
		task    Task
		classes int // 0 for values
	}{
		"20 whole numbers of 5 rows": {func(i int) string { return fmt.Sprint(i % 20) }, "", 20},
		"21 whole numbers":           {func(i int) string { return fmt.Sprint(i % 21) }, "", 0},
		"one of them is rare":        {func(i int) string { return fmt.Sprint(min(i, 96) / 48) }, "", 0},
		"a rare one among three":     {func(i int) string { return fmt.Sprint(max(i, 97) - 97) }, Classification, 3},
		"two, of which one is rare":  {func(i int) string { return fmt.Sprint(i / 99) }, "", 2},
		"many numbered classes":      {func(i int) string { return fmt.Sprint(i % 50) }, Classification, 50},
		"classes as values":          {func(i int) string { return fmt.Sprint(i % 3) }, Regression, 0},
		"fractions":                  {func(i int) string { return fmt.Sprint(0.5 * float64(i%3)) }, "", 0},
		"truth values as values":     {func(i int) string { return []string{"True", "False"}[i%2] }, Regression, 0},
		"fractions as classes":       {func(i int) string { return fmt.Sprint(0.5 * float64(i%3)) }, Classification, 3},
		"texts":                      {func(i int) string { return fmt.Sprint("c", i%40) }, "", 40},
		"one number in four ways":    {func(i int) string { return []string{"1", "1.0", "+1", "1e0", "2"}[i%5] }, "", 2},
	} {
		d := open(t, write(t, "t.csv", lines("x,label", 100, func(i int) string { return fmt.Sprintf("%g,%s", float64(i%9)/2, c.label(i)) })), Options{Task: c.task}).Train
		if len(d.Classes) != c.classes || (d.Class == nil) != (c.classes == 0) {
			t.Errorf("%s: %d classes, want %d", name, len(d.Classes), c.classes)
		}
	}
	names := lines("x,label", 100, func(i int) string { return fmt.Sprintf("%g,name%d", float64(i%9)/2, i) })
	wantError(t, write(t, "t.csv", names), Options{}, `column "label", the label, has 100 different texts in 100 rows, so it names them`)
	d := open(t, write(t, "t.csv", []byte("x,label\n1.5,>50K.\n2,<=50K.\n")), Options{Classes: []string{"<=50K", ">50K"}, Model: &Transform{}}).Train
	if !slices.Equal(d.Class, []int32{1, 0}) {
		t.Errorf("classes that differ by a point: %v", d.Class)
	}
}

// fitted is the transform of a table's rows, and what it makes of them.
func fitted(t *testing.T, d Dataset) (Transform, Dataset) {
	t.Helper()
	tr, err := Fit(d, ScaleStandard, 1)
	if err != nil {
		t.Fatal(err)
	}
	x, err := tr.Apply(d)
	if err != nil {
		t.Fatal(err)
	}
	return tr, x
}

// TestTableTransform: what becomes of each kind of column, against values that were
// worked out by hand.
func TestTableTransform(t *testing.T) {
	d, err := FromRecords("t", []string{"n", "c", "b", "d", "label"}, [][]any{
		{1.0, "a", true, time.Date(2024, 2, 29, 6, 0, 0, 0, time.UTC), "p"}, {2.0, "a", true, "2024-03-01", "q"}, {nil, "a", false, "1969-12-31 18:00", "p"},
		{4.0, "a", true, "2024-02-29", "q"}, {9.0, "a", true, nil, "p"}, {4.0, "b", true, "2024-02-29", "q"}, {4.0, "b", true, "2024-02-29", "q"},
		{4.0, "b", true, "2024-02-29", "q"}, {4.0, "b", true, "2024-02-29", "q"}, {4.0, "b", true, "2024-02-29", "q"}, {4.0, "z", true, "2024-02-29", "q"}, {4.0, nil, true, "2024-02-29", "q"},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	tr, x := fitted(t, d)
	want := []string{"n", "n (missing)", "c=a", "c=b", "c (rare)", "c (missing)", "b", "d (year)", "d (month)", "d (weekday)", "d (hour)", "d (elapsed)", "d (missing)"}
	if !slices.Equal(x.Features, want) {
		t.Fatalf("features %q, want %q", x.Features, want)
	}
	if tr.Columns[0].Fill != 4 {
		t.Errorf("a missing number is %v, want the median 4", tr.Columns[0].Fill)
	}
	column := func(name string) int { return slices.Index(want, name) }
	near := func(what string, row int, name string, v float64) {
		t.Helper()
		if got := float64(x.X.At(row, column(name))); math.Abs(got-v) > 1e-6 {
			t.Errorf("%s: row %d has %v, want %v", what, row, got, v)
		}
	}
	mean, sd := 44.0/11, math.Sqrt((9+4+25)/11.0) // of the numbers that are there
	near("a number", 0, "n", (1-mean)/sd)
	near("a gap is the median", 2, "n", (4-mean)/sd)
	near("its indicator", 2, "n (missing)", (1-1.0/12)/math.Sqrt(1.0/12*11/12))
	near("no gap", 0, "n (missing)", (0-1.0/12)/math.Sqrt(1.0/12*11/12))
	share := math.Sqrt(5.0 / 12 * 7 / 12)
	near("a level", 0, "c=a", (1-5.0/12)/share)
	near("another", 0, "c=b", (0-5.0/12)/share)
	near("a rare level", 10, "c (rare)", (1-1.0/12)/math.Sqrt(1.0/12*11/12))
	days := func(row int) float64 { return float64(x.X.At(row, column("d (weekday)"))) }
	if !(days(0) == days(3) && days(1) > days(0) && days(2) < days(0)) { // Thursday, Friday, Wednesday
		t.Errorf("days of the week: %v, %v, %v", days(0), days(1), days(2))
	}
	for _, c := range []struct {
		p    Part
		want float64
	}{{PartYear, 1969}, {PartMonth, 12}, {PartWeekday, 2}, {PartHour, 18}, {PartElapsed, -0.25}} {
		if got := PartOfTime(c.p, -6*3600); got != c.want {
			t.Errorf("%s of 1969-12-31 18:00: got %v, want %v", c.p, got, c.want)
		}
	}
	// Levels that no row had are rare, and all 0 where none was rare.
	unknown, err := FromRecords("u", []string{"n", "c", "b", "d"}, [][]any{{1.0, "new", true, "2024-02-29"}}, Options{NoLabel: true, Features: d.Features, Model: &tr})
	if err != nil {
		t.Fatal(err)
	}
	if u, err := tr.Apply(unknown); err != nil || u.X.At(0, column("c (rare)")) != x.X.At(10, column("c (rare)")) {
		t.Errorf("an unknown level: %v, %v", u.X, err)
	}
	tr.Columns[1].Rare, tr.Columns[1].Features = nil, slices.Delete(slices.Clone(tr.Columns[1].Features), 2, 3)
	if u, err := tr.Apply(unknown); err != nil || u.X.At(0, 2) != 0 || u.X.At(0, 3) != 0 {
		t.Errorf("an unknown level without rare ones: %v, %v", u.X, err)
	}
}

// TestGentle: a rare level is not divided by less than a quarter.
func TestGentle(t *testing.T) {
	d, err := FromRecords("t", []string{"c", "label"}, func() (rows [][]any) {
		for i := range 1000 {
			rows = append(rows, []any{[]string{"often", "seldom"}[max(0, i-989)/max(1, i-989)], fmt.Sprint("l", i%2)})
		}
		return rows
	}(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, x := fitted(t, d)
	if got := x.X.At(999, 1); math.Abs(float64(got)-4*(1-0.01)) > 1e-6 {
		t.Errorf("a level of 1 row in 100 is %v, want %v", got, 4*(1-0.01))
	}
}

// TestExtremeNumbers: whatever their size, numbers are told apart once they are
// scaled, and gaps as well.
func TestExtremeNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	z := make([]float64, 500)
	for i := range z {
		z[i] = rng.NormFloat64()
	}
	for name, f := range map[string]func(float64) float64{
		"1e-32":                       func(z float64) float64 { return z * 1e-32 },
		"1e15":                        func(z float64) float64 { return z * 1e15 },
		"1e200":                       func(z float64) float64 { return z * 1e200 },
		"times in milliseconds":       func(z float64) float64 { return 1.7e12 + math.Round(z*1e6) },
		"a billion and a little more": func(z float64) float64 { return 1e9 + z },
	} {
		b := lines("x,label", len(z), func(i int) string { return fmt.Sprintf("%v,%d", f(z[i]), i%2) })
		d := open(t, write(t, "t.csv", b), Options{}).Train
		_, x := fitted(t, d)
		var sum, squares, worst float64
		for i := range z {
			sum += z[i] / 500
		}
		for i := range z {
			squares += (z[i] - sum) * (z[i] - sum) / 500
		}
		for i := range z {
			worst = max(worst, math.Abs(float64(x.X.At(i, 0))-(z[i]-sum)/math.Sqrt(squares)))
		}
		if worst > 1e-5 { // a billion has 16 digits, of which 7 are z's
			t.Errorf("%s: scaled numbers are off by up to %g", name, worst)
		}
	}
}

// TestHeavyTail: a column with a heavy tail comes out as a normal distribution, in
// order, and what lies beyond the training rows as their ends.
func TestHeavyTail(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	v := make([]float64, 2000)
	for i := range v {
		v[i] = math.Tan(math.Pi * (rng.Float64() - 0.5)) // Cauchy's
	}
	d := open(t, write(t, "t.csv", lines("x,label", len(v), func(i int) string { return fmt.Sprintf("%v,%d", v[i], i%2) })), Options{}).Train
	tr, x := fitted(t, d)
	c := &tr.Columns[0]
	if len(c.Knots) < 100 {
		t.Fatalf("%d knots, want about %d", len(c.Knots), knots)
	}
	order := numbersTo(len(v))
	slices.SortFunc(order, func(a, b int) int { return int(math.Copysign(1, v[a]-v[b])) })
	mean, square := 0.0, 0.0
	for k, i := range order {
		got := float64(x.X.At(i, 0))
		mean, square = mean+got/2000, square+got*got/2000
		if k > 0 && got < float64(x.X.At(order[k-1], 0)) {
			t.Fatalf("%v comes out below %v", v[i], v[order[k-1]])
		}
		if want := math.Sqrt2 * math.Erfinv(2*(float64(k)+0.5)/2000-1); k > 100 && k < 1900 && math.Abs(got-want) > 0.05 {
			t.Fatalf("row %d in order: got %v, want a normal distribution's %v", k, got, want)
		}
	}
	if math.Abs(mean) > 1e-6 || math.Abs(square-1) > 1e-6 {
		t.Errorf("mean %v, mean square %v, want 0 and 1", mean, square)
	}
	var far [1]float32
	c.EncodeValue(far[:], 1e300)
	if far[0] != float32(c.Heights[len(c.Heights)-1]) {
		t.Errorf("1e300 is %v, want the last height %v", far[0], c.Heights[len(c.Heights)-1])
	}
}

// TestPlainTables: numbers without gaps and heavy tails are a matrix, scaled in
// float32, as other samples are.
func TestPlainTables(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	d := open(t, write(t, "t.csv", lines("a,b,label", 300, func(i int) string { return fmt.Sprintf("%v,%d,%d", rng.NormFloat64(), rng.IntN(50), i%2) })), Options{}).Train
	tr, x := fitted(t, d)
	if d.Frame != nil || tr.Columns != nil {
		t.Fatal("the table is no matrix")
	}
	same, err := FromRows[float64, string]("t", [][]float64{{1, 7}, {2, 7}, {4, 7}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	constant, _ := fitted(t, same)
	if other, err := constant.Apply(Dataset{X: mat.FromSlice(1, 2, []float32{1, 9})}); err != nil || other.X.At(0, 1) != 0 {
		t.Errorf("another value of a constant column is %v, want 0 (%v)", other.X.At(0, 1), err)
	}
	for i := range d.X.Rows {
		for j, v := range d.X.Row(i) {
			if want := (v - tr.Shift[j]) * tr.Factor[j]; x.X.At(i, j) != want {
				t.Fatalf("row %d, column %d: got %v, want %v to the bit", i, j, x.X.At(i, j), want)
			}
		}
	}
}

// TestTableFormats: the same table is the same columns in every format.
func TestTableFormats(t *testing.T) {
	var csv, json strings.Builder
	csv.WriteString("n,c,b,d,label\n")
	for i := range 40 {
		n, c := fmt.Sprint(float64(i%9)/2), fmt.Sprintf("%q", []string{"x", "y"}[i%2])
		if i%10 == 3 {
			n, c = "", ""
		}
		fmt.Fprintf(&csv, "%s,%s,%v,2024-05-%02d,%s\n", n, strings.Trim(c, `"`), []string{"True", "False"}[i%2], 1+i%9, []string{"p", "q"}[i/20])
		fmt.Fprintf(&json, `{"n":%s,"c":%s,"b":%v,"d":"2024-05-%02d","label":"%s"}`+"\n", orNull(n), orNull(c), i%2 == 0, 1+i%9, []string{"p", "q"}[i/20])
	}
	text := csv.String()
	type row struct {
		N     *float64 `parquet:"n"`
		C     *string  `parquet:"c"`
		B     bool     `parquet:"b"`
		D     int32    `parquet:"d,date"`
		Label string   `parquet:"label"`
	}
	var rows []row
	for i := range 40 {
		n, c := float64(i%9)/2, []string{"x", "y"}[i%2]
		r := row{&n, &c, i%2 == 0, int32(time.Date(2024, 5, 1+i%9, 0, 0, 0, 0, time.UTC).Unix() / 86400), []string{"p", "q"}[i/20]}
		if i%10 == 3 {
			r.N, r.C = nil, nil
		}
		rows = append(rows, r)
	}
	var columnar bytes.Buffer
	if err := parquet.Write(&columnar, rows); err != nil {
		t.Fatal(err)
	}
	var want []float32
	for name, content := range map[string][]byte{
		"t.parquet": columnar.Bytes(),
		"t.csv":     []byte(text), "t.tsv": []byte(strings.ReplaceAll(text, ",", "\t")), "t.csv.gz": zipped([]byte(text)), "t.jsonl": []byte(json.String()),
		"semicolons.csv": []byte(strings.ReplaceAll(text, ",", ";")),
	} {
		d := open(t, write(t, name, content), Options{}).Train
		_, x := fitted(t, d)
		if want == nil {
			want = x.X.Elements()
		}
		if !slices.Equal(x.X.Elements(), want) || len(want) != 40*(2+3+1+2) {
			t.Errorf("%s: %d numbers, or others than another format's (%q)", name, len(x.X.Elements()), x.Features)
		}
	}
}

func orNull(text string) string {
	if text == "" {
		return "null"
	}
	return text
}

// TestTableShares: processes that share a table fit what one alone fits.
func TestTableShares(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	path := write(t, "t.csv", lines("id,n,h,c,b,d,label", 200, func(i int) string {
		n, c := fmt.Sprintf("%.3f", rng.NormFloat64()), []string{"x", "y", "z"}[rng.IntN(3)]
		if i%17 == 0 {
			n, c = "NA", "rare"+fmt.Sprint(i)
		}
		return fmt.Sprintf("%d,%s,%.4f,%s,%v,2024-%02d-%02d,%s", i, n, math.Exp(3*rng.NormFloat64()), c, i%3 == 0, 1+i%12, 1+i%28, []string{"p", "q"}[i/100])
	}))
	whole := open(t, path, Options{}).Train
	tr, err := FitBins(whole, ScaleStandard, 4)
	if err != nil {
		t.Fatal(err)
	}
	x, err := tr.Apply(whole)
	if err != nil {
		t.Fatal(err)
	}
	for size := 2; size <= 3; size++ {
		parts, errs := shares(path, size, Options{})
		fits, made := make([]Transform, size), make([]Dataset, size)
		group := make(chan error, size)
		for r := range parts {
			if errs[r] != nil {
				t.Fatal(errs[r])
			}
			go func() {
				var err error
				if fits[r], err = FitBins(parts[r].Train, ScaleStandard, 4); err == nil {
					made[r], err = fits[r].Apply(parts[r].Train)
				}
				group <- err
			}()
		}
		var all []float32
		for range parts {
			if err := <-group; err != nil {
				t.Fatal(err)
			}
		}
		for r := range parts {
			all = append(all, made[r].X.Elements()...)
			if fmt.Sprint(parts[r].Train.Taken) != fmt.Sprint(whole.Taken) {
				t.Errorf("rank %d of %d took the columns for %v, want %v", r, size, parts[r].Train.Taken, whole.Taken)
			}
		}
		if len(all) != len(x.X.Elements()) || !slices.Equal(made[0].Features, x.Features) {
			t.Fatalf("%d ranks: %d features, want those of one: %q", size, len(made[0].Features), x.Features)
		}
		for i, v := range x.X.Elements() { // sums over ranks are in another order
			if math.Abs(float64(v-all[i])) > 1e-5 {
				t.Fatalf("%d ranks: element %d is %v, want %v", size, i, all[i], v)
			}
		}
	}
}

// TestModelColumns: a model finds its columns by name in any order, names those that
// are missing, and keeps texts of others.
func TestModelColumns(t *testing.T) {
	d := open(t, write(t, "t.csv", lines("id,n,c,label", 40, func(i int) string {
		return fmt.Sprintf("%05d,%g,%s,%d", i, float64(i%9)/2, []string{"x", "y"}[i%2], i%2)
	})), Options{}).Train
	tr, x := fitted(t, d)
	if !slices.Equal(tr.Table.IDs, []string{"id"}) {
		t.Errorf("ids %q", tr.Table.IDs)
	}
	o := Options{NoLabel: true, Features: d.Features, Model: &tr, Keep: tr.Table.IDs}
	other := open(t, write(t, "o.csv", []byte("c,more,id,n\ny,1,00007,0.5\nx,2,00008,0\n")), o).Train
	got, err := tr.Apply(other)
	if err != nil || !slices.Equal(got.X.Row(0), x.X.Row(1)) || !slices.Equal(got.X.Row(1), x.X.Row(0)) {
		t.Errorf("in another order: %v, %v", got.X, err)
	}
	if len(other.Kept) != 1 || !slices.Equal(other.Kept[0].Values, []string{"00007", "00008"}) {
		t.Errorf("kept %v", other.Kept)
	}
	wantError(t, write(t, "o.csv", []byte("id,z\n1,2\n")), o, `no columns ["n" "c"], which the model needs (there are id, z)`)
	wantError(t, write(t, "o.csv", []byte("c,n\nx,much\n")), o, `line 2, column "n": got "much", want a number`)
}

// TestModelLabelOfTexts: a model of a table without names takes a file with the label,
// which may be texts, to predict for its rows.
func TestModelLabelOfTexts(t *testing.T) {
	rows := func(label string) []byte {
		return lines("", 40, func(i int) string { return fmt.Sprintf("%g,%d"+label, float64(i%9)/2, i*i%7, "gb"[i%2:][:1]) })
	}
	tr, x := fitted(t, open(t, write(t, "t.csv", rows(",%s")), Options{}).Train)
	if tr.Columns != nil {
		t.Fatalf("columns %v, want a matrix", tr.Columns)
	}
	for name, text := range map[string][]byte{"with the label": rows(",%s"), "without": rows("%.0s")} {
		d := open(t, write(t, "o.csv", text), Options{NoLabel: true, Model: &tr}).Train
		got, err := tr.Apply(d)
		if err != nil || !slices.Equal(got.X.Elements(), x.X.Elements()) {
			t.Errorf("%s: %v, %v", name, got.X, err)
		}
	}
}

// TestSharedTables: published tables are read as they are.
func TestSharedTables(t *testing.T) {
	dir := filepath.Join(os.Getenv("DLAM_DATA_DIR"), "tables")
	for file, c := range map[string]struct {
		label                   string
		rows, features, classes int
	}{
		"titanic.csv": {"survived", 891, 14, 2}, "penguins.csv": {"species", 344, 6, 3}, "mpg.csv": {"mpg", 398, 8, 0}, "taxis.csv": {"tip", 6433, 13, 0},
		"adult-train.csv.gz": {"", 32561, 14, 2}, "sonar.csv": {"", 208, 60, 2}, "ionosphere.csv": {"", 351, 34, 2}, "horse-colic.csv": {"23", 300, 27, 2},
		"german.csv": {"", 1000, 20, 2}, "winequality-red.csv": {"", 1599, 11, 6}, "glass.csv": {"", 214, 9, 6}, "phoneme.csv": {"", 5404, 5, 2},
		"oil-spill.csv": {"", 937, 48, 2}, "breast-cancer.csv": {"", 286, 9, 2}, "auto-insurance.csv": {"", 63, 1, 0}, "monthly-car-sales.csv": {"Sales", 108, 1, 0},
	} {
		path := filepath.Join(dir, file)
		if _, err := os.Stat(path); err != nil {
			t.Skipf("%s is not here", path)
		}
		d := open(t, path, Options{Label: c.label}).Train
		if d.Rows() != c.rows || d.RawFeatures() != c.features || len(d.Classes) != c.classes {
			t.Errorf("%s: %d rows, %d features, %d classes; want %+v", file, d.Rows(), d.RawFeatures(), len(d.Classes), c)
		}
		fitted(t, d)
	}
}

// TestInOrder: the value at a place is that of sorted values.
func TestInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for range 300 {
		values := make([]float64, 1+rng.IntN(30))
		for i := range values {
			values[i] = float64(rng.IntN(8))
		}
		want := slices.Sorted(slices.Values(values))
		if k := rng.IntN(len(values)); inOrder(values, k) != want[k] {
			t.Fatalf("place %d of %v: got %v", k, want, inOrder(values, k))
		}
	}
}

// TestSeveralLabels: several columns are values to predict together.
func TestSeveralLabels(t *testing.T) {
	b := lines("a,up,c,down", 30, func(i int) string {
		return fmt.Sprintf("%g,%d,%s,%g", float64(i%7)/2, i, []string{"x", "y"}[i%2], -float64(i)/2)
	})
	path := write(t, "t.csv", b)
	d := open(t, path, Options{Label: "up,down"}).Train
	if !slices.Equal(d.Features, []string{"a", "c"}) || d.Value.Cols != 2 || !slices.Equal(d.Value.Row(5), []float32{5, -2.5}) {
		t.Errorf("features %q, values %v", d.Features, d.Value.Row(5))
	}
	if again := open(t, path, Options{Label: d.Table.Name, Features: d.Features, Model: d.Schema()}).Train; !slices.Equal(again.Value.Elements(), d.Value.Elements()) {
		t.Errorf("by the name that a model has, %q, the labels are others", d.Table.Name)
	}
	wantError(t, path, Options{Label: "up,c"}, `column "c": one of 2 labels, and not all of its values are numbers`)
	wantError(t, path, Options{Label: "up,up"}, `label column "up" comes twice`)
	wantError(t, path, Options{Label: "up,side"}, `no label column "side"`)
	wantError(t, path, Options{Label: "up,down", Task: Classification}, "cannot be classes")
	for _, label := range []string{"1,3", "up, down"} {
		if d := open(t, path, Options{Label: label}).Train; d.Table.Name != "up,down" {
			t.Errorf("the labels %q are called %q", label, d.Table.Name)
		}
	}
	commas := write(t, "commas.csv", []byte("a,\"up, m\",down\n1,2,3\n2,5,4\n3,1,9\n"))
	if d := open(t, commas, Options{Label: "1,2"}).Train; d.Table.Name != "1,2" {
		t.Errorf("labels by number, one with a comma in its name, are called %q", d.Table.Name)
	}
	gaps := write(t, "gaps.csv", []byte("a,up,down\n1,2,3\n2,,4\n3,1,1e200\n"))
	wantError(t, gaps, Options{Label: "down,up"}, `sample 3, column "down": got the label 1e+200, want a finite number of at most 3.4e38`)
	wantError(t, gaps, Options{Label: "up,down"}, `line 3, column "up": the label is missing (1 of 3 are)`)
}

// TestUnlikeValues: each value has a deviation of 1, whatever its units, and is turned
// back; a transform that has one factor for all, as a number, is read too.
func TestUnlikeValues(t *testing.T) {
	d := Dataset{Name: "t", X: mat.FromSlice(3, 1, []float32{1, 2, 3}), Value: mat.FromSlice(3, 2, []float32{1e6, -1e-3, 3e6, 0, 5e6, 1e-3})}
	tr, x := fitted(t, d)
	sd := float32(math.Sqrt(1.5))
	for i, want := range []float32{-sd, 0, sd} {
		for j, v := range x.Value.Row(i) {
			if math.Abs(float64(v-want)) > 1e-6 {
				t.Errorf("value %d of sample %d: got %v, want %v", j, i, v, want)
			}
		}
	}
	text, err := json.Marshal(tr)
	if err != nil {
		t.Fatal(err)
	}
	var again Transform
	if err := json.Unmarshal(text, &again); err != nil || !slices.Equal(again.TargetFactor, tr.TargetFactor) {
		t.Fatalf("%s is read as %v, %v", text, again.TargetFactor, err)
	}
	y := x.Value.Clone()
	again.Restore(y)
	for i, v := range y.Elements() {
		if want := d.Value.Elements()[i]; math.Abs(float64(v-want)) > 1e-6*math.Abs(float64(want))+1e-9 {
			t.Errorf("got %v, want %v", y.Elements(), d.Value.Elements())
		}
	}
	if unit, ok := tr.TargetUnit(); unit != 1 || ok {
		t.Errorf("errors of values in unlike units have the unit %v", unit)
	}
	var old Transform
	if err := json.Unmarshal([]byte(`{"inputs":1,"pool":1,"shift":[0],"factor":[1],"target_shift":[1,2],"target_factor":0.5}`), &old); err != nil {
		t.Fatal(err)
	}
	if err := old.Validate(); err != nil {
		t.Error(err)
	}
	z := mat.FromSlice(1, 2, []float32{1, 1})
	if old.Restore(z); !slices.Equal(z.Elements(), []float32{3, 4}) {
		t.Errorf("one factor for both: got %v, want 3, 4", z.Elements())
	}
	for _, bad := range []Factors{{0.5, 0}, {0.5, 1, 2}, {-1}, {float32(math.Inf(1))}} {
		if old.TargetFactor = bad; old.Validate() == nil {
			t.Errorf("factors %v of two values are taken", bad)
		}
	}
}

// TestBins: of a number there is its own feature, and how much of each bin lies below it.
// Bins have as many training rows each; those of few different values are fewer, and of
// two there are none. A matrix gives what a table of the same numbers gives.
func TestBins(t *testing.T) {
	row := func(i int) string { return fmt.Sprintf("%d,%d,%d", (37*i%81)*(37*i%81), min(i%8, 2), i%2) }
	table := open(t, write(t, "t.csv", lines("a,few,two,text,label", 81, func(i int) string {
		return fmt.Sprintf("%s,%s,%d", row(i), []string{"x", "y"}[i%2], i%2)
	})), Options{}).Train
	matrix := open(t, write(t, "m.csv", lines("a,few,two,label", 81, func(i int) string { return fmt.Sprintf("%s,%d", row(i), i%2) })), Options{}).Train
	if table.Frame == nil || matrix.Frame != nil {
		t.Fatal("the one is to be a table, and the other a matrix")
	}
	var all [2]Dataset
	for k, d := range []Dataset{table, matrix} {
		tr, err := FitBins(d, ScaleStandard, 4)
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Validate(); err != nil {
			t.Error(err)
		}
		if got, want := tr.Columns[0].Edges, []float64{0, 400, 1600, 3600, 6400}; !slices.Equal(got, want) {
			t.Errorf("edges %v, want %v", got, want)
		}
		if got := tr.Columns[1].Edges; !slices.Equal(got, []float64{0, 1, 2}) {
			t.Errorf("edges of few values %v", got)
		}
		if tr.Columns[2].Edges != nil {
			t.Errorf("edges of two values %v", tr.Columns[2].Edges)
		}
		if all[k], err = tr.Apply(d); err != nil {
			t.Fatal(err)
		}
		c := &tr.Columns[0]
		if want := []string{"a", "a (bin 1)", "a (bin 2)", "a (bin 3)", "a (bin 4)"}; !slices.Equal(all[k].Features[:5], want) {
			t.Errorf("features %q, want %q", all[k].Features[:5], want)
		}
		got := make([]float32, 5)
		for v, want := range map[float64][]float64{-5: {0, 0, 0, 0}, 200: {0.5, 0, 0, 0}, 1600: {1, 1, 0, 0}, 2100: {1, 1, 0.25, 0}, 1e300: {1, 1, 1, 1}, math.NaN(): {1, 1, 0, 0}} {
			c.EncodeValue(got, v)
			for i, f := range c.Features[1:] {
				if below := float64(got[i+1])/f.Factor + f.Shift; math.Abs(below-want[i]) > 1e-6 {
					t.Errorf("%v of bin %d lies below %v, want %v", below, i, v, want[i])
				}
			}
		}
	}
	for i := range matrix.X.Rows {
		if n := all[1].X.Cols; !slices.Equal(all[0].X.Row(i)[:n], all[1].X.Row(i)) {
			t.Fatalf("sample %d: a matrix gives %v, a table %v", i, all[1].X.Row(i), all[0].X.Row(i)[:n])
		}
	}
	for _, bins := range []int{-1, 1, MostBins + 1} {
		if _, err := FitBins(table, ScaleStandard, bins); err == nil || !strings.Contains(err.Error(), "want 2 to 256") {
			t.Errorf("%d bins: %v", bins, err)
		}
	}
	tr, err := FitBins(table, ScaleStandard, 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, spoil := range []func(*Column){
		func(c *Column) { c.Edges[2] = c.Edges[1] }, func(c *Column) { c.Edges = c.Edges[1:] }, func(c *Column) { c.Kind = KindBoolean }, func(c *Column) { c.Edges[0] = math.NaN() },
	} {
		bad := tr
		bad.Columns = slices.Clone(tr.Columns)
		bad.Columns[0].Edges = slices.Clone(tr.Columns[0].Edges)
		spoil(&bad.Columns[0])
		if bad.Validate() == nil {
			t.Errorf("bins of %+v are taken", bad.Columns[0])
		}
	}
}

// TestClamp: predicted values and scores stay within the values of the training rows.
func TestClamp(t *testing.T) {
	d, err := FromRows("t", [][]float64{{1}, {2}, {3}}, []float64{10, 40, 20})
	if err != nil {
		t.Fatal(err)
	}
	tr, x := fitted(t, d)
	y := mat.FromSlice(4, 1, []float32{-100, 0, 100, x.Value.At(1, 0)})
	tr.Restore(y)
	if want := []float32{10, tr.TargetShift[0], 40, 40}; !slices.Equal(y.Elements(), want) {
		t.Errorf("got %v, want %v", y.Elements(), want)
	}
	if lo, hi := slices.Min(x.Value.Elements()), slices.Max(x.Value.Elements()); x.Target().Low[0] != lo || x.Target().High[0] != hi {
		t.Errorf("scores are within %v and %v, want %v and %v", x.Target().Low, x.Target().High, lo, hi)
	}
	free := tr.Unclamped()
	y = mat.FromSlice(1, 1, []float32{100})
	if free.Restore(y); y.At(0, 0) < 1000 {
		t.Errorf("unclamped, 100 deviations are %v", y.At(0, 0))
	}
	x, err = free.Apply(d)
	if err != nil {
		t.Fatal(err)
	}
	if to := x.Target(); to.Low != nil || to.High != nil {
		t.Errorf("unclamped, scores are within %v and %v", to.Low, to.High)
	}
}

// TestColumnWithoutFeatures: a column that says nothing of the training rows, though it
// does of others, is none of the features.
func TestColumnWithoutFeatures(t *testing.T) {
	d := open(t, write(t, "t.csv", lines("a,c,label", 60, func(i int) string { return fmt.Sprintf("%d,%s,%d", max(i, 40), []string{"x", ""}[i%2], i%2) })), Options{}).Train
	train, err := d.Pick(numbersTo(40))
	if err != nil {
		t.Fatal(err)
	}
	tr, x := fitted(t, train)
	if !slices.Equal(x.Features, []string{"c=x", "c (missing)"}) || len(tr.Columns) != 2 {
		t.Errorf("features %q of %d columns", x.Features, len(tr.Columns))
	}
}

// TestIDNames: what is called an id, and what only ends like one.
func TestIDNames(t *testing.T) {
	for name, want := range map[string]bool{
		"id": true, "ID": true, "Id": true, "customer_id": true, "customer id": true, "PassengerId": true, "userID": true, "index": true, "Unnamed: 3": true,
		"paid": false, "grid": false, "humid": false, "PAID": false, "idle": false, "amount": false, "": false, "i": false, "iid": false,
	} {
		if isIDName(name) != want {
			t.Errorf("%q is an id: %v, want %v", name, !want, want)
		}
	}
}

// TestLevelOrder: levels that are numbers come first, by their size, and texts after
// them, whatever the order in which they are found: 2 < 10 < 1a < 2, as numbers and as
// texts, would be none.
func TestLevelOrder(t *testing.T) {
	var b strings.Builder
	b.WriteString("x,c,label\n")
	for i, level := range slices.Repeat([]string{"2", "10", "1a", "9", "x", "10.5", "9a"}, 10) {
		fmt.Fprintf(&b, "%d.5,%s,%d\n", i*i%17, level, i%2)
	}
	path := write(t, "x.csv", []byte(b.String()))
	for range 20 { // levels are counted in a map, which is gone over in any order
		d, err := readFile(context.Background(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		f, err := Fit(d, ScaleStandard, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(f.Columns[1].Levels, " "); got != "2 9 10 10.5 1a 9a x" {
			t.Fatalf("levels %s", got)
		}
	}
}
