package recipe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/solver/admm"
	"github.com/dlam-go/dlam/solver/anderson"
	"github.com/dlam-go/dlam/solver/bcd"
	"github.com/dlam-go/dlam/solver/cdlam"
	"github.com/dlam-go/dlam/solver/dladmm"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/solver/lifted"
	"github.com/dlam-go/dlam/solver/mac"
	"github.com/dlam-go/dlam/solver/multiconvex"
	"github.com/dlam-go/dlam/solver/onlineam"
	"github.com/dlam-go/dlam/solver/pdadmm"
	"github.com/dlam-go/dlam/solver/syncdlam"
)

// defaultMethod is the method if nothing is said.
const defaultMethod = "sync"

// What suits sync, on pictures and other samples (docs/sync.md) and on tables
// (docs/tables.md, "What suits tables").
const (
	syncSmoothing  = 0.1 // label smoothing
	tableSmoothing = 0.05
	tableDecay     = 0.003 // λ of prox.L2 a row
	leastDecay     = 3     // of all rows together
	tableLambda    = 10    // damping
	manyRows       = 20000
)

// Method is a training method by its name: what suits it, and how its solver is
// made. The table below is the only place where names become solvers.
type Method struct {
	Name  string
	About string           // what it is, in a few words
	Init  dlam.Initializer // how first weights are drawn

	// miniBatches reports whether it takes mini-batches if batch is given, nil if
	// nothing is said.
	miniBatches func(batch *int) bool
	iterations  func(facts) int
	make        func(*reader, facts) dlam.Solver
	monotone    func(mini bool) bool // whether theory says that its objective never rises
	dense       bool                 // trains fully-connected layers alone
	splits      bool                 // keeps z and a of all samples, which a certificate copies
	smooth      bool                 // trains activations without kinks alone (activation.Fitted)
	mixes       bool                 // with all samples at a time, steppers are dlam.Mixable
	lags        bool                 // trains the last layer on other activations than the forward pass has

	smoothing   func(facts) float64 // label smoothing; nil: none
	weightDecay func(facts) float64 // λ of prox.L2; nil: none
	wide        bool                // one wide hidden layer for mini-batches of pictures, whose pixels say little each
}

// trains reports a layer of n that the method does not train.
func (m Method) trains(n *dlam.Network) error {
	if err := n.Ungated(); (m.dense || m.splits) && err != nil {
		return refusef("%s does not train this network: %w (sync and the methods of backpropagation do)", m.Name, err)
	}
	if err := n.FullyConnected(); m.dense && err != nil {
		return refusef("%s does not train this network: %w (sync, dlam, mdlam and the methods of backpropagation do)", m.Name, err)
	}
	return m.TrainsActivations(hiddenActivations(n))
}

// TrainsActivations reports a hidden layer's activation that the method does not train.
func (m Method) TrainsActivations(hidden []activation.Func) error {
	for _, h := range hidden {
		if _, ok := h.(activation.Fitted); m.smooth && !ok {
			return refusef("%s does not train activation %v, which has a kink: where its derivative is 0 no step moves z; tanh, sigmoid and identity have none, and lifted takes activations with kinks", m.Name, h.Spec())
		}
	}
	return nil
}

// Takes reports hidden layers that the method does not train: layers, with the activations h
// where they name none, or if there are none dense ones with h.
func (m Method) Takes(layers []nn.LayerSpec, h []activation.Func) error {
	if slices.ContainsFunc(layers, func(s nn.LayerSpec) bool { return s.Kind == nn.KindGRU }) && (m.dense || m.splits) {
		return refusef("%s does not train gru, whose gates multiply (sync and the methods of backpropagation do)", m.Name)
	}
	if m.dense && !nn.Flat(layers) {
		return refusef("%s does not train convolutions, pooling or recurrence (sync, dlam, mdlam and the methods of backpropagation do)", m.Name)
	}
	var named []activation.Func
	for _, s := range layers {
		if s.Activation != nil {
			named = append(named, s.Activation)
		}
	}
	if len(layers) == 0 || len(named) < len(layers) {
		named = append(named, h...)
	}
	return m.TrainsActivations(named)
}

// Lags reports whether the method trains the last layer on other activations than the
// forward pass has, so that Options.Refit is for it.
func (m Method) Lags() bool { return m.lags }

