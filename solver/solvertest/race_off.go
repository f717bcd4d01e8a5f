//go:build !race

package solvertest

// raceDetector says that memory is watched, which allocates by itself.
const raceDetector = false
