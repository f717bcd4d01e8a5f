package experiment

import "github.com/dlam-go/dlam"

// estimator is a solver that knows how much memory it takes.
type estimator interface {
	dlam.Solver
	Memory(widths []int, samples, threads int) float64
}

// Memory is about how many bytes Run takes: the data sets made ready, and what
// is greater, one of them as stored or what the method that takes most adds.
func (r Reproduction) Memory() (float64, error) {
	const samples = 70000 // of either data set, test samples included
	ready := map[string]float64{}
	most := 4.0 * samples * features
	for _, c := range r.plan(outcomes{}) {
		s, err := c.solver()
		if err != nil {
			return 0, err
		}
		w := c.widths()
		ready[c.Data] = 4 * samples * float64(w[0])
		most = max(most, s.Memory(w, c.Rows, c.Threads))
	}
	return ready[mnist] + ready[fashion] + most, nil
}
