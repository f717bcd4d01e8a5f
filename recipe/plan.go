package recipe

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/solver/ensemble"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/solver/refit"
	"github.com/dlam-go/dlam/spec"
	"github.com/dlam-go/dlam/table"
)

// Plan is a run that is ready to start: all that was chosen for it.
type Plan struct {
	Options    Options // with what was left to be chosen, but for Settings
	Samples    *Samples
	Total      int // training samples, over all ranks
	Problem    *dlam.Problem
	Validation *dlam.Validation // samples that choose the network; nil for none
	Solver     dlam.Solver
	Reads      []Read        // settings that the solver reads, with their values
	Network    *dlam.Network // first weights
	Memory     float64       // bytes that training takes beside the samples, in each process
	Notes      []string      // what people are to be told of it, a line each
	// ClassWeights are the factors of the classes in the weights of their samples; nil:
	// none.
	ClassWeights []float64

	meanWeight float64 // of the training samples, over all ranks
	facts      facts
	lost       error // why first weights that were given are not there; a checkpoint can do without them
}

// Prepare makes everything that a run on data needs, as o says and else as suits
// the data and the method. Nothing is trained, and nothing written.
func Prepare(data Data, o Options) (*Plan, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	s, err := data.Ready(&o)
	if err != nil {
		return nil, err
	}
	return s.Plan(o)
}

// Plan is Prepare of samples that are ready already: several runs can have them
// in common. They are divided and scaled as they are, whatever o says of it.
func (s *Samples) Plan(o Options) (*Plan, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	p := &Plan{Options: o, Samples: s}
	var err error
	if _, p.Total, err = comm.Offset(p.Options.sharing(), s.Train.Rows()); err != nil {
		return nil, err
	}
	if err := p.weigh(); err != nil {
		return nil, err
	}
	p.chooseMethod()
	if err := p.state(); err != nil {
		return nil, err
	}
	if s.Transform.Steps == 1 {
		return nil, refusef("%s: every sequence has one step alone: rows are samples then, without sequence-column and time-column", s.name)
	}
	outline, err := p.outline()
	if err == nil && s.Transform.Steps > 0 {
		switch err = outline.AnyLength(); {
		case err != nil && o.Layers == nil:
			err = fmt.Errorf("%s: the samples are sequences, of %d steps and fewer: say by layers what network takes them, with a recurrent layer first, as gru 64", s.name, s.Transform.Steps)
		case err != nil:
			err = fmt.Errorf("layers: %w", err)
		}
	}
	if err != nil {
		return nil, refuse(err)
	}
	if err := p.facts.method.trains(outline); err != nil {
		return nil, err
	}
	if err := outline.Ungated(); o.Settings.binary() && err != nil {
		return nil, refusef("binary-weights: got true, want false: %w", err)
	}
	p.Memory = p.needs(outline)
	if err := room(&p.Options, "training", s.raw+s.Train.Bytes()+s.Test.Bytes()+s.Validation.Bytes(), p.Memory); err != nil {
		return nil, err
	}
	p.Network, err = p.start(outline)
	return p, err
}

// needs is about how much memory the run takes beside the samples, in bytes.
func (p *Plan) needs(outline *dlam.Network) float64 {
	o := &p.Options
	w := outline.Widths()
	samples := p.Problem.X.Rows
	if o.sharing().Size() > 1 { // they make Gram matrices of inputs, however few samples each has
		samples = max(samples, slices.Max(w))
	}
	all := slices.Clone(w)
	for l := 1; l < len(w)-1; l++ {
		all[l] *= o.ensemble()
	}
	bytes := estimate(p.Solver, all, samples, o.Threads)
	if p.facts.shared {
		bytes = estimateShared(p.Solver, outline, samples, o.Threads)
	}
	if p.givesUp() && o.Folder != "" { // a copy of the parameters, and of up to three averages of them
		for l := 0; !p.facts.shared && l < len(all)-1; l++ {
			bytes += 4 * 4 * float64(all[l]+1) * float64(all[l+1])
		}
		if p.facts.shared {
			bytes += 4 * 4 * float64(outline.Numbers())
		}
	}
	if o.TryL2 { // the parts that the trials are made on
		bytes += p.Samples.Train.Bytes()
	}
	if o.Refit { // when the method's own memory is free again
		bytes = max(bytes, estimate(refit.Solver{}, w, samples, o.Threads))
	}
	if o.Certify && p.facts.method.splits && orElse(o.Settings.Anderson, 0) == 0 {
		bytes += certificateSize(outline, p.Problem.X.Rows)
	}
	return bytes
}

