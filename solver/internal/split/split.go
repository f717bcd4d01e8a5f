package split

import (
	"errors"
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/nn"
)

// Layer is the variables of one layer and what its updates remember.
type Layer struct {
	L    int         // 1 for the first
	Net  *dlam.Layer // W_l, b_l and h_l
	In   mat.Dense   // A_{l-1}, or with Options.Copies P_l, which stands for it
	Z, A mat.Dense   // n×d_l; A of the output layer, and Z at all, only where Options say so
	// U and Lambda are multipliers, n×d_l: with Options.Copies U is that of P_{l+1} = A_l;
	// with Options.Multipliers U is that of z_l = V_l, if there is a z, and Lambda that of
	// h(z_l) = a_l, or h(V_l) = a_l.
	U, Lambda mat.Dense
	Next      *Layer // nil for the output layer
	Term      Term   // of V_l; nil: FitAffine fits V_l to Z

	Products *nn.Products // with W_l; must be packed when W_l has changed

	affine normalEquations // nil until the first step
	aStep  activationFit
	moved  movedActivation
	zStep  misfitFit
	output outputFit
	start  forward
	tally  measure
}

// Options say which variables a method has.
type Options struct {
	OutputA     bool   // a_L beside z_L, tied by the output's activation, the identity
	Dual        bool   // a multiplier u of z_L = V_L
	Multipliers bool   // one of each equation
	NoZ         bool   // no z: V_l stands for it
	Batch       int    // with NoZ, samples a mini-batch; 0: all at a time
	Seed        uint64 // of the mini-batches' order
	// Copies are variables P_{l+1} that stand for A_l where layer l+1 takes it, and
	// multipliers U_l of P_{l+1} = A_l. The caller runs the layers forward.
	Copies bool
	// Layers First to End-1, from 0, are those that this process has, with all samples:
	// other ranks have the others. End 0: it has all layers, and ranks share the samples.
	First, End int
}

// has reports whether this process has layer l, from 0.
func (o Options) has(l int) bool { return o.End == 0 || o.First <= l && l < o.End }

// Iterate is the variables of a method, and the means to update them.
type Iterate struct {
	P      *dlam.Problem
	Net    *dlam.Network
	N      float64 // sum of the samples' weights, over all ranks: their number without any
	count  float64 // number of samples, over all ranks
	Layers []Layer
	Dual   mat.Dense // u, n×d_L; empty without one
	Done   int       // iterations
	Sums   *pass.Pass

	Batches *backprop.Batches // nil: all samples at a time

	options Options
	loss    loss.Proximal // P's, of methods that have z
	e       *pass.Engine
	scratch []Scratch // of each worker
}

// New starts from a forward pass of a copy of n: z_l = V_l, a_l = h(z_l), u = 0.
// It refuses a loss without a proximal operator, and without z one whose curvature has
// no known bound. With mini-batches a is that of each batch, and Take makes it. The
// caller must Close it.
func New(p *dlam.Problem, n *dlam.Network, o Options) (*Iterate, error) {
	if err := p.Fits(n); err != nil {
		return nil, err
	}
	if err := n.FullyConnected(); err != nil {
		return nil, fmt.Errorf("%w: the blocks are those of a matrix W, which such a layer has not got", err)
	}
	l, ok := p.Loss.(loss.Proximal)
	if !ok && (!o.NoZ || o.OutputA) {
		return nil, fmt.Errorf("loss %v has no proximal operator (loss.Proximal), which the output step needs", p.Loss.Spec())
	}
	if _, ok := p.Loss.(loss.Smooth); !ok && o.NoZ && !o.OutputA {
		return nil, fmt.Errorf("loss %v has no bound of its curvature (loss.Smooth), which the output layer's step needs", p.Loss.Spec())
	}
	ranks := p.Comm
	if o.End > 0 { // which share the layers
		ranks = comm.Self{}
	}
	it := &Iterate{P: p, loss: l, Net: n.Clone(), options: o, e: pass.New(p.Threads, ranks), Layers: make([]Layer, len(n.Layers))}
	if err := it.begin(o); err != nil {
		it.Close()
		return nil, err
	}
	return it, nil
}

func (it *Iterate) begin(o Options) (err error) {
	rows := it.P.X.Rows
	if o.Batch > 0 {
		if it.Batches, err = backprop.NewBatches(it.e, it.P.X, it.P.Y, o.Batch, o.Seed, it.P.Jitter); err != nil {
			return err
		}
		rows = (rows + it.Batches.Count - 1) / it.Batches.Count
		batch := *it.P // whose samples are those of a batch
		it.P = &batch
	}
	it.allocate(o, rows)
	it.Pack()
	if it.Batches != nil {
		it.N = it.Batches.Weight
		return nil
	}
	return it.start()
}

