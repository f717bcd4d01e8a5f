package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/export"
	"github.com/dlam-go/dlam/judge"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
)

func newInspectCommand(a *app) *cobra.Command {
	u := newUseFlags("looking at the data", "look at fewer samples (--data)")
	u.judged = true
	pictures, w := "", &whatMatters{repeats: 5, grid: 10}
	c := &cobra.Command{
		Use: "inspect MODEL", Short: "Show what is in a model", Args: cobra.ExactArgs(1),
		Long: `Show a model's layers, parameters, norms, transform and training. With --data
also the hidden units that are constant on it (dead: they do nothing) and, where
it has class labels, the confusion matrix. With --pictures the first layer's
weights, or a convolution's kernels, as a picture: a tile a unit, row by row, each scaled to its own greatest
weight; red is positive, blue negative. With --importance how much worse the model
becomes on a labelled file when the values of a column change places, for each column of
a table; with --partial its mean prediction over all rows, by the values of a column.
docs/judging.md says what these do not say.`,
		Example: `  dlam inspect runs/mnist-sync --data mnist --pictures weights.png
  dlam inspect runs/titanic-sync --importance new.csv --partial age,sex`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := w.check(cmd.Flags(), u.source.Data); err != nil {
				return err
			}
			m, err := a.openModel(args[0], u.limits)
			if err != nil {
				return err
			}
			i, err := a.inspect(cmd.Context(), m, u)
			if err != nil {
				return err
			}
			if i.Importance, i.Partial, err = a.matters(cmd.Context(), m, u, w); err != nil {
				return err
			}
			if pictures != "" {
				if err := a.writePictures(cmd.Context(), m, pictures, u.force); err != nil {
					return fmt.Errorf("--pictures: %w", err)
				}
			}
			if u.json {
				return a.object(i)
			}
			a.showInspection(i)
			if pictures != "" {
				a.say("wrote %s: %d of %d units", pictures, min(i.Notes[0].Units, export.MaxUnits), i.Notes[0].Units)
			}
			return nil
		},
	}
	c.Flags().StringVar(&u.source.Data, "data", "", "data to look for dead units on, and for the confusion matrix")
	c.Flags().StringVar(&pictures, "pictures", "", "PNG file to write the first layer's weights to, for models of pictures")
	w.addFlags(c.Flags())
	u.add(c)
	u.force.addFlag(c.Flags())
	c.Flags().BoolVar(&u.json, "json", false, "end with a JSON object on standard output")
	return c
}

// inspection is what there is to say of a model.
type inspection struct {
	model.Description
	Parameters int                `json:"parameters"`
	Notes      []layerNote        `json:"per_layer"`
	Dead       []int              `json:"dead_units,omitempty"` // of each hidden layer
	Confusion  [][]int            `json:"confusion,omitempty"`  // a row a true class, a column a predicted one
	Importance *judge.Importances `json:"importance,omitempty"`
	Partial    []*judge.Partial   `json:"partial,omitempty"`
	judged     *judge.Classes
	noLabels   error // why the data has none
}

// layerNote is a layer in numbers.
type layerNote struct {
	Layer  string  `json:"layer"`             // as --layers asks for it
	Output string  `json:"output"`            // shape of what it gives for a sample
	MFLOP  float64 `json:"mflop"`             // million multiplications and additions with weights, a sample
	Left   string  `json:"dropped,omitempty"` // what its windows leave out
	Units  int     `json:"units"`
	Rows   int     `json:"-"` // of W: several a unit with gates
	Inputs int     `json:"inputs"`
	Weight float64 `json:"weight_norm"`
	Top    float64 `json:"weight_max"` // greatest |w|
	Bias   float64 `json:"bias_norm"`
	// Binary is the bytes of W as a bit a weight and a magnitude a row, if each row has one.
	Binary int `json:"binary_bytes,omitempty"`
}

