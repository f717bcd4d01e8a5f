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

// sayWeighted tells people what weighs the figures of models that c trains, and what
// their training alone.
func (a *app) sayWeighted(c *recipe.Config) {
	a.sayWeights(c.Source.Weight, nil, nil)
	if w, _ := c.Entry("class-weight"); w.Get() != nil {
		a.say("training weighs samples by class (--class-weight %s), by how many of it each training has; figures are not weighted by class", w.Text())
	}
}
