//go:build !purego

package kernel

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
