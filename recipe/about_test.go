package recipe_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/solver/pdadmm"
	"github.com/dlam-go/dlam/trace"
)

// TestAboutOfRanks holds that a run of two processes tells how many samples it is tested
// on where each has all of them, and does not where each knows its share alone.
func TestAboutOfRanks(t *testing.T) {
	for parallel, want := range map[pdadmm.Parallel]int{pdadmm.Layers: 360, pdadmm.Samples: 0} {
		var about [2]*trace.About
		var errs [2]error
		var wait sync.WaitGroup
		for r, c := range comm.Group(2) {
			wait.Go(func() {
				o := recipe.Options{Method: "pdadmm", Hidden: []int{6, 6}, Iterations: 2, Threads: 1, Comm: c}
				o.Settings.Parallel = &parallel
				data, err := recipe.Open(t.Context(), recipe.Source{Limit: 400, Comm: o.SamplesOf(c)})
				if err != nil {
					errs[r] = err
					return
				}
				p, err := recipe.Prepare(data, o)
				if errs[r] = err; err == nil {
					about[r] = p.About()
				}
			})
		}
		wait.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			t.Fatal(err)
		}
		for r, a := range about {
			if a.Ranks != 2 || a.Test != want || !strings.HasPrefix(a.Command, "mpirun -n 2 dlam train ") {
				t.Errorf("%s divided, rank %d: %d test samples of %d ranks by %s, want %d of 2", parallel, r, a.Test, a.Ranks, a.Command, want)
			}
		}
	}
}
