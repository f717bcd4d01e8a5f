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

// pointColumns is how many of n elements of a run the kernels work on at once: whole
// vectors, or what is less than one.
func pointColumns(n int) int {
	switch level {
	case generic:
		return n
	case avx512:
		if n >= 16 {
			return min(n/16, 8) * 16
		}
	default:
		if n >= 8 {
			return min(n/8, 6) * 8
		}
	}
	return n
}

func addPatches(p *pointRun) {
	switch level {
	case generic:
		p.addPatchesGo()
	case avx512:
		addPatchesAVX512(len(p.points), &p.points[0], &p.a[0], 4*p.aStep, &p.c[0], 4*p.cStep, p.runs, p.n/16, p.n%16)
	default:
		addPatchesAVX2(len(p.points), &p.points[0], &p.a[0], 4*p.aStep, &p.c[0], 4*p.cStep, p.runs, p.n/8, p.n%8)
	}
}

func addToPatches(p *pointRun) {
	switch level {
	case generic:
		p.addToPatchesGo()
	case avx512:
		addToPatchesAVX512(len(p.points), &p.points[0], &p.a[0], 4*p.aStep, &p.c[0], 4*p.cStep, p.runs, p.n/16, p.n%16)
	default:
		addToPatchesAVX2(len(p.points), &p.points[0], &p.a[0], 4*p.aStep, &p.c[0], 4*p.cStep, p.runs, p.n/8, p.n%8)
	}
}
