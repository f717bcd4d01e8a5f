package certify

import (
	"fmt"
	"math"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

const (
	// rounding is the relative error allowed to the float32 residuals that a
	// solver works from: products of up to a few thousand terms.
	rounding = 2e-6
	// unit is the rounding of a float32 variable, and the relative tolerance of
	// an iterative output step.
	unit = 1.5e-7
	// testing is the relative tolerance of the solver's own acceptance tests.
	testing = 2e-5
	// cancelled is the share of ‖W‖‖A‖ that counts as size of WA: where terms
	// cancel, the product is smaller than what its rounding is relative to.
	cancelled = unit / rounding
)

// Inequality is one promise, as checked: Left ≥ Right − Slack.
type Inequality struct {
	Iteration, Layer int
	Name             string // one of Promises
	Left, Right      float64
	// Slack is what float32 iterates may cost: a bound on the effect of
	// rounding residuals and variables, not a fraction of the values.
	Slack float64
}

// The names of the promises.
const (
	eq10        = "eq. 10 (W)"
	oneSize     = "one magnitude a row (W)"
	noFlip      = "no sign better (W)"
	noScale     = "no magnitude better (W)"
	eq11        = "eq. 11 (b)"
	eq12        = "eq. 12 (z)"
	eq13        = "eq. 13 (a)"
	feasibility = "feasibility of a"
	lemma3W     = "Lemma 3 (W)"
	lemma3B     = "Lemma 3 (b)"
	noRise      = "F does not rise"
)

// Promises are the names of the inequalities, in the order of the paper.
func Promises() []string {
	return []string{eq10, oneSize, noFlip, noScale, eq11, eq12, eq13, feasibility, lemma3W, lemma3B, noRise}
}

// Holds reports whether the inequality does.
func (q Inequality) Holds() bool { return q.Left >= q.Right-q.Slack }

// Error says what is violated.
func (q Inequality) Error() string {
	return fmt.Sprintf("iteration %d, layer %d: %s violated: %.9g ≥ %.9g does not hold (slack %.3g)",
		q.Iteration, q.Layer, q.Name, q.Left, q.Right, q.Slack)
}

// Sweep is the certificate of one sweep.
type Sweep struct {
	Iteration int
	Checks    []Inequality
	Bounds    []Bound
	Moves     float64 // the sum in c_k
	Fall      float64 // of F, the sum over blocks
	Slack     float64 // of all blocks
}

// sweep checks the sweep from old to new. Each block is updated once, in the
// order of Algorithm 1, so that the two iterates determine every point between.
func sweep(p *dlam.Problem, old, now dlam.Iterate, iteration int) (Sweep, error) {
	c := checker{p: p, old: old, now: now, Sweep: Sweep{Iteration: iteration}}
	in := p.X
	for l := range now.Network.Layers {
		if err := c.layer(l, in); err != nil {
			return c.Sweep, err
		}
		if l < len(now.A) {
			in = now.A[l]
		}
	}
	return c.Sweep, nil
}

// total makes sums over this process's samples ones over all samples.
func (c *checker) total(sums ...*float64) error {
	x := make([]float64, len(sums))
	for i, s := range sums {
		x[i] = *s
	}
	err := c.p.Comm.Sum(x)
	for i, s := range sums {
		*s = x[i]
	}
	return err
}

type checker struct {
	p        *dlam.Problem
	old, now dlam.Iterate
	Sweep
}

func (c *checker) add(l int, name string, fall, move, slack float64) {
	c.Checks = append(c.Checks, Inequality{c.Iteration, l + 1, name, fall, move, slack + testing*move})
	c.Fall += fall
	c.Moves += move
	c.Slack += slack
}

// layer checks the updates of W, b, z and a of layer l, given A_{l-1}. The
// rows of what follows are those of U(A_{l-1}): a place of a sample each. A recurrent
// layer's U has its own A_l, which moves last.
func (c *checker) layer(l int, before mat.Dense) error {
	was, is := c.old.Network.Layers[l], c.now.Network.Layers[l]
	in := is.Rows(before, c.of(c.old, l))
	threads, half := c.p.Threads, c.now.Rho/2
	v0 := linear(in, was.W, was.B, threads)
	v1 := linear(in, is.W, was.B, threads)
	shift, moveB := difference(is.B, was.B)
	z0, z1 := is.ByPlace(c.old.Z[l]), is.ByPlace(c.now.Z[l])
	w := c.weigh(in.Rows)
	s0, s1, sz, sv := square(v0, w), square(v1, w), squares(z0, w), norm2Wide(v1, v0, w)
	e0, e1 := distance(v0, nil, z0, w), distance(v1, nil, z0, w)
	e2, e3 := distance(v1, shift, z0, w), distance(v1, shift, z1, w)
	n, sa, moveZ, sz1, abs := c.p.Y.TotalWeight()*float64(is.Places()), squares(in, w), norm2(z1, z0, w), squares(z1, w), sumAbs(z1, w)
	var r0, r1 float64
	if l == len(c.now.Z)-1 {
		r0, r1 = loss.Weighted(c.p.Loss, c.old.Z[l], c.p.Y), loss.Weighted(c.p.Loss, c.now.Z[l], c.p.Y)
	}
	if err := c.total(&s0, &s1, &sz, &sv, &e0, &e1, &e2, &e3, &n, &sa, &moveZ, &sz1, &abs, &r0, &r1); err != nil {
		return err
	}
	scale := math.Sqrt(s0) + math.Sqrt(s1) + math.Sqrt(sz) +
		cancelled*math.Sqrt(sa)*(math.Sqrt(squares(is.W, nil))+math.Sqrt(squares(was.W, nil)))
	slack := func(move, residual float64) float64 { // ρ⟨residual, rounding of the move⟩ and the like
		return c.now.Rho * rounding * scale * (math.Sqrt(move) + math.Sqrt(residual))
	}

	c.weightsMove(l, half*(e0-e1), slack(sv, e0))
	if c.now.Binary {
		if err := c.binary(l, in, v1, scale+math.Sqrt(sa)*math.Sqrt(squares(is.W, nil))); err != nil {
			return err
		}
	}

	c.add(l, eq11, half*(e1-e2), half*n*moveB, slack(n*moveB, e1)) // for n samples
	fall, extra := half*(e2-e3), 0.0
	if l == len(c.now.Z)-1 {
		fall += r0 - r1
		extra = unit * (r0 + r1 + math.Sqrt(sz1)*(math.Sqrt(moveZ)+c.now.Rho*math.Sqrt(e3)))
		if _, kinks := c.p.Loss.(loss.Hinge); kinks { // rounding z may leave a kink
			extra += unit * abs
		}
	}
	c.add(l, eq12, fall, half*moveZ, slack(moveZ, e2)+extra)
	if err := c.bound(l, before, in, v1, shift, scale); err != nil {
		return err
	}
	if l < len(c.now.A) {
		return c.activations(l, before)
	}
	return nil
}

// weightsMove checks eq. 10 in layer l, of which φ's fall is given, and what its rounding may
// cost.
func (c *checker) weightsMove(l int, fall, slack float64) {
	was, is := c.old.Network.Layers[l].W, c.now.Network.Layers[l].W
	var move float64
	for i, theta := range c.now.Theta[l] {
		for j, w := range is.Row(i) {
			d := float64(w) - float64(was.At(i, j))
			move += theta * c.scale(l, j) / 2 * d * d
		}
	}
	omega0, omega1 := regularization(c.p, was), regularization(c.p, is)
	c.add(l, eq10, fall+omega0-omega1, move, slack+rounding*(omega0+omega1))
}

// of is A_l of an iterate; none of the output layer.
func (c *checker) of(it dlam.Iterate, l int) mat.Dense {
	if l == len(it.A) {
		return mat.Dense{}
	}
	return it.A[l]
}

// scale is the factor of θ in column j of W_l.
func (c *checker) scale(l, j int) float64 {
	if s := c.now.Scale[l]; s != nil {
		return float64(s[j])
	}
	return 1
}

// activations checks the a-step of layer l, eq. 13, and feasibility: by what it does to
// φ_{l+1}, and in a recurrent layer to φ_l, whose W, b and z have moved before.
func (c *checker) activations(l int, before mat.Dense) error {
	a0, a1, ofSamples := c.old.A[l], c.now.A[l], c.weigh(c.old.A[l].Rows)
	was := c.old.Network.Layers[l+1] // W_{l+1} moves after a_l
	s := c.residuals(was, was.Rows(a0, c.of(c.old, l+1)), was.Rows(a1, c.of(c.old, l+1)), c.old.Z[l+1])
	if is := c.now.Network.Layers[l]; is.Recurrent() {
		own := c.residuals(is, is.Rows(before, a0), is.Rows(before, a1), c.now.Z[l])
		for i, x := range own {
			s[i] += x
		}
	}
	sa := squares(a0, ofSamples) + squares(a1, ofSamples)
	var move float64
	var cut float64 // what rounding a into its band may cost
	for i, tau := range c.now.Tau[l] {
		tau *= ofSamples.at(i)
		move += tau / 2 * norm2(a1.RowRange(i, i+1), a0.RowRange(i, i+1), nil)
		for _, a := range a1.Row(i) {
			d := activation.BandTolerance * (1 + math.Abs(float64(a)) + c.now.Epsilon)
			cut += tau / 2 * d * d
		}
	}
	e0, e1, s0, s1, sz, sv := s[0], s[1], s[2], s[3], s[4], s[5]
	if err := c.total(&s0, &s1, &sz, &sa, &sv, &e0, &e1, &move, &cut); err != nil {
		return err
	}
	weights := squares(was.W, nil)
	if is := c.now.Network.Layers[l]; is.Recurrent() {
		weights += squares(is.W, nil)
	}
	scale := math.Sqrt(s0) + math.Sqrt(s1) + math.Sqrt(sz) + cancelled*math.Sqrt(sa*weights)
	slack := c.now.Rho * rounding * scale * (math.Sqrt(sv) + math.Sqrt(e0))
	c.add(l, eq13, c.now.Rho/2*(e0-e1), move, slack+cut)
	worst, err := comm.Gather(c.p.Comm, []float64{bandExcess(c.now.Network.Layers[l], c.now.Z[l], a1, c.now.Epsilon)})
	var excess float64
	for _, e := range worst {
		excess = math.Max(excess, e[0])
	}
	c.Checks = append(c.Checks, Inequality{c.Iteration, l + 1, feasibility, 0, excess, activation.BandTolerance})
	return err
}

// residuals are ‖E‖² of a layer before and after its inputs U move, ‖V‖² before and after,
// ‖Z‖², and ‖ΔV‖².
func (c *checker) residuals(ly dlam.Layer, u0, u1, z mat.Dense) [6]float64 {
	v0, v1 := linear(u0, ly.W, ly.B, c.p.Threads), linear(u1, ly.W, ly.B, c.p.Threads)
	z = ly.ByPlace(z)
	w := c.weigh(v0.rows)
	return [6]float64{distance(v0, nil, z, w), distance(v1, nil, z, w), square(v0, w), square(v1, w), squares(z, w), norm2Wide(v1, v0, w)}
}

// difference is x − y, and the sum of its squares.
func difference(x, y []float32) (d []float64, square float64) {
	d = make([]float64, len(x))
	for j := range d {
		d[j] = float64(x[j]) - float64(y[j])
		square += d[j] * d[j]
	}
	return d, square
}

func sumAbs(m mat.Dense, w *weights) float64 {
	var s float64
	for i := range m.Rows {
		weight := w.at(i)
		for _, v := range m.Row(i) {
			s += weight * math.Abs(float64(v))
		}
	}
	return s
}

func squares(m mat.Dense, w *weights) float64 { return norm2(m, mat.New(m.Rows, m.Cols), w) }

func norm2Wide(x, y wide, w *weights) float64 {
	var s float64
	for i := range x.rows {
		weight, yi := w.at(i), y.row(i)
		for j, v := range x.row(i) {
			d := v - yi[j]
			s += weight * (d * d)
		}
	}
	return s
}
