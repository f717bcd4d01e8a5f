package gradient

import (
	"errors"
	"fmt"

	"github.com/dlam-go/dlam"
)

// State is the rule's memories, the numbers of steps and updates done, and of
// the schedule-free rule y, the parameters that it moves.
func (s *stepper) State() dlam.State {
	st := dlam.State{Float32: map[string][]float32{}, Float64: map[string][]float64{
		"done": {float64(s.steps), float64(s.updates)},
	}}
	for i := range s.Rule.moments() {
		st.Float32[memoryName(i)] = s.memory[i]
	}
	if s.mean != nil {
		for l, ly := range s.net.Layers {
			st.Float32[fmt.Sprintf("y.w.%d", l)], st.Float32[fmt.Sprintf("y.b.%d", l)] = ly.W.Elements(), ly.B
		}
	}
	return st
}

// Restore puts a State back; the rest follows from it, bit for bit.
func (s *stepper) Restore(n *dlam.Network, st dlam.State) error {
	done := st.Float64["done"]
	if len(done) != 2 {
		return errors.New("gradient state: done missing")
	}
	for i := range s.Rule.moments() {
		from := st.Float32[memoryName(i)]
		if len(from) != len(s.memory[i]) {
			return fmt.Errorf("gradient state: %s has %d elements, want %d", memoryName(i), len(from), len(s.memory[i]))
		}
		copy(s.memory[i], from)
	}
	s.steps, s.updates = int(done[0]), int(done[1])
	s.Network().CopyFrom(n)
	for l, ly := range s.net.Layers {
		if s.mean == nil {
			break
		}
		for name, v := range map[string][]float32{fmt.Sprintf("y.w.%d", l): ly.W.Elements(), fmt.Sprintf("y.b.%d", l): ly.B} {
			if from := st.Float32[name]; len(from) != len(v) {
				return fmt.Errorf("gradient state: %s has %d elements, want %d", name, len(from), len(v))
			}
			copy(v, st.Float32[name])
		}
	}
	return s.refresh()
}

func memoryName(i int) string { return fmt.Sprintf("memory.%d", i) }