// outline is the network without its parameters. A network to start from, of layers
// that share weights, says what it is.
func (p *Plan) outline() (*dlam.Network, error) {
	o := &p.Options
	in, outputs := p.Problem.X.Cols, p.Problem.Y.Width()
	if o.Layers == nil && sharesWeights(o.Start) {
		return o.Start, nil
	}
	layers, shape := o.Layers, nn.Vector(in)
	if layers == nil {
		n := &dlam.Network{}
		for _, d := range append(slices.Clone(o.Hidden), outputs) { // of any size: what is too large is refused by its memory
			n.Layers = append(n.Layers, dlam.Layer{W: mat.Dense{Rows: d, Cols: in, Stride: in}, H: o.Activation[0]})
			in = d
		}
		n.Layers[len(n.Layers)-1].H = activation.Identity{}
		return n, nil
	}
	if !nn.Flat(layers) {
		var err error
		if shape, err = p.shape(); err != nil {
			return nil, err
		}
	}
	n, err := nn.Outline(shape, layers, outputs, o.Activation[0])
	if err != nil {
		return nil, fmt.Errorf("layers: %w", err)
	}
	return n, nil
}

// sharesWeights reports whether there is a network, and some layer of it shares its
// weights between places.
func sharesWeights(n *dlam.Network) bool { return n != nil && n.FullyConnected() != nil }

// shape is that of a sample, as the network gets it.
func (p *Plan) shape() (nn.Shape, error) {
	given, im, in := p.Options.Shape, p.facts.image, p.Problem.X.Cols
	known := nn.Shape{Height: im.Height, Width: im.Width, Channels: im.Channels}
	switch none, steps := (nn.Shape{}), p.Samples.Train.Steps; {
	case p.Samples.Transform.Steps > 0 && given != none:
		return none, fmt.Errorf("shape: got %s, want none of sequences, whose steps and columns are known: %dx%d", textOf(given), steps, in/steps)
	case known == none && given == none && steps > 0 && in%steps == 0:
		return nn.Shape{Height: steps, Width: in / steps, Channels: 1}, nil
	case known == none && given == none:
		return none, fmt.Errorf("layers: the samples are rows of %d numbers, of which nothing says what picture or sequence they are: say it by shape, as %s", in, p.exampleShape(in))
	case known == none && given.Size() != in:
		return none, fmt.Errorf("shape: %s has %d numbers, and a sample as the network gets it %d, with those that texts and gaps make", textOf(given), given.Size(), in)
	case known == none:
		return given, nil
	case given != none && given != known:
		return none, fmt.Errorf("shape: got %s, and the samples are pictures of %s", textOf(given), textOf(known))
	}
	return known, nil
}

// exampleShape is a shape of n numbers: for recurrent layers steps of one number, else a
// square if there is one.
func (p *Plan) exampleShape(n int) string {
	if p.facts.recurrent && n > 1 {
		return fmt.Sprintf("%dx1", n)
	}
	for _, channels := range []int{1, 3} {
		if side := int(math.Round(math.Sqrt(float64(n / channels)))); side*side*channels == n {
			return fmt.Sprintf("%dx%dx%d", side, side, channels)
		}
	}
	return fmt.Sprintf("1x%dx1", n)
}

