package gradient

import (
	"context"
	"errors"
	"fmt"

	"github.com/dlam-go/dlam"
)

// Trial is a run with one rate of a grid.
type Trial struct {
	Rate   float64
	Status dlam.Status
	Train  dlam.Score // at the end; zero if the run diverged
}

// Grid is the rates that --lr auto tries: half decades from 0.001 to 10.
var Grid = []float64{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10}

// ChooseRate is the paper's protocol for the learning rate: train for the
// given number of iterations, the whole run's, from n with each rate of the
// grid, and take the one with the best training accuracy, or the least risk
// if the targets are values or accuracies tie. A rate with which the run
// diverges counts as the worst; that all do is an error. tell, which may
// be nil, hears of each trial when it is over.
func ChooseRate(ctx context.Context, s Settings, p *dlam.Problem, n *dlam.Network, iterations int, grid []float64, tell func(Trial)) (Settings, error) {
	if len(grid) == 0 {
		return s, errors.New("learning rate: the grid is empty")
	}
	if tell == nil {
		tell = func(Trial) {}
	}
	var best *dlam.Score
	chosen := s
	for _, rate := range grid {
		set := s
		set.Rate = rate
		r, err := dlam.Run(ctx, Solver{set}, p, n, dlam.Options{Iterations: iterations})
		if r != nil && r.Status == dlam.Diverged {
			tell(Trial{Rate: rate, Status: r.Status})
			continue
		}
		if err != nil {
			return s, fmt.Errorf("rate %g: %w", rate, err)
		}
		if r.Status == dlam.Interrupted {
			return s, ctx.Err()
		}
		tell(Trial{rate, r.Status, *r.Last.Train})
		if best == nil || r.Last.Train.Better(*best) {
			best, chosen = r.Last.Train, set
		}
	}
	if best == nil {
		return s, fmt.Errorf("learning rate: %s diverges with every rate of %v", s.Rule, grid)
	}
	return chosen, nil
}
