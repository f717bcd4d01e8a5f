package main

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/prox"
	solver "github.com/dlam-go/dlam/solver/dlam"
)

// defaultSolver is what dlam train uses if nothing is said.
const defaultSolver = "dlam"

// method is a training method by its name on the command line: the only place
// where names become solvers.
type method struct {
	name       string
	about      string
	iterations int              // default
	init       dlam.Initializer // default
	make       func(c *config) dlam.Solver
}

// methods are all of them, in the order in which they are listed.
func methods() []method {
	return []method{
		{"dlam", "the paper's method", 200, dlam.Paper, func(c *config) dlam.Solver {
			return solver.Solver{Settings: c.dlam(false)}
		}},
		{"mdlam", "DLAM with Nesterov extrapolation", 200, dlam.Paper, func(c *config) dlam.Solver {
			return solver.Solver{Settings: c.dlam(true)}
		}},
	}
}

// dlam is the settings of DLAM and mDLAM.
func (c *config) dlam(momentum bool) solver.Settings {
	return solver.Settings{
		Rho: c.Rho, Epsilon: c.Epsilon, EpsilonRule: solver.EpsilonRule(c.EpsilonRule), LineSearch: solver.LineSearch(c.LineSearch),
		Alpha0: c.Alpha0, Gamma: c.Gamma, Eta: c.Eta, Momentum: momentum,
	}
}

// extraConfig is the settings of the other methods.
type extraConfig struct{}

func defaultExtra() extraConfig { return extraConfig{} }

func (*extraConfig) addFlags(*pflag.FlagSet) {}

func solverNames() []string {
	var names []string
	for _, m := range methods() {
		names = append(names, m.name)
	}
	return names
}

// findMethod is the method called name.
func findMethod(name string) (method, error) {
	for _, m := range methods() {
		if m.name == name {
			return m, nil
		}
	}
	return method{}, usagef("unknown solver %q (choose one of %s)", name, strings.Join(solverNames(), ", "))
}

// regularizer is Ω.
func (c *config) regularizer() prox.Regularizer {
	switch {
	case c.L1 > 0:
		return prox.L1{Lambda: c.L1}
	case c.L2 > 0:
		return prox.L2{Lambda: c.L2}
	}
	return prox.None{}
}

// loss is R; classes says whether the targets are classes.
func (c *config) loss(classes bool) (loss.Loss, error) {
	name := c.Loss
	if name == auto {
		name = "squared"
		if classes {
			name = "cross-entropy"
		}
	}
	l, err := loss.Parse(name)
	if err != nil {
		return nil, errUsage{err}
	}
	if !classes && name != "squared" {
		return nil, usagef("--loss %s needs classes, and the labels are values: use --loss squared", name)
	}
	if name == "cross-entropy" {
		return loss.CrossEntropy{Solver: loss.OutputSolver(c.OutputSolver)}, nil
	}
	return l, nil
}
