package dataset

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/picture"
)

// Scaling says how features are scaled.
type Scaling string

// The scalings.
const (
	ScaleNone     Scaling = "none"
	ScaleUnit     Scaling = "unit"     // to [0, 1], by what the training samples or the picture format span
	ScaleStandard Scaling = "standard" // to mean 0 and standard deviation 1 over the training samples
)

// Scalings lists the choices.
var Scalings = []Scaling{ScaleNone, ScaleUnit, ScaleStandard}

// Transform is what is done to samples before the network sees them. It is
// fitted to training data, stored in the model, and applied to any other.
type Transform struct {
	Inputs  int           `json:"inputs"` // features of a raw sample
	Image   picture.Image `json:"image"`  // shape of a raw sample
	Pool    int           `json:"pool"`   // side of the squares that are averaged; 1 for none
	Scaling Scaling       `json:"scaling"`
	// x becomes (x − Shift)·Factor, after pooling; one entry for all features,
	// or one for each.
	Shift  []float32 `json:"shift"`
	Factor []float32 `json:"factor"`
	// A regression's values y become (y − TargetShift)·TargetFactor, so that
	// predictions are turned back; one shift and one factor for each.
	TargetShift  []float32 `json:"target_shift,omitempty"`
	TargetFactor Factors   `json:"target_factor,omitempty"`
	// TargetLow and TargetHigh are the least and the greatest value of the training
	// samples, within which predictions are kept; none where they are not.
	TargetLow  []float32 `json:"target_low,omitempty"`
	TargetHigh []float32 `json:"target_high,omitempty"`
	// Columns are those of a table with texts, dates or gaps, whose features come one
	// column after the other; Shift and Factor then leave them as they are. nil for
	// samples that are numbers alone.
	Columns []Column `json:"columns,omitempty"`
	Table   Shape    `json:"table,omitzero"`    // of the file that the samples are from
	Missing []string `json:"missing,omitempty"` // texts that said that there was no value, beside the customary ones
	// Steps is how many rows of a table a sample has at most, each with the features of
	// Columns: of sequences; 0 where a sample is a row. A shorter one has NaN before its
	// first step.
	Steps int `json:"steps,omitempty"`
}

// Factors are of several values, one for each. One alone is a number in JSON and no
// list; where there are more values, it is of all of them.
type Factors []float32

// MarshalJSON is f as JSON.
func (f Factors) MarshalJSON() ([]byte, error) {
	if len(f) == 1 {
		return json.Marshal(f[0])
	}
	return json.Marshal([]float32(f))
}

// UnmarshalJSON reads f from a number or a list.
func (f *Factors) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '[' {
		*f = make(Factors, 1)
		return json.Unmarshal(b, &(*f)[0])
	}
	return json.Unmarshal(b, (*[]float32)(f))
}

// of is the factor of value j.
func (f Factors) of(j int) float32 { return f[min(j, len(f)-1)] }

// Fit makes the transform for training data d, all processes' samples of it. A
// regression's values are standardised unless s is ScaleNone.
func Fit(d Dataset, s Scaling, pool int) (Transform, error) { return fit(d, s, pool, 0) }

// MostBins is how many bins a number may have.
const MostBins = 256

// FitBins is Fit without pooling, of a table whose numbers get features for so many bins
// beside their own: how much of each bin, which has as many training samples as the
// others, lies below the number. bins is from 2 to MostBins, or 0 for none.
func FitBins(d Dataset, s Scaling, bins int) (Transform, error) {
	switch {
	case bins == 0:
		return fit(d, s, 1, 0)
	case bins < 2 || bins > MostBins:
		return Transform{}, inputf("bins: got %d, want 2 to %d, or 0 for none", bins, MostBins)
	case d.Image.Width > 0:
		return Transform{}, inputf("bins: got %d, and %s has pictures, whose pixels are no columns of a table", bins, d.Name)
	}
	return fit(d, s, 1, bins)
}

