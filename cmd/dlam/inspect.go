package main

import (
	"context"
	"math"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/certify"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
)

func newInspectCommand(a *app) *cobra.Command {
	u := newUseFlags()
	u.c.Data = ""
	c := &cobra.Command{
		Use: "inspect MODEL", Short: "Show what is in a model", Args: cobra.ExactArgs(1),
		Long: `Show a model's layers, parameters, norms, transform and training. With --data
also the hidden units that are constant on it (dead: they do nothing).`,
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := openModel(args[0])
			if err != nil {
				return err
			}
			var dead []int
			if u.c.Data != "" {
				d, err := a.dataFor(cmd.Context(), m, u.c.Data, u, false)
				if err != nil {
					return err
				}
				dead = deadUnits(m.Network, d.X)
			}
			if u.json {
				return a.object(struct {
					*model.Model
					Parameters int   `json:"parameters"`
					Dead       []int `json:"dead_units,omitempty"`
				}{m, m.Network.Parameters(), dead})
			}
			a.inspect(m, dead)
			return nil
		},
	}
	c.Flags().StringVar(&u.c.Data, "data", "", "data to look for dead units on")
	u.add(c)
	c.Flags().BoolVar(&u.json, "json", false, "end with a JSON object on standard output")
	return c
}

func (a *app) inspect(m *model.Model, dead []int) {
	a.say("%s network %v, %d parameters, loss %s", m.Activation, m.Network.Widths(), m.Network.Parameters(), m.Loss)
	t := m.Training
	a.say("trained by %s on %s (%d samples) for %d iterations, seed %d", t.Solver, t.Dataset, t.Samples, t.Iterations, t.Seed)
	a.say("input: %d features, pool %d, scaling %s", m.Transform.Inputs, m.Transform.Pool, m.Transform.Scaling)
	if m.Classes != nil {
		a.say("classes: %q", m.Classes)
	}
	w := table.NewWriter()
	w.SetOutputMirror(a.err)
	w.SetStyle(table.StyleLight)
	w.AppendHeader(table.Row{"layer", "W", "‖W‖", "max |W|", "‖b‖", "dead units"})
	for l, ly := range m.Network.Layers {
		var sum, bias, top float64
		for _, v := range ly.W.Elements() {
			sum += float64(v) * float64(v)
			top = math.Max(top, math.Abs(float64(v)))
		}
		for _, v := range ly.B {
			bias += float64(v) * float64(v)
		}
		units := "-"
		if l < len(dead) {
			units = strconv.Itoa(dead[l])
		}
		number := func(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
		w.AppendRow(table.Row{l + 1, strconv.Itoa(ly.W.Rows) + "×" + strconv.Itoa(ly.W.Cols), number(math.Sqrt(sum)), number(top), number(math.Sqrt(bias)), units})
	}
	w.Render()
}

// deadUnits counts, for each hidden layer, the units that give one value on
// all of x.
func deadUnits(n *dlam.Network, x mat.Dense) []int {
	var dead []int
	for _, ly := range n.Layers[:len(n.Layers)-1] {
		one := &dlam.Network{Layers: []dlam.Layer{ly}}
		a, err := one.Predict(x, 1)
		if err != nil {
			return nil
		}
		count := 0
		for j := range a.Cols {
			constant := true
			for i := 1; i < a.Rows && constant; i++ {
				constant = a.At(i, j) == a.At(0, j)
			}
			if constant {
				count++
			}
		}
		dead, x = append(dead, count), a
	}
	return dead
}

func newDataCommand(a *app) *cobra.Command {
	c := &cobra.Command{Use: "data", Short: "List, fetch and look at data sets", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	cfg := defaultConfig()
	list := &cobra.Command{Use: "list", Short: "List the named data sets and where they lie", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.dataList(&cfg) }}
	get := &cobra.Command{Use: "get NAME…", Short: "Download named data sets", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.dataGet(cmd.Context(), &cfg, args) }}
	info := &cobra.Command{Use: "info DATA", Short: "Show what is in a data set", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg.Data = args[0]
			return a.dataInfo(cmd.Context(), &cfg)
		}}
	c.PersistentFlags().StringVar(&cfg.DataDir, "data-dir", cfg.DataDir, "where named data sets lie (default $DLAM_DATA_DIR)")
	c.PersistentFlags().BoolVar(&cfg.Offline, "offline", false, "never download")
	info.Flags().StringVar(&cfg.Label, "label", "", "label column, by name or number")
	info.Flags().BoolVar(&cfg.NoHeader, "no-header", false, "a CSV's first line is data")
	c.AddCommand(list, get, info)
	return c
}

func (a *app) dataList(c *config) error {
	w := table.NewWriter()
	w.SetOutputMirror(a.out)
	w.SetStyle(table.StyleLight)
	w.AppendHeader(table.Row{"name", "where"})
	for _, name := range dataset.Names {
		where := "in this program"
		if name != "digits" {
			if where = dataset.Located(name, a.options(c)); where == "" {
				where = "not here: dlam data get " + name
			}
		}
		w.AppendRow(table.Row{name, where})
	}
	w.Render()
	return nil
}