func note(net *dlam.Network, l int) layerNote {
	ly, n := net.Layers[l], layerShape(net, l)
	for _, v := range ly.W.Elements() {
		n.Weight += float64(v) * float64(v)
		n.Top = math.Max(n.Top, math.Abs(float64(v)))
	}
	for _, v := range ly.B {
		n.Bias += float64(v) * float64(v)
	}
	if _, ok := ly.Binary(); ok {
		n.Binary = ly.W.Rows * (4 + (ly.W.Cols+7)/8)
	}
	n.Weight, n.Bias = math.Sqrt(n.Weight), math.Sqrt(n.Bias)
	return n
}

// layerShape is what there is to say of a layer without its parameters.
func layerShape(n *dlam.Network, l int) layerNote {
	ly := n.Layers[l]
	return layerNote{
		Layer: n.Text(l), Output: n.Seen(l).String(), MFLOP: 2e-6 * float64(ly.MultiplyAdds()), Left: ly.Dropped(),
		Units: ly.Out().Channels, Rows: ly.W.Rows, Inputs: ly.W.Cols,
	}
}

// showLayers is the table of a network that is to be trained.
func (a *app) showLayers(n *dlam.Network) {
	if a.job.Rank() > 0 {
		return
	}
	w := newTable(a.err)
	w.AppendHeader(table.Row{"layer", "kind", "activation", "output", "parameters", "MFLOP"})
	w.AppendRow(table.Row{"", "input", "", n.Layers[0].In(), "", ""})
	var mflop float64
	for l, ly := range n.Layers {
		s := layerShape(n, l)
		mflop += s.MFLOP
		w.AppendRow(table.Row{l + 1, s.Layer, ly.H.Spec(), s.Output, ly.Weights() + ly.W.Rows, fourDigits(s.MFLOP)})
	}
	w.AppendFooter(table.Row{"", "", "", "", n.Parameters(), fourDigits(mflop)})
	w.Render()
	for l, ly := range n.Layers {
		if left := ly.Dropped(); left != "" {
			a.say("layer %d: %s", l+1, left)
		}
	}
}

