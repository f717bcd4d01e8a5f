package backprop

import (
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/picture"
)

// Monitor measures the risk of a network on training samples where mini-batches leave
// none: each batch's is of other parameters, and of pictures that are moved.
type Monitor struct {
	Samples int // over all ranks

	back  *Backprop
	net   *nn.Network // that back is of
	x     mat.Dense
	y     loss.Target
	saved *nn.Network // net's parameters, while others are in their place; nil until there are
}

// Monitored is the largest number of training samples that the risk is measured
// on, drawn once: an epoch of 60,000 takes some 2 % longer for it.
const Monitored = 4096

// NewMonitor draws the samples, by seed, of this rank's x and y. back is net's.
func NewMonitor(e *pass.Engine, back *Backprop, net *nn.Network, x mat.Dense, y loss.Target, seed uint64) (*Monitor, error) {
	all, _, err := e.Samples(x.Rows, 0)
	if err != nil {
		return nil, err
	}
	m := &Monitor{back: back, net: net, x: x, y: y}
	if all > Monitored {
		drawn, err := NewBatches(e, x, y, Monitored, seed, picture.Jitter{})
		if err != nil {
			return nil, err
		}
		drawn.Shuffle(0)
		m.x, m.y = drawn.Take(0)
	}
	all, _, err = e.Samples(m.x.Rows, 0)
	m.Samples = int(all)
	return m, err
}

// Data is this rank's samples and their targets.
func (m *Monitor) Data() (mat.Dense, loss.Target) { return m.x, m.y }

// Risk is the mean risk of n, which has the layers of the monitor's network.
func (m *Monitor) Risk(n *nn.Network) (float64, error) {
	if n != m.net {
		if m.saved == nil {
			m.saved = m.net.Clone()
		}
		m.saved.CopyFrom(m.net)
		m.net.CopyFrom(n)
	}
	risk, weight, err := m.back.Risk(m.x, m.y)
	if n != m.net {
		m.net.CopyFrom(m.saved)
	}
	return risk / weight, err
}
