package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"
)

// fileWant is what is to be read of a file: the right values are those of pandas
// and NumPy.
type fileWant struct {
	rows, features int
	counts         map[string]int // samples of each class; nil for values
	mean, max      float64        // of the features; 0 where they do not matter
	note           string         // part of what is told
}

// counts are the samples of each class by name.
func counts(d Dataset) map[string]int {
	if d.Class == nil {
		return nil
	}
	c := map[string]int{}
	for _, k := range d.Class {
		c[d.Classes[k]]++
	}
	return c
}

func wantFile(t *testing.T, d Dataset, w fileWant) {
	t.Helper()
	s := d.Summarize()
	if d.Rows() != w.rows || d.RawFeatures() != w.features || !maps.Equal(counts(d), w.counts) {
		t.Errorf("%s: %d rows of %d features, classes %v; want %d of %d, %v", d.Name, d.Rows(), d.RawFeatures(), counts(d), w.rows, w.features, w.counts)
	}
	if w.mean != 0 && math.Abs(s.Mean-w.mean) > 1e-4*math.Abs(w.mean) || w.max != 0 && math.Abs(s.Max-w.max) > 1e-4*math.Abs(w.max) {
		t.Errorf("%s: mean %v and maximum %v, want %v and %v", d.Name, s.Mean, s.Max, w.mean, w.max)
	}
	if notes := strings.Join(d.Notes, "\n"); !strings.Contains(notes, w.note) || w.note == "" && notes != "" {
		t.Errorf("%s: told %q, want %q in it", d.Name, notes, w.note)
	}
}

// TestFiles: files as other programs write them, each of a kind that was read
// wrongly or refused without need.
func TestFiles(t *testing.T) {
	upDown := map[string]int{"down": 29, "up": 31}
	for name, w := range map[string]fileWant{
		"dup2.csv":               {300, 2, map[string]int{"hi": 148, "lo": 152}, 0, 0, `"x", "x.1"`},
		"years.csv":              {60, 2, upDown, 2.38589, 9.7782, "--no-header"},
		"infhead.csv":            {60, 2, upDown, 2.38589, 9.7782, "--no-header"},
		"numhead_idx.csv":        {60, 2, map[string]int{"0": 29, "1": 31}, 2.38589, 9.7782, "is the index"},
		"idx.tsv":                {60, 2, upDown, 2.38589, 9.7782, `column, "", is the index`},
		"bomq.csv":               {60, 2, upDown, 2.38589, 9.7782, ""},
		"qsep.csv":               {60, 2, upDown, 2.38589, 9.7782, ""},
		"lab10.csv":              {60, 2, map[string]int{"0": 29, "1": 31}, 2.38589, 9.7782, ""},
		"z_big2.npz":             {50, 4, map[string]int{"987654321": 25, "987654322": 25}, 0, 0, ""},
		"zip.npz":                {200, 2, map[string]int{"1000000": 106, "1234567": 94}, 0, 0, ""},
		"zip.csv":                {200, 2, map[string]int{"1000000": 106, "1234567": 94}, 0, 0, ""},
		"pq_index_grade.parquet": {200, 2, map[string]int{"0": 105, "1": 95}, 0, 0.99459, `column "__index_level_0__" is the index`},
		"pq_f16lab.parquet":      {200, 2, nil, 0, 0, ""},
		"nh_nocomma.npy":         {20, 3, nil, 29.5, 59, ""},
		"nh_order.npy":           {20, 3, nil, 29.5, 59, ""},
		"nh_order2.npy":          {20, 3, nil, 29.5, 59, ""},
		"z_fort.npz":             {50, 4, map[string]int{"0": 25, "1": 25}, 0.01526314, 2.00239, ""},
		"z_bool.npz":             {50, 4, map[string]int{"False": 25, "True": 25}, 0.01526314, 2.00239, ""},
		"z_f2.npz":               {50, 4, map[string]int{"0": 25, "1": 25}, 0.01528687, 2.001953, ""},
		"z_str.npz":              {50, 4, map[string]int{"down": 25, "up": 25}, 0.01526314, 2.00239, ""},
		"boolfeat.csv":           {60, 2, upDown, 0, 9.7782, ""},
		"ws.data":                {60, 2, upDown, 2.38589, 9.7782, ""},
		"barequote.csv":          {60, 2, map[string]int{`5" pipe`: 31, `6" pipe`: 29}, 2.38589, 9.7782, ""},
	} {
		wantFile(t, open(t, filepath.Join("testdata/files", name), Options{}).Train, w)
	}
	d := open(t, "testdata/files/pq_f16lab.parquet", Options{}).Train
	if lo, hi := slices.Min(d.Value.Elements()), slices.Max(d.Value.Elements()); lo != -1 || hi != 1 {
		t.Errorf("FLOAT16 labels from %v to %v, want -1 to 1", lo, hi)
	}
	for name, want := range map[string]string{
		"latin1label.csv": `line 2, column "label": not UTF-8: say how it is encoded (--encoding latin-1`,
	} {
		wantError(t, filepath.Join("testdata/files", name), Options{}, want)
	}
	wantFile(t, open(t, "testdata/files/latin1label.csv", Options{Encoding: "latin-1"}).Train, fileWant{60, 2, map[string]int{"grün": 31, "weiß": 29}, 2.38589, 9.7782, ""})
	text := open(t, "testdata/files/pq_text.parquet", Options{Drop: []string{"city"}}).Train
	if text.X.Cols != 1 || text.Class == nil {
		t.Errorf("without its text column: %d features, classes %v", text.X.Cols, text.Classes)
	}
	train := open(t, "testdata/files/tri.csv", Options{}).Train
	test := open(t, "testdata/files/tef.csv", Options{Classes: train.Classes, Features: train.Features}).Train
	if !slices.Equal(train.Classes, []string{"0", "1"}) || len(counts(test)) != 2 {
		t.Errorf("labels 0 and 1, then 0.0 and 1.0: classes %q, test data %v", train.Classes, counts(test))
	}
}