// chooseMethod makes the solver, and chooses the network's shape and how long to
// train, which go with it.
func (p *Plan) chooseMethod() {
	o, train := &p.Options, p.Samples.Train
	p.chooseNetwork()
	f := facts{shared: !nn.Flat(o.Layers) || sharesWeights(o.Start), samples: p.Total, meanWeight: p.meanWeight, classes: train.Class != nil, image: train.Image, table: p.Samples.table(), seed: o.Seed}
	f.recurrent, f.gated = recurrence(o)
	if o.Solver != nil {
		f.method = Method{Name: o.Solver.String(), Init: dlam.He}
		p.Solver = o.Solver
	} else {
		f.method, _ = Find(o.Method) // Validate has found it
		f.mini = f.method.MiniBatches(o)
		o.Method = f.method.Name
		if o.Iterations == 0 {
			o.Iterations = f.method.iterations(f)
		}
		f.iterations = o.Iterations
		p.Solver, p.Reads = f.method.solver(o, f)
		if o.ensemble() > 1 {
			p.Solver = f.members(o)
		}
	}
	if o.Init == "" {
		o.Init = f.method.Init
	}
	if len(o.Activation) == 0 {
		o.Activation = []activation.Func{StandardActivation()}
		o.Layers = StandardLayers(o.Layers)
		if o.Start != nil && len(o.Start.Layers) > 1 {
			o.Activation = hiddenActivations(o.Start)
		}
	}
	o.Threads, o.Pool, o.TestSplit = o.ThreadCount(), o.pool(), new(o.testSplit())
	p.facts = f
}

// StandardLayers is layers with tanh in recurrent ones that name no activation, as suits
// where none is said for all: what has no bound, as ReLU, grows from step to step.
func StandardLayers(layers []nn.LayerSpec) []nn.LayerSpec {
	layers = slices.Clone(layers)
	for i := range layers {
		if s := &layers[i]; s.Kind == nn.KindRNN && s.Activation == nil {
			s.Activation = activation.Tanh{}
		}
	}
	return layers
}

// recurrence reports whether some layer of what is asked for, or started from, is recurrent,
// and whether all that are have gates.
func recurrence(o *Options) (some, gated bool) {
	has := func(kind nn.LayerKind) bool {
		return slices.ContainsFunc(o.Layers, func(s nn.LayerSpec) bool { return s.Kind == kind })
	}
	plain, gated := has(nn.KindRNN), has(nn.KindGRU)
	if o.Start != nil {
		for _, ly := range o.Start.Layers {
			plain, gated = plain || ly.Recurrent() && !ly.Gated(), gated || ly.Gated()
		}
	}
	return plain || gated, gated && !plain
}

// chooseNetwork says what the hidden layers are, where nothing else does: those of the network
// to start from, or the paper's. Mini-batches of sync have PictureLayers for pictures that are
// large enough, unless activations are listed, or the network is to be the mean of an
// ensemble, which is of dense ones; and else for pictures, whose pixels say little each, a wide
// layer (docs/sync.md).
func (p *Plan) chooseNetwork() {
	o, im := &p.Options, p.Samples.Train.Image
	if o.Hidden != nil || o.Layers != nil {
		return
	}
	m := Method{}
	if o.Solver == nil {
		m, _ = Find(o.Method) // Validate has found it
	}
	wide := m.wide && m.MiniBatches(o)
	switch {
	case o.Start != nil:
		w := o.Start.Widths()
		o.Hidden = w[1 : len(w)-1]
	case wide && min(im.Height, im.Width) >= leastConvolved && len(o.Activation) <= 1 && o.ensemble() == 1:
		o.Layers = PictureLayers()
	case wide && im.Width > 0:
		o.Hidden = []int{1000}
	default:
		o.Hidden = PaperHidden()
	}
}

// leastConvolved is the least side of pictures for which convolutions are the default.
const leastConvolved = 16

// PictureLayers is the default network of sync's mini-batches of pictures of at least 16×16
// pixels: at equal time it is better than a dense one (docs/layers.md).
func PictureLayers() []nn.LayerSpec {
	return []nn.LayerSpec{nn.ConvLayer(16, 5), nn.MaxPool(2), nn.ConvLayer(32, 5), nn.MaxPool(2), nn.DenseLayer(128)}
}