func (a *app) dataGet(ctx context.Context, c *config, names []string) error {
	for _, name := range names {
		if _, err := dataset.Open(ctx, name, a.options(c)); err != nil {
			return err
		}
		a.say("%s: %s", name, dataset.Located(name, a.options(c)))
	}
	return nil
}

func (a *app) dataInfo(ctx context.Context, c *config) error {
	s, err := dataset.Open(ctx, c.Data, a.options(c))
	if err != nil {
		return err
	}
	w := table.NewWriter()
	w.SetOutputMirror(a.out)
	w.SetStyle(table.StyleLight)
	w.AppendHeader(table.Row{"part", "samples", "features", "min", "mean", "max", "constant features", "classes"})
	for _, part := range []struct {
		name string
		d    dataset.Dataset
	}{{"train", s.Train}, {"test", s.Test}} {
		if part.d.Rows() == 0 {
			continue
		}
		m := part.d.Summarize()
		w.AppendRow(table.Row{part.name, m.Rows, m.Features, m.Min, m.Mean, m.Max, m.Constant, classCounts(part.d, m)})
	}
	w.Render()
	return nil
}

func classCounts(d dataset.Dataset, s dataset.Summary) string {
	if d.Class == nil {
		return "none (values)"
	}
	text := ""
	for i, n := range s.Counts {
		if i == 12 {
			return text + "…"
		}
		text += d.Classes[i] + ":" + strconv.Itoa(n) + " "
	}
	return text
}

func newCertifyCommand(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "certify RUN", Short: "Prove that a run kept the theory's promises", Args: cobra.ExactArgs(1),
		Long: `Repeat a run from its settings and check every iteration in float64, from raw
iterates: Lemma 1 block by block, feasibility, F not rising, Lemma 3 and Theorem
2. Exit code 1 if anything is violated. RUN is a run folder or a model file.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.certify(cmd, args[0], asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "end with a JSON object on standard output")
	return c
}

func (a *app) certify(cmd *cobra.Command, path string, asJSON bool) error {
	m, err := openModel(path)
	if err != nil {
		return err
	}
	c := defaultConfig()
	if err := c.decode(m.Training.Config, path); err != nil {
		return err
	}
	t, err := a.prepare(cmd.Context(), &c, &trainFlags{evaluate: 1})
	if err != nil {
		return err
	}
	cert := &certify.Certificate{Problem: t.problem}
	r, err := dlam.Run(cmd.Context(), t.solver, t.problem, t.network, dlam.Options{
		Iterations: m.Training.Iterations, Recorders: []dlam.Recorder{cert}, Observers: []dlam.Observer{cert},
	})
	if err != nil {
		return err
	}
	if r.Status == dlam.Interrupted {
		return errInterrupted
	}
	same := sameNetwork(r.Network, m.Network)
	a.showCertificate(cert, same)
	verdict := cert.Verdict()
	if asJSON {
		if err := a.object(map[string]any{
			"sweeps": cert.Sweeps, "checks": cert.Checks, "violations": len(cert.Violations), "c": cert.C, "kc": cert.KC, "model_repeated": same,
		}); err != nil {
			return err
		}
	}
	return verdict
}

// sameNetwork reports whether two networks have the same bits.
func sameNetwork(a, b *dlam.Network) bool {
	for l, ly := range a.Layers {
		w := b.Layers[l].W.Elements()
		for i, v := range ly.W.Elements() {
			if v != w[i] {
				return false
			}
		}
		for i, v := range ly.B {
			if v != b.Layers[l].B[i] {
				return false
			}
		}
	}
	return true
}

func (a *app) showCertificate(c *certify.Certificate, same bool) {
	w := table.NewWriter()
	w.SetOutputMirror(a.err)
	w.SetStyle(table.StyleLight)
	w.AppendHeader(table.Row{"promise", "tightest at iteration", "layer", "left side", "≥ right side", "slack for rounding"})
	for _, name := range []string{"eq. 10 (W)", "eq. 11 (b)", "eq. 12 (z)", "eq. 13 (a)", "feasibility of a", "F does not rise"} {
		if q, ok := c.Tightest[name]; ok {
			w.AppendRow(table.Row{name, q.Iteration, q.Layer, q.Left, q.Right, q.Slack})
		}
	}
	w.Render()
	for _, b := range c.Bounds {
		a.say("Lemma 3, layer %d, last sweep: ‖∂F/∂W‖ %.4g, ‖∂F/∂b‖ %.4g; ‖ΔW‖+‖Δb‖+‖Δz‖ %.4g", b.Layer, b.GradientW, b.GradientB, b.Moves)
	}
	if c.Sweeps > 0 {
		a.say("Theorem 2: c_k %.4g, k·c_k %.4g after %d sweeps", c.C, c.KC, c.Sweeps)
	}
	if !same {
		a.say("note: the repeated run's model differs from the one given: other data, another machine or number of threads")
	}
	if len(c.Violations) == 0 {
		a.say("%d inequalities checked, all hold", c.Checks)
	}
}