// TestHeader: whether the first line is names is decided from all of it and from the
// lines below.
func TestHeader(t *testing.T) {
	below := func(first string, lines ...string) []byte {
		return []byte(first + "\n" + strings.Repeat(strings.Join(lines, "\n")+"\n", 5))
	}
	for name, c := range map[string]struct {
		text []byte
		o    Options
		rows int
	}{
		"words above numbers":                  {below("a,b,c", "1,2,0", "3,4,1"), Options{}, 10},
		"numbers alone":                        {below("5,6,0", "1,2,0", "3,4,1"), Options{}, 11},
		"years above fractions":                {below("2019,2020,2021", "1.5,2.5,0.5", "3.5,4.5,1.5"), Options{}, 10},
		"years above integers":                 {below("2019,2020,2021,2022,2023", "1,2,0,1,5", "3,4,1,1,7"), Options{}, 10},
		"counted columns above integers":       {below("0,1,2,3,4,5", "1,2,0,5,5,0", "3,4,1,5,6,1"), Options{}, 10},
		"a row that counts among others":       {below("1,2,3", "1,2,0", "1,1,1", "3,2,3"), Options{}, 16},
		"rows that count":                      {below("0,1,2,3,4,5", "1,2,3,4,5,6", "2,3,4,5,6,7"), Options{}, 11},
		"integers that fractions have too":     {below("5,3.5,x", "4,2.5,x", "5,3,y"), Options{}, 11},
		"a rare class in the first row":        {below("5,3,rare", "4,2,x", "5,3,y"), Options{}, 11},
		"an integer above fractions":           {below("5,x", "4.5,x", "2.5,y"), Options{}, 11},
		"label above classes":                  {below("1,2,label", "4,2,x", "5,3,y"), Options{}, 10},
		"a label beside exponents":             {below("1e3,2e3,label", "4.5,2.5,x", "5.5,3.5,y"), Options{}, 10},
		"a label beside lags":                  {below("-1,0,target", "4.5,2.5,7", "5.5,3.5,8"), Options{}, 10},
		"a class y in the first row":           {below("1.5,y", "2.5,n", "3.5,n"), Options{}, 11},
		"wavelengths":                          {below("900.5,901,901.5,902,902.5,kind", "5,3,1.5,2,2.5,0", "5,3,4.5,2,2.5,1"), Options{}, 10},
		"an index without a name":              {below(",0,1", "0,2.5,0.5", "1,3.5,1.5"), Options{}, 10},
		"words that come again":                {below("yes,no,red", "yes,no,blue", "no,no,red"), Options{NoLabel: true}, 11},
		"True and False":                       {below("True,False,0", "True,True,0", "False,True,1"), Options{}, 11},
		"missing values":                       {below("?,5,0", "1,2,0", "3,4,1"), Options{}, 11},
		"a header by choice":                   {below("5,6,0", "1,2,0", "3,4,1"), Options{Header: true}, 10},
		"none by choice":                       {below("2019,2020,2021", "1.5,2.5,0", "3.5,4.5,1"), Options{NoHeader: true}, 11},
		"a model's columns":                    {below("7,8,0", "1,2,0", "3,4,1"), Options{Features: []string{"8", "7"}, Label: "0"}, 10},
		"a name for each column but the first": {below("a,label", "r1,2,0", "r2,4,1"), Options{Drop: []string{"0"}}, 10},
	} {
		s, err := Open(context.Background(), write(t, "t.csv", c.text), c.o)
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case s.Train.Rows() != c.rows:
			t.Errorf("%s: %d rows, want %d", name, s.Train.Rows(), c.rows)
		}
	}
}

