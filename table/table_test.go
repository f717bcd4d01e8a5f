package table

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dlam-go/dlam/internal/fixedseed"
)

// build makes a table of one column of texts, which is the same if they are added many
// at a time.
func build(t interface{ Fatal(...any) }, texts []string, s Settings) *Column {
	b, err := NewBuilder("t", []string{"c"}, s)
	if err != nil {
		t.Fatal(err)
	}
	many, _ := NewBuilder("t", []string{"c"}, s)
	all, lines := make([][]byte, len(texts)), make([]int, len(texts))
	for i, text := range texts {
		b.Line = i + 2
		b.AddText(0, []byte(text))
		all[i], lines[i] = []byte(text), i+2
	}
	for at := 0; at < len(texts); at += 1000 {
		to := min(at+1000, len(texts))
		many.AddTexts(0, all[at:to], lines[at:to])
	}
	if !reflect.DeepEqual(b.columns[0].Column, many.columns[0].Column) || !slices.Equal(b.columns[0].ints, many.columns[0].ints) || !slices.Equal(b.columns[0].floats, many.columns[0].floats) || !slices.Equal(b.Again(), many.Again()) {
		t.Fatal(fmt.Sprintf("%q: another column if they are added many at a time", texts))
	}
	if kinds := b.Again(); kinds != nil && s.Kinds == nil {
		s.Kinds = kinds
		return build(t, texts, s)
	}
	table, err := b.Table()
	if err != nil {
		t.Fatal(err)
	}
	if table.Rows != len(texts) || table.Columns[0].Rows() != len(texts) {
		t.Fatal(fmt.Sprintf("%d rows, want %d", table.Rows, len(texts)))
	}
	return table.Columns[0]
}

// TestNumbers: numbers of any size and any number of digits come out as they went
// in, whatever is in their chunk beside them.
func TestNumbers(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(
			rapid.Custom(func(t *rapid.T) string { return strconv.FormatInt(rapid.Int64().Draw(t, "int"), 10) }),
			rapid.Custom(func(t *rapid.T) string { return strconv.Itoa(rapid.IntRange(-9, 300).Draw(t, "small")) }),
			rapid.Custom(func(t *rapid.T) string {
				return strconv.FormatFloat(rapid.Float64().Draw(t, "float"), 'g', -1, 64)
			}),
			rapid.Custom(func(t *rapid.T) string {
				return strconv.FormatFloat(rapid.Float64Range(-1000, 1000).Draw(t, "fixed"), 'f', rapid.IntRange(0, 6).Draw(t, "places"), 64)
			}),
			rapid.SampledFrom([]string{"NA", "", "-", "nan", "1.5", "-0", "1e22", "1e23", "1e-22", "123456789012345678901234567890", "0.1", "inf"}),
		)
		texts := rapid.SliceOfN(number, 1, 40).Draw(t, "numbers")
		for _, n := range []int{1, 150} { // more than a chunk
			all := slices.Repeat(texts, n)
			c := build(t, all, Settings{})
			got, whole := make([]float64, len(all)), make([]int64, len(all))
			c.Floats(got, 0)
			c.Integers(whole, 0)
			missing, fraction := 0, false
			for i, text := range all {
				want, err := strconv.ParseFloat(text, 64)
				if err != nil || text == "nan" {
					missing++
					if !math.IsNaN(got[i]) || !c.MissingAt(i) || c.Format(i) != "" {
						t.Fatalf("row %d: %q gave %v", i, text, got[i])
					}
					continue
				}
				if got[i] != want {
					t.Fatalf("row %d: %q gave %v", i, text, got[i])
				}
				if again, err := strconv.ParseFloat(c.Format(i), 64); err != nil || again != want {
					t.Fatalf("row %d: %q is written as %q", i, text, c.Format(i))
				}
				fraction = fraction || want != math.Trunc(want) || math.IsInf(want, 0)
				if v, err := strconv.ParseInt(text, 10, 64); err == nil && c.Whole() && !c.Rounded() && whole[i] != v {
					t.Fatalf("row %d: %q is the integer %d", i, text, whole[i])
				}
			}
			if c.Kind == Number && c.Whole() == fraction {
				t.Fatalf("whole: %v, with a fraction: %v", c.Whole(), fraction)
			}
			if c.Missing() != missing {
				t.Fatalf("%d missing, want %d", c.Missing(), missing)
			}
			from := rapid.IntRange(0, len(all)-1).Draw(t, "from")
			part := make([]float64, rapid.IntRange(0, len(all)-from).Draw(t, "n"))
			c.Floats(part, from)
			if !slices.EqualFunc(part, got[from:from+len(part)], func(a, b float64) bool { return a == b || a != a && b != b }) {
				t.Fatalf("rows from %d: %v", from, part)
			}
		}
	})
}