// Take makes the epoch's batch k the samples, and a by a forward pass.
func (it *Iterate) Take(k int) error {
	it.P.X, it.P.Y = it.Batches.Take(k)
	it.count, it.Sums.Weights = float64(it.P.X.Rows), it.P.Y.Weight
	in := it.P.X
	for l := range it.Layers {
		ly := &it.Layers[l]
		ly.In = in
		if ly.Next != nil {
			ly.A = mat.FromSlice(in.Rows, ly.Net.Units(), ly.A.Data[:in.Rows*ly.Net.Units()])
			if err := it.Run(&ly.start); err != nil {
				return err
			}
		}
		if ly.affine != nil {
			ly.affine.renew()
		}
		in = ly.A
	}
	return nil
}

// start runs the network forward.
func (it *Iterate) start() (err error) {
	if it.count, it.N, err = it.e.Samples(it.P.X.Rows, it.P.Y.TotalWeight()); err != nil {
		return err
	}
	for l := range it.Layers {
		if it.options.Copies {
			break
		}
		if err := it.Forward(&it.Layers[l]); err != nil {
			return err
		}
	}
	return nil
}

// Forward makes z_l = V_l and a_l = h(z_l).
func (it *Iterate) Forward(ly *Layer) error { return it.Run(&ly.start) }

// allocate makes the variables of so many samples.
func (it *Iterate) allocate(o Options, rows int) {
	in, widest := it.P.X, 0
	for l := range it.Layers {
		ly := &it.Layers[l]
		ly.L, ly.Net, ly.In = l+1, &it.Net.Layers[l], in
		out := ly.Net.Units()
		widest = max(widest, out)
		last := l == len(it.Layers)-1
		if !last {
			ly.Next = &it.Layers[l+1]
		}
		if o.has(l) || !last && o.has(l+1) { // a layer's neighbour takes its output
			if !last || o.OutputA {
				ly.A = mat.New(rows, out)
			}
			in = ly.A
			if o.Copies && !last {
				ly.U, in = mat.New(rows, out), mat.New(rows, out)
			}
		}
		if o.Multipliers && !o.NoZ {
			ly.U = mat.New(rows, out)
		}
		if o.Multipliers && ly.A.Rows > 0 {
			ly.Lambda = mat.New(rows, out)
		}
		if !o.has(l) {
			continue
		}
		if !o.NoZ {
			ly.Z = mat.New(rows, out)
		}
		ly.Products = nn.NewProducts(*ly.Net)
		ly.aStep = newActivationFit(it, ly)
		ly.moved = movedActivation{fit: &ly.aStep}
		ly.zStep, ly.output = misfitFit{it: it, ly: ly}, outputFit{it: it, ly: ly}
		ly.start, ly.tally = forward{it: it, ly: ly}, measure{it: it, ly: ly}
	}
	if it.Dual = it.Last().U; o.Dual { // which Multipliers make
		it.Dual = mat.New(rows, it.Layers[len(it.Layers)-1].Net.W.Rows)
	}
	it.Sums = it.e.NewPass(pass.Whole)
	it.Sums.Weights = it.P.Y.Weight
	it.scratch = make([]Scratch, it.e.Pool.Threads())
	for w := range it.scratch {
		for i := range it.scratch[w].blocks {
			it.scratch[w].blocks[i] = make([]float32, pass.Block*widest)
		}
	}
}

// Last is the output layer.
func (it *Iterate) Last() *Layer { return &it.Layers[len(it.Layers)-1] }

// Network is the current network.
func (it *Iterate) Network() *dlam.Network { return it.Net }

// Close frees the workers.
func (it *Iterate) Close() { it.e.Close() }

// State is z, a, u and the number of iterations done; of mini-batches that number alone.
func (it *Iterate) State() dlam.State {
	st := dlam.State{OfSamples: it.Batches == nil, Float32: map[string][]float32{}, Float64: map[string][]float64{"done": {float64(it.Done)}}}
	it.each(func(name string, m mat.Dense) { st.Float32[name] = m.Elements() })
	return st
}