// fourDigits is a number for people.
func fourDigits(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// inspect looks at a model, and at what it does to the data that u names.
func (a *app) inspect(ctx context.Context, m *model.Model, u *useFlags) (*inspection, error) {
	i := &inspection{Parameters: m.Network.Parameters()}
	var err error
	if i.Description, err = m.Describe(); err != nil {
		return nil, err
	}
	for l := range m.Network.Layers {
		i.Notes = append(i.Notes, note(m.Network, l))
	}
	if u.source.Data == "" {
		return i, nil
	}
	d, err := a.dataFor(ctx, m, u.source.Data, u, m.Classes != nil)
	if errors.Is(err, dataset.ErrInput) && m.Classes != nil { // labels that are missing or wrong
		i.noLabels = err
		d, err = a.dataFor(ctx, m, u.source.Data, u, false)
	}
	if err != nil {
		return nil, err
	}
	if d.Class != nil && i.noLabels == nil {
		r, err := judge.Model(m, d, u.threads)
		if err != nil {
			return nil, err
		}
		i.judged, i.Confusion = r.Classes, r.Classes.Confusion
	}
	i.Dead, err = deadUnits(m.Network, d.X, u.threads)
	return i, err
}

// writePictures writes the first layer's weights as a PNG file.
func (a *app) writePictures(ctx context.Context, m *model.Model, path string, f force) error {
	var b bytes.Buffer
	if err := export.WeightsPNG(&b, m); err != nil {
		return errUsage{err}
	}
	return a.write(ctx, path, markNone, f, func(w io.Writer) error {
		_, err := b.WriteTo(w)
		return err
	})
}

// showInspection is for people.
func (a *app) showInspection(i *inspection) {
	a.say("%s, %d parameters, loss %v", i.Architecture(), i.Parameters, i.Loss)
	t := i.Training
	kept := ""
	if t.Kept > 0 {
		kept = fmt.Sprintf("; it is the network of iteration %d, the best on the validation samples", t.Kept)
	}
	a.say("trained by %s on %s (%d samples) for %d iterations, seed %d%s", t.Solver, t.Dataset, t.Samples, t.Iterations, t.Seed, kept)
	a.say("input: %d features, pool %d, scaling %s", i.Transform.Inputs, i.Transform.Pool, i.Transform.Scaling)
	if c := i.Transform.Columns; c != nil {
		a.say("columns, which become %d features:", i.Transform.Outputs())
		a.showTransform(c)
	}
	if i.Classes != nil {
		a.say("classes: %q", i.Classes)
	}
	w := newTable(a.err)
	head := table.Row{"layer", "map", "W", "activation", "‖W‖", "max |W|", "‖b‖", "dead units"}
	shared := slices.ContainsFunc(i.Layers, func(ly model.Layer) bool { return ly.Map.Kind != nn.Dense{}.Spec().Kind })
	if shared {
		head = append(head, "output", "MFLOP")
	}
	w.AppendHeader(head)
	for l, n := range i.Notes {
		dead := "-"
		if l < len(i.Dead) {
			dead = strconv.Itoa(i.Dead[l])
		}
		kind := i.Layers[l].Map.Kind
		if kind != (nn.Dense{}).Spec().Kind {
			kind = n.Layer
		}
		row := table.Row{l + 1, kind, strconv.Itoa(n.Rows) + "×" + strconv.Itoa(n.Inputs), i.Layers[l].Activation, fourDigits(n.Weight), fourDigits(n.Top), fourDigits(n.Bias), dead}
		if shared {
			row = append(row, n.Output, fourDigits(n.MFLOP))
		}
		w.AppendRow(row)
	}
	w.Render()
	a.showBinary(i.Notes)
	for l, n := range i.Notes {
		if n.Left != "" {
			a.say("layer %d: %s", l+1, n.Left)
		}
	}
	switch {
	case i.noLabels != nil:
		a.say("no confusion matrix: %v", i.noLabels)
	case len(i.Confusion) > mostClasses:
		a.say("%d classes: the confusion matrix is in --json", len(i.Confusion))
	case i.Confusion != nil:
		a.confusion(i.judged)
	}
	a.showMatters(i)
}

// showBinary tells which layers' weights are signs and magnitudes, and how small that is.
func (a *app) showBinary(notes []layerNote) {
	var layers []string
	bytes, real := 0, 0
	for l, n := range notes {
		if n.Binary > 0 {
			layers = append(layers, strconv.Itoa(l+1))
			bytes, real = bytes+n.Binary, real+4*n.Rows*n.Inputs
		}
	}
	switch {
	case layers == nil:
		return
	case len(layers) == len(notes):
		a.say("binary weights, %d bytes as bits and a magnitude a row (%d as float32)", bytes, real)
	default:
		a.say("binary weights in layer %s alone, %d bytes as bits and a magnitude a row (%d as float32)", strings.Join(layers, ", "), bytes, real)
	}
}

// deadUnits counts, for each hidden layer, the units that give one value on
// all of x.
func deadUnits(n *dlam.Network, x mat.Dense, threads int) ([]int, error) {
	of := make([][]float32, len(n.Layers)) // the sample that is seen first
	alive := make([][]bool, len(n.Layers))
	for l := range alive {
		alive[l] = make([]bool, n.Layers[l].Units())
	}
	var mu sync.Mutex
	err := n.Activations(x, threads, func(l int, a mat.Dense) {
		mu.Lock()
		defer mu.Unlock()
		if of[l] == nil {
			of[l] = slices.Clone(a.Row(0))
		}
		for i := range a.Rows {
			for j, v := range a.Row(i) {
				alive[l][j] = alive[l][j] || v != of[l][j]
			}
		}
	})
	dead := make([]int, len(n.Layers)-1)
	for l := range dead {
		for _, lives := range alive[l] {
			if !lives {
				dead[l]++
			}
		}
	}
	return dead, err
}
