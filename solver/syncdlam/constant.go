package syncdlam

import (
	"math"
	"slices"
)

// startAtConstant gives the last layer intercepts with which the mean outputs are those
// of the best constant: the first updates would else be spent on that, and a network
// that learns little would end behind a constant. A network that has intercepts keeps
// them: it has been trained.
func (s *miniBatch) startAtConstant(output []float32) error {
	for _, ly := range s.net.Layers {
		if slices.ContainsFunc(ly.B, func(b float32) bool { return b != 0 }) {
			return nil
		}
	}
	last := s.net.Layers[len(s.net.Layers)-1]
	if len(last.B) != len(output) { // it is at several places: an output has no intercept of its own
		return nil
	}
	x, y := s.monitor.Data()
	z, err := s.net.Predict(x, s.p.Threads)
	if err != nil {
		return err
	}
	sums := make([]float64, z.Cols+1) // of the outputs, and of the samples' weights
	for i := range z.Rows {
		for j, v := range z.Row(i) {
			sums[j] += y.WeightOf(i) * float64(v)
		}
	}
	sums[z.Cols] = y.TotalWeight()
	if err := s.e.Comm.Sum(sums); err != nil {
		return err
	}
	for _, sum := range sums {
		if math.IsNaN(sum) || math.IsInf(sum, 0) { // the run will say so
			return nil
		}
	}
	least := float32(-math.Log(2 * s.samples)) // where no sample is of the class
	for j := range output {
		output[j] = max(output[j], least)
		last.B[j] = output[j] - float32(sums[j]/sums[len(output)])
	}
	s.output = output
	return nil
}
