package main

import (
	"fmt"
	"strings"

	"github.com/dlam-go/dlam/recipe"
)

// sayWeights tells people that scores are weighted, and by what: a column, and a factor
// for each class; nothing without either.
func (a *app) sayWeights(column string, classes []string, factors []float64) {
	var by []string
	if column != "" {
		by = append(by, fmt.Sprintf("column %q", column))
	}
	if factors != nil {
		const few = 20
		list := make([]string, 0, few)
		for i, f := range factors[:min(few, len(factors))] {
			list = append(list, fmt.Sprintf("%s %.4g", classes[i], f))
		}
		if len(factors) > few {
			list = append(list, "…")
		}
		by = append(by, "class ("+strings.Join(list, ", ")+")")
	}
	if by != nil && a.job.Rank() == 0 {
		a.say("samples are weighted by %s: accuracy, loss and the like are weighted means", strings.Join(by, " and "))
	}
}

// sayWeighted tells people which of the weights that c trains with count in figures.
func (a *app) sayWeighted(c *recipe.Config) {
	a.sayWeights(c.Source.Weight, nil, nil)
	if !c.Options.ClassWeight.IsZero() {
		a.say("training weighs classes; the figures are not weighted by class")
	}
}