// TestKinds: what a column is, and how its values are written.
func TestKinds(t *testing.T) {
	for _, c := range []struct {
		texts  string
		kind   Kind
		whole  bool
		format string
	}{
		{"1|2|3", Number, true, "1|2|3"},
		{"1|2.50|+3|1e3", Number, false, "1|2.5|3|1000"},
		{"1.0|2.00|NA", Number, true, "1|2|"},
		{"9007199254740993|1.5", Number, false, "9007199254740992|1.5"},
		{"1e300|5.25", Number, false, "1e+300|5.25"},
		{"9007199254740993|1e17|9007199254740992.5", Number, false, "9007199254740992|1e+17|9007199254740992"},
		{"9007199254740993|1e17|9007199254740993.0", Number, true, "9007199254740993|100000000000000000|9007199254740993"},
		{"635790910116.0123|1", Number, false, "6.357909101160123e+11|1"},
		{"12345678901234567890.10e1|1", Number, true, "1.2345678901234568e+20|1"},
		{"0x10|1", Text, false, "0x10|1"},
		{"1_000|1", Text, false, "1_000|1"},
		{"007|x", Text, false, "007|x"},
		{"True|FALSE|true", Boolean, false, "True|False|True"},
		{"FALSE|TRUE", Boolean, false, "FALSE|TRUE"},
		{"True|1", Text, false, "True|1"},
		{"2024-05-01|2024-02-29", Time, false, "2024-05-01|2024-02-29"},
		{"2024-05|1960-1-2|1960/1/2", Time, false, "2024-05-01|1960-01-02|1960-01-02"},
		{"2023-02-29", Text, false, "2023-02-29"},
		{"2024-05-01 25:00", Text, false, "2024-05-01 25:00"},
		{"2024-05-01T10:30:00.25Z|2024-05-01 12:30+02:00", Time, false, "2024-05-01 10:30:00.25|2024-05-01 10:30:00"},
		{"NA|?|null", Unknown, false, "||"},
		{"-|5", Number, true, "|5"},
		{"-|a", Text, false, "-|a"},
		{"a|NA", Text, false, "a|"},
	} {
		texts := strings.Split(c.texts, "|")
		column := build(t, texts, Settings{})
		var got []string
		for i := range texts {
			got = append(got, column.Format(i))
		}
		if column.Kind != c.kind || column.Whole() != c.whole || strings.Join(got, "|") != c.format {
			t.Errorf("%s: %v, whole %v, %q; want %v, %v, %s", c.texts, column.Kind, column.Whole(), got, c.kind, c.whole, c.format)
		}
	}
}

// TestPlaces: where the first value and the first gap of a column are, and of texts
// the first that is no number.
func TestPlaces(t *testing.T) {
	c := build(t, []string{"NA", "", "3"}, Settings{})
	if row, line := c.First(); row != 2 || line != 4 {
		t.Errorf("the first value is in row %d, line %d, want 2 and 4", row, line)
	}
	if row, line := c.FirstMissing(); row != 0 || line != 2 {
		t.Errorf("the first gap is in row %d, line %d, want 0 and 2", row, line)
	}
	c = build(t, []string{"1", "2", "x", "y"}, Settings{})
	if row, line := c.First(); row != 2 || line != 4 {
		t.Errorf("the first text that is no number is in row %d, line %d, want 2 and 4", row, line)
	}
}

