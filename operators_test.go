package dlam_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/admm"
	"github.com/dlam-go/dlam/solver/bcd"
	"github.com/dlam-go/dlam/solver/dladmm"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/solver/multiconvex"
	"github.com/dlam-go/dlam/solver/syncdlam"
	"github.com/dlam-go/dlam/spec"
)

// plain is a loss of a user's own with what every loss has: Σ log cosh(z − y).
type plain struct{}

func (plain) Value(z mat.Dense, y loss.Target) float64 {
	var s float64
	for i := range z.Rows {
		for j, x := range z.Row(i) {
			s += math.Log(math.Cosh(float64(x - y.Value.At(i, j))))
		}
	}
	return s
}

func (plain) Grad(dst, z mat.Dense, y loss.Target) {
	for i := range z.Rows {
		for j, x := range z.Row(i) {
			dst.Set(i, j, float32(math.Tanh(float64(x-y.Value.At(i, j)))))
		}
	}
}

func (plain) Spec() spec.Spec { return spec.Spec{Kind: "log-cosh"} }

// curved is plain with its second derivative, and no Prox.
type curved struct{ plain }

func (curved) Curvature(z, d mat.Dense, y loss.Target) float64 {
	var s float64
	for i := range z.Rows {
		for j, x := range z.Row(i) {
			t, move := math.Tanh(float64(x-y.Value.At(i, j))), float64(d.At(i, j))
			s += (1 - t*t) * move * move
		}
	}
	return s
}

// proximal is plain with its proximal operator, and no Curvature.
type proximal struct{ plain }

// Prox solves tanh(x − y) + ρ(x − v) = 0, whose left side rises, by bisection.
func (l proximal) Prox(dst, v mat.Dense, y loss.Target, rho float64) (value float64, unmoved int) {
	for i := range v.Rows {
		for j, at := range v.Row(i) {
			lo, hi := float64(at)-1/rho, float64(at)+1/rho
			for range 60 {
				x := (lo + hi) / 2
				if math.Tanh(x-float64(y.Value.At(i, j)))+rho*(x-float64(at)) < 0 {
					lo = x
				} else {
					hi = x
				}
			}
			dst.Set(i, j, float32(lo))
		}
	}
	return l.Value(dst, y), 0
}

var (
	fullBatch   = syncdlam.Solver{Settings: syncdlam.FullBatch()}
	proxTargets = func() syncdlam.Solver {
		s := fullBatch
		s.Settings.Mode = syncdlam.Prox
		return s
	}()
	miniBatches = syncdlam.Solver{Settings: syncdlam.SettingsFor(200, false, 20)}
	adam        = gradient.Solver{Settings: gradient.DefaultSettings(gradient.Adam)}
	multiConvex = multiconvex.Solver{Settings: multiconvex.DefaultSettings()}
	splitting   = []dlam.Solver{
		admm.Solver{Settings: admm.DefaultSettings()}, bcd.Solver{Settings: bcd.DefaultSettings()}, dladmm.Solver{Settings: dladmm.DefaultSettings()},
	}
)

// lacks is what a method says of a loss that has not got what it needs.
func lacks(s dlam.Solver, l loss.Loss) string {
	_, curved := l.(loss.Curved)
	_, proximal := l.(loss.Proximal)
	switch {
	case s == adam, s == miniBatches, curved && proximal, curved && s == fullBatch, proximal && s != fullBatch && s != proxTargets:
		return ""
	case !curved && (s == fullBatch || s == proxTargets):
		return "has no curvature"
	}
	return "has no proximal operator"
}

// TestOwnOperators: a method asks an operator for no more than it needs, and in
// Init, by name, for what it does need.
func TestOwnOperators(t *testing.T) {
	type try struct {
		s    dlam.Solver
		h    activation.Func
		l    loss.Loss
		want string // the error of Init; "" where the method learns
	}
	tries := []try{
		{adam, swish{}, plain{}, ""}, {fullBatch, swish{}, curved{}, ""}, {miniBatches, swish{}, curved{}, ""}, {multiConvex, activation.Tanh{}, proximal{}, ""},
		{fullBatch, activation.Tanh{}, plain{}, "loss log-cosh has no curvature"},
		{proxTargets, activation.Tanh{}, curved{}, "loss log-cosh has no proximal operator"},
		{multiConvex, activation.Tanh{}, curved{}, "dlam: loss log-cosh has no proximal operator"},
		{multiConvex, swish{}, loss.Squared{}, "dlam: layer 1: activation swish has no projection"},
		{adam, activation.Sign{}, plain{}, "layer 1: activation sign has no derivative"},
	}
	for _, s := range splitting {
		tries = append(tries, try{s, swish{}, proximal{}, ""}, try{s, swish{}, curved{}, "loss log-cosh has no proximal operator"})
	}
	for _, h := range loss.All {
		if loss.IsFor(h, loss.Values) {
			for _, s := range append([]dlam.Solver{adam, fullBatch, proxTargets, miniBatches, multiConvex}, splitting...) {
				tries = append(tries, try{s, activation.Tanh{}, h, lacks(s, h)})
			}
		}
	}
	for _, c := range tries {
		p := testprob.Waves(200, 0.1, 5)
		p.Loss, p.Threads = c.l, 1
		n := testprob.Network(p, []int{12}, c.h, dlam.He, 2)
		start, err := dlam.Evaluate(n, p.X, p.Y, p.Loss, 1)
		if err != nil {
			t.Fatal(err)
		}
		result, err := dlam.Run(context.Background(), c.s, p, n, dlam.Options{Iterations: 20})
		switch {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, %v, %v: got %v, want %s", c.s, c.h.Spec(), c.l.Spec(), err, c.want)
			}
		case err != nil:
			t.Errorf("%v, %v, %v: %v", c.s, c.h.Spec(), c.l.Spec(), err)
		case !(result.Last.Train.Risk < 0.9*start.Risk):
			t.Errorf("%v, %v, %v: risk %g after %d iterations, %g before", c.s, c.h.Spec(), c.l.Spec(), result.Last.Train.Risk, result.Last.Iteration, start.Risk)
		}
	}
}

// Parameters outside their ranges are reported, by the operator's name.
func TestProblemOperators(t *testing.T) {
	p := testprob.Waves(20, 0.1, 5)
	p.Loss, p.Regularizer = loss.Huber{Delta: -1}, prox.L1{Lambda: math.Inf(1)}
	err := p.Validate()
	for _, want := range []string{"problem: loss huber: delta: got -1, want 0 < delta", "problem: regulariser l1: lambda: got +Inf, want 0 ≤ lambda"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
