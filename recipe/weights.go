package recipe

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/loss"
)

// balanced is the text of dataset.ClassWeights.Balanced.
const balanced = "balanced"

// textOfClassWeights is the text that --class-weight takes.
func textOfClassWeights(c dataset.ClassWeights) string {
	if c.Balanced {
		return balanced
	}
	parts := make([]string, 0, len(c.Of))
	for name, w := range c.Of {
		parts = append(parts, name+"="+strconv.FormatFloat(w, 'g', -1, 64))
	}
	slices.Sort(parts)
	return joined(parts)
}

// classWeights is dataset.ClassWeights as text: balanced, or NAME=WEIGHT with commas between.
var classWeights = kind[dataset.ClassWeights]{name: "NAME=WEIGHT", parse: parseClassWeights, within: func(v *check.Violations, name string, c dataset.ClassWeights) {
	v.That(!c.Balanced || len(c.Of) == 0, name, c.Of, "no factors of classes, since they are to be balanced")
	for _, class := range slices.Sorted(maps.Keys(c.Of)) {
		w := c.Of[class]
		v.That(isWeight(float32(w)), name, class+"="+fmt.Sprint(w), "a factor above 0 that float32 holds; leave out samples that are not to count")
	}
}}

func parseClassWeights(text string) (c dataset.ClassWeights, err error) {
	if text == balanced {
		return dataset.ClassWeights{Balanced: true}, nil
	}
	parts, err := columnNames.parse(text)
	for _, part := range parts {
		i := strings.LastIndex(part, "=")
		if i <= 0 {
			return c, fmt.Errorf("got %q, want %s, or NAME=WEIGHT with commas between", part, balanced)
		}
		w, err := strconv.ParseFloat(part[i+1:], 64)
		if err != nil {
			return c, fmt.Errorf("got %q, want the weight to be a number", part)
		}
		if _, ok := c.Of[part[:i]]; ok {
			return c, fmt.Errorf("got the class %q twice", part[:i])
		}
		if c.Of == nil {
			c.Of = map[string]float64{}
		}
		c.Of[part[:i]] = w
	}
	return c, err
}

// isWeight reports whether a sample can have the weight w.
func isWeight(w float32) bool { return w > 0 && !math.IsInf(float64(w), 0) }

// classFactors is the factor of each class of d.
func (o *Options) classFactors(d dataset.Dataset) ([]float64, error) {
	factors, err := o.ClassWeight.Factors(d)
	if err != nil {
		return nil, refuse(fmt.Errorf("class-weight: %w", err))
	}
	for i, w := range d.WeighClasses(factors).Weight {
		if !isWeight(w) {
			return nil, refusef("class-weight: sample %d has the weight %v times its class's factor %v, want a product above 0 that float32 holds", i+1, d.Weight[i], factors[d.Class[i]])
		}
	}
	return factors, nil
}

// weigh makes the factors of classes, and the mean weight of the training samples.
func (p *Plan) weigh() (err error) {
	train := p.Samples.Train
	if p.ClassWeights, err = p.Options.classFactors(train); err != nil {
		return err
	}
	sums := []float64{float64(train.Rows()), p.target(train).TotalWeight()}
	err = p.Options.sharing().Sum(sums)
	p.meanWeight = sums[1] / sums[0]
	return err
}

// target is what a network is to give for the samples, with their weights.
func (p *Plan) target(d dataset.Dataset) loss.Target {
	return d.WeighClasses(p.ClassWeights).Target()
}
