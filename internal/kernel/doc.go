// Package kernel holds the arithmetic that everything else stands on: matrix
// products in the three forms that alternating minimisation needs, fused
// elementwise passes, and the pool of workers that runs them.
//
// Matrices are row-major float32 slices with a row stride. Every function is
// serial; a Pool runs one Job on every worker, and the callers split rows
// between workers by Range, so that results depend on the number of workers
// and on nothing else.
//
// On amd64 the inner loops are assembly, written by gen/main.go and chosen by
// what the processor has: AVX-512, AVX2 with FMA, or Go. DLAM_KERNEL=avx2 or
// generic lowers the choice. On arm64 the products are assembly, NEON. The
// build tag purego leaves only Go.
package kernel