func fit(d Dataset, s Scaling, pool, bins int) (Transform, error) {
	t := Transform{Inputs: d.RawFeatures(), Image: d.Image, Pool: pool, Scaling: s, Shift: []float32{0}, Factor: []float32{1}, Table: d.Table, Missing: d.Missing}
	if pool < 1 {
		return t, inputf("pool: got %d, want at least 1", pool)
	}
	if im := d.Image; pool > 1 && (im.Width == 0 || im.Height%pool != 0 || im.Width%pool != 0) {
		return t, inputf("pool: got %d, want a divisor of the pictures' sides; %s has %s", pool, d.Name, im)
	}
	if !slices.Contains(Scalings, s) {
		return t, inputf("scaling: got %q, want one of none, unit, standard", s)
	}
	if bins > 0 && d.Frame == nil {
		var err error
		if d.Frame, err = numbersFrame(d, d.columnNames()); err != nil {
			return t, err
		}
	}
	switch {
	case d.Frame != nil:
		if err := t.fitFrame(d, bins); err != nil {
			return t, err
		}
	case s == ScaleUnit && d.Image.Max > 0:
		t.Factor[0] = 1 / d.Image.Max
	case s != ScaleNone:
		x, err := t.pooled(d, false)
		if err != nil {
			return t, err
		}
		if err := t.fitColumns(x, d.ranks()); err != nil {
			return t, err
		}
	}
	if s != ScaleNone && d.Value.Rows > 0 {
		return t, t.fitTarget(d.Value, d.ranks())
	}
	return t, nil
}

// fitColumns sets a shift and a factor for each feature. A constant feature
// becomes 0, whatever it is in other samples: nothing is known of what that means.
func (t *Transform) fitColumns(x mat.Dense, ranks comm.Comm) error {
	m, err := momentsOf(x, ranks)
	if err != nil {
		return err
	}
	t.Shift, t.Factor = make([]float32, x.Cols), make([]float32, x.Cols)
	for j := range t.Shift {
		t.Shift[j], t.Factor[j] = float32(m.mean[j]), reciprocal(m.sd[j])
		if t.Scaling == ScaleUnit {
			t.Shift[j], t.Factor[j] = float32(m.lo[j]), reciprocal(m.hi[j]-m.lo[j])
		}
		if m.lo[j] == m.hi[j] {
			t.Factor[j] = 0
		}
	}
	return nil
}

// reciprocal is 1/v, and 1 where v is 0 or too small to divide by.
func reciprocal(v float64) float32 {
	if v < 1e-30 {
		return 1
	}
	return float32(1 / v)
}

// moments are each column's mean, standard deviation and range.
type moments struct{ mean, sd, lo, hi []float64 }

// momentsOf is the moments of all processes' rows.
func momentsOf(x mat.Dense, ranks comm.Comm) (moments, error) {
	sums := make([]float64, x.Cols+1) // of each column, then the rows
	lo, hi := slices.Repeat([]float64{math.Inf(1)}, x.Cols), slices.Repeat([]float64{math.Inf(-1)}, x.Cols)
	for i := range x.Rows {
		for j, f := range x.Row(i) {
			v := float64(f)
			sums[j] += v
			lo[j], hi[j] = min(lo[j], v), max(hi[j], v)
		}
	}
	sums[x.Cols] = float64(x.Rows)
	if err := ranks.Sum(sums); err != nil {
		return moments{}, err
	}
	m := moments{mean: sums[:x.Cols], sd: make([]float64, x.Cols), lo: lo, hi: hi}
	n := sums[x.Cols]
	for j := range m.mean {
		m.mean[j] /= n
	}
	for i := range x.Rows {
		for j, f := range x.Row(i) {
			d := float64(f) - m.mean[j]
			m.sd[j] += d * d
		}
	}
	if err := ranks.Sum(m.sd); err != nil {
		return m, err
	}
	for j, s := range m.sd {
		m.sd[j] = math.Sqrt(s / n)
	}
	return m, m.widen(ranks)
}

// widen makes the range that of all processes.
func (m *moments) widen(ranks comm.Comm) error {
	all, err := comm.Gather(ranks, slices.Concat(m.lo, m.hi))
	for _, ends := range all {
		for j := range m.lo {
			m.lo[j], m.hi[j] = min(m.lo[j], ends[j]), max(m.hi[j], ends[len(m.lo)+j])
		}
	}
	return err
}

// fitTarget standardises values, each by its own mean and deviation: they may be in
// units of their own.
func (t *Transform) fitTarget(y mat.Dense, ranks comm.Comm) error {
	m, err := momentsOf(y, ranks)
	if err != nil {
		return err
	}
	t.TargetShift, t.TargetLow, t.TargetHigh = make([]float32, y.Cols), make([]float32, y.Cols), make([]float32, y.Cols)
	t.TargetFactor = make(Factors, y.Cols)
	for j := range t.TargetShift {
		t.TargetShift[j], t.TargetLow[j], t.TargetHigh[j] = float32(m.mean[j]), float32(m.lo[j]), float32(m.hi[j])
		t.TargetFactor[j] = reciprocal(m.sd[j])
	}
	return nil
}

