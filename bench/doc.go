// Package bench holds the benchmarks: the machine's limits, the product shapes
// of the paper's networks, and whole sweeps and epochs. Run them with
//
//	go test ./bench -bench . -cpu 1
//
// peers/compare.py runs them and their peers in turn.
package bench