// PaperHidden is the widths of the hidden layers of the paper's smaller network.
func PaperHidden() []int { return []int{100, 100} }

// state makes the problem.
func (p *Plan) state() error {
	o, s := &p.Options, p.Samples
	l, err := p.loss()
	if err != nil {
		return refuse(err)
	}
	p.Problem = dlam.NewProblem(s.Train.X, p.target(s.Train), l, o.Threads)
	p.Problem.TestX, p.Problem.TestY = s.Test.X, p.target(s.Test)
	p.Problem.Comm = o.ranks()
	p.Problem.Regularizer = p.facts.regularizer(o)
	if p.Problem.Y.Smoothing, err = p.smoothing(l); err != nil {
		return refuse(err)
	}
	if p.Problem.Jitter, err = p.jitter(); err != nil {
		return refuse(err)
	}
	if o.Refit {
		if err := refit.Takes(p.Problem); err != nil {
			return refuse(err)
		}
	}
	if o.Validation > 0 {
		p.Validation = &dlam.Validation{X: s.Validation.X, Y: p.target(s.Validation), Patience: o.Patience}
	}
	return nil
}

// loss is R.
func (p *Plan) loss() (loss.Loss, error) {
	l := p.Options.Loss
	switch {
	case l == nil && p.facts.classes:
		l = loss.CrossEntropy{}
	case l == nil:
		l = loss.Squared{}
	}
	return outputLoss(l, p.Options.Settings.OutputSolver)
}

// regularizer is Ω.
func (f facts) regularizer(o *Options) prox.Regularizer {
	switch l2 := orElse(o.L2, f.weightDecayThatSuits()); {
	case o.L1 > 0:
		return prox.L1{Lambda: o.L1}
	case l2 > 0:
		return prox.L2{Lambda: l2}
	}
	return prox.None{}
}

// weightDecayThatSuits is λ of prox.L2 if nothing is said.
func (f facts) weightDecayThatSuits() float64 {
	if f.method.weightDecay == nil {
		return 0
	}
	return f.method.weightDecay(f)
}

// smoothing is the share of the uniform distribution in the targets.
func (p *Plan) smoothing(l loss.Loss) (float32, error) {
	share := p.Options.Smoothing
	if _, ok := l.(loss.CrossEntropy); ok && p.facts.classes {
		suits := 0.0
		if f := p.facts; f.method.smoothing != nil {
			suits = f.method.smoothing(f)
		}
		return float32(orElse(share, suits)), nil
	}
	if orElse(share, 0) > 0 {
		return 0, fmt.Errorf("label-smoothing: the loss %v does not read it; cross-entropy does", l.Spec())
	}
	return 0, nil
}

// jitter is how the pictures of mini-batches are changed by chance. Convolutions with
// pooling know already that a picture moved by less than a pixel shows the same thing, and
// moves blur: they are for runs that take pictures more than once (docs/layers.md).
func (p *Plan) jitter() (picture.Jitter, error) {
	j := picture.Jitter{}
	if f := &p.facts; f.mini && (!f.shared || f.iterations != 1) {
		j = picture.JitterFor(p.Samples.Train.Image)
	}
	j.Image, j.Deviation, j.Moves = p.Samples.Train.Image, orElse(p.Options.Jitter, j.Deviation), p.Options.Moves
	return j, j.Validate(p.Problem.X.Cols)
}

