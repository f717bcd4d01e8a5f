package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/admm"
	"github.com/dlam-go/dlam/solver/bcd"
	"github.com/dlam-go/dlam/solver/dladmm"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/solver/multiconvex"
	"github.com/dlam-go/dlam/solver/sync"
)

// defaultSolver is what dlam train uses if nothing is said.
const defaultSolver = "sync"

// method is a training method by its name on the command line: the only place
// where names become solvers.
type method struct {
	name       string
	about      string
	iterations func(c *config) int // default
	init       dlam.Initializer    // default
	make       func(c *config) dlam.Solver
}

// methods are all of them, in the order in which they are listed.
func methods() []method {
	list := []method{
		{"sync", "synchronised DLAM", (*config).syncIterations, dlam.He, (*config).sync},
		{"dlam", "the paper's method", times(200), dlam.Paper, func(c *config) dlam.Solver { return multiconvex.Solver{Settings: c.dlam(false)} }},
		{"mdlam", "DLAM with Nesterov extrapolation", times(200), dlam.Paper, func(c *config) dlam.Solver { return multiconvex.Solver{Settings: c.dlam(true)} }},
		{"admm", "ADMM without gradients (Taylor et al. 2016)", times(50), dlam.He, func(*config) dlam.Solver { return admm.Solver{Settings: admm.DefaultSettings()} }},
		{"dladmm", "dlADMM (Wang et al. 2019)", times(50), dlam.He, func(*config) dlam.Solver { return dladmm.Solver{Settings: dladmm.DefaultSettings()} }},
		{"bcd", "block coordinate descent (Zeng et al. 2019)", times(50), dlam.He, func(*config) dlam.Solver { return bcd.Solver{Settings: bcd.DefaultSettings()} }},
	}
	for _, rule := range gradient.Rules {
		list = append(list, method{string(rule), "backpropagation", (*config).gradientIterations, dlam.He, func(c *config) dlam.Solver { return c.gradient(rule) }})
	}
	return list
}

func times(n int) func(*config) int { return func(*config) int { return n } }

// dlam is the settings of DLAM and mDLAM.
func (c *config) dlam(momentum bool) multiconvex.Settings {
	return multiconvex.Settings{
		Rho: c.Rho, Epsilon: c.Epsilon, EpsilonRule: multiconvex.EpsilonRule(c.EpsilonRule), LineSearch: multiconvex.LineSearch(c.LineSearch),
		Alpha0: c.Alpha0, Gamma: c.Gamma, Eta: c.Eta, Momentum: momentum,
	}
}

// extraConfig is the settings of the other methods. A negative one is what
// suits the method and the data.
type extraConfig struct {
	Batch     int     `toml:"batch"`
	Smoothing float64 `toml:"label-smoothing"`
	Jitter    float64 `toml:"jitter"`
	Lambda    float64 `toml:"lambda"`
	Rank      int     `toml:"rank"`
	Momentum  float64 `toml:"momentum"`
	Mode      string  `toml:"mode"`
	Rate      rate    `toml:"lr"`
	Schedule  string  `toml:"schedule"`
}

func defaultExtra() extraConfig {
	return extraConfig{Batch: -1, Smoothing: -1, Jitter: -1, Lambda: -1, Rank: -1, Momentum: -1, Mode: string(sync.Gradient), Rate: rateSuits, Schedule: string(gradient.Constant)}
}

func (e *extraConfig) addFlags(f *pflag.FlagSet) {
	f.IntVar(&e.Batch, "batch", e.Batch, "sync and backpropagation: samples a mini-batch; 0: all; -1: what suits")
	f.Float64Var(&e.Smoothing, "label-smoothing", e.Smoothing, "cross-entropy: share of the uniform distribution in the targets; -1: what suits")
	f.Float64Var(&e.Jitter, "jitter", e.Jitter, "mini-batches of pictures: standard deviation of their random moves, in pixels; -1: what suits")
	f.Float64Var(&e.Lambda, "lambda", e.Lambda, "sync: damping, relative to the inputs' variance; -1: what suits")
	f.IntVar(&e.Rank, "rank", e.Rank, "sync: rank of the exact part of wide layers' metric in mini-batches; 0: exact; -1: what suits")
	f.Float64Var(&e.Momentum, "momentum", e.Momentum, "sync, momentum and nesterov: in [0, 1); -1: what suits")
	f.StringVar(&e.Mode, "mode", e.Mode, "sync: gradient|prox targets")
	f.Var(&e.Rate, "lr", "backpropagation: learning rate; -1: what suits; auto: the best of 0.001 to 10 by training accuracy")
	f.StringVar(&e.Schedule, "schedule", e.Schedule, "backpropagation: constant|cosine")
}

