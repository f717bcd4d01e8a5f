package recipe

import (
	"fmt"

	"github.com/dlam-go/dlam"
)

const bestName = "validation" // what names of a state's arrays start with

// addBest puts what v has chosen so far into a state.
func addBest(s *dlam.State, v *dlam.Validation) {
	if v == nil || v.Best == nil {
		return
	}
	s.Float64[bestName] = []float64{float64(v.At), v.Score.Risk, v.Score.Accuracy, v.Score.RMSE, v.Score.R2}
	for l, ly := range v.Best.Layers {
		s.Float32[fmt.Sprint(bestName, ".w.", l)], s.Float32[fmt.Sprint(bestName, ".b.", l)] = ly.W.Elements(), ly.B
	}
}

// restoreBest puts it back; like is a network of the run's shape.
func restoreBest(s dlam.State, v *dlam.Validation, like *dlam.Network) error {
	score, ok := s.Float64[bestName]
	if v == nil || !ok {
		return nil
	}
	best := like.Clone()
	for l, ly := range best.Layers {
		w, b := s.Float32[fmt.Sprint(bestName, ".w.", l)], s.Float32[fmt.Sprint(bestName, ".b.", l)]
		if len(w) != len(ly.W.Elements()) || len(b) != len(ly.B) {
			return fmt.Errorf("checkpoint: the best network's layer %d has %d weights and %d intercepts, want %d and %d", l+1, len(w), len(b), len(ly.W.Elements()), len(ly.B))
		}
		copy(ly.W.Elements(), w)
		copy(ly.B, b)
	}
	if len(score) != 5 {
		return fmt.Errorf("checkpoint: the best network's score has %d numbers, want 5", len(score))
	}
	v.Best, v.At = best, int(score[0])
	v.Score = dlam.Score{Risk: score[1], Accuracy: score[2], RMSE: score[3], R2: score[4]}
	return nil
}
