//go:build !purego

package kernel

import "unsafe"

func panelWidth() int { return 8 }

func tileHeight() int { return heightsNEON[0] }

func tilePitch() int { return heightsNEON[0] }

// run computes the strip. Of columns that are no whole panel, tiles are made
// aside: NEON has no masks, and panels are filled up.
func (s *strip) run() {
	if s.m == 0 || s.w == 0 {
		return
	}
	if s.k == 0 {
		s.start()
		return
	}
	if s.loose { // which the tiles do not take
		even := *s
		even.aTile = heightGo * s.aRow
		even.runGo()
		return
	}
	if s.w == panelWidth() {
		s.tiles(0, s.m, s.c, s.cRow, s.init, s.initRow)
		return
	}
	s.start()
	var aside [12 * 8]float32
	for i := 0; i < s.m; i += tileHeight() {
		end := min(i+tileHeight(), s.m)
		s.tiles(i, end, aside[:], panelWidth(), nil, 0)
		for r := i; r < end; r++ {
			axpyGo(s.c[r*s.cRow:][:s.w], 1, aside[(r-i)*panelWidth():][:s.w])
		}
	}
}

// tiles computes rows i to end-1, from the highest tiles to the lowest, into c
// from its start on; i is a multiple of tileHeight.
func (s *strip) tiles(i, end int, c []float32, cRow int, init []float32, initRow int) {
	first := i
	for _, height := range heightsNEON {
		n := (end - i) / height
		if n == 0 {
			continue
		}
		var from *float32
		if init != nil {
			from = &init[(i-first)*initRow]
		}
		a := unsafe.SliceData(s.a[i/tileHeight()*s.aTile+i%tileHeight()*s.aRow:])
		tilesNEON(height, n, s.k, 4*s.aTile, 4*s.aRow, 4*s.aK, a, &s.b[0], &c[(i-first)*cRow], 4*cRow, from, 4*initRow)
		i += n * height
	}
}
