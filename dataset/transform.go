package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/dlam-go/dlam/mat"
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
	Inputs  int     `json:"inputs"` // features of a raw sample
	Image   Image   `json:"image"`  // shape of a raw sample
	Pool    int     `json:"pool"`   // side of the squares that are averaged; 1 for none
	Scaling Scaling `json:"scaling"`
	// x becomes (x − Shift)·Factor, after pooling; one entry for all features,
	// or one for each.
	Shift  []float32 `json:"shift"`
	Factor []float32 `json:"factor"`
	// A regression's values y become (y − TargetShift)·TargetFactor, so that
	// predictions are turned back; one shift a value.
	TargetShift  []float32 `json:"target_shift,omitempty"`
	TargetFactor float32   `json:"target_factor,omitempty"`
}

// Fit makes the transform for training data d. A regression's values are
// standardised unless s is ScaleNone.
func Fit(d Dataset, s Scaling, pool int) (Transform, error) {
	t := Transform{Inputs: d.X.Cols, Image: d.Image, Pool: pool, Scaling: s, Shift: []float32{0}, Factor: []float32{1}}
	if pool < 1 {
		return t, inputf("pool: got %d, want at least 1", pool)
	}
	if im := d.Image; pool > 1 && (im.Width == 0 || im.Height%pool != 0 || im.Width%pool != 0) {
		return t, inputf("pool: got %d, want a divisor of the pictures' sides; %s has %s", pool, d.Name, im)
	}
	if !slices.Contains(Scalings, s) {
		return t, inputf("scaling: got %q, want one of none, unit, standard", s)
	}
	switch {
	case s == ScaleUnit && d.Image.Max > 0:
		t.Factor[0] = 1 / d.Image.Max
	case s != ScaleNone:
		t.fitColumns(t.pooled(d.X))
	}
	if s != ScaleNone && d.Value.Rows > 0 {
		t.fitTarget(d.Value)
	}
	return t, nil
}

func (im Image) String() string {
	if im.Width == 0 {
		return "no pictures"
	}
	return fmt.Sprintf("%d×%d×%d pictures", im.Height, im.Width, im.Channels)
}

// fitColumns sets a shift and a factor for each feature. A constant feature
// becomes 0.
func (t *Transform) fitColumns(x mat.Dense) {
	t.Shift, t.Factor = make([]float32, x.Cols), make([]float32, x.Cols)
	for j := range t.Shift {
		mean, sd, lo, hi := column(x, j)
		t.Shift[j], t.Factor[j] = float32(mean), reciprocal(sd)
		if t.Scaling == ScaleUnit {
			t.Shift[j], t.Factor[j] = float32(lo), reciprocal(hi-lo)
		}
	}
}

// reciprocal is 1/v, and 1 where v is 0 or too small to divide by.
func reciprocal(v float64) float32 {
	if v < 1e-30 {
		return 1
	}
	return float32(1 / v)
}

// column is the mean, standard deviation and range of column j.
func column(x mat.Dense, j int) (mean, sd, lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for i := range x.Rows {
		v := float64(x.Row(i)[j])
		mean += v
		lo, hi = math.Min(lo, v), math.Max(hi, v)
	}
	mean /= float64(x.Rows)
	for i := range x.Rows {
		d := float64(x.Row(i)[j]) - mean
		sd += d * d
	}
	return mean, math.Sqrt(sd / float64(x.Rows)), lo, hi
}

// fitTarget standardises values: each column's mean, one deviation for all.
func (t *Transform) fitTarget(y mat.Dense) {
	t.TargetShift = make([]float32, y.Cols)
	var variance float64
	for j := range t.TargetShift {
		mean, sd, _, _ := column(y, j)
		t.TargetShift[j] = float32(mean)
		variance += sd * sd / float64(y.Cols)
	}
	t.TargetFactor = reciprocal(math.Sqrt(variance))
}

// Outputs is the number of features after the transform.
func (t Transform) Outputs() int { return t.Inputs / (t.Pool * t.Pool) }

