// Package solvertest is the conformance suite that every solver passes: the
// same bits from the same seed, weights of 2 equal to rows twice, inputs left alone, resuming equal to a
// straight run, cancellation, agreement between one process and several,
// no allocation in a warm step, nothing left running, and what overflows or is
// singular named or survived.
package solvertest
