package experiment

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
)

// Cell is one training run, defined by all that its outcome depends on. Its
// key names the folder where the outcome is kept.
type Cell struct {
	Format     int              `json:"format"` // raised when a change of the code makes kept outcomes worthless
	Data       string           `json:"data"`
	Pool       int              `json:"pool"` // pictures are averaged over squares of this side
	Rows       int              `json:"rows"` // first training samples used
	TestRows   int              `json:"test_rows"`
	Hidden     []int            `json:"hidden"`
	Init       dlam.Initializer `json:"init"`
	Seed       uint64           `json:"seed"`
	Method     string           `json:"method"`
	Settings   settings         `json:"settings"`
	Iterations int              `json:"iterations"`
	Evaluate   int              `json:"evaluate"`
	Threads    int              `json:"threads"`
}

const format = 1

func (c Cell) key() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("experiment: a cell is plain numbers and names: %v", err))
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:8])
}

// String says what the cell is, for progress.
func (c Cell) String() string {
	s := fmt.Sprintf("%s %s, %s, %d samples", c.Method, shape(c.Hidden), c.Data, c.Rows)
	if g := c.Settings.Gradient; g != nil {
		s += fmt.Sprintf(", rate %g", g.Rate)
	}
	if d := c.Settings.DLAM; d != nil {
		s += fmt.Sprintf(", ρ = %g", d.Rho)
	}
	return s
}

// shape writes hidden layers as the paper does: 100×100.
func shape(hidden []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(hidden), " ", "×"), "[]")
}

// work is what the cell costs, in multiplications of one forward pass.
func (c Cell) work() float64 {
	weights, w := 0.0, c.widths()
	for l, d := range w[1:] {
		weights += float64(w[l]) * float64(d)
	}
	return weights * float64(c.Rows) * float64(c.Iterations)
}

// features is that of a picture of either data set, before pooling.
const features = 28 * 28

// widths are the network's, from its features to the ten classes.
func (c Cell) widths() []int {
	return slices.Concat([]int{features / (c.Pool * c.Pool)}, c.Hidden, []int{10})
}

// problem is what the cell trains on.
func (c Cell) problem(s dataset.Split) (*dlam.Problem, error) {
	if s.Train.Rows() < c.Rows || s.Test.Rows() < c.TestRows {
		return nil, fmt.Errorf("%s: %d training and %d test samples, want %d and %d", c.Data, s.Train.Rows(), s.Test.Rows(), c.Rows, c.TestRows)
	}
	s.Train, s.Test = s.Train.RowRange(0, c.Rows), s.Test.RowRange(0, c.TestRows)
	p := dlam.NewProblem(s.Train.X, s.Train.Target(), loss.CrossEntropy{}, c.Threads)
	p.TestX, p.TestY = s.Test.X, s.Test.Target()
	return p, nil
}

// start is the network that every method of a panel starts from.
func (c Cell) start(p *dlam.Problem) (*dlam.Network, error) {
	widths := append(append([]int{p.X.Cols}, c.Hidden...), p.Y.Width())
	return dlam.NewNetwork(widths, activation.ReLU{}, c.Init, rand.New(rand.NewPCG(c.Seed, 0)))
}
