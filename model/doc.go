// Package model stores networks: as safetensors files that any tool reads
// (tensors 0.weight, 0.bias, 1.weight, …; and a JSON
// description under the metadata key "dlam"), and as checkpoints, from which a
// run goes on bit for bit. The description has the Spec of every layer's map and
// activation, and of the loss, so that a network comes back as it was;
// docs/formats.md has all of it.
//
// Files are not trusted: reading one allocates no more than its size
// justifies, checks every shape, and refuses parameters that are not finite.
package model