// facts are what a method's settings follow from.
type facts struct {
	method     Method
	mini       bool          // mini-batches
	samples    int           // training samples, over all ranks
	meanWeight float64       // of these; 1 without weights
	classes    bool          // targets are classes, not values
	image      picture.Image // shape of a sample, as networks get it
	shared     bool          // some layer shares its weights between places
	recurrent  bool          // some layer is recurrent
	gated      bool          // all that are have gates
	table      bool          // samples are rows of a table: neither pictures nor very many numbers
	iterations int
	seed       uint64
}

// Methods are all methods, in the order in which they are listed.
func Methods() []Method {
	never := func(*int) bool { return false }
	unlessZero := func(batch *int) bool { return batch == nil || *batch != 0 }
	ifGiven := func(batch *int) bool { return batch != nil && *batch > 0 } // as the paper compares
	always := func(bool) bool { return true }
	list := []Method{
		{
			Name: "sync", About: "synchronised DLAM", Init: dlam.He, miniBatches: unlessZero, iterations: syncIterations, make: makeSync,
			monotone:  func(mini bool) bool { return !mini },
			smoothing: syncSmooths, weightDecay: syncDecays, wide: true, mixes: true,
		},
		{Name: "dlam", About: "the paper's method", Init: dlam.Paper, miniBatches: never, iterations: times(200), make: makeDLAM(false), monotone: always, splits: true, lags: true, mixes: true},
		{Name: "mdlam", About: "DLAM with Nesterov extrapolation", Init: dlam.Paper, miniBatches: never, iterations: times(200), make: makeDLAM(true), monotone: always, splits: true, lags: true, mixes: true},
		{Name: "cdlam", About: "DLAM with z and a of a layer as one block", Init: dlam.He, miniBatches: never, iterations: times(100), make: makeCDLAM, monotone: always, dense: true, lags: true, mixes: true},
		{Name: "admm", About: "ADMM without gradients (Taylor et al. 2016)", Init: dlam.He, miniBatches: never, iterations: times(50), make: makeADMM, dense: true, lags: true, mixes: true},
		{Name: "dladmm", About: "dlADMM (Wang et al. 2019)", Init: dlam.He, miniBatches: never, iterations: times(50), make: makeDLADMM, dense: true, lags: true, mixes: true},
		{Name: "pdadmm", About: "pdADMM (Wang et al. 2020), layers in parallel", Init: dlam.Paper, miniBatches: never, iterations: times(100), make: makePDADMM, dense: true, lags: true, mixes: true},
		{Name: "bcd", About: "block coordinate descent (Zeng et al. 2019)", Init: dlam.He, miniBatches: never, iterations: times(50), make: makeBCD, dense: true, lags: true, mixes: true},
		{Name: "onlineam", About: "online alternating minimisation (Choromanska et al. 2019)", Init: dlam.He, miniBatches: unlessZero, iterations: times(10), make: makeOnlineAM, dense: true},
	}
	list = append(list, Method{
		Name: "lifted", About: "lifted network (Gu et al. 2020)", Init: dlam.He, miniBatches: ifGiven, iterations: liftedIterations, make: makeLifted,
		monotone: func(mini bool) bool { return !mini }, dense: true, lags: true, mixes: true,
	}, Method{
		Name: "mac", About: "method of auxiliary coordinates (Carreira-Perpiñán & Wang 2014)", Init: dlam.He, miniBatches: never, iterations: times(60), make: makeMAC,
		monotone: always, dense: true, smooth: true, lags: true, mixes: true,
	})
	for _, rule := range gradient.Rules {
		list = append(list, Method{Name: string(rule), About: "backpropagation", Init: dlam.He, miniBatches: ifGiven, iterations: gradientIterations, make: makeGradient(rule)})
	}
	return list
}

// MethodNames are the methods' names.
func MethodNames() []string {
	var names []string
	for _, m := range Methods() {
		names = append(names, m.Name)
	}
	return names
}

// Find is the method called name; "" is sync.
func Find(name string) (Method, error) {
	if name == "" {
		name = defaultMethod
	}
	for _, m := range Methods() {
		if m.Name == name {
			return m, nil
		}
	}
	return Method{}, refusef("unknown solver %q (choose one of %s)%s", name, strings.Join(MethodNames(), ", "), check.Meant(name, MethodNames()))
}

func times(n int) func(facts) int { return func(facts) int { return n } }

func syncIterations(f facts) int {
	switch {
	case !f.mini:
		return 150
	case f.samples < manyRows || f.table && !f.classes:
		return 30
	}
	return 10
}

// syncSmooths is sync's label smoothing. Few rows want some, against what they say by
// chance.
func syncSmooths(f facts) float64 {
	switch {
	case !f.mini || !f.table:
		return syncSmoothing
	case f.samples < manyRows:
		return tableSmoothing
	}
	return 0
}