// TestTyped: values that have a type already.
func TestTyped(t *testing.T) {
	b, err := NewBuilder("t", []string{"int", "decimal", "float", "truth", "time", "text"}, Settings{Kinds: []Kind{Number, Number, Number, Boolean, Time, Text}})
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC).UnixMicro()
	for range 2 {
		b.AddInteger(0, math.MaxInt64)
		b.AddDecimal(1, 1250, 3)
		b.AddFloat(2, 0.1)
		b.AddBoolean(3, true)
		b.AddTime(4, noon)
		b.AddString(5, []byte("NA"))
	}
	b.AddUnsigned(0, 7)
	b.AddDecimal(1, math.MaxInt64, 18)
	b.AddFloat(2, math.NaN())
	for j := 3; j < 6; j++ {
		b.AddMissing(j)
	}
	table, err := b.Table()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range table.Columns {
		got = append(got, c.Format(0), c.Format(2))
	}
	if want := []string{"9223372036854775807", "7", "1.25", "9.223372036854776", "0.1", "", "True", "", "2024-05-01 12:00:00", "", "NA", ""}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if table.Column("float") != 2 || table.Column("none") != -1 || len(table.Names()) != 6 {
		t.Errorf("columns %q", table.Names())
	}
}

// TestBudget: a table takes what it counts, and no more than it may.
func TestBudget(t *testing.T) {
	add := func(budget *Budget, rows int) (*Table, error) {
		b, err := NewBuilder("t", []string{"a", "b"}, Settings{Budget: budget})
		if err != nil {
			return nil, err
		}
		for i := range rows {
			b.AddText(0, fmt.Appendf(nil, "%d", i*i))
			b.AddText(1, fmt.Appendf(nil, "text %d", i))
			if err := b.Err(); err != nil {
				return nil, err
			}
		}
		return b.Table()
	}
	budget := NewBudget(10 << 20)
	table, err := add(budget, 50000)
	if err != nil {
		t.Fatal(err)
	}
	held := budget.used.Load()
	if held < 50000*(4+4) || held > 50000*(4+4+90) {
		t.Errorf("%d bytes for 50,000 integers and texts", held)
	}
	if freed := table.Free(50000); freed < 50000*6 || budget.used.Load() != held-freed {
		t.Errorf("%d bytes given back of %d, %d held", freed, held, budget.used.Load())
	}
	_, err = add(NewBudget(1<<20), 1<<40)
	var m *MemoryError
	if !errors.As(err, &m) || m.Limit != 1<<20 || m.Need <= m.Limit {
		t.Errorf("an endless table: got %v", err)
	}
	if _, err := NewBuilder("t", make([]string, 1e6), Settings{Budget: NewBudget(1 << 20)}); !errors.As(err, &m) {
		t.Errorf("a million columns: got %v", err)
	}
	var none *Budget
	if none.Take(1<<62) != nil || none.Allow(1<<62) != nil {
		t.Error("no budget has a bound")
	}
}

