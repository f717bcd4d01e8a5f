package dlam

import engine "github.com/dlam-go/dlam/internal/pass"

type sums struct {
	e     *engine.Engine
	parts [][]float64
}

func newSums(e *engine.Engine, length int) *sums {
	s := &sums{e: e, parts: make([][]float64, e.Pool.Threads())}
	for w := range s.parts {
		s.parts[w] = make([]float64, length)
	}
	return s
}

func (s *sums) Reset(length int) {
	for w := range s.parts {
		s.parts[w] = s.parts[w][:length]
		clear(s.parts[w])
	}
}

func (s *sums) Part(worker int) []float64 { return s.parts[worker] }

func (s *sums) Reduce() ([]float64, error) {
	total := s.parts[0]
	for _, p := range s.parts[1:] {
		for i, v := range p {
			total[i] += v
		}
	}
	return total, s.e.Comm.Sum(total)
}