// start is the first weights, drawn or given.
func (p *Plan) start(outline *dlam.Network) (*dlam.Network, error) {
	o, widths := &p.Options, outline.Widths()
	if n := len(o.Activation); n > 1 && n != len(widths)-2 {
		return nil, refusef("activation: got %d activations for %d hidden layers, want one for all or one for each", n, len(widths)-2)
	}
	n, err := p.draw(outline, 0)
	if err != nil {
		return nil, refuse(err)
	}
	switch {
	case o.ensemble() > 1:
		all := []*dlam.Network{n}
		for k := 1; k < o.ensemble(); k++ {
			if n, err = p.draw(outline, k); err != nil {
				return nil, refuse(err)
			}
			all = append(all, n)
		}
		return ensemble.Join(all), nil
	case o.StartFile != "":
		given, err := model.Weights(o.StartFile, n)
		if o.Resume && o.StartDigest != "" && errors.Is(err, os.ErrNotExist) {
			p.lost = refusef("%s: %w", startEntry, err)
			return n, nil
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil, refusef("init-from: %w", err)
		}
		if errors.Is(err, model.ErrOther) {
			return nil, refusef("init-from: %w (hidden, or layers, and activation must be those of the file; the inputs follow from the data)", err)
		}
		if err != nil {
			return nil, refusef("init-from: %w", err)
		}
		n = given
		p.noteInputs(o.StartFile, o.own(n))
	case o.Start != nil:
		if got := o.Start.Widths(); !slices.Equal(got, widths) {
			return nil, refusef("the network to start from has widths %v; data and hidden layers ask for %v", got, widths)
		}
		for l, ly := range o.Start.Layers {
			if want := n.Layers[l]; !ly.Linear().Spec().Equal(want.Linear().Spec()) || max(1, ly.Max) != max(1, want.Max) {
				return nil, refusef("layer %d of the network to start from is %s; layers ask for %s", l+1, o.Start.Text(l), n.Text(l))
			}
		}
		for l, h := range hiddenActivations(o.Start) {
			if want := n.Layers[l].H.Spec(); !h.Spec().Equal(want) {
				return nil, refusef("activation: got %v, and layer %d of the network to start from has %v", want, l+1, h.Spec())
			}
		}
		n = o.Start.Clone()
	case o.StartDigest != "":
		return nil, refusef("%s: the run began with weights that were given: give them again (init-from)", startEntry)
	default:
		return n, nil
	}
	return n, p.recordStart(n)
}

// noteInputs makes a note of first weights from a model file that were trained on other inputs.
func (p *Plan) noteInputs(file string, own []spec.Operator) {
	m, err := model.Load(file, own...)
	if err != nil {
		return // it has parameters alone, and says nothing of inputs
	}
	note := func(format string, args ...any) {
		p.Notes = append(p.Notes, file+": its weights were trained on "+fmt.Sprintf(format, args...))
	}
	is, was := &p.Samples.Transform, &m.Transform
	if is.Scaling != was.Scaling {
		note("inputs scaled otherwise: %s, and here %s (--scale)", was.Scaling, is.Scaling)
	}
	if names := p.Samples.features; names != nil && m.Features != nil && !slices.Equal(names, m.Features) {
		note("other columns: %s, and here %s", table.List(m.Features), table.List(names))
	}
}

// draw is the first weights of network k of an ensemble, or of the only one.
func (p *Plan) draw(outline *dlam.Network, k int) (*dlam.Network, error) {
	o := &p.Options
	n, err := outline.Drawn(o.Init, rand.New(rand.NewPCG(o.Seed, uint64(k))))
	if err != nil {
		return nil, err
	}
	for l := 1; l < len(o.Activation); l++ {
		n.Layers[l].H = o.Activation[l]
	}
	return n, nil
}

// members is the solver of an ensemble. The first network is the one that is trained
// alone, but for rounding; the others' samples come in other orders.
func (f facts) members(o *Options) ensemble.Solver {
	var s ensemble.Solver
	for k := range o.ensemble() {
		f.seed = o.Seed + uint64(k)<<32
		member, _ := f.method.solver(o, f)
		s.Members = append(s.Members, member)
	}
	return s
}

// errOtherStart is that of first weights which are not the run's.
var errOtherStart = errors.New("not the weights that the run began with")

