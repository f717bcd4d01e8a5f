package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/pflag"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/solver/multiconvex"
)

// config is every setting of a training run, as in config.toml: its keys are
// the flags' names.
type config struct {
	Data      string  `toml:"data"`
	DataDir   string  `toml:"data-dir"`
	Offline   bool    `toml:"offline"`
	TestData  string  `toml:"test-data"`
	Label     string  `toml:"label"`
	NoHeader  bool    `toml:"no-header"`
	Limit     int     `toml:"limit"`
	TestSplit float64 `toml:"test-split"`
	// Validation is the share of the training samples that choose the network.
	Validation float64 `toml:"validation"`
	Patience   int     `toml:"patience"`
	Pool       int     `toml:"pool"`
	Scale      string  `toml:"scale"`

	Hidden     widths  `toml:"hidden"`
	Activation string  `toml:"activation"`
	Loss       string  `toml:"loss"`
	L1         float64 `toml:"l1"`
	L2         float64 `toml:"l2"`
	Init       string  `toml:"init"`
	Seed       uint64  `toml:"seed"`

	Solver     string `toml:"solver"`
	Iterations int    `toml:"iterations"`
	Threads    int    `toml:"threads"`

	Rho          float64 `toml:"rho"`
	Epsilon      float64 `toml:"epsilon"`
	EpsilonRule  string  `toml:"epsilon-rule"`
	LineSearch   string  `toml:"line-search"`
	OutputSolver string  `toml:"output-solver"`
	Alpha0       float64 `toml:"alpha0"`
	Gamma        float64 `toml:"gamma"`
	Eta          float64 `toml:"eta"`

	Extra extraConfig `toml:"methods"`

	samples int    // of the training data, once it is read
	values  bool   // whether its labels are values
	scratch string // folder for samples; "" to keep them in memory
	memory  memory
}

// auto is the value of a setting that follows from the data or the solver.
const auto = "auto"

func defaultConfig() config {
	d := multiconvex.DefaultSettings()
	return config{
		Data: "digits", DataDir: os.Getenv("DLAM_DATA_DIR"), TestSplit: 0.2, Pool: 1, Scale: auto,
		Activation: "relu", Loss: auto, Init: auto, L2: -1,
		Solver: defaultSolver, Threads: runtime.GOMAXPROCS(0),
		Rho: d.Rho, Epsilon: d.Epsilon, EpsilonRule: string(d.EpsilonRule), LineSearch: string(d.LineSearch),
		OutputSolver: string(loss.Omega), Alpha0: d.Alpha0, Gamma: d.Gamma, Eta: d.Eta,
		Extra: defaultExtra(),
	}
}

// addFlags binds c's fields to flags.
func (c *config) addFlags(f *pflag.FlagSet) {
	c.addDataFlags(f)
	f.Var(&c.Hidden, "hidden", `widths of the hidden layers, as 100,100; "" for none; auto: 1000 for sync on pictures, else 100,100`)
	f.StringVar(&c.Activation, "activation", c.Activation, activationHelp)
	f.StringVar(&c.Loss, "loss", c.Loss, lossHelp)
	f.Float64Var(&c.L1, "l1", c.L1, "λ of the regulariser λ‖W‖₁")
	f.Float64Var(&c.L2, "l2", c.L2, "λ of the regulariser (λ/2)‖W‖²; -1: what suits, 0.0002 a sample for sync on classes, else 0")
	f.StringVar(&c.Init, "init", c.Init, "paper (N(0, 0.1²))|he|glorot|lecun; auto: what suits the solver")
	f.Uint64Var(&c.Seed, "seed", c.Seed, "seed of everything random")
	f.StringVar(&c.Solver, "solver", c.Solver, strings.Join(solverNames(), "|"))
	f.IntVar(&c.Iterations, "iterations", c.Iterations, "sweeps, or epochs of mini-batch methods; 0: what suits the solver")
	f.IntVar(&c.Threads, "threads", c.Threads, "goroutines to compute on")
	f.Float64Var(&c.Rho, "rho", c.Rho, "dlam: weight ρ of the penalty")
	f.Float64Var(&c.Epsilon, "epsilon", c.Epsilon, "dlam: first half-width ε of the band around h(z)")
	f.StringVar(&c.EpsilonRule, "epsilon-rule", c.EpsilonRule, "dlam: adaptive|fixed")
	f.StringVar(&c.LineSearch, "line-search", c.LineSearch, "dlam: exact|backtracking")
	f.StringVar(&c.OutputSolver, "output-solver", c.OutputSolver, "cross-entropy's output step: omega|fista")
	f.Float64Var(&c.Alpha0, "alpha0", c.Alpha0, "dlam: where backtracking starts")
	f.Float64Var(&c.Gamma, "gamma", c.Gamma, "dlam: backtracking's factor in the W-step")
	f.Float64Var(&c.Eta, "eta", c.Eta, "dlam: factor of the a-step's search")
	c.Extra.addFlags(f)
}

