//go:build !purego

package kernel

// ListPoints writes to dst the points of windows whose e is not 0, and returns how many they
// are: each at the place that win says, whose patch begins at its offset from the first's.
// dst has room for all windows, and e, win and offsets have what windows and win name: that
// is not looked at.
func ListPoints(dst []Point, windows []Window, e []float32, win []int32, offsets []uint32) int {
	if level == generic || len(windows) == 0 {
		return listPointsGo(dst, windows, e, win, offsets)
	}
	_ = dst[len(windows)-1]
	return listPointsX86(len(windows), &windows[0], &e[0], &win[0], &offsets[0], &dst[0])
}

// pointPart is how many of some runs, and how many of each one's n elements, the kernels work
// on at once: whole vectors, or what is less than one.
func pointPart(runs, n int) (some, elements int) {
	if level == generic {
		return runs, n
	}
	i := 0
	for pointRuns[i] > runs {
		i++
	}
	wide, most := 8, pointsAVX2[i]
	if level == avx512 {
		wide, most = 16, pointsAVX512[i]
	}
	if n >= wide {
		n = min(n/wide, most) * wide
	}
	return pointRuns[i], n
}

func addPatches(p *pointRun) {
	a, c := &p.a[p.row*p.aStep+p.column], &p.c[p.row*p.cStep+p.column]
	switch level {
	case generic:
		p.addPatchesGo()
	case avx512:
		addPatchesAVX512(p.runs, p.n/16, len(p.points), &p.points[0], a, 4*p.aStep, c, 4*p.cStep, p.n%16)
	default:
		addPatchesAVX2(p.runs, p.n/8, len(p.points), &p.points[0], a, 4*p.aStep, c, 4*p.cStep, p.n%8)
	}
}

func addToPatches(p *pointRun) {
	a, c := &p.a[p.row*p.aStep+p.column], &p.c[p.row*p.cStep+p.column]
	switch level {
	case generic:
		p.addToPatchesGo()
	case avx512:
		addToPatchesAVX512(p.runs, p.n/16, len(p.points), &p.points[0], a, 4*p.aStep, c, 4*p.cStep, p.n%16)
	default:
		addToPatchesAVX2(p.runs, p.n/8, len(p.points), &p.points[0], a, 4*p.aStep, c, 4*p.cStep, p.n%8)
	}
}
