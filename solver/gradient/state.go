package gradient

import (
	"errors"
	"fmt"

	"github.com/dlam-go/dlam"
)

// State is the rule's memories and the numbers of steps and updates done.
func (s *stepper) State() dlam.State {
	st := dlam.State{Float32: map[string][]float32{}, Float64: map[string][]float64{
		"done": {float64(s.steps), float64(s.updates)},
	}}
	for i := range s.Rule.moments() {
		st.Float32[memoryName(i)] = s.memory[i]
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
	s.net.CopyFrom(n)
	return s.refresh()
}

func memoryName(i int) string { return fmt.Sprintf("memory.%d", i) }
