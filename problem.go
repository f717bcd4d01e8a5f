package dlam

import (
	"errors"
	"fmt"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/prox"
	"github.com/dlam-go/dlam/spec"
)

// Problem is what to minimise: Problem 1 of the paper on given samples.
// Solvers read it and never change it.
type Problem struct {
	X mat.Dense // training samples, one a row; this rank's share under MPI
	// Y is what they should give. Its weights, if it has any, multiply all terms that a
	// sample has in a method's objective, as if its row stood as many times in X.
	Y loss.Target

	TestX mat.Dense // samples to report on; no rows for none
	TestY loss.Target

	// Jitter moves the pictures of mini-batches at random. Methods that take all
	// samples at a time take them as they are.
	Jitter picture.Jitter

	Loss        loss.Loss
	Regularizer prox.Regularizer // of every layer's weights
	Threads     int              // goroutines to compute on, at least 1
	Comm        comm.Comm        // the processes that share the samples, or the layers (Divided)
}

// NewProblem is the problem of fitting the targets y of the training samples x,
// one a row of x, under the loss l. It has no test samples, no regulariser and no
// moves of pictures, and one process computes it on so many threads, at least 1;
// set the fields to change that. It keeps x and y and copies neither. Run reports
// what is wrong with the arguments.
func NewProblem(x mat.Dense, y loss.Target, l loss.Loss, threads int) *Problem {
	return &Problem{X: x, Y: y, Loss: l, Regularizer: prox.None{}, Threads: threads, Comm: comm.Self{}}
}

// Classification reports whether the targets are classes.
func (p *Problem) Classification() bool { return p.Y.Class != nil }

// Validate reports every fault of the problem.
func (p *Problem) Validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("problem: "+format, args...)) }
	if p.X.Rows < 1 || p.X.Cols < 1 {
		fail("training data is %d×%d, want at least one sample and one feature", p.X.Rows, p.X.Cols)
	}
	if p.Y.Rows() != p.X.Rows {
		fail("%d targets for %d training samples", p.Y.Rows(), p.X.Rows)
	}
	if p.TestX.Rows > 0 && p.TestX.Cols != p.X.Cols {
		fail("test samples have %d features, training samples %d", p.TestX.Cols, p.X.Cols)
	}
	if p.TestX.Rows > 0 && p.TestY.Rows() != p.TestX.Rows {
		fail("%d targets for %d test samples", p.TestY.Rows(), p.TestX.Rows)
	}
	if p.Classification() && p.Y.Classes < 2 {
		fail("%d class, want at least 2", p.Y.Classes)
	}
	if err := p.Y.Validate(); err != nil {
		fail("training %w", err)
	}
	if err := p.TestY.Validate(); err != nil {
		fail("test %w", err)
	}
	if err := p.Jitter.Validate(p.X.Cols); err != nil {
		fail("%w", err)
	}
	if p.Loss == nil {
		fail("no loss")
	} else if err := spec.Check(p.Loss); err != nil {
		fail("loss %w", err)
	}
	if p.Regularizer == nil {
		fail("no regulariser (prox.None{} for none)")
	} else if err := spec.Check(p.Regularizer); err != nil {
		fail("regulariser %w", err)
	}
	if p.Threads < 1 {
		fail("threads: got %d, want at least 1", p.Threads)
	}
	if p.Comm == nil {
		fail("no comm (comm.Self{} for one process)")
	}
	return errors.Join(errs...)
}

// Fits reports whether the network takes the problem's samples and gives its
// targets.
func (p *Problem) Fits(n *Network) error {
	if err := n.Validate(); err != nil {
		return err
	}
	w := n.Widths()
	if w[0] != p.X.Cols {
		return fmt.Errorf("the network takes %d features, samples have %d", w[0], p.X.Cols)
	}
	if last := w[len(w)-1]; last != p.Y.Width() {
		return fmt.Errorf("the network gives %d outputs, targets have %d", last, p.Y.Width())
	}
	return nil
}
