package delimited

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll reads all records, and the lines on which they start.
func readAll(r *Reader) (records [][]string, lines []int, err error) {
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return records, lines, nil
		}
		if err != nil {
			return records, lines, err
		}
		var record []string
		for _, f := range fields {
			record = append(record, string(f))
		}
		records, lines = append(records, record), append(lines, r.Line())
	}
}

// readBatches is readAll, in batches, of which two are used by turns.
func readBatches(r *Reader) (records [][]string, lines []int, err error) {
	var batches [2]Batch
	for k := 0; ; k++ {
		b := &batches[k%2]
		if err := r.ReadBatch(b); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return records, lines, err
		}
		for from := 0; from < b.Len(); { // to is the end of those of the same width
			to := from + 1
			for to < b.Len() && b.Fields(to) == b.Fields(from) {
				to++
			}
			part := make([][]string, to-from)
			same := Batch{buf: b.buf, start: b.start, ends: b.ends, records: b.records[from:to]}
			for j := range b.Fields(from) {
				for i, text := range same.Column(nil, j, to-from) {
					part[i] = append(part[i], string(text))
				}
			}
			records = append(records, part...)
			for ; from < to; from++ {
				lines = append(lines, b.Line(from))
			}
		}
	}
}

// show writes records so that they can be compared: / between fields, ; after each
// record.
func show(records [][]string) string {
	var b strings.Builder
	for _, r := range records {
		b.WriteString(strings.Join(r, "/") + ";")
	}
	return b.String()
}

// TestRead: the rules, each where it differs from those of others. However the text
// arrives, the records are the same.
func TestRead(t *testing.T) {
	for _, c := range []struct {
		name      string
		separator byte
		text      string
		want      string
		lines     []int
	}{
		{"ends of lines", ',', "a,b\r\n\r\nc,d\re,f\n\n\ng,h", "a/b;c/d;e/f;g/h;", []int{1, 3, 4, 7}},
		{"empty fields", ',', ",\n,,\na,", "/;//;a/;", []int{1, 2, 3}},
		{"tabs around empty fields", '\t', "\ta\t\n\t\t\n x \t y", "/a/;//;x/y;", []int{1, 2, 3}},
		{"blanks", ',', " a , b\tc ,\td\t\n   \n", "a/b\tc/d;", []int{1}},
		{"quotes", ',', `"a,b","c""d""", "e" ,"f"g,"",""""`, `a,b/c"d"/e/fg//";`, []int{1}},
		{"quotes that are no quotes", ',', `5" pipe,a"b"c,x"`, `5" pipe/a"b"c/x";`, []int{1}},
		{"lines in quotes", ',', "\"a\r\nb\nc\",d\ne,f", "a\r\nb\nc/d;e/f;", []int{1, 4}},
		{"aligned columns", Blanks, "  1   2\t3  \n4 5 6\n\n \t \n\"a b\" c\td", "1/2/3;4/5/6;a b/c/d;", []int{1, 2, 5}},
		{"one column", ',', "a\nb\n", "a;b;", []int{1, 2}},
		{"nothing", ',', " \n\r\n\t\n", "", nil},
	} {
		for kind, r := range map[string]io.Reader{
			"at once": strings.NewReader(c.text), "by bytes": iotest.OneByteReader(strings.NewReader(c.text)),
			"with the end": iotest.DataErrReader(strings.NewReader(c.text)),
		} {
			records, lines, err := readAll(NewReader(r, c.separator))
			if err != nil || show(records) != c.want || !slices.Equal(lines, c.lines) {
				t.Errorf("%s, %s: got %q on lines %v, %v; want %q on %v", c.name, kind, show(records), lines, err, c.want, c.lines)
			}
		}
		records, lines, err := readBatches(NewReader(iotest.OneByteReader(strings.NewReader(c.text)), c.separator))
		if err != nil || show(records) != c.want || !slices.Equal(lines, c.lines) {
			t.Errorf("%s, in batches: got %q on lines %v, %v; want %q on %v", c.name, show(records), lines, err, c.want, c.lines)
		}
	}
}

// TestBatches: texts of many batches, with records that are longer than one, with runs
// of empty lines that are, and with quotes wherever a buffer ends, are read in batches
// as they are read record by record; all memory that was asked for is given back, and
// it is no more than the longest record and some batches take.
func TestBatches(t *testing.T) {
	var b strings.Builder
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 10000 {
		fmt.Fprintf(&b, "%d, \"%s\"\"\r\n\",%s,%x\r\n", i, strings.Repeat("q", rng.IntN(20)), strings.Repeat("y", rng.IntN(30)), rng.Uint64())
		switch rng.IntN(2000) {
		case 0:
			b.WriteString(strings.Repeat(strings.Repeat("x", 1000)+",", batchBytes/500) + "\n")
		case 1:
			b.WriteString(strings.Repeat(" \n", 2*batchBytes))
		}
	}
	for name, text := range map[string]string{"whole": b.String(), "without its end": b.String()[:b.Len()-1], "with an open quote": b.String() + "\"a"} {
		want, wantLines, fault := readAll(NewReader(strings.NewReader(text), ','))
		r := NewReader(iotest.DataErrReader(strings.NewReader(text)), ',')
		held, most := 0, 0
		r.Grow = func(bytes int) error {
			held += bytes
			most = max(most, held)
			return nil
		}
		got, lines, err := readBatches(r)
		if show(got) != show(want) || !slices.Equal(lines, wantLines) || fmt.Sprint(err) != fmt.Sprint(fault) {
			t.Errorf("%s: %d records, %v; want %d, %v", name, len(got), err, len(want), fault)
		}
		r.Release()
		if held != 0 || most > 16*batchBytes {
			t.Errorf("%s: %d bytes at most, %d at the end", name, most, held)
		}
	}
}

