package dataset

import (
	"math"
	"slices"
	"strconv"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/table"
)

// Frame is raw samples of a table with texts, dates or gaps: columns of their own
// kinds, of which a Transform makes numbers.
type Frame struct {
	columns []rawColumn
	rows    []int32 // of the table, in rising order, but for sequences

	// Of samples that are sequences: where the rows of each end, what each is called, and
	// how many steps the longest of the file has. ends nil: each row is a sample.
	ends    []int32
	names   []string
	longest int
}

// rawColumn is a column of a Frame.
type rawColumn struct {
	name   string
	kind   Kind
	layout string        // of dates
	c      *table.Column // nil if every value is missing
	value  []float64     // what stands for each level, where texts are numbers, truth values or times
	gap    []bool        // of each level of texts: it says that there is no value
}

// newFrame is rows lo to hi-1 of some columns of t, taken for the given kinds.
func (t *columns) newFrame(features []int, kinds []Kind, layouts map[string]string, lo, hi int) *Frame {
	f := &Frame{rows: make([]int32, hi-lo)}
	for i := range f.rows {
		f.rows[i] = int32(lo + i)
	}
	for i, j := range features {
		c := t.Columns[j]
		if kinds[i] == KindIgnored {
			continue
		}
		r := rawColumn{name: c.Name, kind: kinds[i], layout: layouts[c.Name], c: c}
		if c.Kind == table.Text {
			for _, l := range c.Levels() {
				r.gap = append(r.gap, table.IsMissing([]byte(l)))
				if r.kind != KindCategory {
					r.value = append(r.value, valueOf(l, r.kind, r.layout))
				}
			}
		}
		f.columns = append(f.columns, r)
	}
	return f
}

// Rows is the number of rows: of samples, or of all their steps.
func (f *Frame) Rows() int { return len(f.rows) }

// Names are the columns' names.
func (f *Frame) Names() []string {
	names := make([]string, len(f.columns))
	for k, c := range f.columns {
		names[k] = c.name
	}
	return names
}

// Schema is the columns, with nothing fitted to their values.
func (f *Frame) Schema() []Column {
	list := make([]Column, len(f.columns))
	for k, c := range f.columns {
		list[k] = Column{Name: c.name, Kind: c.kind, Layout: c.layout, Features: []Feature{}}
	}
	return list
}

// bytes is about how much memory the frame takes.
func (f *Frame) bytes() float64 {
	b := 4 * float64(len(f.rows))
	for _, c := range f.columns {
		if c.c != nil {
			b += float64(c.c.Bytes())
		}
	}
	return b
}

// pick is the samples with the given numbers.
func (f *Frame) pick(index []int) *Frame {
	p := &Frame{columns: f.columns, longest: f.longest}
	if f.ends == nil {
		p.rows = entries(f.rows, index)
		return p
	}
	p.ends = []int32{}
	for _, from := range index {
		lo, hi := f.span(from, from+1)
		p.rows = append(p.rows, f.rows[lo:hi]...)
		p.ends, p.names = append(p.ends, int32(len(p.rows))), append(p.names, f.names[from])
	}
	return p
}

// span is where the rows of samples lo to hi-1 begin and end.
func (f *Frame) span(lo, hi int) (from, to int) {
	at := func(sample int) int {
		if f.ends == nil || sample == 0 {
			return sample
		}
		return int(f.ends[sample-1])
	}
	return at(lo), at(hi)
}

// rowRange is the view of samples lo to hi-1.
func (f *Frame) rowRange(lo, hi int) *Frame {
	from, to := f.span(lo, hi)
	p := &Frame{columns: f.columns, rows: f.rows[from:to], longest: f.longest}
	if f.ends == nil {
		return p
	}
	p.ends, p.names = make([]int32, hi-lo), f.names[lo:hi]
	for i := range p.ends {
		p.ends[i] = f.ends[lo+i] - int32(from)
	}
	return p
}

// spans calls get for the rows of the table from at on, as many as there are in a
// block, and then use for each sample among them: sample i is row of the block.
func (f *Frame) spans(lo, hi int, get func(at, n int), use func(i, row int)) {
	const block = 1 << 10
	for i := lo; i < hi; {
		at := int(f.rows[i])
		last := i
		for last+1 < hi && int(f.rows[last+1]) >= int(f.rows[last]) && int(f.rows[last+1]) < at+block {
			last++
		}
		get(at, int(f.rows[last])-at+1)
		for ; i <= last; i++ {
			use(i, int(f.rows[i])-at)
		}
	}
}