// syncDecays is sync's weight decay. It goes with the weights of the samples, so that
// their unit makes no difference.
func syncDecays(f facts) float64 {
	switch {
	case f.mini && f.table:
		return max(leastDecay, tableDecay*float64(f.samples)) * f.meanWeight
	case f.mini && f.classes:
		return syncdlam.WeightDecay * float64(f.samples) * f.meanWeight
	}
	return 0
}

func liftedIterations(f facts) int {
	if f.mini {
		return 10
	}
	return 50
}

func gradientIterations(f facts) int {
	if f.mini {
		return 10
	}
	return 150
}

// reader puts settings that are given in the place of a method's own, and notes
// which ones the method reads.
type reader struct {
	given Settings
	reads []Read
}

// Read is a setting that a method reads.
type Read struct {
	Name  string
	Value any    // in use; nil if it follows from what else the run is told
	Needs string // what it is read with alone, if that is not so: "mode prox"
}

// read makes *to the value given under a name, if one is.
func read[T any](r *reader, name string, given *T, to *T) {
	if given != nil {
		*to = *given
	}
	r.reads = append(r.reads, Read{Name: name, Value: *to})
}

// readIf is read of a setting that has a meaning only if ok, which needs names.
func readIf[T any](r *reader, ok bool, needs, name string, given *T, to *T) {
	if ok {
		read(r, name, given, to)
		return
	}
	r.reads = append(r.reads, Read{Name: name, Needs: needs})
}

// also notes settings that the problem takes, not the solver, if ok.
func (r *reader) also(ok bool, needs string, names ...string) {
	if ok {
		needs = ""
	}
	for _, name := range names {
		r.reads = append(r.reads, Read{Name: name, Needs: needs})
	}
}

// What some settings need.
const (
	needsBatches       = "mini-batches"
	needsAllSamples    = "all samples at a time (batch 0)"
	needsSamplesShared = "parallel samples"
	needsRealWeights   = "binary-weights false"
	needsBacktracking  = "line-search backtracking"
	needsExact         = "line-search exact"
	needsProx          = "mode prox"
	needsTaylor        = "form taylor"
	needsMemory        = "rule memory"
	needsBits          = "bits above 0"
	needsQuadratic     = "penalty quadratic and all samples at a time"
	needsProximal      = "penalty quadratic, or mini-batches"
)

// makeSync is synchronised DLAM.
func makeSync(r *reader, f facts) dlam.Solver {
	s := syncdlam.FullBatch()
	if f.mini {
		s = syncdlam.SettingsFor(max(1, f.samples), f.classes, max(1, f.iterations))
		if f.table && f.classes {
			s.Lambda = tableLambda
		}
		if f.shared {
			s = s.ForShared(max(1, f.samples), max(1, f.iterations), f.classes)
		}
		switch {
		case f.gated:
			s = s.ForGated(f.classes)
		case f.recurrent:
			s = s.ForRecurrent(f.classes)
		}
	}
	g := r.given
	read(r, "batch", g.Batch, &s.Batch)
	read(r, "lambda", g.Lambda, &s.Lambda)
	readIf(r, f.mini, needsBatches, "rank", g.Rank, &s.Rank)
	read(r, "momentum", g.Momentum, &s.Momentum)
	readIf(r, !f.mini, needsAllSamples, "mode", g.Mode, &s.Mode)
	readIf(r, s.Mode == syncdlam.Prox, needsProx, "rho", g.Rho, &s.Rho)
	r.also(s.Mode == syncdlam.Prox, needsProx, "output-solver")
	r.also(f.mini, needsBatches, "jitter", "moves")
	if readIf(r, f.mini, needsBatches, "binary-weights", g.BinaryWeights, &s.BinaryWeights); s.BinaryWeights {
		s.Lead = 0
	}
	s.Seed = f.seed
	return syncdlam.Solver{Settings: s}
}

