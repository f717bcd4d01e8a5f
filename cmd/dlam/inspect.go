package main

import (
	"math"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam"
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
