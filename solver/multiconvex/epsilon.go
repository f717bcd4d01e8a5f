package multiconvex

// adaptEpsilon applies section 4.1.2 between two sweeps. A narrower band cuts
// a_l: the problem itself changes there. Nothing in the sweep looks at a_l
// before its own update, which cuts it, but in recurrent layers, which BeginSweep cuts.
func (s *Blocks) adaptEpsilon() {
	s.changed, s.narrowed = false, false
	if s.EpsilonRule == Fixed || s.sweeps == 0 {
		return
	}
	old := s.epsilon
	if s.risk > 10*old {
		s.epsilon = max(2*old, 1)
	} else if old > 10*s.risk {
		s.epsilon = min(old/2, 0.01)
	}
	s.changed = s.epsilon != old
	s.narrowed = s.epsilon < old
}