// recordStart makes first weights that were given a part of the run's settings.
func (p *Plan) recordStart(n *dlam.Network) error {
	sum := networkDigest(n)
	is := hex.EncodeToString(sum[:])
	if was := p.Options.StartDigest; was != "" && was != is {
		return refusef("%s: %w: they have the SHA-256 %s, and the run's %s", startEntry, errOtherStart, is, was)
	}
	p.Options.StartDigest = is
	return nil
}

// hiddenActivations are those of n's hidden layers.
func hiddenActivations(n *dlam.Network) []activation.Func {
	var list []activation.Func
	for _, ly := range n.Layers[:len(n.Layers)-1] {
		list = append(list, ly.H)
	}
	return list
}

// estimate is about how much memory training takes beside the samples, in bytes.
func estimate(s dlam.Solver, widths []int, samples, threads int) float64 {
	if e, ok := s.(interface {
		Memory(widths []int, samples, threads int) float64
	}); ok {
		return e.Memory(widths, samples, threads)
	}
	var bytes float64 // parameters, gradients and moments of any method, and activations of a few blocks
	for l, d := range widths[1:] {
		bytes += 4 * (float64(d)*float64(widths[l])*float64(8+threads) + 2048*float64(d)*float64(threads))
	}
	return bytes
}

// estimateShared is estimate for a network in which some layer shares its weights.
func estimateShared(s dlam.Solver, n *dlam.Network, samples, threads int) float64 {
	if e, ok := s.(interface {
		MemoryFor(n *dlam.Network, samples, threads int) float64
	}); ok {
		return e.MemoryFor(n, samples, threads)
	}
	worker, _ := nn.PassMemory(n.Layers)
	return 4 * (float64(n.Numbers())*float64(8+threads) + worker*float64(threads))
}

// certificateSize is about how many bytes a certificate of an iterate takes: the
// one before it, with a and a cut to its band, a layer's products in float64,
// before and after, and what goes into it, of all places.
func certificateSize(n *dlam.Network, samples int) float64 {
	var units, widest, rows float64
	for _, ly := range n.Layers {
		z := float64(ly.Places() * ly.W.Rows)
		units, widest = units+z+2*float64(ly.Units()), max(widest, z)
		copies := 2.0 // of the rows of U
		if ly.Map == nil {
			copies = 1
		}
		rows = max(rows, copies*float64(ly.Places()*ly.W.Cols))
	}
	return float64(samples) * (4*units + 8*2*widest + 4*rows)
}

// chooseRate is the paper's protocol for Settings.TryRates: a whole run with each
// rate of the grid. The one chosen is the run's setting from then on.
func (p *Plan) chooseRate(ctx context.Context) error {
	s, ok := p.Solver.(gradient.Solver)
	if !ok || !p.Options.Settings.TryRates {
		return nil
	}
	chosen, err := gradient.ChooseRate(ctx, s.Settings, p.Problem, p.Network, p.Options.Iterations, gradient.Grid, p.Options.RateTried)
	if err != nil {
		return err
	}
	set := &p.Options.Settings
	set.Rate, set.TryRates = &chosen.Rate, false
	p.Solver, p.Reads = p.facts.method.solver(&p.Options, p.facts)
	return nil
}

// Activation writes the activations of the hidden layers.
func (p *Plan) Activation() string { return textOf(p.Options.Activation) }

// Settings writes everything that the run's method is told: the solver's settings,
// and what the problem and the first weights have that suits it.
func (p *Plan) Settings() string {
	text := settingsText(p.Solver)
	text += fmt.Sprintf(" Init:%s Regularizer:%v", p.Options.Init, p.Problem.Regularizer)
	if s := p.Problem.Y.Smoothing; s > 0 {
		text += fmt.Sprintf(" Smoothing:%g", s)
	}
	if d := p.Problem.Jitter.Deviation; d > 0 {
		text += fmt.Sprintf(" Jitter:%g", d)
	}
	if m := p.Problem.Jitter.Moves; m != (picture.Moves{}) {
		text += fmt.Sprintf(" Moves:%v", m)
	}
	return strings.TrimSpace(text)
}