// makeDLAM is DLAM, or mDLAM, with momentum.
func makeDLAM(momentum bool) func(*reader, facts) dlam.Solver {
	return func(r *reader, _ facts) dlam.Solver {
		s, g := multiconvex.DefaultSettings(), r.given
		s.Momentum = momentum
		read(r, "rho", g.Rho, &s.Rho)
		read(r, "epsilon", g.Epsilon, &s.Epsilon)
		read(r, "epsilon-rule", g.EpsilonRule, &s.EpsilonRule)
		if momentum {
			read(r, "inertia-centre", g.InertiaCentre, &s.Centre)
			read(r, "inertia-result", g.InertiaResult, &s.Result)
		} else { // which momentum needs to be exact
			read(r, "line-search", g.LineSearch, &s.LineSearch)
			backtracks := s.LineSearch == multiconvex.Backtracking
			readIf(r, backtracks, needsBacktracking, "alpha0", g.Alpha0, &s.Alpha0)
			readIf(r, backtracks, needsBacktracking, "gamma", g.Gamma, &s.Gamma)
			readIf(r, !backtracks, needsExact, "binary-weights", g.BinaryWeights, &s.BinaryWeights)
		}
		read(r, "eta", g.Eta, &s.Eta)
		r.also(true, "", "output-solver")
		return multiconvex.Solver{Settings: s}
	}
}

func makeCDLAM(r *reader, _ facts) dlam.Solver {
	s, g := cdlam.DefaultSettings(), r.given
	read(r, "rho", g.Rho, &s.Rho)
	read(r, "epsilon", g.Epsilon, &s.Epsilon)
	read(r, "lambda", g.Lambda, &s.Lambda)
	read(r, "rounds", g.Rounds, &s.Rounds)
	r.also(true, "", "output-solver")
	return cdlam.Solver{Settings: s}
}

func makeADMM(r *reader, _ facts) dlam.Solver {
	s, g := admm.DefaultSettings(), r.given
	read(r, "form", g.Form, &s.Form)
	if s.Form == admm.Zeng {
		s = admm.ZengSettings()
	}
	taylor := s.Form == admm.Taylor
	readIf(r, taylor, needsTaylor, "multipliers", g.Multipliers, &s.Multipliers)
	read(r, "beta", g.Beta, &s.Beta)
	readIf(r, taylor, needsTaylor, "gamma", g.Gamma, &s.Gamma)
	readIf(r, taylor, needsTaylor, "warm", g.Warm, &s.Warm)
	readIf(r, taylor, needsTaylor, "ridge", g.Ridge, &s.Ridge)
	r.also(true, "", "output-solver")
	return admm.Solver{Settings: s}
}

func makeDLADMM(r *reader, _ facts) dlam.Solver {
	s, g := dladmm.DefaultSettings(), r.given
	read(r, "rho", g.Rho, &s.Rho)
	read(r, "nu", g.Nu, &s.Nu)
	r.also(true, "", "output-solver")
	return dladmm.Solver{Settings: s}
}

func makePDADMM(r *reader, _ facts) dlam.Solver {
	s, g := pdadmm.DefaultSettings(), r.given
	read(r, "rho", g.Rho, &s.Rho)
	read(r, "bits", g.Bits, &s.Bits)
	readIf(r, s.Bits > 0, needsBits, "grid", g.Grid, &s.Grid)
	read(r, "parallel", g.Parallel, &s.Parallel)
	r.also(true, "", "output-solver")
	return pdadmm.Solver{Settings: s}
}

func makeBCD(r *reader, _ facts) dlam.Solver {
	s, g := bcd.DefaultSettings(), r.given
	read(r, "rho", g.Rho, &s.Rho)
	read(r, "gamma", g.Gamma, &s.Gamma)
	read(r, "alpha", g.Alpha, &s.Alpha)
	r.also(true, "", "output-solver")
	return bcd.Solver{Settings: s}
}

func makeOnlineAM(r *reader, f facts) dlam.Solver {
	g, rule := r.given, onlineam.Adam
	read(r, "rule", g.Rule, &rule)
	s := onlineam.DefaultSettings(rule)
	s.Epochs, s.Seed = max(1, f.iterations), f.seed
	read(r, "batch", g.Batch, &s.Batch)
	read(r, "lr", g.Rate, &s.Rate)
	schedule := gradient.Cosine
	read(r, "schedule", g.Schedule, &schedule)
	s.Cosine = schedule == gradient.Cosine
	read(r, "mu", g.Mu, &s.Mu)
	read(r, "code-steps", g.CodeSteps, &s.CodeSteps)
	remembers := s.Rule == onlineam.Memory
	readIf(r, remembers, needsMemory, "recall", g.Recall, &s.Recall)
	readIf(r, remembers, needsMemory, "ridge", g.Ridge, &s.Ridge)
	r.also(f.mini, needsBatches, "jitter", "moves")
	return onlineam.Solver{Settings: s}
}

