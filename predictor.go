package dlam

import (
	"fmt"
	"slices"
	"sync"

	"github.com/dlam-go/dlam/internal/objective"
	"github.com/dlam-go/dlam/mat"
)

// Predictor is a network made ready for many predictions: its weights are
// packed once, and scratch memory is used again. Several goroutines may use
// one at the same time.
type Predictor struct {
	net     *objective.Packed
	in, out int
	scratch sync.Pool // of *[]float32
}

// Predictor makes a Predictor of the network as it is now.
func (n *Network) Predictor() *Predictor {
	layers := n.affine()
	for l := range layers {
		layers[l].B = slices.Clone(layers[l].B)
	}
	w := n.Widths()
	return &Predictor{net: objective.Pack(layers), in: w[0], out: w[len(w)-1]}
}

// Predict writes the network's outputs for each row of x to dst, on the
// caller's goroutine: x has a column for each feature, dst as many rows and a
// column for each output.
func (p *Predictor) Predict(dst, x mat.Dense) error {
	if x.Cols != p.in {
		return fmt.Errorf("predict: samples have %d features, the network takes %d", x.Cols, p.in)
	}
	if dst.Rows != x.Rows || dst.Cols != p.out {
		return fmt.Errorf("predict: room for %d×%d outputs, want %d×%d", dst.Rows, dst.Cols, x.Rows, p.out)
	}
	need := p.net.Scratch(x.Rows)
	scratch, ok := p.scratch.Get().(*[]float32)
	if !ok || cap(*scratch) < need {
		fresh := make([]float32, need)
		scratch = &fresh
	}
	defer p.scratch.Put(scratch)
	for lo := 0; lo < x.Rows; lo += objective.Block {
		hi := min(lo+objective.Block, x.Rows)
		dst.RowRange(lo, hi).CopyFrom(p.net.Predict(x.RowRange(lo, hi), (*scratch)[:need]))
	}
	return nil
}
