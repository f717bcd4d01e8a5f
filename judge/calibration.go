package judge

import (
	"math"

	"github.com/dlam-go/dlam/mat"
)

// bins is the number of Calibration's bins, of one width.
const bins = 10

// calibrate sets the calibration curve and ECE.
func (c *Classes) calibrate(out mat.Dense, class []int32, weight []float32) {
	c.Calibration = make([]Bin, bins)
	width := 1.0 / bins
	for b := range c.Calibration {
		c.Calibration[b].Low, c.Calibration[b].High = float64(b)*width, float64(b+1)*width
	}
	c.Calibration[bins-1].High = 1
	for i, y := range class {
		k := 1
		if out.Cols != 2 {
			k = mat.ArgMax(out.Row(i))
		}
		p, w := float64(out.At(i, k)), of(weight, i)
		b := 0
		for b < bins-1 && p > c.Calibration[b].High {
			b++
		}
		bin := &c.Calibration[b]
		bin.Weight += w
		bin.Predicted += w * p
		if int(y) == k {
			bin.Observed += w
		}
	}
	var off float64
	for b := range c.Calibration {
		bin := &c.Calibration[b]
		off += math.Abs(bin.Predicted - bin.Observed)
		bin.Predicted, bin.Observed = share(bin.Predicted, bin.Weight), share(bin.Observed, bin.Weight)
	}
	c.ECE = new(off / c.Weight)
}