// makeLifted is a lifted network: with all samples unless a batch is given.
func makeLifted(r *reader, f facts) dlam.Solver {
	s, g := lifted.DefaultSettings(), r.given
	if f.mini {
		s = lifted.MiniBatches()
	}
	s.Seed = f.seed
	read(r, "batch", g.Batch, &s.Batch)
	read(r, "penalty", g.Penalty, &s.Penalty)
	read(r, "gamma", g.Gamma, &s.Gamma)
	read(r, "rounds", g.Rounds, &s.Rounds)
	readIf(r, f.mini || s.Penalty == lifted.Quadratic, needsProximal, "alpha", g.Alpha, &s.Alpha)
	readIf(r, !f.mini && s.Penalty == lifted.Quadratic, needsQuadratic, "theta", g.Theta, &s.Theta)
	r.also(f.mini, needsBatches, "jitter", "moves")
	return lifted.Solver{Settings: s}
}

func makeMAC(r *reader, _ facts) dlam.Solver {
	s, g := mac.DefaultSettings(), r.given
	read(r, "mu", g.Mu, &s.Mu)
	read(r, "mu-growth", g.MuGrowth, &s.Growth)
	read(r, "mu-every", g.MuEvery, &s.Every)
	read(r, "rounds", g.Rounds, &s.Rounds)
	return mac.Solver{Settings: s}
}

// makeGradient is a first-order method: with all samples, as the paper compares,
// unless a batch is given.
func makeGradient(rule gradient.Rule) func(*reader, facts) dlam.Solver {
	return func(r *reader, f facts) dlam.Solver {
		s, g := gradient.DefaultSettings(rule), r.given
		s.Epochs, s.Seed = max(1, f.iterations), f.seed
		is := func(rules ...gradient.Rule) bool { return slices.Contains(rules, rule) }
		adam := is(gradient.Adam, gradient.AMSGrad, gradient.AdamW, gradient.Muon, gradient.ScheduleFree)
		switch {
		case !f.mini || is(gradient.Muon):
		case is(gradient.ScheduleFree):
			s.Rate = 2.5e-3
		case adam:
			s.Rate = 1e-3
		default:
			s.Rate /= 10
		}
		read(r, "batch", g.Batch, &s.Batch)
		read(r, "lr", g.Rate, &s.Rate)
		read(r, "warm-up", g.WarmUp, &s.WarmUp)
		if !is(gradient.ScheduleFree) {
			read(r, "schedule", g.Schedule, &s.Schedule)
		}
		if is(gradient.Momentum, gradient.Nesterov, gradient.Muon) {
			read(r, "momentum", g.Momentum, &s.Mu)
		}
		if adam {
			read(r, "beta1", g.Beta1, &s.Beta1)
		}
		if adam || is(gradient.Adadelta, gradient.RMSProp) {
			read(r, "beta", g.Beta, &s.Beta)
		}
		if adam || is(gradient.Adadelta, gradient.RMSProp, gradient.Adagrad) {
			read(r, "delta", g.Delta, &s.Delta)
		}
		if is(gradient.AdamW, gradient.Muon, gradient.ScheduleFree) {
			read(r, "decay", g.Decay, &s.Decay)
		}
		if is(gradient.Muon) {
			read(r, "intercept-rate", g.InterceptRate, &s.InterceptRate)
		}
		r.also(f.mini, needsBatches, "jitter", "moves")
		read(r, "binary-weights", g.BinaryWeights, &s.BinaryWeights)
		return gradient.Solver{Settings: s}
	}
}

// solver is the method's solver as o and the facts have it, and what it reads.
func (m Method) solver(o *Options, f facts) (dlam.Solver, []Read) {
	r := &reader{given: o.Settings}
	s := m.make(r, f)
	if !m.mixes {
		return s, r.reads
	}
	depth, needs := 0, needsAllSamples
	switch {
	case o.dividesLayers():
		needs = needsSamplesShared
	case o.Settings.binary():
		needs = needsRealWeights
	}
	if readIf(r, !f.mini && !o.dividesLayers() && !o.Settings.binary(), needs, "anderson", o.Settings.Anderson, &depth); depth > 0 {
		s = anderson.Solver{Method: s, Depth: depth}
	}
	return s, r.reads
}

// MiniBatches reports whether the method takes mini-batches, so that an
// iteration is an epoch.
func (m Method) MiniBatches(o *Options) bool { return m.miniBatches(o.Settings.Batch) }

// Reads are the settings that only some methods read, and this one does as o has
// it; Read.Needs says of others why it does not.
func (m Method) Reads(o *Options) []Read {
	_, reads := m.solver(o, m.anyData(o))
	return reads
}

