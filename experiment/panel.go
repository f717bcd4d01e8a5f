package experiment

import (
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/solver/multiconvex"
)

// Size is how large the runs are.
type Size struct {
	Name       string // "paper" for the paper's own
	Widths     [2]int // of the two networks' two hidden layers
	MNIST      int    // training samples of the figures
	Fashion    int
	Test       int // test samples
	Tune       int // first training samples that learning rates are chosen on
	Iterations int
	TableShare int // Table 2's numbers of samples are divided by it
	TableSteps int // its iterations
}

// PaperSize is that of section 4.1.
func PaperSize() Size {
	return Size{Name: "paper", Widths: [2]int{100, 500}, MNIST: 55000, Fashion: 60000, Test: 10000, Tune: 10000, Iterations: 150, TableShare: 1, TableSteps: 50}
}

// QuickSize takes minutes instead of hours, on fewer samples and iterations.
func QuickSize() Size {
	return Size{Name: "quick", Widths: [2]int{100, 500}, MNIST: 2000, Fashion: 2000, Test: 2000, Tune: 1000, Iterations: 40, TableShare: 10, TableSteps: 10}
}

// reduced reports whether the numbers are not those of the paper's experiment.
func (s Size) reduced() bool { return s.Name != "paper" }

func (s Size) rows(data string) int {
	if data == mnist {
		return s.MNIST
	}
	return s.Fashion
}

// base is what the runs on a data set have in common (section 4.1).
func (r Reproduction) base(data string) Cell {
	s := r.Size
	c := Cell{
		Format: format, Data: data, Pool: 1, Rows: s.rows(data), TestRows: s.Test,
		Hidden: []int{s.Widths[0], s.Widths[0]}, Init: dlam.Paper, Seed: 0,
		Iterations: s.Iterations, Evaluate: 1, Threads: r.Threads,
	}
	if data == mnist {
		c.Pool = 2 // 28×28 to the paper's 196 features
	}
	return c
}

// panel is one of the four pictures of Figures 2 and 3, and one curve of
// Figure 1.
type panel struct {
	letter string
	base   Cell
	tune   int // samples for choosing rates
}

// panels are in the paper's order.
func (r Reproduction) panels() []panel {
	var ps []panel
	for i, width := range r.Size.Widths {
		for j, data := range []string{mnist, fashion} {
			c := r.base(data)
			c.Hidden = []int{width, width}
			ps = append(ps, panel{string(rune('a' + 2*i + j)), c, r.Size.Tune})
		}
	}
	return ps
}

// name is the panel's title.
func (p panel) name() string {
	return fmt.Sprintf("%s on %s", shape(p.base.Hidden), dataName(p.base.Data))
}

func dataName(data string) string {
	if data == mnist {
		return "MNIST"
	}
	return "Fashion-MNIST"
}

// cell is the run of a method in the panel.
func (p panel) cell(m method, rate float64) Cell {
	c := p.base
	c.Method, c.Settings = m.name, m.settings(rate)
	return c
}

// ours is DLAM's run in the panel.
func (p panel) ours() Cell { return p.cell(methods()[0], 0) }

// cells are all runs of the panel: every method's grid, if it has one, and
// then the method itself.
func (p panel) cells(done outcomes) []Cell {
	var cs []Cell
	for _, m := range methods() {
		cs = append(append(cs, p.grid(m)...), p.main(m, done))
	}
	return cs
}

// grid are the runs that choose the method's rate, on the first samples: the
// gradient of all is a mean, and that of 10,000 is close to it.
func (p panel) grid(m method) []Cell {
	var cs []Cell
	for _, rate := range m.rates {
		c := p.cell(m, rate)
		c.Rows, c.Evaluate = min(c.Rows, p.tune), c.Iterations
		cs = append(cs, c)
	}
	return cs
}

// main is the method's run, at the rate with the best training accuracy at the
// end of its grid, which is how the paper chose parameters (section 4.1.3). It
// is known once the grid is done.
func (p panel) main(m method, done outcomes) Cell {
	rate, best := 0.0, -1.0
	for _, c := range p.grid(m) {
		accuracy := 0.0 // of a run that gave no network
		if o := done[c.key()]; o.trained() {
			accuracy = o.Last.Train.Accuracy
		}
		if accuracy > best {
			rate, best = c.rate(), accuracy
		}
	}
	return p.cell(m, rate)
}

// chosen is the method's run, if it gave a network.
func (p panel) chosen(m method, done outcomes) (outcome, bool) {
	o := done[p.main(m, done).key()]
	return o, o.trained()
}

// tableCells are the runs of Table 2: 100×100, the paper's own line search.
func (r Reproduction) tableCells() []Cell {
	var cs []Cell
	for _, data := range []string{mnist, fashion} {
		rows := r.rows(data)
		for i := range publishedRho {
			for j := range rows {
				cs = append(cs, r.tableCell(data, i, j))
			}
		}
	}
	return cs
}

func (r Reproduction) tableCell(data string, rho, rows int) Cell {
	s := r.Size
	d := multiconvex.DefaultSettings()
	d.Rho, d.LineSearch = publishedRho[rho], multiconvex.Backtracking
	c := r.base(data)
	c.Method, c.Settings, c.Rows = "dlam", settings{DLAM: &d}, publishedRows(data)[rows]/s.TableShare
	c.Iterations, c.Evaluate = s.TableSteps, s.TableSteps
	return c
}
