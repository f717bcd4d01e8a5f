package syncdlam

import (
	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// monitor measures the risk of the averaged network, which no batch is run through.
type monitor struct {
	c       *core
	x       mat.Dense
	y       loss.Target
	samples int           // over all ranks
	saved   *dlam.Network // the parameters, while the average is in their place
}

// riskSamples is the largest number of training samples that the risk is measured
// on, drawn once: an epoch of 60,000 takes some 2 % longer for it.
const riskSamples = 4096

func (m *monitor) begin(c *core) error {
	m.c, m.saved, m.x, m.y = c, c.net.Clone(), c.p.X, c.p.Y
	if c.samples > riskSamples {
		still := c.p.Jitter
		still.Deviation = 0
		drawn, err := backprop.NewBatches(c.e, c.p.X, c.p.Y, riskSamples, c.Seed, still)
		if err != nil {
			return err
		}
		drawn.Shuffle(0)
		m.x, m.y = drawn.Take(0)
	}
	all, _, err := c.e.Samples(m.x.Rows, 0)
	m.samples = int(all)
	return err
}

// risk is the mean risk of network n, which has the core's layers.
func (m *monitor) risk(n *dlam.Network) (float64, error) {
	m.saved.CopyFrom(m.c.net)
	m.c.net.CopyFrom(n)
	sum, weight, err := m.c.back.Risk(m.x, m.y)
	m.c.net.CopyFrom(m.saved)
	return sum / weight, err
}