// Validate reports a transform that fits no data: one read from a file.
func (t Transform) Validate() error {
	im := t.Image
	switch {
	case t.Inputs < 1:
		return fmt.Errorf("transform: inputs: got %d, want at least 1", t.Inputs)
	case t.Pool < 1 || t.Pool > 1 && (im.Height < 1 || im.Width < 1 || im.Channels < 1 || im.Height%t.Pool != 0 || im.Width%t.Pool != 0 || im.Height*im.Width*im.Channels != t.Inputs):
		return fmt.Errorf("transform: pool %d does not fit %s with %d inputs", t.Pool, im, t.Inputs)
	case len(t.Shift) != len(t.Factor) || len(t.Shift) != 1 && len(t.Shift) != t.Outputs():
		return fmt.Errorf("transform: %d shifts and %d factors for %d features", len(t.Shift), len(t.Factor), t.Outputs())
	}
	return nil
}

// Apply is d transformed; d stays as it is.
func (t Transform) Apply(d Dataset) (Dataset, error) {
	if d.X.Cols != t.Inputs {
		return d, inputf("%s: %d features, want %d", d.Name, d.X.Cols, t.Inputs)
	}
	d.X = t.pooled(d.X)
	if t.Pool > 1 {
		d.Image.Height /= t.Pool
		d.Image.Width /= t.Pool
		d.Features = nil
	}
	for i := range d.X.Rows {
		row := d.X.Row(i)
		if len(t.Shift) == 1 {
			for j, v := range row {
				row[j] = (v - t.Shift[0]) * t.Factor[0]
			}
			continue
		}
		for j, v := range row {
			row[j] = (v - t.Shift[j]) * t.Factor[j]
		}
	}
	if t.TargetFactor != 0 && d.Value.Rows > 0 {
		d.Value = d.Value.Clone()
		for i := range d.Value.Rows {
			row := d.Value.Row(i)
			for j, v := range row {
				row[j] = (v - t.TargetShift[j]) * t.TargetFactor
			}
		}
	}
	return d, nil
}

// Restore turns predicted values back to the units of the data, in place.
func (t Transform) Restore(y mat.Dense) {
	if t.TargetFactor == 0 {
		return
	}
	for i := range y.Rows {
		row := y.Row(i)
		for j, v := range row {
			row[j] = v/t.TargetFactor + t.TargetShift[j]
		}
	}
}

// pooled is a new matrix of x with squares of pictures averaged.
func (t Transform) pooled(x mat.Dense) mat.Dense {
	if t.Pool == 1 {
		return x.Clone()
	}
	p, c, w := t.Pool, t.Image.Channels, t.Image.Width
	height, width := t.Image.Height/p, w/p
	out := mat.New(x.Rows, height*width*c)
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
	return out
}

// Divide splits d at random: the share test of it, of each class, is for
// testing. The order of samples stays.
func Divide(d Dataset, test float64, seed uint64) (Split, error) {
	if !(test > 0 && test < 1) {
		return Split{}, inputf("test split: got %g, want a share between 0 and 1", test)
	}
	groups := map[int32][]int{}
	for i := range d.Rows() {
		g := int32(0)
		if d.Class != nil {
			g = d.Class[i]
		}
		groups[g] = append(groups[g], i)
	}
	rng := rand.New(rand.NewPCG(seed, 0x5eed))
	var train, held []int
	for g := range int32(max(1, len(d.Classes))) {
		index := groups[g]
		rng.Shuffle(len(index), func(i, j int) { index[i], index[j] = index[j], index[i] })
		n := int(math.Round(test * float64(len(index))))
		held, train = append(held, index[:n]...), append(train, index[n:]...)
	}
	if len(held) == 0 || len(train) == 0 {
		return Split{}, inputf("%s: %d samples are too few to hold back the share %g for testing", d.Name, d.Rows(), test)
	}
	slices.Sort(train)
	slices.Sort(held)
	return Split{Train: d.Pick(train), Test: d.Pick(held)}, nil
}

// ParseScaling is the scaling called name.
func ParseScaling(name string) (Scaling, error) {
	if s := Scaling(name); slices.Contains(Scalings, s) {
		return s, nil
	}
	return "", inputf("scaling: got %q, want one of %s", name, strings.Join([]string{"none", "unit", "standard"}, ", "))
}