// ColumnNames are the names of the columns of a table, nil where samples are numbers alone.
func (t Transform) ColumnNames() []string {
	var names []string
	for k := range t.Columns {
		names = append(names, t.Columns[k].Name)
	}
	return names
}

// Outputs is the number of features of a sample after the transform.
func (t Transform) Outputs() int { return max(1, t.Steps) * t.ofRow() }

// ofRow is Outputs of a row, which of a sequence is a step.
func (t Transform) ofRow() int {
	if t.Columns == nil {
		return t.Inputs / (t.Pool * t.Pool)
	}
	n := 0
	for k := range t.Columns {
		n += t.Columns[k].Outputs()
	}
	return n
}

// Validate reports a transform that fits no data: one read from a file.
func (t Transform) Validate() error {
	im := t.Image
	switch {
	case t.Inputs < 1:
		return fmt.Errorf("transform: inputs: got %d, want at least 1", t.Inputs)
	case t.Pool < 1 || t.Pool > 1 && (im.Height < 1 || im.Width < 1 || im.Channels < 1 || im.Height%t.Pool != 0 || im.Width%t.Pool != 0 || im.Height*im.Width*im.Channels != t.Inputs):
		return fmt.Errorf("transform: pool %d does not fit %s with %d inputs", t.Pool, im, t.Inputs)
	case im.Width != 0 && (min(im.Height, im.Width, im.Channels) < 1 || t.Inputs/im.Height/im.Width/im.Channels < 1 || im.Height*im.Width*im.Channels != t.Inputs):
		return fmt.Errorf("transform: %s with %d inputs", im, t.Inputs)
	case im.Resize != "" && im.Resize != picture.Crop || im.Bits != 0 && im.Bits != 8 && im.Bits != 16:
		return fmt.Errorf("transform: image: got resize %q and bits %d, want %s, or none, and 8 or 16, or none", im.Resize, im.Bits, picture.Crop)
	case len(t.Shift) != len(t.Factor) || len(t.Shift) != 1 && len(t.Shift) != t.Outputs():
		return fmt.Errorf("transform: %d shifts and %d factors for %d features", len(t.Shift), len(t.Factor), t.Outputs())
	}
	if n := len(t.TargetLow); n != len(t.TargetHigh) || n > 0 && n != len(t.TargetShift) {
		return fmt.Errorf("transform: %d least values, %d greatest, %d shifts", n, len(t.TargetHigh), len(t.TargetShift))
	}
	if n := len(t.TargetFactor); n > 1 && n != len(t.TargetShift) || n == 0 && t.TargetShift != nil {
		return fmt.Errorf("transform: %d factors of values, %d shifts", n, len(t.TargetShift))
	}
	if j := slices.IndexFunc(t.TargetFactor, func(f float32) bool { return !(f > 0) || math.IsInf(float64(f), 1) }); j >= 0 {
		return fmt.Errorf("transform: factor of value %d: got %v, want a finite number above 0", j, t.TargetFactor[j])
	}
	if t.Steps < 0 || (t.Steps > 0) != (t.Table.Sequence != "") || t.Steps > 0 && t.Columns == nil {
		return fmt.Errorf("transform: %d steps of sequences by the column %q of a table of %d columns", t.Steps, t.Table.Sequence, len(t.Columns))
	}
	if t.Columns == nil {
		return nil
	}
	if len(t.Columns) != t.Inputs || t.Pool != 1 || len(t.Shift) != 1 || t.Shift[0] != 0 || t.Factor[0] != 1 {
		return fmt.Errorf("transform: %d columns for %d inputs, or pooled, or scaled twice", len(t.Columns), t.Inputs)
	}
	for k := range t.Columns {
		if err := t.Columns[k].validate(); err != nil {
			return err
		}
	}
	return nil
}

// Apply is d transformed; d stays as it is.
func (t Transform) Apply(d Dataset) (Dataset, error) { return t.apply(d, true) }

// Move is d transformed; d is not to be used any more, since the result may be
// where it was.
func (t Transform) Move(d Dataset) (Dataset, error) {
	moved, err := t.apply(d, false)
	if err == nil && t.Pool > 1 {
		err = d.Scratch.free(d.X)
	}
	return moved, err
}

