// Package objective holds every sum over samples: penalties, their quadratic
// models, the risk, accuracy. Samples are split between the processes of a
// comm.Comm, then between the workers of a pool, then into blocks of rows that
// stay in cache; partial sums are added in that order, in float64, so that the
// same seed and the same number of threads and ranks give the same bits.
package objective
