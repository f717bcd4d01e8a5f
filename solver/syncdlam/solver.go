package syncdlam

import (
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/prox"
)

// Solver is synchronised DLAM with its settings.
type Solver struct{ Settings Settings }

var (
	_ dlam.Solver    = Solver{}
	_ dlam.Scheduled = Solver{}
)

func (s Solver) String() string { return "sync" }

// Validate reports every setting outside its range.
func (s Solver) Validate() error { return s.Settings.Validate() }

// Epochs is over how many epochs the steps are laid out, with mini-batches; 0 with
// all samples at a time, where nothing follows from how many there will be.
func (s Solver) Epochs() int {
	if s.Settings.Batch == 0 {
		return 0
	}
	return s.Settings.Epochs
}

// Memory is about how many bytes a run takes beside the samples, on one rank.
func (s Solver) Memory(widths []int, samples, threads int) float64 {
	var floats, parameters, packed, squares, metrics, rows, scratch, width float64
	for l, d := range widths[1:] {
		in, out := float64(widths[l]), float64(d)
		parameters += out * (in + 1)
		packed += in * panels(d)
		width += out
		scratch = max(scratch, min(moveRows, out)*in)
		if l == 0 && s.Settings.fromRows(widths[0], samples, 1) {
			metrics, rows = s.Settings.rowsMemory(widths[0], samples)
			continue
		}
		squares += in * in
		metrics += 8 * in * in // moments, covariance, factors, the inverse
		if r := float64(s.Settings.rank(widths[l])); r > 0 {
			metrics += (4*r - 4*in) * in
		}
	}
	if s.Settings.deep(widths) {
		for l, d := range widths[1:] {
			in, out := float64(widths[l]), float64(d)
			squares += out * out
			metrics += 6*out*out + (in+1)*(out+panels(d)) // moments, the inverse and its making; right sides, packed too
		}
	}
	floats = 6*parameters + 2*packed + metrics
	if s.Settings.BinaryWeights {
		floats += 2 * parameters
	}
	if b := s.Settings.Batch; b > 0 {
		floats += float64((min(b, samples)+min(backprop.Monitored, samples))*widths[0]) + 2*float64(samples)
	}
	perWorker := 2*(parameters+squares) + parameters + squares + rows + scratch + pass.Block*5*width
	return 4 * (floats + float64(threads)*perWorker)
}

// MemoryFor is Memory for a network in which some layer shares its weights; its
// parameters may be missing.
func (s Solver) MemoryFor(n *dlam.Network, samples, threads int) float64 {
	var parameters, squares, metrics, scratch float64
	for _, ly := range n.Layers {
		in, out := float64(ly.W.Cols), float64(ly.W.Rows)
		parameters += out * (in + 1)
		squares += in * in
		metrics += 8 * in * in
		if r := float64(s.Settings.sharedRank(ly.W.Cols)); r > 0 {
			metrics += (4*r - 4*in) * in
		}
		scratch = max(scratch, min(moveRows, out)*in)
	}
	worker, sample := nn.PassMemory(n.Layers)
	floats := 8*parameters + metrics
	if s.Settings.BinaryWeights {
		floats += 2 * parameters
	}
	if b := s.Settings.Batch; b > 0 {
		inputs := float64(n.Layers[0].Inputs())
		floats += float64(min(b, samples))*(inputs+sample) + float64(min(backprop.Monitored, samples))*inputs + 2*float64(samples)
	}
	return 4 * (floats + float64(threads)*(3*(parameters+squares)+scratch+worker))
}

// Numbers is how many an iterate has with all samples at a time: the parameters and V.
func (Solver) Numbers(n *dlam.Network, _ int) float64 { return 2 * float64(n.Numbers()) }

// panels is so many columns as whole panels, which a packed matrix has.
func panels(columns int) float64 {
	const width = 32
	return float64((columns + width - 1) / width * width)
}

// Init prepares a run. It refuses activations, losses and regularisers that
// lack the derivatives that targets and steps are made of.
func (s Solver) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	if err := s.Settings.Validate(); err != nil {
		return nil, err
	}
	if err := p.Fits(n); err != nil {
		return nil, err
	}
	if err := n.Ungated(); s.Settings.BinaryWeights && err != nil {
		return nil, fmt.Errorf("sync: binary weights: %w", err)
	}
	if _, ok := p.Loss.(loss.Proximal); !ok && s.Settings.Mode == Prox {
		return nil, fmt.Errorf("sync: loss %v has no proximal operator (loss.Proximal), which mode prox needs", p.Loss.Spec())
	}
	omega, ok := p.Regularizer.(prox.Differentiable)
	if !ok {
		return nil, fmt.Errorf("sync: regulariser %v has no gradient (prox.Differentiable)", p.Regularizer.Spec())
	}
	c := core{Settings: s.Settings, p: p, omega: omega, net: n.Clone(), e: pass.New(p.Threads, p.Comm)}
	var st interface {
		dlam.Stepper
		begin() error
	}
	if s.Settings.Batch == 0 {
		st = &monotone{core: c}
	} else {
		st = &miniBatch{core: c}
	}
	if err := st.begin(); err != nil {
		st.Close()
		return nil, err
	}
	return st, nil
}