func (t Transform) apply(d Dataset, clone bool) (_ Dataset, err error) {
	if t.Columns != nil || d.Frame != nil {
		return t.applyColumns(d)
	}
	if d.X.Cols != t.Inputs {
		return d, inputf("%s: %d features, want %d", d.Name, d.X.Cols, t.Inputs)
	}
	if d.X, err = t.pooled(d, clone); err != nil {
		return d, err
	}
	if t.Pool > 1 {
		d.Image.Height /= t.Pool
		d.Image.Width /= t.Pool
		d.Features = nil
	}
	for i := range d.X.Rows {
		row := d.X.Row(i)
		far := false
		if len(t.Shift) == 1 {
			shift, factor := t.Shift[0], t.Factor[0]
			for j, v := range row {
				row[j] = (v - shift) * factor
				far = far || row[j] > farthest || row[j] < -farthest
			}
		} else {
			for j, v := range row {
				row[j] = (v - t.Shift[j]) * t.Factor[j]
				far = far || row[j] > farthest || row[j] < -farthest
			}
		}
		if far {
			return d, t.tooFar(d, i)
		}
	}
	return t.applyTarget(d), nil
}

// applyColumns is d with its raw columns made features.
func (t Transform) applyColumns(d Dataset) (_ Dataset, err error) {
	if t.Columns == nil {
		return d, inputf("%s: it has texts, dates or gaps, and the model takes numbers alone", d.Name)
	}
	if d.Frame == nil {
		if d.Frame, err = t.frameOf(d); err != nil {
			return d, err
		}
	}
	if (d.Frame.ends != nil) != (t.Steps > 0) {
		return d, inputf("%s: samples are sequences: %t, and in the model: %t", d.Name, d.Frame.ends != nil, t.Steps > 0)
	}
	if d.X, err = t.encode(d); err != nil {
		return d, err
	}
	if d.Features = t.FeatureNames(); t.Steps > 0 {
		if d.X, err = t.stack(d, d.X); err != nil {
			return d, err
		}
		d.Steps, d.Features = t.Steps, nil // names are of a step
	}
	d.Frame = nil
	return t.applyTarget(d), nil
}

// applyTarget standardises a regression's values.
func (t Transform) applyTarget(d Dataset) Dataset {
	if t.TargetFactor != nil && d.Value.Rows > 0 {
		d.Value = d.Value.Clone()
		for i := range d.Value.Rows {
			row := d.Value.Row(i)
			for j, v := range row {
				row[j] = (v - t.TargetShift[j]) * t.TargetFactor.of(j)
			}
		}
		if t.TargetLow != nil {
			d.Low, d.High = t.scaledTarget(t.TargetLow), t.scaledTarget(t.TargetHigh)
		}
	}
	return d
}

// farthest is how far from 0 a scaled feature may be: the square of what is farther
// is infinite in float32, and so is what a network makes of it.
const farthest = 1e18

// tooFar says which feature of sample i is too far from the training samples, those
// up to which have been scaled.
func (t Transform) tooFar(d Dataset, i int) error {
	row := d.X.Row(i)
	j := slices.IndexFunc(row, func(v float32) bool { return v > farthest || v < -farthest })
	k := min(j, len(t.Shift)-1)
	scaled := float64(min(max(row[j], -math.MaxFloat32), math.MaxFloat32)) // it may be infinite
	shift, spread := float64(t.Shift[k]), 1/float64(t.Factor[k])
	where := fmt.Sprintf("%.3g ± %.3g", shift, spread)
	if t.Scaling == ScaleUnit {
		where = fmt.Sprintf("%.3g to %.3g", shift, shift+spread)
	}
	return inputf("%s: sample %d, %s: got about %.3g, and the training samples have %s: leave the sample or the column out", d.Name, i+1, d.feature(j), scaled*spread+shift, where)
}

// scaledTarget is values in the units of the data as those of transformed samples.
func (t Transform) scaledTarget(values []float32) []float32 {
	scaled := make([]float32, len(values))
	for j, v := range values {
		scaled[j] = (v - t.TargetShift[j]) * t.TargetFactor.of(j)
	}
	return scaled
}

// TargetUnit is what an error of a transformed value is multiplied by to be one in the
// units of the data; 1 where values are not transformed. ok is false where values have
// factors of their own: errors of all together have no unit, and are in standard
// deviations.
func (t Transform) TargetUnit() (unit float64, ok bool) {
	switch len(t.TargetFactor) {
	case 0:
		return 1, true
	case 1:
		return 1 / float64(t.TargetFactor[0]), true
	}
	return 1, false
}

