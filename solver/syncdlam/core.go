package syncdlam

import (
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

// core is what a run has with all samples and with mini-batches alike: the
// network, its gradient, the layers' least squares, and moves along V.
type core struct {
	Settings
	p       *dlam.Problem
	omega   prox.Differentiable
	net     *dlam.Network // the parameters that move
	e       *pass.Engine
	samples float64 // over all ranks
	weight  float64 // sum of their weights
	back    *backprop.Backprop
	layers  []layer
	moments int        // first layer whose metric comes from moments
	deep    bool       // layers have outputMetrics
	sketch  *rowSketch // layer 0's metric from the rows of mini-batches, or nil

	metrics metricJob
	moves   moveJob
	scratch [][]float32 // of each worker: moveRows rows of any layer
}

// layer is what the method keeps of a layer.
type layer struct {
	w      mat.Dense // the network's own; with binary weights real ones, whose signs it has
	b      []float32
	binary *binary            // with binary weights
	v      backprop.Direction // V: the direction of the step
	scale  float64            // f, of the layer's moves
	metric inputMetric
	output *outputMetric // in deep networks, or nil
	rows   []rowSums
}

// begin makes room for what a run keeps.
func (c *core) begin() error {
	var err error
	if c.samples, c.weight, err = c.e.Samples(c.p.X.Rows, c.p.Y.TotalWeight()); err != nil {
		return err
	}
	scratch := 0
	c.layers = make([]layer, len(c.net.Layers))
	for l, net := range c.net.Layers {
		ly := &c.layers[l]
		ly.w, ly.b = net.W, net.B
		if c.BinaryWeights {
			ly.w, ly.binary = mat.New(net.W.Rows, net.W.Cols), newBinary(net.W)
			ly.signs(net.W, net.W)
		}
		ly.v = backprop.Direction{W: mat.New(net.W.Rows, net.W.Cols), B: make([]float32, len(net.B))}
		ly.rows = make([]rowSums, net.W.Rows)
		scratch = max(scratch, min(moveRows, net.W.Rows)*(net.W.Cols+1))
	}
	if c.wide() {
		c.moments = 1
	}
	shared := c.net.FullyConnected() != nil
	c.deep = !shared && c.Settings.deep(c.net.Widths())
	for l, net := range c.net.Layers {
		m := &c.layers[l].metric
		if l >= c.moments {
			rank := c.rank(net.W.Cols)
			if shared {
				rank = c.sharedRank(net.W.Cols)
			}
			m.allocate(net.W.Cols, net.W.Rows, rank)
		}
		if shared || c.deep {
			m.energy = make([]float64, 1)
		}
		if c.deep {
			c.layers[l].output = newOutputMetric(net.W.Cols, net.W.Rows)
		}
	}
	for range c.e.Pool.Threads() {
		c.scratch = append(c.scratch, make([]float32, scratch))
	}
	if c.back, err = backprop.New(c.e, c.net.Layers, c.p.Loss); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	c.back.Outputs = c.deep
	c.back.MeanWeight = c.weight / c.samples
	return nil
}

// set makes the parameters those of from.
func (c *core) set(from *dlam.Network) {
	for l := range c.layers {
		ly, to := &c.layers[l], c.net.Layers[l]
		copy(to.B, from.Layers[l].B)
		if ly.binary != nil {
			ly.signs(to.W, from.Layers[l].W)
		} else {
			to.W.CopyFrom(from.Layers[l].W)
		}
	}
}

// regularization is Ω of all weights of n.
func (c *core) regularization(n *dlam.Network) float64 {
	var sum float64
	for _, ly := range n.Layers {
		sum += c.omega.Value(ly.W.Elements())
	}
	return sum
}

// Close ends the workers.
func (c *core) Close() { c.e.Close() }
