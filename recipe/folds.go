package recipe

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/check"
)

// defaultFolds is the number of folds if nothing is said.
const defaultFolds = 5

// Folds say how samples are divided, again and again, into some to train on and others
// to test on. The zero value is five folds by chance: of classes, each has the same share
// as nearly as can be.
type Folds struct {
	Number int // of folds, at least 2; 0: five
	// Repeat is how many times the samples are divided, each by another seed; 0 or 1:
	// once.
	Repeat int
	// Groups has a text for each sample: those with the same one are in one fold
	// together, as several samples of a person must be, of which some would else tell
	// of the others. nil: each sample is by itself.
	Groups []string
	// InOrder trains on the past and tests on what follows it: the samples, in their
	// order or that of Times, are Number + 1 parts of one length (the first takes what
	// is left over); fold k trains on the first k parts and tests on the next.
	InOrder bool
	Times   []float64 // for each sample; equal ones keep their order. nil: the order of the samples
}

// division is the numbers of the samples that a fold trains on and tests on.
type division struct{ train, test []int }

func (f *Folds) number() int {
	if f.Number == 0 {
		return defaultFolds
	}
	return f.Number
}

func (f *Folds) repeat() int { return max(1, f.Repeat) }

// Check reports every fault of the folds for the training samples of data, which
// CrossValidate refuses.
func (f Folds) Check(data Data) error { return f.validate(data.split.Train.Rows()) }

// validate is Check for n samples.
func (f *Folds) validate(n int) error {
	v := check.Of("")
	v.That(f.Number == 0 || f.Number >= 2, "folds", f.Number, "at least 2")
	v.That(f.Repeat >= 0, "repeat", f.Repeat, "at least 1")
	v.That(!f.InOrder || f.Repeat <= 1, "repeat", f.Repeat, "1 in order: there is one order")
	v.That(!f.InOrder || f.Groups == nil, "group", "a column", "none in order: the past is the group")
	v.That(f.InOrder || f.Times == nil, "time", "a column", "none, but in order")
	v.That(f.Groups == nil || len(f.Groups) == n, "group", len(f.Groups), fmt.Sprintf("one for each of %d samples", n))
	v.That(f.Times == nil || len(f.Times) == n, "time", len(f.Times), fmt.Sprintf("one for each of %d samples", n))
	if v.Err() == nil {
		least := f.number()
		if f.InOrder {
			least++
		}
		v.That(n >= least, "folds", f.number(), fmt.Sprintf("at most %d for %d samples", n-least+f.number(), n))
		if f.Groups != nil {
			names := slices.Clone(f.Groups)
			slices.Sort(names)
			many := len(slices.Compact(names))
			v.That(f.number() <= many, "folds", f.number(), fmt.Sprintf("at most %d, which is how many groups there are", many))
		}
	}
	return refuse(v.Err())
}

// divide is all folds of one division of d, by a seed.
func (f *Folds) divide(d dataset.Dataset, seed uint64) []division {
	if f.InOrder {
		return f.inOrder(d.Rows())
	}
	rng := rand.New(rand.NewPCG(seed, 0xf01d5))
	var of []int // the fold of each sample
	if f.Groups == nil {
		of = byClass(d, f.number(), rng)
	} else {
		of = byGroup(f.Groups, f.number(), rng)
	}
	all := make([]division, f.number())
	for i, fold := range of {
		for k := range all {
			if k == fold {
				all[k].test = append(all[k].test, i)
			} else {
				all[k].train = append(all[k].train, i)
			}
		}
	}
	return all
}

// byClass deals the samples of each class, shuffled, to one fold after the other, and
// goes on there with the next class, so that the folds are of one size.
func byClass(d dataset.Dataset, folds int, rng *rand.Rand) []int {
	classes := make([][]int, max(1, len(d.Classes)))
	for i := range d.Rows() {
		c := int32(0)
		if d.Class != nil {
			c = d.Class[i]
		}
		classes[c] = append(classes[c], i)
	}
	of, next := make([]int, d.Rows()), 0
	for _, samples := range classes {
		rng.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
		for _, i := range samples {
			of[i], next = next%folds, next+1
		}
	}
	return of
}

// byGroup gives each group, shuffled, to the fold that has the fewest samples.
func byGroup(groups []string, folds int, rng *rand.Rand) []int {
	size := map[string]int{}
	var names []string
	for _, g := range groups {
		if size[g] == 0 {
			names = append(names, g)
		}
		size[g]++
	}
	rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	fold, rows := map[string]int{}, make([]int, folds)
	for _, g := range names {
		least := slices.Index(rows, slices.Min(rows))
		fold[g] = least
		rows[least] += size[g]
	}
	of := make([]int, len(groups))
	for i, g := range groups {
		of[i] = fold[g]
	}
	return of
}

// inOrder is the folds of n samples in the order of time.
func (f *Folds) inOrder(n int) []division {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if f.Times != nil {
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(f.Times[i], f.Times[j]) })
	}
	all := make([]division, f.number())
	part := n / (f.number() + 1)
	for k := range all {
		end := n - (f.number()-k)*part
		all[k] = division{slices.Clone(order[:end]), slices.Clone(order[end : end+part])}
		slices.Sort(all[k].train) // as the rows of a file are
		slices.Sort(all[k].test)
	}
	return all
}
