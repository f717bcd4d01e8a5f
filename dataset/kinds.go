package dataset

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/table"
)

// Kind is what the values of a column of a table are taken for.
type Kind string

// The kinds.
const (
	KindNumber   Kind = "number"
	KindCategory Kind = "category"  // one of some texts
	KindBoolean  Kind = "boolean"   // true or false
	KindDateTime Kind = "date-time" // a date, or a time of a day
	KindIgnored  Kind = "ignored"
)

// Kinds lists the kinds.
var Kinds = []Kind{KindNumber, KindCategory, KindBoolean, KindDateTime, KindIgnored}

// Taken is what a column of a table was taken for.
type Taken struct {
	Name  string
	Kind  Kind
	Label bool // it is the label, and Kind says nothing; so with the next
	// Weight marks the column of the rows' weights.
	Weight bool
	// Sequence marks the columns that say which sequence a row is a step of, and when.
	Sequence bool
	About    string // what was found in it, or why it is ignored

	id, constant bool   // why it is ignored
	layout       string // of dates
}

const (
	// idRows is from how many rows on a column whose values all differ is taken for
	// an id: in fewer, whole numbers differ by chance.
	idRows = 20
	// WideTable is from how many columns on a table of numbers is taken as it is,
	// heavy tails or not: they are pixels, spectra or words.
	WideTable = 256
	// heavyKurtosis is the excess kurtosis from which a column is heavy-tailed, if
	// it has more different values than manyValues.
	heavyKurtosis = 10
	manyValues    = 20
	// roundedSpread is how many standard deviations the largest value of a column
	// may have for float32 to tell the values apart well enough.
	roundedSpread = 1e4
)

// takes decides what column j is taken for, as a feature.
func (t *columns) takes(j int, o Options) (Taken, error) {
	c := t.Columns[j]
	k := Taken{Name: c.Name}
	for name, kind := range o.Kinds {
		if at, err := t.find("column", name); err != nil {
			return k, err
		} else if at == j {
			k.Kind, k.About = kind, "as asked for"
			if c.Kind == table.Text && kind == KindDateTime {
				if k.layout, err = t.layoutOf(j, o.ranks()); err != nil {
					return k, err
				}
			}
			return k, t.convertible(j, kind, k.layout)
		}
	}
	s, err := t.look(j, o.ranks())
	if err != nil {
		return k, err
	}
	k.Kind, k.About = KindIgnored, ""
	switch {
	case s.present == 0:
		k.About = "every value is missing"
	case s.distinct == 1 && s.missing == 0: // gaps may say something
		k.About, k.constant = "every value is the same", true
	case c.Kind == table.Text:
		if s.commas > 0 && s.commaNumbers == s.distinct {
			return k, t.refuseCommas(j)
		}
		k.Kind, k.About = KindCategory, fmt.Sprintf("%d texts", s.distinct)
		if k.layout, err = t.layoutOf(j, o.ranks()); err != nil {
			return k, err
		}
		switch {
		case k.layout != "":
			k.Kind, k.About = KindDateTime, "dates written as "+k.layout
		case t.isID(s):
			k.Kind, k.About, k.id = KindIgnored, "every text is another: an id, or a name", true
		case s.numbers > manyValues && s.numbers*10 >= s.distinct*9:
			row, line := c.First()
			text := c.Format(row)
			return k, inputf("%s: %s, column %s: got %q, want a number, as nearly all of its values are: if it says that there is no value, say so (--missing-values %s); if they are texts, say that (--column %s=category)", t.Name, t.at(row, line), t.name(j), text, text, c.Name)
		}
	case c.Kind == table.Boolean:
		k.Kind, k.About = KindBoolean, strings.Join(c.Levels(), ", ")
	case c.Kind == table.Time:
		k.Kind, k.About = KindDateTime, table.FormatTime(int64(s.low*1e6))+" to "+table.FormatTime(int64(s.high*1e6))
	default:
		k.Kind, k.About = KindNumber, fmt.Sprintf("%s to %s", short(s.low), short(s.high))
		if t.isID(s) && c.Whole() {
			if !countsRows(c, s) && !isIDName(c.Name) {
				k.About += "; every one is another: if it is an id, --drop it"
				break
			}
			k.Kind, k.About, k.id = KindIgnored, "every whole number is another: an id", true
		}
	}
	if s.missing > 0 && k.Kind != KindIgnored {
		k.About += fmt.Sprintf("; %d missing", s.missing)
	}
	return k, nil
}

