// Package export writes trained models for other programs: as ONNX, as arrays
// for numpy, as Go source, and the first layer's weights as a picture.
//
// The first three take raw samples, as they were before the model's transform,
// and give what dlam predict gives: probabilities of the classes where the loss
// has them, scores where it has none, and a regression's values in the units of
// the data. The same model gives the same bytes.
package export