// floats fills dst with the values of column k from sample lo on, as numbers: truth
// values as 0 and 1, times in seconds since 1970, missing ones as NaN.
func (f *Frame) floats(k, lo int, dst []float64) {
	c := f.columns[k]
	if c.c == nil {
		for i := range dst {
			dst[i] = math.NaN()
		}
		return
	}
	if n := len(dst); n > 0 && int(f.rows[lo+n-1])-int(f.rows[lo]) == n-1 && slices.IsSorted(f.rows[lo:lo+n]) { // all rows of a part of the table
		c.c.Floats(dst, int(f.rows[lo]))
	} else {
		var values [1 << 10]float64
		f.spans(lo, lo+n, func(at, n int) { c.c.Floats(values[:n], at) }, func(i, row int) { dst[i-lo] = values[row] })
	}
	if c.value == nil {
		return
	}
	for i, v := range dst {
		if v == v {
			dst[i] = c.value[int(v)]
		}
	}
}

// eachLevel calls use for the level of column k, of categories, in samples lo to
// hi-1: its place among levels, -1 if it is missing.
func (f *Frame) eachLevel(k, lo, hi int, use func(i, level int)) (levels []string) {
	c := f.columns[k]
	if c.c == nil {
		for i := lo; i < hi; i++ {
			use(i, -1)
		}
		return nil
	}
	if c.c.Kind == table.Text {
		var values [1 << 10]float64
		f.spans(lo, hi, func(at, n int) { c.c.Floats(values[:n], at) }, func(i, row int) {
			if v := values[row]; v == v && !c.gap[int(v)] {
				use(i, int(v))
			} else {
				use(i, -1)
			}
		})
		return nil
	}
	number := map[string]int{}
	for i := lo; i < hi; i++ {
		row := int(f.rows[i])
		if c.c.MissingAt(row) {
			use(i, -1)
			continue
		}
		use(i, levelNumber(&levels, number, LevelOf(c.c.Format(row))))
	}
	return levels
}

func levelNumber(levels *[]string, number map[string]int, level string) int {
	n, ok := number[level]
	if !ok {
		n = len(*levels)
		number[level] = n
		*levels = append(*levels, level)
	}
	return n
}

// levelsOf is the levels of column k of categories, each with its name, and which of
// them each of samples lo to hi-1 has, -1 for none.
func (f *Frame) levelsOf(k, lo, hi int) (levels []string, of []int32) {
	of = make([]int32, hi-lo)
	levels = f.eachLevel(k, lo, hi, func(i, level int) { of[i-lo] = int32(level) })
	if c := f.columns[k].c; c != nil && c.Kind == table.Text {
		for _, l := range c.Levels() {
			levels = append(levels, LevelOf(l))
		}
	}
	return levels, of
}

// needsFrame reports whether features of the given kinds have to be kept as a Frame:
// numbers alone, which float32 holds well, are a matrix.
func (t *columns) needsFrame(features []int, kinds []Kind, o Options) (bool, error) {
	if t.asIs {
		return false, nil
	}
	frame := false
	for i, j := range features {
		c := t.Columns[j]
		frame = frame || kinds[i] == KindCategory || kinds[i] == KindDateTime || c.Kind == table.Text || c.Kind == table.Time || c.Missing() > 0
	}
	any, err := comm.Any(o.ranks(), frame)
	if err != nil || any[0] || t.array {
		return any[0], err
	}
	values := make([]float64, t.Rows)
	for i, j := range features {
		if kinds[i] == KindIgnored {
			continue
		}
		t.Columns[j].Floats(values, 0)
		m, err := momentsOfValues(values, o.ranks())
		if err != nil {
			return false, err
		}
		if kinds[i] == KindBoolean && m.sd > 0 && m.sd < gentlest || m.sd > 0 && (max(math.Abs(m.low), math.Abs(m.high)) > roundedSpread*m.sd || m.sd < 1e-12 || m.high-m.low > 1e15) {
			return true, nil
		}
		if len(features) <= WideTable && m.kurtosis > heavyKurtosis {
			many, err := hasMany(values, o.ranks())
			if many || err != nil {
				return many, err
			}
		}
	}
	return false, nil
}

// valueMoments are what there is to say of a column's values.
type valueMoments struct {
	n                  int
	mean, sd, kurtosis float64 // the excess over a normal distribution's
	low, high          float64
}