// isID reports whether values are all different, and enough for that to say
// something. Columns of arrays count by their places, and are data.
func (t *columns) isID(s seen) bool { return s.different && s.present >= idRows && !t.array }

// countsRows reports whether whole numbers that all differ number the rows: they are
// in order, or they fill nearly all of the range that they have.
func countsRows(c *table.Column, s seen) bool {
	if s.high-s.low < 1.1*float64(s.present) {
		return true
	}
	rising, falling := true, true
	last, first := int64(0), true
	eachInteger(c, func(row int, v int64) bool {
		if c.MissingAt(row) {
			return true
		}
		rising, falling = rising && (first || v > last), falling && (first || v < last)
		last, first = v, false
		return rising || falling
	})
	return rising || falling
}

// isIDName reports whether a column is called an id: id, customer_id, PassengerId.
func isIDName(name string) bool {
	switch strings.ToLower(name) {
	case "id", "index", "key", "no", "nr", "uuid", "guid", "row", "#":
		return true
	}
	before := strings.TrimRight(name, "idID")
	if len(name)-len(before) != len("id") || !strings.EqualFold(name[len(before):], "id") {
		return strings.HasPrefix(strings.ToLower(name), "unnamed: ")
	}
	last := before[len(before)-1]
	return strings.IndexByte(" _-.", last) >= 0 || name[len(before)] == 'I' && last >= 'a' && last <= 'z'
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// seen is what all processes' rows of a column have.
type seen struct {
	present, missing int
	distinct         int  // different values; of numbers and times that are not all different, at least
	different        bool // no value comes twice; of whole numbers and texts
	low, high        float64
	// Of the different texts, those that are numbers, those that are with a decimal
	// comma, and those that have a comma.
	numbers, commaNumbers, commas int
}

// look looks at a column. Processes that have a part of the rows each find the same.
func (t *columns) look(j int, ranks comm.Comm) (s seen, err error) {
	c := t.Columns[j]
	counts := []float64{float64(c.Rows() - c.Missing()), float64(c.Missing())}
	if err := ranks.Sum(counts); err != nil {
		return s, err
	}
	s.present, s.missing = int(counts[0]), int(counts[1])
	if c.Kind == table.Text {
		gaps, err := t.textGaps(c, ranks)
		if err != nil {
			return s, err
		}
		s.present, s.missing = s.present-gaps, s.missing+gaps
		levels, err := union(ranks, slices.DeleteFunc(slices.Clone(c.Levels()), func(l string) bool { return table.IsMissing([]byte(l)) }))
		s.distinct, s.different = len(levels), len(levels) == s.present
		for _, l := range levels {
			if _, ok := table.ParseNumber([]byte(l), '.'); ok {
				s.numbers++
			}
			if _, ok := table.ParseNumber([]byte(l), ','); ok {
				s.commaNumbers++
			}
			if strings.Contains(l, ",") {
				s.commas++
			}
		}
		return s, err
	}
	values := make([]float64, c.Rows())
	c.Floats(values, 0)
	values = slices.DeleteFunc(values, func(v float64) bool { return v != v })
	s.low, s.high = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		s.low, s.high = min(s.low, v), max(s.high, v)
	}
	all, err := comm.Gather(ranks, []float64{finite(s.low), finite(s.high)})
	if err != nil {
		return s, err
	}
	for _, ends := range all {
		if ends[0] <= ends[1] {
			s.low, s.high = min(s.low, ends[0]), max(s.high, ends[1])
		}
	}
	s.distinct = 2
	if s.low == s.high {
		s.distinct = 1
	}
	broken, err := comm.Any(ranks, c.Kind != table.Number || !c.Whole())
	if err == nil && !broken[0] { // others may well all differ
		s.different, err = allDiffer(values, s.present, ranks)
	}
	return s, err
}