// TestText: tables of text in every way of writing them that spreadsheets have.
func TestText(t *testing.T) {
	const bom = "\ufeff"
	utf16 := func(text string, order unicode.Endianness, mark unicode.BOMPolicy) string {
		b, err := unicode.UTF16(order, mark).NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	x := []float32{1, 2, 3, 4}
	for name, c := range map[string]struct {
		text string
		o    Options
	}{
		"CR LF":                        {"a,b,y\r\n1,2,p\r\n3,4,q\r\n", Options{}},
		"CR":                           {"a,b,y\r1,2,p\r3,4,q", Options{}},
		"empty lines":                  {"\n\na,b,y\n\n1,2,p\n  \n3,4,q\n\n", Options{}},
		"blanks around fields":         {"a , b,y\n 1, 2 , p\n3 ,4,q\n", Options{}},
		"quotes":                       {"\"a\",\"b\",\"y\"\n\"1\", \"2\",\"p\"\n\" 3 \",4,\"q\"\n", Options{}},
		"BOM, no header":               {bom + "1,2,p\n3,4,q\n", Options{}},
		"BOM before a quote":           {bom + "\"a\",b,y\n1,2,p\n3,4,q\n", Options{}},
		"BOM in gzip":                  {string(zipped([]byte(bom + "1,2,p\n3,4,q\n"))), Options{}},
		"UTF-16 with a BOM":            {utf16("a,b,y\n1,2,p\n3,4,q\n", unicode.BigEndian, unicode.UseBOM), Options{Encoding: "utf-16"}},
		"UTF-16, little-endian":        {utf16("a,b,y\n1,2,p\n3,4,q\n", unicode.LittleEndian, unicode.IgnoreBOM), Options{Encoding: "utf-16le"}},
		"UTF-16 with a mark after all": {utf16(bom+"1,2,p\n3,4,q\n", unicode.LittleEndian, unicode.IgnoreBOM), Options{Encoding: "utf-16le"}},
		"semicolons":                   {"a;b;y\n1;2;p\n3;4;q\n", Options{}},
		"semicolons, decimal commas":   {"a;b;y\n1,0;2,0;p\n3,0;4,0;q\n", Options{Decimal: ","}},
		"tabs, decimal commas":         {"a\tb\ty\n1,0\t2\tp\n3\t4,00\tq\n", Options{Decimal: ","}},
		"bars":                         {"a|b|y\n1|2|p\n3|4|q\n", Options{}},
		"blanks":                       {"  a  b\ty\n 1\t 2 p \n3 4 q\n", Options{}},
		"a separator by choice":        {"a:b:y\n1:2:p\n3:4:q\n", Options{Separator: ":"}},
		"commas in texts":              {"a;b;y\n1;2;\"p, or so, it seems\"\n3;4;\"q, that is, not\"\n", Options{}},
		"a line in quotes":             {"a,b,y\n1,2,\"p\r\nand more\"\n3,4,q\n", Options{}},
		"exponents and signs":          {"a,b,y\n+1,.2e1,p\n3.,400E-2,q\n", Options{}},
	} {
		s, err := Open(context.Background(), write(t, "t.csv", []byte(c.text)), c.o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := s.Train; !slices.Equal(d.X.Elements(), x) || len(counts(d)) != 2 {
			t.Errorf("%s: got %v, classes %q", name, d.X.Elements(), d.Classes)
		}
	}
	typo := ""
	for i := range 50 {
		typo += fmt.Sprintf("%d,%d\n", i%25, i%2)
	}
	for name, c := range map[string]struct {
		text string
		o    Options
		want string
	}{
		"UTF-16":             {utf16("a,b\n1,2\n", unicode.LittleEndian, unicode.UseBOM), Options{}, "the text is UTF-16: say so (--encoding utf-16)"},
		"Latin-1 in names":   {"gr\xfcn,y\n1,2\n", Options{}, "not UTF-8"},
		"decimal commas":     {"a;y\n1,5;2\n2,5;1\n", Options{}, `column "a": got "1,5", want a number: if the comma is the decimal sign of 1.5, say so (--decimal ,)`},
		"comma for both":     {"a,y\n1,2\n3,4\n", Options{Decimal: ","}, "set the separator (--separator)"},
		"an open quote":      {"a,y\n1,\"2\n3,4\n", Options{}, "line 2: a field that starts with a quote"},
		"a typo far below":   {"a,y\n" + typo + "3x,1\n", Options{}, `line 52, column "a": got "3x", want a number, as nearly all of its values are`},
		"a gap far below":    {"a,y\n" + strings.Repeat("1,0\n2,1\n", 5000) + ",1\n", Options{Model: &Transform{}}, `line 10002, column "a": got no value, want a number: 1 of 10001 values are missing`},
		"a label's gap":      {"a,y\n1,x\n2,NA\n", Options{}, `line 3, column "y": the label is missing`},
		"dates":              {"a,y\n2024-05-01,1\n2024-05-02,2\n", Options{Model: &Transform{}}, `line 2, column "a": got "2024-05-01", want a number: leave the column out (--drop "a"), or put numbers for its dates`},
		"no such column":     {"a,b,y\n1,2,0\n3,4,1\n", Options{Drop: []string{"c"}}, `no column to drop "c" (there are a, b, y)`},
		"an unknown code":    {"a,y\n1,2\n", Options{Encoding: "koi8"}, `encoding: got "koi8", want one of utf-8, latin-1`},
		"a quote to part":    {"a,y\n1,2\n", Options{Separator: `"`}, `separator: got "\"", want an ASCII character`},
		"a repeated label":   {"y,a,y\n1,2,3\n", Options{Label: "y"}, `label column "y": several columns have this name: call it by its number`},
		"a label of 70 bits": {"a,y\n1,1180591620717411303424\n2,1180591620717411303425\n", Options{}, "whole numbers of more than 64 bits cannot be told apart as classes"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, write(t, "t.csv", []byte(c.text)), c.o, c.want) })
	}
}