// promises reports whether theory says of the solver that F never rises.
func (c *config) promises() bool {
	return c.Solver == "dlam" || c.Solver == "mdlam" || c.Solver == "sync" && !c.mini()
}

// mini reports whether sync takes mini-batches.
func (c *config) mini() bool { return c.Extra.Batch != 0 }

// batches reports whether the solver does; backpropagation must be told to.
func (c *config) batches() bool {
	if slices.Contains(gradient.Rules, gradient.Rule(c.Solver)) {
		return c.Extra.Batch > 0
	}
	return c.Solver == "sync" && c.mini()
}

func (c *config) syncIterations() int {
	switch {
	case !c.mini():
		return 150
	case c.samples < 20000:
		return 30
	}
	return 10
}

func (c *config) gradientIterations() int {
	if c.Extra.Batch > 0 {
		return 10
	}
	return 150
}

// sync is synchronised DLAM as set.
func (c *config) sync() dlam.Solver {
	s := sync.FullBatch()
	if c.mini() {
		s = sync.SettingsFor(max(1, c.samples), !c.values, max(1, c.Iterations))
		if c.Extra.Batch > 0 {
			s.Batch = c.Extra.Batch
		}
	}
	if c.Extra.Lambda >= 0 {
		s.Lambda = c.Extra.Lambda
	}
	if c.Extra.Rank >= 0 {
		s.Rank = c.Extra.Rank
	}
	if c.Extra.Momentum >= 0 {
		s.Momentum = c.Extra.Momentum
	}
	s.Mode, s.Seed = sync.Mode(c.Extra.Mode), c.Seed
	return sync.Solver{Settings: s}
}

// gradient is a first-order method as set: with all samples, as the paper
// compares, unless a batch is given.
func (c *config) gradient(rule gradient.Rule) dlam.Solver {
	s := gradient.DefaultSettings(rule)
	s.Epochs, s.Seed, s.Schedule = max(1, c.Iterations), c.Seed, gradient.Schedule(c.Extra.Schedule)
	if c.Extra.Batch > 0 {
		s.Batch = c.Extra.Batch
		if rule == gradient.Adam || rule == gradient.AMSGrad {
			s.Rate = 1e-3
		} else {
			s.Rate /= 10
		}
	}
	if c.Extra.Rate > 0 {
		s.Rate = float64(c.Extra.Rate)
	}
	if c.Extra.Momentum >= 0 {
		s.Mu = c.Extra.Momentum
	}
	return gradient.Solver{Settings: s}
}

// smoothing is the share of the uniform distribution in the targets.
func (c *config) smoothing() float32 {
	switch {
	case c.Extra.Smoothing >= 0:
		return float32(c.Extra.Smoothing)
	case c.Solver == "sync":
		return 0.1
	}
	return 0
}

// hidden is the widths of the hidden layers that suit the method and the data:
// the paper's, or of pictures, whose pixels say little each, a wide one
// (docs/sync.md).
func (c *config) hidden(d dataset.Dataset) widths {
	if c.Solver == "sync" && c.mini() && d.Image.Width > 0 {
		return widths{1000}
	}
	return paperHidden
}

var paperHidden = widths{100, 100}

// jitter is how the pictures of mini-batches are moved.
func (c *config) jitter(d dataset.Dataset) (picture.Jitter, error) {
	switch j := (picture.Jitter{Image: d.Image, Deviation: c.Extra.Jitter}); {
	case c.Extra.Jitter < 0 && c.batches():
		return picture.JitterFor(d.Image), nil
	case c.Extra.Jitter <= 0:
		return picture.Jitter{}, nil
	case !c.batches():
		return j, usagef("--jitter: got %g, and %s takes all samples at a time, as they are; --batch says how many, for sync and backpropagation", c.Extra.Jitter, c.Solver)
	default:
		if err := j.Validate(d.X.Cols); err != nil {
			return j, errUsage{fmt.Errorf("--%w", err)}
		}
		return j, nil
	}
}

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
	case c.L2 < 0 && c.Solver == "sync" && c.mini() && !c.values:
		return prox.L2{Lambda: sync.WeightDecay * float64(c.samples)}
	}
	return prox.None{}
}

// loss is R; classes says whether the targets are classes.
func (c *config) loss(classes bool) (loss.Loss, error) {
	if err := c.takes(classes, c.Data); err != nil {
		return nil, err
	}
	text := c.Loss
	if text == auto {
		text = "squared"
		if classes {
			text = "cross-entropy"
		}
	}
	l, err := loss.Parse(text)
	if _, ok := l.(loss.CrossEntropy); ok {
		l = loss.CrossEntropy{Solver: loss.OutputSolver(c.OutputSolver)}
	}
	return l, err
}
