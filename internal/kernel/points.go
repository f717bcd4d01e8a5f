package kernel

// A Point is a place of a picture, and a value there: At is the element at which the
// place's patch begins. Where most values are 0, as behind max pooling, products with the
// patches of the others are less work than those with all.
type Point struct {
	At    uint32
	Value float32
}

// A Window of max pooling: where it is, in elements, in what is taken, and where the patch
// of its first place begins in a picture.
type Window struct{ Taken, First uint32 }

// listPointsGo is ListPoints.
func listPointsGo(dst []Point, windows []Window, e []float32, win []int32, offsets []uint32) int {
	n := 0
	for _, w := range windows {
		if v := e[w.Taken]; v != 0 {
			dst[n] = Point{w.First + offsets[win[w.Taken]], v}
			n++
		}
	}
	return n
}

// AddPatches computes C += Σ value·patch over the points, which are places of r in the
// picture a; C has the elements of a patch.
func AddPatches(c []float32, points []Point, a []float32, r Runs) {
	for p := r.over(c, points, a); p.next(); {
		addPatches(&p)
	}
}

// AddToPatches adds value·C to the patch of each point, one after another; see AddPatches.
func AddToPatches(a []float32, points []Point, c []float32, r Runs) {
	for p := r.over(c, points, a); p.next(); {
		addToPatches(&p)
	}
}

// A pointRun goes over the runs of the patches of some points, and of C: n elements of each
// of some runs at a time.
type pointRun struct {
	points        []Point
	a, c          []float32
	runs, n       int // of what is worked on
	row, column   int // where that begins
	count, length int
	aStep, cStep  int
}

// over begins before the first elements.
func (r Runs) over(c []float32, points []Point, a []float32) pointRun {
	_ = a[(r.Rows-1)*r.Down+(r.Cols-1)*r.Across+(r.Count-1)*r.Step+r.Length-1] // the last patch's end
	_ = c[r.Count*r.Length-1]
	p := pointRun{points: points, a: a, c: c, count: r.Count, length: r.Length, aStep: r.Step, cStep: r.Length}
	if len(points) == 0 {
		p.row = p.count
	}
	return p
}

// next goes to the next elements, if there are any.
func (p *pointRun) next() bool {
	p.column += p.n
	if p.column == p.length {
		p.row, p.column = p.row+p.runs, 0
	}
	if p.row >= p.count {
		return false
	}
	p.runs, p.n = pointPart(p.count-p.row, p.length-p.column)
	return true
}

func (p *pointRun) addPatchesGo() {
	for i := range p.runs {
		c, from := p.c[(p.row+i)*p.cStep+p.column:][:p.n], (p.row+i)*p.aStep+p.column
		for _, q := range p.points {
			axpyGo(c, q.Value, p.a[int(q.At)+from:][:p.n])
		}
	}
}

func (p *pointRun) addToPatchesGo() {
	for i := range p.runs {
		c, from := p.c[(p.row+i)*p.cStep+p.column:][:p.n], (p.row+i)*p.aStep+p.column
		for _, q := range p.points {
			axpyGo(p.a[int(q.At)+from:][:p.n], q.Value, c)
		}
	}
}
