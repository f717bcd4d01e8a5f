// Package picture holds what the samples of a data set have in common when they
// are pictures: the shape of a sample, and random moves of it for training.
package picture
