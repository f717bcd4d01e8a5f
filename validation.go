package dlam

import (
	"fmt"

	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
)

// Validation is samples held back from training: they choose the network that
// a run gives, and may end it early. Run keeps the choice in it.
type Validation struct {
	X        mat.Dense // this rank's share under MPI
	Y        loss.Target
	Patience int // iterations without a better score that end the run; 0: never

	Best  *Network // with the best score so far; nil before the first
	Score Score    // Best's
	At    int      // its iteration
}

// validate finds what keeps v from scoring networks for p; nil is fine.
func (v *Validation) validate(p *Problem) error {
	switch {
	case v == nil:
		return nil
	case v.X.Rows < 1 || v.X.Cols != p.X.Cols:
		return fmt.Errorf("validation: samples are %d×%d, want at least one of %d features", v.X.Rows, v.X.Cols, p.X.Cols)
	case v.Y.Rows() != v.X.Rows:
		return fmt.Errorf("validation: %d targets for %d samples", v.Y.Rows(), v.X.Rows)
	case v.Y.Width() != p.Y.Width():
		return fmt.Errorf("validation: targets of width %d, training has %d", v.Y.Width(), p.Y.Width())
	case v.Patience < 0:
		return fmt.Errorf("validation: patience: got %d, want at least 0 (0: never stop early)", v.Patience)
	}
	return v.Y.Validate()
}

// take keeps n if it is the best so far, and reports whether to go on.
func (v *Validation) take(k int, n *Network, s Score) bool {
	if v.Best == nil || s.Better(v.Score) {
		if v.Best == nil {
			v.Best = n.Clone()
		}
		v.Best.CopyFrom(n)
		v.Score, v.At = s, k
	}
	return v.Patience == 0 || k-v.At < v.Patience
}

// Better compares by accuracy where there are classes, and by the risk among
// equals and values.
func (s Score) Better(than Score) bool {
	if s.Accuracy != than.Accuracy {
		return s.Accuracy > than.Accuracy
	}
	return s.Risk < than.Risk
}