// layoutOf is the layout in which all texts of column j are dates, "" if there is none.
func (t *columns) layoutOf(j int, ranks comm.Comm) (string, error) {
	all, err := union(ranks, t.Columns[j].Levels())
	return dateLayout(all), err
}

// textGaps is how many of all processes' texts say that there is no value, as - does.
func (t *columns) textGaps(c *table.Column, ranks comm.Comm) (int, error) {
	count := []float64{0}
	if slices.ContainsFunc(c.Levels(), func(l string) bool { return table.IsMissing([]byte(l)) }) {
		eachInteger(c, func(row int, v int64) bool {
			if !c.MissingAt(row) && table.IsMissing([]byte(c.Levels()[v])) {
				count[0]++
			}
			return true
		})
	}
	err := ranks.Sum(count)
	return int(count[0]), err
}

// finite is v, or the largest number where v is infinite: sums of 0 and infinity are
// no numbers.
func finite(v float64) float64 { return min(max(v, -math.MaxFloat64), math.MaxFloat64) }

// allDiffer reports whether no value of all processes comes twice. total is how many
// they have.
func allDiffer(values []float64, total int, ranks comm.Comm) (bool, error) {
	again := false
	known := make(map[float64]struct{}, min(len(values), 1<<10))
	for _, v := range values {
		if _, again = known[v]; again {
			break
		}
		known[v] = struct{}{}
	}
	any, err := comm.Any(ranks, again)
	if err != nil || any[0] || ranks.Size() == 1 {
		return !any[0], err
	}
	all, err := gather(ranks, values)
	if err != nil {
		return false, err
	}
	slices.Sort(all)
	return len(slices.Compact(all)) == total, nil
}

// gather is all processes' values, in the order of their ranks.
func gather(ranks comm.Comm, mine []float64) ([]float64, error) {
	before, total, err := comm.Offset(ranks, len(mine))
	if err != nil || ranks.Size() == 1 {
		return mine, err
	}
	all := make([]float64, total)
	copy(all[before:], mine)
	return all, ranks.Sum(all)
}

// refuseCommas refuses a column of texts that all are numbers with a decimal comma.
func (t *columns) refuseCommas(j int) error {
	c := t.Columns[j]
	text := ""
	for _, l := range c.Levels() {
		if strings.Contains(l, ",") {
			text = l
			break
		}
	}
	where := "" // another process has the first
	if row, line := c.First(); row >= 0 {
		where, text = t.at(row, line)+", ", c.Format(row)
	}
	v, _ := table.ParseNumber([]byte(text), ',')
	return inputf("%s: %scolumn %s: got %q, want a number: if the comma is the decimal sign of %g, say so (--decimal ,); if it is a text, say that (--column %s=category)", t.Name, where, t.name(j), text, v, c.Name)
}

