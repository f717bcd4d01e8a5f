package dlam

import (
	"fmt"

	"github.com/dlam-go/dlam"
)

// updateSamples updates z_l and a_l, or z_L, block by block of samples.
func (s *stepper) updateSamples(ly *layer) error {
	if s.LineSearch == Exact || ly.next == nil {
		_, err := s.collect(passUpdate, ly)
		return err
	}
	if _, err := s.collect(passUpdateZ, ly); err != nil {
		return err
	}
	return s.searchA(ly)
}

// searchA is Algorithm 3 to the letter: one t for the layer, from α₀ by
// factors η, each trial evaluated on the samples.
func (s *stepper) searchA(ly *layer) error {
	s.pass.t = s.Alpha0
	for trial := 1; trial <= maxTrials; trial++ {
		v, err := s.collect(passTrialA, ly)
		if err != nil {
			return err
		}
		if s.Rho*v[sumCurved] <= v[sumMoveA]*(1+accept) { // ρ‖Δa Wᵀ‖² ≤ t‖Δa‖²
			if _, err := s.collect(passApplyA, ly); err != nil {
				return err
			}
			ly.move[3].Trials = trial
			return nil
		}
		s.pass.t *= s.Eta
	}
	return fmt.Errorf("layer %d, block a: %w: no step passed Algorithm 3's test in %d trials", ly.l, dlam.ErrDiverged, maxTrials)
}

// store turns a pass's scalar sums into the record of its block updates.
func (s *stepper) store(kind passKind, ly *layer, v []float64) {
	half := s.Rho / 2
	switch kind {
	case passResidual:
		if ly.next == nil {
			s.risk = v[sumRisk] / s.n
		}
	case passUpdate, passUpdateZ:
		ly.phi = half * v[sumPhi]
		fall := half * v[sumFallZ]
		if ly.next == nil {
			fall += s.n*s.risk - v[sumRisk]
			s.risk = v[sumRisk] / s.n
		}
		ly.move[2] = dlam.Block{Layer: ly.l, Variable: "z", Move: half * v[sumMoveZ], Decrease: fall, Unmoved: int(v[sumUnmovedZ])}
	}
	if kind == passUpdate || kind == passApplyA {
		ly.move[3] = dlam.Block{Layer: ly.l, Variable: "a", Move: v[sumMoveA] / 2, Decrease: half * v[sumFallA], Trials: int(v[sumTrialsA]), Unmoved: int(v[sumUnmovedA])}
	}
}