// momentsOfValues is the moments of all processes' values. Missing ones, NaN, are
// left out.
func momentsOfValues(values []float64, ranks comm.Comm) (m valueMoments, err error) {
	m.low, m.high = math.Inf(1), math.Inf(-1)
	n := 0.0
	for _, v := range values {
		if v == v {
			n++
			m.low, m.high = min(m.low, v), max(m.high, v)
		}
	}
	ends, err := comm.Gather(ranks, []float64{n, finite(m.low), finite(m.high)})
	if err != nil {
		return m, err
	}
	for _, e := range ends {
		m.n += int(e[0])
		if e[0] > 0 {
			m.low, m.high = min(m.low, e[1]), max(m.high, e[2])
		}
	}
	if m.n == 0 {
		m.low, m.high = 0, 0
		return m, nil
	}
	// Scaled by the range, no power of a value is too large or too small.
	scale := m.high - m.low
	if !(scale > 0) || math.IsInf(scale, 0) {
		scale = max(math.Abs(m.low), math.Abs(m.high), math.SmallestNonzeroFloat64)
	}
	sum := []float64{0}
	for _, v := range values {
		if v == v {
			sum[0] += (v - m.low) / scale
		}
	}
	if err := ranks.Sum(sum); err != nil {
		return m, err
	}
	mean := sum[0] / float64(m.n)
	powers := []float64{0, 0}
	for _, v := range values {
		if v == v {
			d := (v-m.low)/scale - mean
			powers[0] += d * d
			powers[1] += d * d * d * d
		}
	}
	if err := ranks.Sum(powers); err != nil {
		return m, err
	}
	m.mean = m.low + scale*mean
	if variance := powers[0] / float64(m.n); m.high > m.low && variance > 0 {
		m.sd = scale * math.Sqrt(variance)
		m.kurtosis = powers[1]/float64(m.n)/(variance*variance) - 3
	}
	return m, nil
}

// hasMany reports whether all processes' values have more than manyValues different
// ones.
func hasMany(values []float64, ranks comm.Comm) (bool, error) {
	var some []float64
	for _, v := range values {
		if v == v && !slices.Contains(some, v) {
			if some = append(some, v); len(some) > manyValues {
				break
			}
		}
	}
	all, err := gather(ranks, some)
	if err != nil {
		return false, err
	}
	slices.Sort(all)
	return len(slices.Compact(all)) > manyValues, nil
}

func (c *rawColumn) isText() bool { return c.c != nil && c.c.Kind == table.Text }

// frameOf is samples that are a matrix as a Frame: numbers, truth values, and times
// in seconds since 1970, with NaN for missing ones.
func (t *Transform) frameOf(d Dataset) (*Frame, error) {
	if d.X.Cols != len(t.Columns) {
		return nil, inputf("%s: %d columns, want %d", d.Name, d.X.Cols, len(t.Columns))
	}
	names := make([]string, len(t.Columns))
	for k, c := range t.Columns {
		if c.Kind == KindCategory {
			return nil, inputf("%s: column %q takes texts, and the samples are numbers alone", d.Name, c.Name)
		}
		names[k] = c.Name
	}
	f, err := numbersFrame(d, names)
	if err == nil {
		for k, c := range t.Columns {
			f.columns[k].kind = c.Kind
		}
	}
	return f, err
}

// numbersFrame is samples that are a matrix as a Frame of numbers.
func numbersFrame(d Dataset, names []string) (*Frame, error) {
	f := &Frame{rows: make([]int32, d.X.Rows)}
	for i := range f.rows {
		f.rows[i] = int32(i)
	}
	b, err := table.NewBuilder(d.Name, names, table.Settings{Kinds: slices.Repeat([]table.Kind{table.Number}, len(names))})
	if err != nil {
		return nil, err
	}
	for i := range d.X.Rows {
		for k, v := range d.X.Row(i) {
			b.AddFloat(k, float64(v))
		}
	}
	made, err := b.Table()
	if err != nil {
		return nil, err
	}
	for k, name := range names {
		f.columns = append(f.columns, rawColumn{name: name, kind: KindNumber, c: made.Columns[k]})
	}
	return f, nil
}

// columnNames are the names of d's columns, or, where they have none, their numbers.
func (d Dataset) columnNames() []string {
	if d.Features != nil {
		return d.Features
	}
	names := make([]string, d.RawFeatures())
	for k := range names {
		names[k] = strconv.Itoa(k)
	}
	return names
}

// Schema is a Transform that has the columns of d, with nothing fitted: for reading
// other samples as d was read.
func (d Dataset) Schema() *Transform {
	t := &Transform{Table: d.Table, Missing: d.Missing, Image: d.Image}
	if d.Frame != nil {
		t.Columns = d.Frame.Schema()
	}
	return t
}

// summarize adds up the numbers that there are, and is how many.
func (f *Frame) summarize(s *Summary) (n int) {
	for k, c := range f.columns {
		if c.kind != KindNumber {
			continue
		}
		values := make([]float64, f.Rows())
		f.floats(k, 0, values)
		for _, v := range values {
			if v == v {
				s.Min, s.Max, s.Mean = math.Min(s.Min, v), math.Max(s.Max, v), s.Mean+v
				n++
			}
		}
	}
	if n == 0 {
		s.Min, s.Max = 0, 0
	}
	return n
}