// convertible reports the first value of column j that is none of a kind; dates may
// be in a layout of their own.
func (t *columns) convertible(j int, kind Kind, layout string) error {
	c := t.Columns[j]
	if kind == KindIgnored || kind == KindCategory {
		return nil
	}
	if !slices.Contains(Kinds, kind) {
		return inputf("column %q: got the kind %q, want one of %v", c.Name, kind, Kinds)
	}
	want := map[Kind]string{KindNumber: "a number", KindBoolean: "true or false, or 1 or 0", KindDateTime: "a date as 2024-05-31, or with a time as 2024-05-31 13:30"}[kind]
	if c.Kind == table.Text {
		for l, text := range c.Levels() {
			if v := valueOf(text, kind, layout); v != v && !table.IsMissing([]byte(text)) {
				at := t.sample(rowOf(c, int64(l)))
				if row, line := c.First(); row >= 0 && line > 0 && c.Format(row) == text {
					at = t.at(row, line)
				}
				return inputf("%s: %s, column %s: got %q, want %s (--missing-values takes it for no value)", t.Name, at, t.name(j), text, want)
			}
		}
		return nil
	}
	fits := c.Kind == table.Unknown
	switch kind {
	case KindNumber:
		fits = fits || c.Kind == table.Number || c.Kind == table.Boolean
	case KindBoolean:
		fits = fits || c.Kind == table.Boolean
		if c.Kind == table.Number {
			v := make([]float64, c.Rows())
			c.Floats(v, 0)
			if row := slices.IndexFunc(v, func(v float64) bool { return v == v && v != 0 && v != 1 }); row >= 0 {
				return inputf("%s: %s, column %s: got %s, want %s", t.Name, t.sample(row), t.name(j), c.Format(row), want)
			}
			fits = true
		}
	case KindDateTime:
		fits = fits || c.Kind == table.Time
	}
	if !fits {
		row, line := c.First()
		return inputf("%s: %s, column %s: got %q, want %s", t.Name, t.at(row, line), t.name(j), c.Format(row), want)
	}
	return nil
}

// sample is how messages call a row whose line in the file is not known.
func (t *columns) sample(row int) string { return fmt.Sprint("sample ", t.offset+row+1) }

// rowOf is the first row with a value of a column of texts.
func rowOf(c *table.Column, level int64) (at int) {
	eachInteger(c, func(row int, v int64) bool {
		at = row
		return v != level || c.MissingAt(row)
	})
	return at
}

// valueOf is the number that stands for a text in a column of a kind: itself, 0 or 1
// for truth values, seconds since 1970 for times, which may be in a layout of their
// own; NaN if the text is none.
func valueOf(text string, kind Kind, layout string) float64 {
	b := []byte(strings.TrimSpace(text))
	switch kind {
	case KindNumber:
		if v, ok := table.ParseNumber(b, '.'); ok {
			return v
		}
		return truth(text, "true", "false")
	case KindBoolean:
		if v := truth(text, "true", "false"); v == v {
			return v
		}
		if v := truth(text, "yes", "no"); v == v {
			return v
		}
		if v, ok := table.ParseNumber(b, '.'); ok && (v == 0 || v == 1) {
			return v
		}
	case KindDateTime:
		if v, ok := parseDate(string(b), layout); ok {
			return v
		}
	}
	return math.NaN()
}

func truth(text, yes, no string) float64 {
	switch strings.ToLower(text) {
	case yes:
		return 1
	case no:
		return 0
	}
	return math.NaN()
}

// noteTelling tells of columns of which each of few values goes with one class: they
// may say the same as the label, and not be known where it is not. A part of the rows
// could say so by chance.
func (t *columns) noteTelling(d *Dataset, features []int, kinds []Kind) {
	if len(d.Class) < idRows || t.part && d.ranks().Size() > 1 {
		return
	}
	for i, j := range features {
		c := t.Columns[j]
		if kinds[i] != KindCategory && kinds[i] != KindBoolean && !c.Whole() || c.Missing() > 0 {
			continue
		}
		class := map[int64]int32{}
		tells := true
		eachInteger(c, func(row int, v int64) bool {
			k, ok := class[v]
			if !ok {
				class[v], k = d.Class[row], d.Class[row]
			}
			tells = k == d.Class[row] && len(class) <= manyValues
			return tells
		})
		if !tells || len(class) < 2 || len(class)*classRows > len(d.Class) {
			continue
		}
		for k := range d.Taken {
			if d.Taken[k].Name == c.Name {
				d.Taken[k].About += fmt.Sprintf("; each goes with one class of the label: --drop %s if it is not known beforehand", c.Name)
			}
		}
	}
}

// LevelOf is the name of the level that a text means in a column of categories: a
// number in one way, however it is written, and other texts as they are.
func LevelOf(text string) string {
	if v, ok := table.ParseNumber([]byte(text), '.'); ok {
		return table.FormatNumber(v)
	}
	return text
}