// TestLong: records that are longer than the buffer are whole, and the memory for
// them is asked for.
func TestLong(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	text := "a," + long + "\n\"" + long + "\"\"" + long + "\",b\nc,d\n"
	asked := 0
	r := NewReader(strings.NewReader(text), ',')
	r.Grow = func(bytes int) error { asked += bytes; return nil }
	records, _, err := readAll(r)
	if want := [][]string{{"a", long}, {long + `"` + long, "b"}, {"c", "d"}}; err != nil || show(records) != show(want) {
		t.Errorf("got %d records, %v", len(records), err)
	}
	if asked < 2<<20 || asked > 8<<20 || asked != len(r.buf) {
		t.Errorf("asked for %d bytes, took %d", asked, len(r.buf))
	}
	full := errors.New("full")
	r = NewReader(strings.NewReader(text), ',')
	left := 1 << 18
	r.Grow = func(bytes int) error {
		if left -= bytes; left < 0 {
			return full
		}
		return nil
	}
	if _, _, err := readAll(r); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

// TestFaults: an open quote is a fault in its line, and a fault of what is read from
// is given on.
func TestFaults(t *testing.T) {
	var e *SyntaxError
	if _, _, err := readAll(NewReader(strings.NewReader("a\nb\n\"c\nd"), ',')); !errors.Is(err, ErrQuote) || !errors.As(err, &e) || e.Line != 3 {
		t.Errorf("got %v", err)
	}
	broken := errors.New("broken")
	for _, text := range []string{"a,b\nc", "a,b\n\"c", "a,b\n\"c\"", "a,b\n", "", "\n \n"} {
		r := io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))
		if _, _, err := readAll(NewReader(r, ',')); !errors.Is(err, broken) {
			t.Errorf("%q and then a fault: got %v", text, err)
		}
	}
}

// TestDetect: the separator is the one that divides most lines alike.
func TestDetect(t *testing.T) {
	for text, want := range map[string]byte{
		"a,b\n1,2\n":                             ',',
		"1\n2\n":                                 ',',
		"\"temp, C, in\";\"flow, l\";x\n1;2;a\n": ';',
		"1,5;2,5\n3,5;4,5\n":                     ';',
		"1,5\t2,5\n3,5\t4,5\n":                   '\t',
		"a|b|c\n1,2|3|x;y\n":                     '|',
		"  1   2 up\n 3 4 down\n":                ' ',
		"1, 2, 3\n4, 5, 6\n":                     ',',
		"when,what\n2024-05-01 10:00:00,5\n2024-05-02 11:00:00,6\n": ',',
		"a b,c d\ne f,g h\n":                          ',',
		"a;b\n1;2\n3;4;5\n6;7\n8;9\n":                 ';',
		"name\tnote\nx\tone, two, three\ny\tno, no\n": '\t',
	} {
		if got := Detect([]byte(text), true); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := Detect([]byte("a;b\n1;2\n3;\"4"), false); got != ';' {
		t.Errorf("a head that is cut off: got %q", got)
	}
}

// FuzzRead: what the standard library reads is read the same, but for blanks around
// fields; and whatever is read has as many lines as it says.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"a,b\n1,\"2\"\"\n,\"\n", "a;b\n", "\"\",\n", " \"x\" ,y\n", "a\r\nb\rc\n", "1\t2\n"} {
		f.Add(s, byte(','))
		f.Add(s, byte('\t'))
		f.Add(s, byte(Blanks))
	}
	f.Fuzz(func(t *testing.T, text string, separator byte) {
		if strings.IndexByte(",;\t| :", separator) < 0 {
			return
		}
		got, lines, err := readAll(NewReader(iotest.HalfReader(strings.NewReader(text)), separator))
		if batched, at, fault := readBatches(NewReader(iotest.HalfReader(strings.NewReader(text)), separator)); show(batched) != show(got) || !slices.Equal(at, lines) || fmt.Sprint(fault) != fmt.Sprint(err) {
			t.Fatalf("%q: %q on lines %v, %v; in batches %q on %v, %v", text, got, lines, err, batched, at, fault)
		}
		for i, n := range lines {
			if n < 1 || i > 0 && n <= lines[i-1] || n > 1+strings.Count(text, "\n")+strings.Count(text, "\r") {
				t.Fatalf("%q: records on lines %v", text, lines)
			}
		}
		c := csv.NewReader(strings.NewReader(text))
		c.Comma, c.FieldsPerRecord, c.TrimLeadingSpace = rune(separator), -1, separator != '\t'
		want, theirs := c.ReadAll()
		plain := strings.IndexFunc(text, func(r rune) bool { return r == '\r' || r == '\v' || r == '\f' || r >= 0x80 }) < 0
		if theirs != nil || !plain || separator == Blanks || separator == '\t' && strings.Contains(text, " ") {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for _, r := range want {
			for i := range r {
				if separator != '\t' {
					r[i] = strings.Trim(r[i], " \t")
				}
			}
		}
		empty := func(r []string) bool { return len(r) == 1 && r[0] == "" } // a line of blanks, or of quotes alone
		got, want = slices.DeleteFunc(got, empty), slices.DeleteFunc(want, empty)
		if show(got) != show(want) {
			t.Fatalf("%q: got %q, want %q", text, show(got), show(want))
		}
	})
}
