package certify

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/dlam-go/dlam"
)

// Certificate watches a run and checks each iteration. Use it as an Observer
// and as a Recorder of the same run, in every process of it: each sees its own
// samples, and what they say is added up. It keeps a copy of the iterate.
type Certificate struct {
	Problem *dlam.Problem
	// Stop makes the first violation end the run.
	Stop bool

	Sweeps     int          // sweeps checked
	Checks     int          // inequalities checked
	Violations []Inequality // those that do not hold
	Tightest   map[string]Inequality
	C          float64 // c_k: the least sum of moves so far
	KC         float64 // k·c_k, which Theorem 2 says tends to 0
	Bounds     []Bound // Lemma 3 at the last sweep
	// Furthest is the greatest Bound.Moves of a sweep, of each layer: 0 for one whose
	// blocks never moved.
	Furthest []float64
	// Fall is by how much F fell in the sweeps checked.
	Fall float64

	old         dlam.Iterate // before the sweep, once seen
	seen        bool
	before, now objective
}

// objective is F after an iteration.
type objective struct {
	iteration int
	value     float64
	changed   bool // ε had changed: F does not compare with the one before
}

var (
	_ dlam.Observer = (*Certificate)(nil)
	_ dlam.Recorder = (*Certificate)(nil)
)

// Record keeps the objective for Observe.
func (c *Certificate) Record(r dlam.Record) error {
	c.before, c.now = c.now, objective{r.Iteration, r.Objective, r.EpsilonChanged}
	return nil
}

// Observe checks the iteration since the last call.
func (c *Certificate) Observe(k int, st dlam.Stepper) error {
	var slack float64
	if s, ok := st.(dlam.Splitting); ok {
		now := s.Iterate()
		if c.seen {
			var err error
			if slack, err = c.sweep(k, now); err != nil {
				return err
			}
		}
		c.keep(now)
	}
	if c.before.iteration == 0 || c.now.changed {
		return nil
	}
	f0, f1 := c.before.value, c.now.value
	slack += rounding * (math.Abs(f0) + math.Abs(f1))
	return c.check(Inequality{k, 0, noRise, f0, f1, slack})
}

// sweep checks one sweep and returns the slack of all its blocks.
func (c *Certificate) sweep(k int, now dlam.Iterate) (float64, error) {
	old := c.old
	if now.Epsilon < old.Epsilon { // a narrower band cut a first; see clipped
		old = clipped(old, now.Epsilon)
	}
	sw, err := sweep(c.Problem, old, now, k)
	if err != nil {
		return 0, err
	}
	c.Sweeps++
	c.Bounds, c.Fall = sw.Bounds, c.Fall+sw.Fall
	if c.Furthest == nil {
		c.Furthest = make([]float64, len(c.Bounds))
	}
	for l, b := range c.Bounds {
		c.Furthest[l] = max(c.Furthest[l], b.Moves)
	}
	if c.Sweeps == 1 || sw.Moves < c.C {
		c.C = sw.Moves
	}
	c.KC = float64(c.Sweeps) * c.C
	for _, q := range sw.Checks {
		if err := c.check(q); err != nil {
			return 0, err
		}
	}
	return sw.Slack, nil
}

// check counts an inequality and keeps it if it is violated or the tightest.
func (c *Certificate) check(q Inequality) error {
	c.Checks++
	if c.Tightest == nil {
		c.Tightest = map[string]Inequality{}
	}
	if t, ok := c.Tightest[q.Name]; !ok || q.Left-q.Right+q.Slack < t.Left-t.Right+t.Slack {
		c.Tightest[q.Name] = q
	}
	if q.Holds() {
		return nil
	}
	c.Violations = append(c.Violations, q)
	if c.Stop {
		return q
	}
	return nil
}

// Verdict is nil if everything checked holds, and something was checked.
func (c *Certificate) Verdict() error {
	if c.Checks == 0 {
		return errors.New("nothing was checked: the run has fewer than two iterations, or its method promises nothing")
	}
	if len(c.Violations) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d inequalities violated; the first: %w", len(c.Violations), c.Checks, c.Violations[0])
}

// keep copies the iterate: the next sweep overwrites it.
func (c *Certificate) keep(now dlam.Iterate) {
	if !c.seen {
		c.seen = true
		c.old.Network = now.Network.Clone()
		for _, z := range now.Z {
			c.old.Z = append(c.old.Z, z.Clone())
		}
		for _, a := range now.A {
			c.old.A = append(c.old.A, a.Clone())
		}
	}
	c.old.Rho, c.old.Epsilon = now.Rho, now.Epsilon
	c.old.Network.CopyFrom(now.Network)
	for l, z := range now.Z {
		c.old.Z[l].CopyFrom(z)
	}
	for l, a := range now.A {
		c.old.A[l].CopyFrom(a)
	}
}

// clipped is it with a cut to the band of half-width eps.
func clipped(it dlam.Iterate, eps float64) dlam.Iterate {
	it.A = slices.Clone(it.A)
	for l := range it.A {
		a, z := it.A[l].Clone(), it.Z[l]
		h := make([]float32, a.Cols)
		for i := range a.Rows {
			activate(it.Network.Layers[l], h, z.Row(i))
			for j, v := range a.Row(i) {
				a.Row(i)[j] = min(max(v, h[j]-float32(eps)), h[j]+float32(eps))
			}
		}
		it.A[l] = a
	}
	return it
}
