//go:build !purego

package kernel

import "unsafe"

// panelWidth is the number of columns of B that are packed together.
func panelWidth() int { return [...]int{32, 16, 32}[level] }

// lanes is the number of float32 in a vector; without vectors, 0.
func lanes() int { return [...]int{0, 8, 16}[level] }

// tileHeight is the number of rows of the highest tiles.
func tileHeight() int { return [...]int{heightGo, heightsAVX2[0], heightsAVX512[0]}[level] }

// tilePitch is the distance between the columns of a packed tile of A.
func tilePitch() int { return [...]int{heightGo, 8, heightsAVX512[0]}[level] }

// masks2 holds the AVX2 masks of the first i lanes, at element 8-i.
var masks2 = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1}

// run computes the strip.
func (s *strip) run() {
	switch {
	case s.m == 0 || s.w == 0:
	case s.k == 0:
		s.start()
	case level == generic:
		s.runGo()
	case s.quads:
		s.tiles(heightsAVX512[:], 0, 0, uint64(1)<<s.w-1)
	case level == avx512:
		s.tiles(heightsAVX512[:], 0, 1+(s.w-1)/16, uint64(1)<<s.w-1)
	case s.w == 16:
		s.tiles(heightsAVX2[:], 0, 2, 0)
	default:
		for j := 0; j < s.w; j += 8 {
			lanes := min(8, s.w-j)
			s.tiles(heightsAVX2[:], j, 1, uint64(uintptr(unsafe.Pointer(&masks2[8-lanes]))))
		}
	}
}

// inQuads is how many of n columns a Panel packs by packQuads, the last ones.
func inQuads(n int) int {
	if level < avx512 {
		return 0
	}
	return tailColumns(n)
}

// tiles computes some vectors of columns from j on, from the highest tiles to
// the lowest.
func (s *strip) tiles(heights []int, j, vectors int, mask uint64) {
	i := 0
	for _, height := range heights {
		n := (s.m - i) / height
		if n == 0 {
			continue
		}
		a := unsafe.SliceData(s.a[i/heights[0]*s.aTile+i%heights[0]*s.aRow:])
		b, c := unsafe.SliceData(s.b[j:]), unsafe.SliceData(s.c[i*s.cRow+j:])
		var init *float32
		if s.init != nil {
			init = unsafe.SliceData(s.init[i*s.initRow+j:])
		}
		tile := tilesAVX2
		if level == avx512 {
			tile = tilesAVX512
		}
		tile(height, vectors, n, s.k, 4*s.aTile, 4*s.aRow, 4*s.aK, a, b, 4*s.bRow, c, 4*s.cRow, init, 4*s.initRow, mask)
		i += n * height
	}
}

// packColumns copies the k×n matrix src into panels of width columns, width
// being tileHeight or panelWidth; see packColumnsGo. With AVX2 only whole
// vectors are copied, past the panel but not past its pitch.
func packColumns(dst []float32, row, panel int, src []float32, stride, k, n, width int) {
	whole := n / width
	if width < row && whole > 0 { // the last panel's vectors may end beyond src
		whole--
	}
	if level == generic || k == 0 {
		whole = 0
	}
	if whole > 0 {
		d, f := unsafe.SliceData(dst), unsafe.SliceData(src)
		switch {
		case level == avx512 && width > 16:
			packAVX512_2(k, whole, f, 4*stride, 4*width, d, 4*row, 4*panel, uint64(1)<<width-1)
		case level == avx512:
			packAVX512_1(k, whole, f, 4*stride, 4*width, d, 4*row, 4*panel, uint64(1)<<width-1)
		case width > 8:
			packAVX2_2(k, whole, f, 4*stride, 4*width, d, 4*row, 4*panel, 0)
		default:
			packAVX2_1(k, whole, f, 4*stride, 4*width, d, 4*row, 4*panel, 0)
		}
	}
	done := whole * width
	switch rest := n - done; {
	case rest == 0:
	case level == avx512 && k > 0:
		d, f := &dst[whole*panel], &src[done]
		packAVX512_2(k, 1, f, 4*stride, 0, d, 4*row, 0, uint64(1)<<rest-1)
	default:
		packColumnsGo(dst[whole*panel:], row, panel, src[done:], stride, k, rest, width)
	}
}

// packRows writes the transpose of the w rows at s, k columns, to a panel.
func packRows(dst, s []float32, stride, w, k int) {
	width, done := panelWidth(), 0
	if lanes := lanes(); lanes > 0 {
		blocks := k / lanes
		for ; done+lanes <= w && blocks > 0; done += lanes {
			if level == avx512 {
				transposeAVX512(blocks, &s[done*stride], 4*stride, &dst[done], 4*width)
			} else {
				transposeAVX2(blocks, &s[done*stride], 4*stride, &dst[done], 4*width)
			}
			if p := blocks * lanes; p < k {
				packTail(dst[p*width+done:], s[done*stride+p:], stride, lanes, k-p)
			}
		}
	}
	if done < w {
		packTail(dst[done:], s[done*stride:], stride, w-done, k)
	}
}

// packTail is packRows for what is left.
func packTail(dst, s []float32, stride, w, k int) {
	if level < avx512 || stride >= 1<<26 || k == 0 { // 32-bit indices
		packRowsGo(dst, s, stride, w, k, panelWidth())
		return
	}
	for ; w > 0; w -= 16 {
		gatherAVX512(k, &s[0], stride, &dst[0], 4*panelWidth(), uint64(1)<<min(w, 16)-1)
		if w > 16 {
			dst, s = dst[16:], s[16*stride:]
		}
	}
}