// TestDistinct: names that are repeated are told apart, also from others.
func TestDistinct(t *testing.T) {
	names, repeated := Distinct([]string{"x", "y", "x", "x.1", "x", "", ""})
	if !slices.Equal(repeated, []string{"x", ""}) {
		t.Errorf("repeated: %q", repeated)
	}
	if want := []string{"x", "y", "x.2", "x.1", "x.3", "", ".1"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

// TestUTF8: a text that is not UTF-8 is a fault with its place.
func TestUTF8(t *testing.T) {
	b, err := NewBuilder("t", []string{"a"}, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	b.Line = 2
	b.AddText(0, []byte("gr\xfcn"))
	var v *ValueError
	if err := b.Err(); !errors.Is(err, ErrUTF8) || !errors.As(err, &v) || v.Line != 2 || v.Column != "a" {
		t.Errorf("got %v", err)
	}
}

// FuzzNumber: a text is a number exactly if it is one to strconv in decimal, and the
// same number.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.5e-7", "1e400", ".", "+.5", "9007199254740993", "0.1234567890123456789", "1e", "inf", "-Infinity", "nan", "0x1p4", "1_0", "5e-324", "123456789012345678e-5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := parseNumber([]byte(s), '.')
		want, err := strconv.ParseFloat(s, 64)
		decimal := (err == nil || errors.Is(err, strconv.ErrRange)) && !math.IsNaN(want) && !strings.ContainsAny(s, "xX_")
		if ok != decimal {
			t.Fatalf("%q: taken for a number: %v", s, ok)
		}
		if ok && n.value() != want {
			t.Fatalf("%q: got %v, want %v", s, n.value(), want)
		}
	})
}

// FuzzTime: a text that is a time is written so that it is the same time.
func FuzzTime(f *testing.F) {
	for _, s := range []string{"2024-05-01", "1960-01", "2024/5/1", "0001-01-01 23:59:59.999999", "9999-12-31T00:00Z", "2024-05-01 10:30+05:30"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := ParseTime([]byte(s))
		if !ok {
			return
		}
		if again, ok := ParseTime([]byte(FormatTime(v))); ok && again != v {
			t.Fatalf("%q: %d, written as %q: %d", s, v, FormatTime(v), again)
		}
	})
}

// TestAddTexts: columns to which values are added at the same time, a column after the
// other, are those of a table made row by row; of several faults the first by rows is
// told.
func TestAddTexts(t *testing.T) {
	const rows, columns = 10000, 7
	values := []string{"1", "2.5", "NA", "x", "true", "2024-05-01", "1e300", "-", "12345678901234567.5"}
	texts, lines := make([][][]byte, columns), make([]int, rows)
	for i := range rows {
		lines[i] = 2 + 3*i
		for j := range columns {
			v := values[(i*i+j)%(j+2)]
			texts[j] = append(texts[j], []byte(v))
		}
	}
	build := func(together bool) *Builder {
		b, err := NewBuilder("t", make([]string, columns), Settings{Kinds: []Kind{0, 0, 0, Text, 0, 0, Text}})
		if err != nil {
			t.Fatal(err)
		}
		if !together {
			for i := range rows {
				b.Line = lines[i]
				for j := range columns {
					b.AddText(j, texts[j][i])
				}
			}
			return b
		}
		for at := 0; at < rows; at += rows / 4 {
			var all sync.WaitGroup
			for j := range columns {
				all.Go(func() { b.AddTexts(j, texts[j][at:at+rows/4], lines[at:at+rows/4]) })
			}
			all.Wait()
		}
		return b
	}
	apart, together := build(false), build(true)
	if a, b := apart.Again(), together.Again(); !slices.Equal(a, b) || apart.Err() != nil || together.Err() != nil {
		t.Fatalf("kinds %v, row by row %v; %v, %v", b, a, together.Err(), apart.Err())
	}
	want, _ := apart.Table()
	got, _ := together.Table()
	if !reflect.DeepEqual(got.Columns, want.Columns) {
		t.Error("the columns differ from those of a table made row by row")
	}
	texts[3][700], texts[6][500], texts[3][500] = []byte("\xff"), []byte("\xfe"), []byte("\xfd")
	for _, b := range []*Builder{build(false), build(true)} {
		var v *ValueError
		if !errors.As(b.Err(), &v) || v.Row != 500 || v.Line != lines[500] || b.at[1] != 3 {
			t.Errorf("got %v, column %d", b.Err(), b.at[1])
		}
	}
}
