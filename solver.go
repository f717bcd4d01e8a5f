package dlam

import (
	"context"

	"github.com/dlam-go/dlam/mat"
)

// Solver is a training method with its settings.
type Solver interface {
	// Init prepares a run on p that starts from n, which it copies. It
	// reports every setting, and every property of p and n, that it refuses.
	Init(p *Problem, n *Network) (Stepper, error)
	// String is the solver's name.
	String() string
}

// Scheduled is a Solver whose settings lay its steps out over a number of
// iterations, which Run holds against Options.Iterations.
type Scheduled interface {
	Solver
	// Epochs is that number; 0 if the settings are good for any.
	Epochs() int
}

// Stepper is a run under way.
type Stepper interface {
	// Step does one iteration: a sweep over all blocks, or an epoch. If ctx
	// ends it may stop early, with ctx's error. The Record's slices are valid
	// until the next Step.
	Step(ctx context.Context) (Record, error)
	// Network is the current network; the next Step may change it.
	Network() *Network
	// Close frees what the run holds. Network stays valid.
	Close()
}

// Timed is a Stepper that says when the parts of a Step end, so that Run can
// tell how long each takes: solvers read no clocks.
type Timed interface {
	Stepper
	// Mark has ended called at the end of each part of a Step, with its layer
	// and what it updated; see Part.
	Mark(ended func(layer int, variables string))
}

// Resumable is a Stepper whose state can be saved between two steps and put
// back into a new one, made by Init with the same settings, problem and
// starting network, so that it goes on bit for bit.
type Resumable interface {
	Stepper
	// State is the state beyond the network's parameters, by name. The
	// slices may be the stepper's own.
	State() State
	// Restore takes a State saved together with the network's parameters.
	Restore(n *Network, s State) error
}

// Mixable is a Resumable of a method that takes all samples at a time, whose iterate can be
// moved: what package anderson mixes.
type Mixable interface {
	Resumable
	// Variables are all that the next Step begins from but for numbers, in the stepper's own
	// memory: those of this rank's samples, with a row for each, and those that all ranks have
	// alike, the network's parameters among them. The error says why there are none.
	Variables() (samples, shared []mat.Dense, err error)
	// Moved is told that they have been changed. It brings those that the method keeps in a
	// range back into it, and makes what follows from them. The record says what F is then.
	Moved() (Record, error)
}

// Divided is a Stepper of a run whose ranks (Problem.Comm) share the layers of the
// network, not the samples: each has all samples, and the same scores as the others.
type Divided interface {
	Stepper
	// Collect makes n's parameters those of all ranks' layers, each as its own rank's n has
	// them. Network has those of this rank's layers; of others', what the last call with it
	// gave. All ranks call it together.
	Collect(n *Network) error
}

// State is a solver's memory: arrays and numbers by name.
type State struct {
	Float32 map[string][]float32
	Float64 map[string][]float64
	// OfSamples says that arrays hold variables of this rank's samples, so that
	// another division of the samples cannot go on with them.
	OfSamples bool
}
