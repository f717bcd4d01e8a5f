package dataset

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/mat"
)

// Column is a raw column of a table as a Transform takes it, and the features that
// it makes of it, all in float64: what the training rows alone have said.
type Column struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`

	// Layout is how dates are written, as package time says it, where they are not as
	// in ISO 8601.
	Layout string `json:"layout,omitempty"`
	// Fill stands for a missing number, truth value (0 or 1) or time (in seconds
	// since 1970): the median of the training rows', whether one of them was missing
	// or not.
	Fill float64 `json:"fill,omitempty"`
	// Knots and Heights are of a number with a heavy tail: between two knots the
	// feature goes straight from one height to the next, and beyond the ends it
	// stays as it is there. Without knots it is (v − Shift)·Factor.
	Knots   []float64 `json:"knots,omitempty"`
	Heights []float64 `json:"heights,omitempty"`
	// Edges are those of the bins of a number, each with as many training rows: bin i is
	// from edge i to the next.
	Edges []float64 `json:"edges,omitempty"`
	// Levels are a category's that have a feature each, in their order. Rare ones
	// have one together, the next, if there are any; a missing value has the last,
	// if one was missing. A level that is none of them counts as rare; without rare
	// ones, and if no value was missing, all its features are 0, as is their mean.
	Levels []string `json:"levels,omitempty"`
	Rare   []string `json:"rare,omitempty"`
	// Gaps says that some training value was missing: the last feature tells
	// whether it is.
	Gaps bool `json:"gaps,omitempty"`

	Features []Feature `json:"features"`
}

// Feature is a number that a network sees: (v − Shift)·Factor, where v is a value or,
// of a category's levels and of gaps, 1 or 0.
type Feature struct {
	Part   Part    `json:"part"`
	Shift  float64 `json:"shift"`
	Factor float64 `json:"factor"`
}

// Part is what a feature is of a column.
type Part string

// The parts.
const (
	PartValue   Part = "value"
	PartCurve   Part = "curve"   // of a number with a heavy tail; Shift and Factor are not used
	PartBin     Part = "bin"     // how much of a bin lies below a number, 0 to 1; in the order of Edges
	PartLevel   Part = "level"   // whether a category has the level with the same place in Levels
	PartRare    Part = "rare"    // whether it is rare, or unknown
	PartMissing Part = "missing" // whether there is no value
	PartYear    Part = "year"
	PartMonth   Part = "month"
	PartWeekday Part = "weekday" // 0 for Monday to 6
	PartHour    Part = "hour"    // with its fraction
	PartElapsed Part = "elapsed" // days since 1970, with their fraction
)

const (
	// gentlest is the least that a feature of 0 and 1 is divided by: by its standard
	// deviation, a rare one would be very far from the others where it is 1.
	gentlest = 0.25
	// rareRows is in how many training rows a level must be to have a feature.
	rareRows = 5
	// mostLevels is how many levels of a column may have one: the most frequent.
	mostLevels = 100
	// knots is how many parts a heavy-tailed column is divided into, each with as
	// many training rows.
	knots = 128
)

// Outputs is how many features the column gives.
func (c *Column) Outputs() int { return len(c.Features) }

// Validate reports a column that was read from a file and is none.
func (c *Column) validate() error {
	fault := func(format string, args ...any) error {
		return fmt.Errorf("transform: column %q: %s", c.Name, fmt.Sprintf(format, args...))
	}
	if !slices.Contains(Kinds, c.Kind) || c.Kind == KindIgnored {
		return fault("kind %q, want one of %v", c.Kind, Kinds[:len(Kinds)-1])
	}
	if len(c.Knots) != len(c.Heights) || len(c.Knots) == 1 || !slices.IsSorted(c.Knots) {
		return fault("%d knots with %d heights, want as many, in rising order", len(c.Knots), len(c.Heights))
	}
	for i := 1; i < len(c.Knots); i++ {
		if !(c.Knots[i-1] < c.Knots[i]) {
			return fault("knots %d and %d are not in rising order", i-1, i)
		}
	}
	for i := 1; i < len(c.Edges); i++ {
		if !(c.Edges[i-1] < c.Edges[i]) {
			return fault("edges %d and %d are not in rising order", i-1, i)
		}
	}
	levels, bins := 0, 0
	for i, f := range c.Features {
		ok := false
		switch f.Part {
		case PartLevel:
			ok = c.Kind == KindCategory && i == levels // they come first
			levels++
		case PartRare:
			ok = c.Kind == KindCategory
		case PartMissing:
			ok = c.Gaps
		case PartValue:
			ok = c.Kind == KindNumber || c.Kind == KindBoolean
		case PartCurve:
			ok = c.Kind == KindNumber && len(c.Knots) > 0
		case PartBin:
			ok = c.Kind == KindNumber
			bins++
		case PartYear, PartMonth, PartWeekday, PartHour, PartElapsed:
			ok = c.Kind == KindDateTime
		}
		if !ok {
			return fault("a feature of part %q", f.Part)
		}
	}
	if levels != len(c.Levels) {
		return fault("%d features of %d levels", levels, len(c.Levels))
	}
	if bins != max(0, len(c.Edges)-1) {
		return fault("%d features of the bins between %d edges", bins, len(c.Edges))
	}
	return nil
}

// fitFrame sets the columns of t to those that suit the samples of d.
func (t *Transform) fitFrame(d Dataset, bins int) error {
	t.Columns = d.Frame.Schema()
	n := len(t.Columns)
	if err := share(n, d.workers(n), func(_, k int) error { return t.Columns[k].fit(d, k, t.Scaling, bins) }); err != nil {
		return err
	}
	t.Steps = d.Frame.longest
	if t.Outputs() == 0 {
		return inputf("%s: no column says anything of the training rows: each has one value alone, or texts that are all different", d.Name)
	}
	return nil
}

// fit fits column k of d.
func (c *Column) fit(d Dataset, k int, s Scaling, bins int) error {
	if c.Kind == KindCategory {
		return c.fitLevels(d.Frame, k, s, d.ranks())
	}
	values := make([]float64, d.Frame.Rows())
	d.Frame.floats(k, 0, values)
	if i := slices.IndexFunc(values, func(v float64) bool { return math.IsInf(v, 0) }); i >= 0 {
		return inputf("%s: sample %d, column %q: got %g, want a finite number", d.Name, i+1, c.Name, values[i])
	}
	if c.Kind != KindNumber {
		bins = 0
	}
	return c.fitValues(values, s, bins, d.ranks())
}

// fitValues fits a column of numbers, truth values or times; of numbers, with bins.
func (c *Column) fitValues(values []float64, s Scaling, bins int, ranks comm.Comm) error {
	m, err := momentsOfValues(values, ranks)
	if err != nil {
		return err
	}
	present := values
	if c.Kind == KindDateTime || slices.ContainsFunc(values, func(v float64) bool { return v != v }) { // whose order counts yet
		present = slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return v != v })
	}
	gaps, err := comm.Any(ranks, len(present) < len(values))
	if err != nil {
		return err
	}
	c.Gaps = gaps[0]
	heavy := c.Kind == KindNumber && s == ScaleStandard && m.kurtosis > heavyKurtosis
	if heavy {
		if heavy, err = hasMany(values, ranks); err != nil {
			return err
		}
	}
	all, err := gather(ranks, present)
	if err != nil {
		return err
	}
	if heavy || bins > 0 {
		slices.Sort(all)
	}
	if heavy {
		c.fitCurve(all)
	}
	if len(all) > 0 {
		c.Fill = inOrder(all, (len(all)-1)/2) // a value that there is
	}
	switch {
	case m.n == 0:
	case heavy:
		c.Features = append(c.Features, Feature{Part: PartCurve, Factor: 1})
	case c.Kind == KindDateTime:
		if err := c.fitTimes(values, s, ranks); err != nil {
			return err
		}
	default:
		least := 0.0
		if c.Kind == KindBoolean {
			least = gentlest
		}
		c.add(PartValue, m, s, least)
	}
	if bins > 0 {
		if err := c.fitBins(all, values, bins, s, ranks); err != nil {
			return err
		}
	}
	if !c.Gaps {
		return nil
	}
	return c.addGaps(values, s, ranks)
}

// fitBins adds the features of bins, if there are several with different edges. sorted
// are all processes' values in their order, and values this one's, with gaps.
func (c *Column) fitBins(sorted, values []float64, bins int, s Scaling, ranks comm.Comm) error {
	n := len(sorted)
	if n == 0 || !(sorted[n-1]-sorted[0] <= math.MaxFloat64) {
		return nil
	}
	for k := range bins + 1 {
		c.Edges = append(c.Edges, sorted[(n-1)*k/bins])
	}
	if c.Edges = slices.Compact(c.Edges); len(c.Edges) < 3 { // one would say what the number says
		c.Edges = nil
		return nil
	}
	below := make([]float64, len(values))
	for i := range len(c.Edges) - 1 {
		for r, v := range values {
			if below[r] = v; v == v {
				below[r] = c.below(i, v)
			}
		}
		m, err := momentsOfValues(below, ranks)
		if err != nil {
			return err
		}
		c.add(PartBin, m, s, gentlest)
	}
	return nil
}

// below is how much of bin i lies below v (piecewise linear encoding, Gorishniy, Rubachev
// and Babenko 2022, arXiv 2203.05556).
func (c *Column) below(i int, v float64) float64 {
	low, high := c.Edges[i], c.Edges[i+1]
	return min(max((v-low)/(high-low), 0), 1)
}

// inOrder is the value that would be at place k if the values were sorted; it moves
// them.
func inOrder(values []float64, k int) float64 {
	for lo, hi := 0, len(values)-1; lo < hi; {
		pivot := values[lo+(hi-lo)/2]
		i, j := lo, hi
		for i <= j {
			for values[i] < pivot {
				i++
			}
			for values[j] > pivot {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return values[k]
		}
	}
	return values[k]
}

// add adds a feature with moments m, unless it is constant.
func (c *Column) add(part Part, m valueMoments, s Scaling, least float64) {
	if m.sd == 0 {
		return
	}
	f := Feature{Part: part, Factor: 1}
	switch s {
	case ScaleStandard:
		f.Shift, f.Factor = m.mean, 1/max(m.sd, least)
	case ScaleUnit:
		f.Shift, f.Factor = m.low, 1/(m.high-m.low)
	}
	c.Features = append(c.Features, f)
}

// addGaps adds the feature that tells whether a value is missing.
func (c *Column) addGaps(values []float64, s Scaling, ranks comm.Comm) error {
	missing := make([]float64, len(values))
	for i, v := range values {
		if v != v {
			missing[i] = 1
		}
	}
	m, err := momentsOfValues(missing, ranks)
	if err == nil {
		c.add(PartMissing, m, s, gentlest)
	}
	return err
}

// fitTimes adds the features of a column of times.
func (c *Column) fitTimes(values []float64, s Scaling, ranks comm.Comm) error {
	part := make([]float64, len(values))
	for _, p := range []Part{PartYear, PartMonth, PartWeekday, PartHour, PartElapsed} {
		for i, v := range values {
			if part[i] = v; v == v {
				part[i] = PartOfTime(p, v)
			}
		}
		m, err := momentsOfValues(part, ranks)
		if err != nil {
			return err
		}
		c.add(p, m, s, 0)
	}
	return nil
}

const day = 24 * 60 * 60 // in seconds

// PartOfTime is a part of a time that is given in seconds since 1970 in UTC.
func PartOfTime(p Part, seconds float64) float64 {
	days := math.Floor(seconds / day)
	switch p {
	case PartHour:
		return (seconds - days*day) / 3600
	case PartElapsed:
		return seconds / day
	case PartWeekday:
		return days + 3 - 7*math.Floor((days+3)/7) // 1970-01-01 was a Thursday
	}
	t := time.Unix(int64(days)*day, 0).UTC()
	if p == PartMonth {
		return float64(t.Month())
	}
	return float64(t.Year())
}

// fitCurve makes the values of all training rows, in order, as a normal distribution's
// are: the quantiles of both are the knots and the heights, with mean 0 and standard
// deviation 1 over these rows.
func (c *Column) fitCurve(sorted []float64) {
	n := len(sorted)
	var at []float64 // shares of the rows below each knot, and up to it
	for k := range knots + 1 {
		x := sorted[(n-1)*k/knots]
		if l := len(c.Knots); l > 0 && c.Knots[l-1] == x {
			continue
		}
		c.Knots = append(c.Knots, x)
		below := sort.SearchFloat64s(sorted, x)
		upTo := sort.Search(n, func(i int) bool { return sorted[i] > x })
		at = append(at, float64(below+upTo)/2/float64(n))
	}
	for _, p := range at {
		c.Heights = append(c.Heights, math.Sqrt2*math.Erfinv(2*p-1))
	}
	var mean, variance float64
	for _, v := range sorted {
		mean += c.curve(v) / float64(n)
	}
	for _, v := range sorted {
		d := c.curve(v) - mean
		variance += d * d / float64(n)
	}
	for i := range c.Heights {
		c.Heights[i] = (c.Heights[i] - mean) / math.Sqrt(variance)
	}
}

// curve is the feature of a number with a heavy tail.
func (c *Column) curve(v float64) float64 {
	x, y := c.Knots, c.Heights
	i := sort.SearchFloat64s(x, v) // the first knot that is not below v
	switch {
	case i == 0:
		return y[0]
	case i == len(x):
		return y[len(y)-1]
	}
	return y[i-1] + (y[i]-y[i-1])*((v-x[i-1])/(x[i]-x[i-1]))
}

// fitLevels fits a column of categories.
func (c *Column) fitLevels(f *Frame, k int, s Scaling, ranks comm.Comm) error {
	levels, of := f.levelsOf(k, 0, f.Rows())
	counts, err := c.count(levels, of, ranks)
	if err != nil {
		return err
	}
	missing := counts[""]
	delete(counts, "")
	rows := missing
	var names []string
	for name, n := range counts {
		rows += n
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), compareLabels(a, b))
	})
	frequent := 0
	for frequent < min(len(names), mostLevels) && counts[names[frequent]] >= rareRows {
		frequent++
	}
	c.Levels, c.Rare, c.Gaps = names[:frequent:frequent], names[frequent:], missing > 0
	slices.SortFunc(c.Levels, compareLabels)
	slices.SortFunc(c.Rare, compareLabels)
	c.addShare(PartLevel, rows, s, func(i int) float64 { return counts[c.Levels[i]] }, len(c.Levels))
	rare := 0.0
	for _, name := range c.Rare {
		rare += counts[name]
	}
	c.addShare(PartRare, rows, s, func(int) float64 { return rare }, min(1, len(c.Rare)))
	if c.Gaps {
		c.addShare(PartMissing, rows, s, func(int) float64 { return missing }, 1)
	}
	if len(c.Features) == 1 && c.Features[0].Factor == 0 { // all rows are the same
		c.Levels, c.Rare, c.Features = nil, nil, []Feature{}
	}
	return nil
}

// addShare adds features of which each is 1 in some of the rows.
func (c *Column) addShare(part Part, rows float64, s Scaling, count func(int) float64, n int) {
	for i := range n {
		share := count(i) / rows
		f := Feature{Part: part, Factor: 1}
		if s == ScaleStandard {
			f.Shift, f.Factor = share, 1/max(math.Sqrt(share*(1-share)), gentlest)
		}
		if share == 1 {
			f.Factor = 0
		}
		c.Features = append(c.Features, f)
	}
}

// count counts all processes' rows of each level; those without one under "".
func (c *Column) count(levels []string, of []int32, ranks comm.Comm) (map[string]float64, error) {
	mine := map[string]float64{}
	for _, l := range of {
		if l < 0 {
			mine[""]++
		} else {
			mine[levels[l]]++
		}
	}
	if ranks.Size() == 1 {
		return mine, nil
	}
	names := []string{""}
	for name := range mine {
		names = append(names, name)
	}
	all, err := union(ranks, names)
	if err != nil {
		return nil, err
	}
	counts := make([]float64, len(all))
	for i, name := range all {
		counts[i] = mine[name]
	}
	if err := ranks.Sum(counts); err != nil {
		return nil, err
	}
	for i, name := range all {
		if mine[name] = counts[i]; counts[i] == 0 {
			delete(mine, name)
		}
	}
	return mine, nil
}

// encodeValues writes the features of values to the rows of x.
func (c *Column) encodeValues(x mat.Dense, values []float64) {
	if len(c.Features) != 1 || c.Features[0].Part != PartValue {
		for i, v := range values {
			c.EncodeValue(x.Row(i), v)
		}
		return
	}
	shift, factor := c.Features[0].Shift, c.Features[0].Factor
	for i, v := range values {
		if v != v {
			v = c.Fill
		}
		x.Data[i*x.Stride] = float32((v - shift) * factor)
	}
}

// EncodeValue writes the features of a number, truth value or time to dst; NaN is a
// missing one.
func (c *Column) EncodeValue(dst []float32, v float64) {
	missing, bin := 0.0, 0
	if v != v {
		missing, v = 1, c.Fill
	}
	for i, f := range c.Features {
		switch f.Part {
		case PartBin:
			dst[i] = float32((c.below(bin, v) - f.Shift) * f.Factor)
			bin++
			continue
		case PartCurve:
			dst[i] = float32(c.curve(v))
			continue
		case PartMissing:
			dst[i] = float32((missing - f.Shift) * f.Factor)
			continue
		case PartValue:
			dst[i] = float32((v - f.Shift) * f.Factor)
			continue
		}
		dst[i] = float32((PartOfTime(f.Part, v) - f.Shift) * f.Factor)
	}
}

// Level is the place of the feature that a level has, -1 if it has none.
func (c *Column) Level(name string, missing bool) int {
	if !missing {
		if i := slices.Index(c.Levels, name); i >= 0 {
			return i
		}
		return c.part(PartRare)
	}
	return c.part(PartMissing)
}

// part is the place of the first feature of a part, -1 if there is none.
func (c *Column) part(p Part) int {
	return slices.IndexFunc(c.Features, func(f Feature) bool { return f.Part == p })
}

// EncodeLevel writes the features of a category to dst: those of the level that has
// feature i, or of an unknown one.
func (c *Column) EncodeLevel(dst []float32, i int) {
	for k, f := range c.Features {
		switch {
		case i < 0:
			dst[k] = 0
		case i == k:
			dst[k] = float32((1 - f.Shift) * f.Factor)
		default:
			dst[k] = float32((0 - f.Shift) * f.Factor)
		}
	}
}

// encode is d's raw columns as features.
func (t *Transform) encode(d Dataset) (mat.Dense, error) {
	f := d.Frame
	if err := t.fits(d); err != nil {
		return mat.Dense{}, err
	}
	outputs := t.ofRow()
	releaseFreed(4 * int64(f.Rows()) * int64(outputs)) // what fitting has left would else be held beside it
	x, err := d.Scratch.matrix(d.Name, f.Rows(), outputs)
	if err != nil {
		return x, err
	}
	encoders := make([]levelEncoder, len(t.Columns))
	for k := range t.Columns {
		encoders[k] = t.levelEncoder(f, k)
	}
	const block = 1 << 8 // rows that stay in a cache while each column writes to them
	n := (f.Rows() + block - 1) / block
	return x, share(n, workers(n), func(_, b int) error {
		lo, hi := b*block, min((b+1)*block, f.Rows())
		at, far := 0, false
		for k := range t.Columns {
			c := &t.Columns[k]
			to := at + c.Outputs()
			if to == at {
				continue
			}
			part := x.RowRange(lo, hi).ColRange(at, to)
			if c.Kind == KindCategory {
				encoders[k].encode(part, f, k, lo, hi)
				far = far || encoders[k].far
			} else {
				var values [block]float64
				f.floats(k, lo, values[:hi-lo])
				c.encodeValues(part, values[:hi-lo])
				far = far || anyFar(part)
			}
			at = to
		}
		if far {
			return t.near(d, x, lo, hi)
		}
		return nil
	})
}

// levelEncoder writes the features of a category.
type levelEncoder struct {
	c      *Column
	places []int     // of the feature of each level of texts, which are the same in all rows; else nil
	none   []float32 // the features of a level that has none of its own
	other  []float32 // each feature in rows of other levels,
	own    []float32 // and in those of its own
	far    bool      // some of these are too far from 0
}

func (t *Transform) levelEncoder(f *Frame, k int) (e levelEncoder) {
	e.c = &t.Columns[k]
	if e.c.Kind != KindCategory {
		return e
	}
	n := e.c.Outputs()
	e.none, e.other, e.own = make([]float32, n), make([]float32, n), make([]float32, n)
	e.c.EncodeLevel(e.none, -1)
	e.c.EncodeLevel(e.other, n)
	row := make([]float32, n)
	for i := range e.own {
		e.c.EncodeLevel(row, i)
		e.own[i] = row[i]
	}
	e.far = anyFar(mat.FromSlice(1, n, e.own)) || anyFar(mat.FromSlice(1, n, e.other))
	if f.columns[k].isText() {
		names, _ := f.levelsOf(k, 0, 0)
		e.places = e.placesOf(names)
	}
	return e
}

// placesOf is the place of the feature of each level.
func (e *levelEncoder) placesOf(names []string) []int {
	places := make([]int, len(names))
	for l, name := range names {
		places[l] = e.c.Level(name, false)
	}
	return places
}

// encode writes the features of samples lo to hi-1 of column k to the rows of x.
func (e *levelEncoder) encode(x mat.Dense, f *Frame, k, lo, hi int) {
	missing, places := e.c.Level("", true), e.places
	write := func(i, level int) {
		place := missing
		if level >= 0 {
			place = places[level]
		}
		row := x.Row(i - lo)
		if place < 0 {
			copy(row, e.none)
			return
		}
		copy(row, e.other)
		row[place] = e.own[place]
	}
	if places != nil {
		f.eachLevel(k, lo, hi, write)
		return
	}
	names, of := f.levelsOf(k, lo, hi) // numbers, truth values or dates
	places = e.placesOf(names)
	for i, level := range of {
		write(lo+i, int(level))
	}
}

// fits reports raw columns that are not those of the transform.
func (t *Transform) fits(d Dataset) error {
	if len(d.Frame.columns) != len(t.Columns) {
		return inputf("%s: %d columns, want %d", d.Name, len(d.Frame.columns), len(t.Columns))
	}
	for k, c := range d.Frame.columns {
		if want := t.Columns[k]; c.kind != want.Kind {
			return inputf("%s: column %q is taken for a %s, want a %s", d.Name, c.name, c.kind, want.Kind)
		}
	}
	return nil
}

// anyFar reports whether some feature is too far from 0, or no number.
func anyFar(x mat.Dense) bool {
	far := false
	for i := range x.Rows {
		for _, v := range x.Row(i) {
			far = far || !(v <= farthest && v >= -farthest)
		}
	}
	return far
}

// near reports the first feature of samples lo to hi-1 that is too far from the
// training samples.
func (t *Transform) near(d Dataset, x mat.Dense, lo, hi int) error {
	for i := lo; i < hi; i++ {
		for j, v := range x.Row(i) {
			if v > farthest || v < -farthest || v != v {
				k, at := 0, j
				for at >= t.Columns[k].Outputs() {
					at -= t.Columns[k].Outputs()
					k++
				}
				f := t.Columns[k].Features[at]
				return inputf("%s: sample %d, column %q: about %.3g is %.3g for the network, (x − %.3g)/%.3g by the training samples, want -%g to %g: leave the sample or the column out", d.Name, i+1, t.Columns[k].Name, float64(v)/f.Factor+f.Shift, v, f.Shift, 1/f.Factor, farthest, farthest)
			}
		}
	}
	return nil
}

// FeatureNames are what the features are called: by their columns, and their parts.
func (t *Transform) FeatureNames() []string {
	var names []string
	for _, c := range t.Columns {
		bin := 0
		for i, f := range c.Features {
			switch f.Part {
			case PartBin:
				bin++
				names = append(names, fmt.Sprintf("%s (bin %d)", c.Name, bin))
			case PartValue, PartCurve:
				names = append(names, c.Name)
			case PartLevel:
				names = append(names, c.Name+"="+c.Levels[i])
			default:
				names = append(names, c.Name+" ("+string(f.Part)+")")
			}
		}
	}
	return names
}