// anyData is the facts of some data: which settings a method reads does not
// follow from it.
func (m Method) anyData(o *Options) facts {
	return facts{method: m, mini: m.MiniBatches(o), samples: 1, meanWeight: 1, classes: true, iterations: 1}
}

// Readers are the methods that read the setting called name, with the right
// others; nil for a setting that is not of methods.
func Readers(name string) []string {
	var names []string
	for _, m := range Methods() {
		if _, ok := find(m.Reads(&Options{}), name); ok {
			names = append(names, m.Name)
		}
	}
	return names
}

func find(reads []Read, name string) (Read, bool) {
	i := slices.IndexFunc(reads, func(r Read) bool { return r.Name == name })
	if i < 0 {
		return Read{}, false
	}
	return reads[i], true
}

// accepts reports settings that are given and that the method does not read, and
// what it is asked and cannot do.
func (m Method) accepts(o *Options) error {
	v, reads := check.Of(""), m.Reads(o)
	for _, e := range (&Config{Options: *o}).Entries() {
		if e.Get() == nil {
			continue
		}
		r, ok := find(reads, e.Name)
		readers := Readers(e.Name)
		switch {
		case e.Name == "lr" && o.Settings.TryRates && m.Name == "onlineam":
			v.Also(fmt.Errorf("lr: got %s, which onlineam does not try: give the rate", Auto))
		case ok && r.Needs == "", readers == nil:
		case ok && e.Name == "jitter" && *o.Jitter == 0: // nothing moves, as is said
		case ok:
			v.Also(fmt.Errorf("%s: %s reads it with %s alone", e.Name, m.Name, r.Needs))
		default:
			v.Also(fmt.Errorf("%s: %s does not read it; %s", e.Name, m.Name, thoseDo(readers)))
		}
	}
	if m.Name == "dlam" && o.Settings.binary() && (o.L1 > 0 || orElse(o.L2, 0) > 0 || o.TryL2) {
		v.Also(errors.New("binary-weights: with dlam they take the place of a regulariser (l1, l2)"))
	}
	if o.Certify && (m.monotone == nil || !m.monotone(m.MiniBatches(o))) {
		v.Also(fmt.Errorf("nothing to certify: %s with these settings promises nothing of an iteration; dlam, mdlam, cdlam, mac, and sync and lifted with batch 0 do", m.Name))
	}
	return v.Err()
}

// validate reports settings that are out of the method's own range.
func (m Method) validate(o *Options) error {
	s, _ := m.solver(o, m.anyData(o))
	if s, ok := s.(interface{ Validate() error }); ok {
		return s.Validate()
	}
	return nil
}

// thoseDo names methods.
func thoseDo(names []string) string {
	if len(names) == 1 {
		return names[0] + " does"
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1] + " do"
}

// outputLoss is the loss with the output solver that is given. Only
// cross-entropy reads one.
func outputLoss(l loss.Loss, given *loss.OutputSolver) (loss.Loss, error) {
	if given == nil {
		return l, nil
	}
	if _, ok := l.(loss.CrossEntropy); !ok {
		return nil, fmt.Errorf("output-solver: the loss %v does not read it; cross-entropy does", l.Spec())
	}
	return loss.CrossEntropy{Solver: *given}, nil
}

// ForEach is o for each of the methods called names: as it is, but with no other
// settings than the method reads. A setting that is given and that none of them
// reads is refused.
func ForEach(o Options, names []string) ([]Options, error) {
	v, list := check.Of(""), make([]Options, len(names))
	taken := map[string]bool{}
	for i, name := range names {
		m, err := Find(name)
		if err != nil {
			v.Also(err)
			continue
		}
		list[i] = o
		list[i].Method = m.Name
		reads := m.Reads(&o)
		c := &Config{Options: list[i]}
		for _, e := range c.Entries() {
			if r, ok := find(reads, e.Name); ok && r.Needs == "" {
				taken[e.Name] = true
			} else if Readers(e.Name) != nil {
				e.Clear()
			}
		}
		list[i] = c.Options
	}
	for _, e := range (&Config{Options: o}).Entries() {
		if readers := Readers(e.Name); readers != nil && e.Get() != nil && !taken[e.Name] {
			v.Also(fmt.Errorf("%s: none of %s reads it, as they are set; %s", e.Name, strings.Join(names, ", "), thoseDo(readers)))
		}
	}
	return list, refuse(v.Err())
}
