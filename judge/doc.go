// Package judge says how good predictions are: the figures of classes and of values
// that other programs give as well, each defined as scikit-learn defines it, so that
// the numbers compare (docs/judging.md). Of a model it also says what its columns
// matter, by permutation, and how its predictions depend on one of them.
//
// Every figure takes a weight for each sample, nil for a weight of 1 each; figures are
// computed in float64. A figure that the samples leave undefined, as the area under a
// curve where there is one class, is nil, never a number that looks like one.
package judge