// Restore puts a State back.
func (it *Iterate) Restore(n *dlam.Network, st dlam.State) error {
	done := st.Float64["done"]
	if len(done) != 1 {
		return errors.New("state: done missing")
	}
	if err := RestoreEach(st, it.each); err != nil {
		return err
	}
	it.Done = int(done[0])
	it.Net.CopyFrom(n)
	it.Pack()
	return nil
}

// RestoreEach puts back what each calls its argument with, by their names in a State.
func RestoreEach(st dlam.State, each func(do func(name string, m mat.Dense))) error {
	var errs []error
	each(func(name string, m mat.Dense) {
		if got, want := len(st.Float32[name]), m.Rows*m.Cols; got != want {
			errs = append(errs, fmt.Errorf("state: %s has %d elements, want %d", name, got, want))
			return
		}
		copy(m.Elements(), st.Float32[name])
	})
	return errors.Join(errs...)
}

// Pack packs the products of all layers, whose W have changed.
func (it *Iterate) Pack() {
	for l := range it.Layers {
		if it.options.has(l) {
			it.Layers[l].Products.Pack()
		}
	}
}

// Variables are all variables, of runs that take all samples at a time, each rank with all
// layers; see dlam.Mixable.
func (it *Iterate) Variables() (samples, shared []mat.Dense, err error) {
	switch {
	case it.Batches != nil:
		return nil, nil, errors.New("mini-batches leave no iterate of all samples to mix: take all at a time (batch 0)")
	case it.options.End > 0:
		return nil, nil, errors.New("ranks that share the layers have no iterate of their own to mix: share the samples")
	}
	it.each(func(_ string, m mat.Dense) { samples = append(samples, m) })
	for _, ly := range it.Net.Layers {
		shared = append(shared, ly.W, mat.FromSlice(1, len(ly.B), ly.B))
	}
	return samples, shared, nil
}

// each calls f with every variable beside the parameters.
func (it *Iterate) each(f func(name string, m mat.Dense)) {
	if it.Batches != nil {
		return
	}
	for l := range it.Layers {
		ly := &it.Layers[l]
		if ly.Z.Rows > 0 {
			f(fmt.Sprintf("z.%d", ly.L), ly.Z)
		}
		if ly.A.Rows > 0 {
			f(fmt.Sprintf("a.%d", ly.L), ly.A)
		}
		if ly.U.Rows > 0 {
			f(fmt.Sprintf("u.%d", ly.L), ly.U)
		}
		if ly.U.Rows > 0 && it.options.Copies {
			f(fmt.Sprintf("p.%d", ly.L+1), ly.Next.In)
		}
		if ly.Lambda.Rows > 0 {
			f(fmt.Sprintf("lambda.%d", ly.L), ly.Lambda)
		}
	}
	if it.options.Dual {
		f("u", it.Dual)
	}
}

// Numbers is how many the variables have.
func Numbers(n *dlam.Network, samples int, o Options) float64 {
	return float64(n.Parameters()) + perSample(n.Widths(), o)*float64(samples)
}

// perSample is how many numbers a sample has in the variables.
func perSample(widths []int, o Options) (perSample float64) {
	for l, d := range widths[1:] {
		out := float64(d)
		if !o.NoZ {
			perSample += out
		}
		if l < len(widths)-2 || o.OutputA {
			perSample += out
		}
		if l == len(widths)-2 && o.Dual {
			perSample += out
		}
		if l < len(widths)-2 && o.Copies {
			perSample += 2 * out
		}
		if o.Multipliers && !o.NoZ {
			perSample += out
		}
		if o.Multipliers && (l < len(widths)-2 || o.OutputA) {
			perSample += out
		}
	}
	return perSample
}

// Memory is about how many bytes an Iterate takes beside the samples.
func Memory(widths []int, samples, threads int, o Options) float64 {
	var fixed, longest, widest float64
	sample := perSample(widths, o)
	if o.Batch > 0 {
		samples = min(samples, o.Batch)
		sample += float64(widths[0])
	}
	for l, d := range widths[1:] {
		out, in := float64(d), float64(widths[l])
		n := float64(samples)
		fixed += 5*out*in + 6*out*out // W and its packed forms; the inverse
		if in > n {
			fixed += 4*n*n + 3*n*out // the normal equations, with an unknown a sample
			longest = max(longest, out*in)
		} else {
			fixed += 4 * in * in
			longest = max(longest, in*in+out*in)
		}
		widest = max(widest, out)
	}
	return 4 * (sample*float64(samples) + fixed + float64(threads)*(3*longest+pass.Block*widest*scratches))
}
