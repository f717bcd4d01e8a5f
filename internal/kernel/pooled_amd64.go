//go:build !purego

package kernel

import "unsafe"

// pooled is what a kernel of pooled tiles takes: strides in bytes.
type pooled struct {
	a, b, init, v *float32
	win           *int32
	mask          uint64 // of the lanes; AVX2: where one is
	rows, tiles   int    // of windows
	aRow, aTile   int
	down, across  int // between two rows of places, and two places
	runs, length  int
	skip          int // from a run's end to the next one
	bRow          int
	row, step     int    // between two rows of windows in v, and two windows
	_             [5]int // the kernel's own: tiles left, and where a tile and a row begin
}

// largestOfRuns is MulRunsLargest of windows of 2×2 places, if there are vectors.
func (p *Panel) largestOfRuns(v []float32, win []int32, a []float32, r Runs, row []float32) bool {
	if level == generic {
		return false
	}
	width, wide, places := panelWidth(), 8, placesAVX2[:]
	if level == avx512 {
		wide, places = 16, placesAVX512[:]
	}
	across := r.Cols / 2
	for j := 0; j < p.n; j += min(width, wide*len(places)) {
		w := min(wide*len(places), p.n-j)
		vectors := 1 + (w-1)/wide
		most := places[vectors-1] / 2 // windows
		tiles := (across + most - 1) / most
		low, more := across/tiles, across%tiles // so many windows a tile, and in some one more
		first := 0
		for _, kind := range [...]struct{ tiles, windows int }{{more, low + 1}, {tiles - more, low}} {
			if kind.tiles == 0 {
				continue
			}
			t := pooled{
				a: &a[2*first*r.Across], b: &p.data[j/width*width*p.k+j%width], init: &row[j], v: &v[first*p.n+j],
				rows: r.Rows / 2, tiles: kind.tiles, aRow: 8 * r.Down, aTile: 8 * kind.windows * r.Across,
				down: 4 * r.Down, across: 4 * r.Across, runs: r.Count, length: r.Length, skip: 4 * (r.Step - r.Length),
				bRow: 4 * width, row: 4 * across * p.n, step: 4 * p.n,
			}
			if win != nil {
				t.win = &win[first*p.n+j]
			}
			if level == avx512 {
				t.mask = 1<<w - 1
				pooledAVX512(2*kind.windows, vectors, &t)
			} else {
				t.mask = uint64(uintptr(unsafe.Pointer(&masks2[8-w])))
				pooledAVX2(2*kind.windows, vectors, &t)
			}
			first += kind.tiles * kind.windows
		}
	}
	return true
}
