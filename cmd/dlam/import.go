package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/recipe"
)

// importFlags are what a state does not say, as texts.
type importFlags struct {
	limits
	model.Import
	layers, shape, activation, task, output string
	force                                   force
}

func newImportCommand(a *app) *cobra.Command {
	f := importFlags{
		limits: limits{work: "importing", advice: "a module of narrower layers takes less"}, activation: recipe.StandardActivation().Spec().String(),
		task: string(dataset.Classification),
	}
	c := &cobra.Command{
		Use: "import STATE", Short: "Make a model of PyTorch's parameters", Args: cobra.ExactArgs(1),
		Long: `Make a model of the parameters that PyTorch has trained: STATE is a safetensors file of
the state_dict of a Sequential of Linear, Conv2d, MaxPool2d, AvgPool2d, Flatten and
activations, or of RNNs, GRUs and Linear. It holds tensors alone (0.weight, 0.bias, 3.weight, …),
so --layers says what the hidden layers are, in the language of train; the output layer
follows. Shapes are held against each other, and the order of weights is changed from channels
first to channels last. docs/layers.md says how.`,
		Example: `  dlam import cnn.pt.safetensors --shape 28x28x1 --layers 'conv 16 5x5, max 2, conv 32 5x5, max 2, dense 128' --factor 0.00392157 -o cnn.safetensors
  dlam import rnn.pt.safetensors --shape 28x28 --layers 'rnn 100 tanh' -o rnn.safetensors
  dlam import gru.pt.safetensors --shape 28x28 --layers 'gru 100' -o gru.safetensors
  dlam import price.pt.safetensors --layers 'dense 50 tanh' --task regression --features rooms,area,age -o price.safetensors`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.importState(cmd, args[0], &f) },
	}
	fl := c.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.layers, "layers", "", "hidden layers and pooling, as 'conv 16 5x5, max 2, dense 128' (without: one layer)")
	fl.StringVar(&f.shape, "shape", "", "shape of a sample: rows x columns x channels, or steps x columns of a sequence; dense layers alone need none")
	fl.StringVar(&f.activation, "activation", f.activation, "of hidden layers that name none; rnn has tanh where nothing is said")
	fl.StringVar(&f.task, "task", f.task, "what the outputs are: "+string(dataset.Classification)+"|"+string(dataset.Regression))
	fl.StringSliceVar(&f.Classes, "classes", nil, "names of the classes, in the order of the outputs (default 0,1,…)")
	fl.StringSliceVar(&f.Features, "features", nil, "names of the columns that the inputs are, of models of tables")
	fl.Float32SliceVar(&f.Shift, "shift", nil, "inputs are (x - shift)*factor: one number, one a channel, or one a number of a sample (default 0)")
	fl.Float32SliceVar(&f.Factor, "factor", nil, "see --shift (default 1): 0.00392157 where the module was trained on pixels from 0 to 1")
	fl.StringVarP(&f.output, "output", "o", model.FileName, "model file to write")
	f.force.addFlag(fl)
	f.addFlag(fl)
	tasks := cobra.FixedCompletions([]string{string(dataset.Classification), string(dataset.Regression)}, cobra.ShellCompDirectiveNoFileComp)
	if err := c.RegisterFlagCompletionFunc("task", tasks); err != nil {
		panic(err) // it has a completion already
	}
	return c
}

// importState reads a state, and writes the model that it is.
func (a *app) importState(cmd *cobra.Command, path string, f *importFlags) (err error) {
	ctx := cmd.Context()
	if f.layers != "" {
		if f.Layers, err = nn.ParseLayers(f.layers); err != nil {
			return usagef("--layers: %w", err)
		}
	}
	if !cmd.Flags().Changed("activation") {
		f.Layers = recipe.StandardLayers(f.Layers)
	}
	if f.shape != "" {
		if f.Shape, err = nn.ParseShape(f.shape); err != nil {
			return usagef("--shape: %w", err)
		}
	}
	if f.Activation, err = activation.Parse(f.activation); err != nil {
		return usagef("--activation: %w", err)
	}
	switch dataset.Task(f.task) {
	case dataset.Classification:
	case dataset.Regression:
		f.Regression = true
	default:
		return usagef("--task: got %q, want %s or %s", f.task, dataset.Classification, dataset.Regression)
	}
	if info, err := os.Stat(path); err == nil {
		const copies = 3 // the file, and its numbers before and after they change places
		if err := a.room(f.limits, 0, copies*float64(info.Size())); err != nil {
			return err
		}
	}
	m, err := f.Read(path)
	if of := (model.Fault{}); errors.As(err, &of) {
		return usagef("--%s: %w", of.Part, of.Err)
	}
	if err != nil {
		return errUsage{err}
	}
	if err := a.write(ctx, f.output, markModel, f.force, m.Write); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	a.showLayers(m.Network)
	a.say("wrote %s", f.output)
	return nil
}
