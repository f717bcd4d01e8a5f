package main

import (
	"math/rand/v2"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/spec"
)

// activationHelp and lossHelp are what --activation and --loss say in the help.
var (
	activationHelp = strings.Join(spec.Usage(activation.All), "|") + "; for all hidden layers, or one for each, as relu,tanh"
	lossHelp       = strings.Join(spec.Usage(loss.All), "|") + "; auto: cross-entropy for classes, squared for values"
)

// completeOperators has a shell offer the operators of --activation and --loss.
func completeOperators(c *cobra.Command) {
	for flag, kinds := range map[string][]string{"activation": spec.Kinds(activation.All), "loss": append([]string{auto}, spec.Kinds(loss.All)...)} {
		if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(kinds, cobra.ShellCompDirectiveNoFileComp)); err != nil {
			panic(err) // there is no such flag
		}
	}
}

// completeSettings writes the operators that are set with all their parameters,
// as config.toml keeps them.
func (c *config) completeSettings() error {
	hidden, err := activation.ParseList(c.Activation)
	if err != nil {
		return usagef("--activation: %w", err)
	}
	texts := make([]string, len(hidden))
	for l, h := range hidden {
		texts[l] = h.Spec().String()
	}
	c.Activation = strings.Join(texts, ",")
	if c.Loss == auto {
		return nil
	}
	l, err := loss.Parse(c.Loss)
	if err != nil {
		return usagef("--loss: %w", err)
	}
	c.Loss = l.Spec().String()
	return nil
}

// draw is a network of these widths, with the activations that are set.
func (c *config) draw(widths []int, init dlam.Initializer) (*dlam.Network, error) {
	hidden, err := activation.ParseList(c.Activation)
	if err != nil {
		return nil, usagef("--activation: %w", err)
	}
	if len(hidden) > 1 && len(hidden) != len(widths)-2 {
		return nil, usagef("--activation: got %d activations for %d hidden layers, want one for all or one for each", len(hidden), len(widths)-2)
	}
	n, err := dlam.NewNetwork(widths, hidden[0], init, rand.New(rand.NewPCG(c.Seed, 0)))
	if err != nil {
		return nil, errUsage{err}
	}
	for l := 1; l < len(hidden); l++ {
		n.Layers[l].H = hidden[l]
	}
	return n, nil
}

// labels is what the labels of data are.
func labels(classes bool) loss.Labels {
	if classes {
		return loss.Classes
	}
	return loss.Values
}

// takes reports a loss that is set and not for the labels of data.
func (c *config) takes(classes bool, data string) error {
	if c.Loss == auto {
		return nil
	}
	l, err := loss.Parse(c.Loss)
	if err != nil {
		return usagef("--loss: %w", err)
	}
	got := labels(classes)
	if loss.IsFor(l, got) {
		return nil
	}
	var fit []string
	for _, l := range loss.All {
		if loss.IsFor(l, got) {
			fit = append(fit, l.Spec().Kind)
		}
	}
	return usagef("--loss %s needs %s, and the labels of %s are %s: use --loss %s", c.Loss, labels(!classes), data, got, strings.Join(fit, " or "))
}

// asksForValues reports whether the loss that is set makes whole numbers values
// and not classes.
func (c *config) asksForValues() bool {
	l, err := loss.Parse(c.Loss)
	return err == nil && loss.IsFor(l, loss.Values)
}
