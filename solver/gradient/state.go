package gradient

import (
	"errors"
	"fmt"

	"github.com/dlam-go/dlam"
)

// State is the rule's memories, the numbers of steps and updates done, and what moves
// beside the network: of the schedule-free rule y, of binary weights W and the gains.
func (s *stepper) State() dlam.State {
	st := dlam.State{Float32: map[string][]float32{}, Float64: map[string][]float64{
		"done": {float64(s.steps), float64(s.updates)},
	}}
	for i := range s.Rule.moments() {
		st.Float32[memoryName(i)] = s.memory[i]
	}
	for name, v := range s.moved() {
		st.Float32[name] = v
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
	for name, v := range s.moved() {
		from := st.Float32[name]
		if len(from) != len(v) {
			return fmt.Errorf("gradient state: %s has %d elements, want %d", name, len(from), len(v))
		}
		copy(v, from)
	}
	s.runBinary(true)
	return s.refresh()
}

// moved are the parameters that move beside those of Network, by name.
func (s *stepper) moved() map[string][]float32 {
	arrays := map[string][]float32{}
	for l, ly := range s.net.Layers {
		if s.mean != nil {
			arrays[fmt.Sprintf("y.b.%d", l)] = ly.B
		}
		if s.binary != nil {
			arrays[fmt.Sprintf("real.w.%d", l)], arrays[fmt.Sprintf("gain.%d", l)] = s.binary[l].w.Elements(), s.binary[l].gain
		} else if s.mean != nil {
			arrays[fmt.Sprintf("y.w.%d", l)] = ly.W.Elements()
		}
	}
	return arrays
}

func memoryName(i int) string { return fmt.Sprintf("memory.%d", i) }
