package main

import (
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/certify"
	"github.com/dlam-go/dlam/recipe"
)

func newCertifyCommand(a *app) *cobra.Command {
	var asJSON bool
	lim := limits{work: "repeating the run", advice: "a run of narrower layers or fewer samples takes less"}
	c := &cobra.Command{
		Use: "certify RUN", Short: "Prove that a run kept the theory's promises", Args: cobra.ExactArgs(1),
		Long: `Repeat a run from its settings and check every iteration in float64, from raw
iterates: Lemma 1 block by block, feasibility, F not rising, Lemma 3 and Theorem
2. Exit code 1 if anything is violated. RUN is a run folder or a model file.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return lim.told(cmd, a.certify(cmd, args[0], lim, asJSON))
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "end with a JSON object on standard output")
	lim.addFlag(c.Flags())
	return c
}

func (a *app) certify(cmd *cobra.Command, path string, lim limits, asJSON bool) error {
	m, err := a.openModel(path, lim)
	if err != nil {
		return err
	}
	var c recipe.Config
	if _, err := c.Load(m.Training.Config, nil); err != nil {
		return usagef("%s: %w", path, err)
	}
	if c.Source.Data == "" {
		return usagef("%s: trained on samples in a program's memory: the run cannot be repeated", path)
	}
	c.Options.MaxMemory, c.Options.Certify = float64(lim.most), true
	if err := c.Validate(); err != nil {
		return err
	}
	data, err := a.open(cmd.Context(), &c, lim)
	if err != nil {
		return err
	}
	p, err := within(cmd.Context(), func() (*recipe.Plan, error) { return recipe.Prepare(data, c.Options) })
	if err != nil {
		return err
	}
	cert := &certify.Certificate{Problem: p.Problem}
	r, err := dlam.Run(cmd.Context(), p.Solver, p.Problem, p.Network, dlam.Options{
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
	for _, name := range []string{"eq. 10 (W)", "eq. 11 (b)", "eq. 12 (z)", "eq. 13 (a)", "feasibility of a", "Lemma 3 (W)", "Lemma 3 (b)", "F does not rise"} {
		if q, ok := c.Tightest[name]; ok {
			w.AppendRow(table.Row{name, q.Iteration, q.Layer, q.Left, q.Right, q.Slack})
		}
	}
	w.Render()
	for _, b := range c.Bounds {
		a.say("Lemma 3, layer %d, last sweep: ‖∂F/∂W‖ %.4g ≤ %.4g, ‖∂F/∂b‖ %.4g ≤ %.4g; ‖ΔW‖+‖Δb‖+‖Δz‖ %.4g",
			b.Layer, b.GradientW, b.LimitW, b.GradientB, b.LimitB, b.Moves)
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