// Unclamped is t without bounds of predicted values.
func (t Transform) Unclamped() Transform {
	t.TargetLow, t.TargetHigh = nil, nil
	return t
}

// Restore turns predicted values back to the units of the data, in place, and keeps
// them within those of the training samples.
func (t Transform) Restore(y mat.Dense) {
	if t.TargetFactor == nil {
		return
	}
	for i := range y.Rows {
		row := y.Row(i)
		for j, v := range row {
			row[j] = v/t.TargetFactor.of(j) + t.TargetShift[j]
			if t.TargetLow != nil {
				row[j] = min(max(row[j], t.TargetLow[j]), t.TargetHigh[j])
			}
		}
	}
}

// pooled is a new matrix of d's samples with squares of pictures averaged;
// without squares, d's own if no clone of it is wanted.
func (t Transform) pooled(d Dataset, clone bool) (mat.Dense, error) {
	x := d.X
	if t.Pool == 1 && !clone {
		return x, nil
	}
	out, err := d.Scratch.matrix(d.Name, x.Rows, t.Outputs())
	if err != nil {
		return out, err
	}
	if t.Pool == 1 {
		out.CopyFrom(x)
		return out, nil
	}
	p, c, w := t.Pool, t.Image.Channels, t.Image.Width
	width := w / p
	share := 1 / float32(p*p)
	for i := range x.Rows {
		src, dst := x.Row(i), out.Row(i)
		for k := range dst {
			ch, col, row := k%c, k/c%width, k/c/width
			var s float32
			for dy := range p {
				for dx := range p {
					s += src[((row*p+dy)*w+col*p+dx)*c+ch]
				}
			}
			dst[k] = s * share
		}
	}
	return out, nil
}

// heldBack is how many of a class's samples Divide holds back.
func heldBack(test float64, total int) int { return int(math.Round(test * float64(total))) }

// HeldBack is how many of d's samples Divide holds back, where one process has them all.
func HeldBack(d Dataset, test float64) (n int) {
	if d.Class == nil {
		return heldBack(test, d.Rows())
	}
	of := make([]int, len(d.Classes))
	for _, class := range d.Class {
		of[class]++
	}
	for _, total := range of {
		n += heldBack(test, total)
	}
	return n
}

// Divide splits d at random: the share test of it, of each class, is for
// testing. The order of samples stays, and however many processes share them,
// the same ones are held back: each draws for all of them, 4 bytes a sample of
// the largest class, and keeps its own.
func Divide(d Dataset, test float64, seed uint64) (Split, error) {
	if !(test > 0 && test < 1) {
		return Split{}, inputf("test split: got %g, want a share between 0 and 1", test)
	}
	groups := make([][]int, max(1, len(d.Classes)))
	for i := range d.Rows() {
		g := int32(0)
		if d.Class != nil {
			g = d.Class[i]
		}
		groups[g] = append(groups[g], i)
	}
	rng := rand.New(rand.NewPCG(seed, 0x5eed))
	var train, held []int
	var of [2]int // training and held samples of all processes
	for _, mine := range groups {
		before, total, err := comm.Offset(d.ranks(), len(mine))
		if err != nil {
			return Split{}, err
		}
		order := make([]int32, total)
		for i := range order {
			order[i] = int32(i)
		}
		rng.Shuffle(total, func(i, j int) { order[i], order[j] = order[j], order[i] })
		n := heldBack(test, total)
		of[0], of[1] = of[0]+total-n, of[1]+n
		for k, i := range order {
			switch i := int(i) - before; {
			case i < 0 || i >= len(mine):
			case k < n:
				held = append(held, mine[i])
			default:
				train = append(train, mine[i])
			}
		}
	}
	switch few := fmt.Sprintf("%s: %d samples are too few to hold back the share %g", d.Name, of[0]+of[1], test); {
	case of[1] == 0:
		return Split{}, inputf("%s: it would be none", few)
	case of[0] == 0:
		return Split{}, inputf("%s: none would be left to train on", few)
	}
	if len(train) == 0 {
		return Split{}, inputf("%s: no training samples left for process %d of %d: use fewer", d.Name, d.ranks().Rank()+1, d.ranks().Size())
	}
	slices.Sort(train)
	slices.Sort(held)
	s := Split{}
	var err error
	if s.Train, err = d.Pick(train); err != nil {
		return s, err
	}
	s.Test, err = d.Pick(held)
	return s, err
}