// addDataFlags binds the fields that say where data is.
func (c *config) addDataFlags(f *pflag.FlagSet) {
	f.StringVar(&c.Data, "data", c.Data, "digits|mnist|fashion-mnist, a file (CSV, IDX, NPY, NPZ, Parquet), or a folder of pictures")
	f.StringVar(&c.DataDir, "data-dir", c.DataDir, "where named data sets lie (default $DLAM_DATA_DIR)")
	f.BoolVar(&c.Offline, "offline", c.Offline, "never download")
	f.StringVar(&c.TestData, "test-data", c.TestData, "file to test on")
	f.StringVar(&c.Label, "label", c.Label, "label column of a table: name, or number from 0; default a column named label, class, target or y, else the last")
	f.BoolVar(&c.NoHeader, "no-header", c.NoHeader, "a CSV's first line is data")
	f.IntVar(&c.Limit, "limit", c.Limit, "train on the first so many samples; 0: all")
	f.Float64Var(&c.TestSplit, "test-split", c.TestSplit, "share held back for testing where there is no test data; 0: none")
	f.Float64Var(&c.Validation, "validation", c.Validation, "share of the training samples held back to choose the best iteration's network; 0: none")
	f.IntVar(&c.Patience, "patience", c.Patience, "with --validation: stop after so many iterations without a better one; 0: never")
	f.IntVar(&c.Pool, "pool", c.Pool, "average pictures over squares of this side: 2 makes 28×28 into 14×14")
	f.StringVar(&c.Scale, "scale", c.Scale, "none|unit|standard; auto: unit for pictures, standard for tables")
}

// load reads a config file under the flags given: those win.
func (c *config) load(path string, f *pflag.FlagSet) error {
	given := map[string]string{}
	f.Visit(func(fl *pflag.Flag) { given[fl.Name] = fl.Value.String() })
	raw, err := os.ReadFile(path)
	if err != nil {
		return errUsage{err}
	}
	if err := c.decode(string(raw), path); err != nil {
		return err
	}
	for name, v := range given {
		if err := f.Set(name, v); err != nil {
			return usagef("--%s: %w", name, err)
		}
	}
	return nil
}

// decode reads a config file's text.
func (c *config) decode(text, path string) error {
	meta, err := toml.Decode(text, c)
	if err != nil {
		return usagef("%s: %w", path, err)
	}
	if keys := meta.Undecoded(); len(keys) > 0 {
		return usagef("%s: unknown setting %q", path, keys[0].String())
	}
	return nil
}

// text is the config as a file.
func (c *config) text() (string, error) {
	var b bytes.Buffer
	e := toml.NewEncoder(&b)
	e.Indent = ""
	err := e.Encode(c)
	return "# Repeat this run with: dlam train --config FILE\n" + b.String(), err
}

// identity is the settings that a run must keep to be the same run: all but
// how long it goes on, unless the solver's settings follow from that, and where
// data lies.
func (c *config) identity() (string, error) {
	kept := *c
	kept.Iterations, kept.DataDir, kept.Offline = 0, "", false
	return kept.text()
}

// validate reports every setting outside its range that no solver reports.
func (c *config) validate() error {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if c.Limit < 0 {
		fault("--limit: got %d, want 0 or more", c.Limit)
	}
	if c.Iterations < 0 {
		fault("--iterations: got %d, want 0 or more", c.Iterations)
	}
	if !(c.TestSplit >= 0 && c.TestSplit < 1) {
		fault("--test-split: got %g, want 0 or more and below 1", c.TestSplit)
	}
	if !(c.Validation >= 0 && c.Validation < 1) {
		fault("--validation: got %g, want 0 or more and below 1", c.Validation)
	}
	if c.Patience < 0 || c.Patience > 0 && c.Validation == 0 {
		fault("--patience: got %d with --validation %g, want 0 or more, and validation samples to judge by", c.Patience, c.Validation)
	}
	if c.Threads < 1 {
		fault("--threads: got %d, want at least 1", c.Threads)
	}
	if !(c.L1 >= 0) || !(c.L2 >= 0 || c.L2 == -1) || c.L1 > 0 && c.L2 > 0 {
		fault("--l1 %g, --l2 %g: want 0 or more (--l2 also -1, for what suits), and not both", c.L1, c.L2)
	}
	if _, err := activation.ParseList(c.Activation); err != nil {
		fault("--activation: %v", err)
	}
	if c.Loss != auto {
		if _, err := loss.Parse(c.Loss); err != nil {
			fault("--loss: %v", err)
		}
	}
	if c.Scale != auto {
		if _, err := dataset.ParseScaling(c.Scale); err != nil {
			fault("--scale: %v", err)
		}
	}
	if c.OutputSolver != string(loss.Omega) && c.OutputSolver != string(loss.FISTA) {
		fault("--output-solver: got %q, want omega or fista", c.OutputSolver)
	}
	if c.Init != auto && !known(c.Init) {
		fault("--init: got %q, want auto or one of %v", c.Init, dlam.Initializers)
	}
	if len(faults) > 0 {
		return usagef("%s", strings.Join(faults, "; "))
	}
	return nil
}

func known(init string) bool {
	for _, i := range dlam.Initializers {
		if string(i) == init {
			return true
		}
	}
	return false
}

// widths is a flag of layer widths; nil is auto.
type widths []int

var _ pflag.Value = (*widths)(nil)

func (w *widths) String() string {
	if *w == nil {
		return auto
	}
	s := make([]string, len(*w))
	for i, d := range *w {
		s[i] = strconv.Itoa(d)
	}
	return strings.Join(s, ",")
}

// Set parses a list as 100,100.
func (w *widths) Set(text string) error {
	if text == auto {
		*w = nil
		return nil
	}
	list := widths{}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == 'x' || r == ' ' }) {
		d, err := strconv.Atoi(part)
		if err != nil || d < 1 {
			return fmt.Errorf("width %q, want a number of at least 1", part)
		}
		list = append(list, d)
	}
	*w = list
	return nil
}

// Type is the flag's kind, for the help text.
func (w *widths) Type() string { return "widths" }