// TestKinds: a column is of one kind from its first value to its last, whatever
// comes first; what its texts are is not lost where numbers come before them.
func TestKinds(t *testing.T) {
	late := strings.Repeat("1.50,007\n2,08\n", 5000) + "3,x\n"
	d := open(t, write(t, "t.csv", []byte("a,y\n"+late)), Options{}).Train
	if got := fmt.Sprint(counts(d)); got != "map[007:5000 08:5000 x:1]" {
		t.Errorf("labels of which the last is no number: got %s", got)
	}
	for name, c := range map[string]struct {
		labels, want string
	}{
		"integers of 64 bits":    {"9007199254740993,9223372036854775807,9007199254740993", "9007199254740993:2 9223372036854775807:1"},
		"one class in four ways": {"1,1.0,+1,1e0,2", "1:4 2:1"},
		"truth values":           {"true,false,true", "false:1 true:2"},
		"a dash is a name":       {"-,+,-", "+:1 -:2"},
		"dates":                  {"2024-05-01,2024-05-02,2024-05-01", "2024-05-01:2 2024-05-02:1"},
		"large with an exponent": {"1e6,1000000,1234567", "1000000:2 1234567:1"},
		"fractions":              {"0.5,1,2", ""},
		"large with fractions":   {"635790910116.0123,635790910117.5,635790910118.25", ""},
		"more than a hundred":    {strings.Join(numbered(101), ","), ""},
		"a hundred texts":        {"a" + strings.Join(slices.Concat(numbered(150), numbered(150)), ",a"), "-"},
	} {
		text := "x,y\n"
		for i, l := range strings.Split(c.labels, ",") {
			text += fmt.Sprintf("%d,%s\n", i, l)
		}
		d := open(t, write(t, "t.csv", []byte(text)), Options{}).Train
		got := strings.Trim(fmt.Sprint(counts(d)), "map[]")
		if c.want != "-" && got != c.want || c.want == "-" && len(d.Classes) < 100 {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// TestModelClasses: classes of a model are found by their value, however a file
// writes them.
func TestModelClasses(t *testing.T) {
	for _, c := range []struct{ classes, labels string }{
		{"0,1", "1.0,0.0"}, {"1,2", "+1,2"}, {"1e+06,2e+06", "1000000,2000000"}, {"False,True", "true,FALSE"}, {"0,1", "True,False"}, {"0.5,1.5", "1.50,.5"},
	} {
		text := []byte("x,y\n1," + strings.ReplaceAll(c.labels, ",", "\n2,") + "\n")
		d := open(t, write(t, "t.csv", text), Options{Classes: strings.Split(c.classes, ",")}).Train
		if len(d.Class) != 2 || d.Class[0] == d.Class[1] {
			t.Errorf("classes %s, labels %s: got %v", c.classes, c.labels, d.Class)
		}
	}
}

// TestPipe: what cannot be read twice is read once, and refused where that is not
// enough.
func TestPipe(t *testing.T) {
	in := &input{path: "pipe", size: -1, r: bytes.NewReader([]byte("a,y\n1,2\n3,4\n"))}
	c, err := textTable(context.Background(), in, []string{"pipe"}, Options{}, nil)
	if err != nil || c.Rows != 2 {
		t.Errorf("got %v, %v", c, err)
	}
	in = &input{path: "pipe", size: -1, r: bytes.NewReader([]byte("a,y\n1,2\n3,x\n"))}
	if _, err := textTable(context.Background(), in, []string{"pipe"}, Options{}, nil); err == nil || !strings.Contains(err.Error(), `column "y": numbers and then other texts`) {
		t.Errorf("got %v", err)
	}
}

// TestJSONLines: an object a line gives the columns that a CSV file of it gives.
func TestJSONLines(t *testing.T) {
	text := `{"a": 1, "b": true, "label": "up"}
{"label": "down", "a": 2.5, "b": false}

{"a": 1e1, "b": true, "label": "up", "c": "x"}
`
	for name, content := range map[string][]byte{"t.jsonl": []byte(text), "t.ndjson.gz": zipped([]byte("\ufeff" + text)), "t.txt": []byte(text)} {
		d := open(t, write(t, name, content), Options{Drop: []string{"c"}}).Train
		if !slices.Equal(d.X.Elements(), []float32{1, 1, 2.5, 0, 10, 1}) || !slices.Equal(d.Features, []string{"a", "b"}) || !maps.Equal(counts(d), map[string]int{"up": 2, "down": 1}) {
			t.Errorf("%s: got %v of %q, classes %v", name, d.X.Elements(), d.Features, counts(d))
		}
	}
	late := strings.Repeat(`{"x":1,"y":"007"}`+"\n", 5000) + `{"x":2,"y":"b","z":3}`
	d := open(t, write(t, "t.jsonl", []byte(late)), Options{Label: "y", Drop: []string{"z"}}).Train
	if !maps.Equal(counts(d), map[string]int{"007": 5000, "b": 1}) {
		t.Errorf("numbers in strings, and then a word: %v", counts(d))
	}
	for name, c := range map[string]struct{ text, want string }{
		"null":          {`{"a":1,"y":2}` + "\n" + `{"a":3,"y":null}`, `line 2, column "y": the label is missing`},
		"nested":        {`{"a":[1],"y":2}`, `line 1: key "a": it holds a list or an object`},
		"no object":     {"[1,2]\n", "line 1: want a JSON object a line"},
		"broken":        {`{"a":1}` + "\n" + `{"a":`, "line 2: "},
		"two in a line": {`{"a":1} {"a":2}`, "line 1: more follows after the object"},
		"a key twice":   {`{"a":1,"a":2}`, `line 1: the key "a" comes twice`},
		"not UTF-8":     {"{\"a\":\"\xff\"}", "line 1: not UTF-8"},
		"nothing":       {"\n", "no samples"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, write(t, "t.jsonl", []byte(c.text)), Options{}, c.want) })
	}
	_, err := Open(context.Background(), write(t, "t.jsonl", []byte(`{"a":"`+strings.Repeat("x", 1<<21)+`"}`)), Options{MaxMemory: 1 << 20})
	var large TooLarge
	if !errors.As(err, &large) {
		t.Errorf("a long line: got %v", err)
	}
}

// TestSeveralFiles: a pattern of names stands for one table, of files with the same
// columns.
func TestSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("a1.csv", "\ufeffx,y\n1,p\n2,q\n")
	put("a2.csv.gz", string(zipped([]byte("\ufeffx,y\n3,p\n"))))
	put("b1.csv", "1,2\n3,4\n")
	put("b2.csv", "5,z\n")
	put("c1.csv", "x,y\n1,2\n")
	put("c2.csv", "y,x\n1,2\n")
	put("d1.jsonl", `{"x":1,"y":"p"}`)
	put("d2.jsonl", `{"x":2,"z":3,"y":"q"}`)
	put("e1.npy", string(npyBytes(t, []float32{1})))
	put("e2.npy", "")
	for pattern, c := range map[string]struct {
		x       []float32
		classes []string
	}{
		"a*": {[]float32{1, 2, 3}, []string{"p", "q"}}, "b?.csv": {[]float32{1, 3, 5}, []string{"2", "4", "z"}}, "d*": {[]float32{1, 2}, []string{"p", "q"}},
	} {
		d := open(t, filepath.Join(dir, pattern), Options{Drop: map[string][]string{"d*": {"z"}}[pattern], Label: map[string]string{"d*": "y"}[pattern]}).Train
		if !slices.Equal(d.X.Elements(), c.x) || !slices.Equal(d.Classes, c.classes) {
			t.Errorf("%s: got %v, %q", pattern, d.X.Elements(), d.Classes)
		}
	}
	wantError(t, filepath.Join(dir, "c*"), Options{}, "c2.csv: columns y, x, want x, y as in")
	wantError(t, filepath.Join(dir, "e*"), Options{}, "several files are read as one only if they are tables of text")
	wantError(t, filepath.Join(dir, "f*"), Options{}, "no such file")
}

// TestDevices: what is neither a file nor a pipe is not read.
func TestDevices(t *testing.T) {
	wantError(t, os.DevNull, Options{}, "a device, want a file")
}
