package pdadmm

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/prox"
)

// lines keeps each record as a line of a trace, without times and traffic, and beside it
// the bytes that crossed.
type lines struct {
	text  []string
	bytes []int
}

func (l *lines) Record(r dlam.Record) error {
	if r.Traffic != nil {
		l.bytes = append(l.bytes, r.Traffic.Bytes)
	}
	r.Seconds, r.Elapsed, r.Parts, r.Traffic = 0, 0, nil, nil
	text, err := json.Marshal(r)
	l.text = append(l.text, string(text))
	return err
}

// result is what a rank has at the end of a run.
type result struct {
	*dlam.Result
	lines
	err error
}

// onRanks runs the same on so many ranks; options makes what each is told.
func onRanks(p *dlam.Problem, n *dlam.Network, set Settings, ranks int, options func(rank int) dlam.Options) []result {
	results := make([]result, ranks)
	var wait sync.WaitGroup
	for r, c := range comm.Group(ranks) {
		wait.Go(func() {
			q, o := *p, options(r)
			q.Comm = c
			o.Recorders = append(o.Recorders, &results[r].lines)
			results[r].Result, results[r].err = dlam.Run(context.Background(), Solver{set}, &q, n, o)
		})
	}
	wait.Wait()
	return results
}

func deep() (*dlam.Problem, *dlam.Network) {
	p := testprob.Blobs(150, 8, 3, 2)
	p.TestX, p.TestY = p.X.RowRange(0, 40), p.Y.RowRange(0, 40)
	p.Regularizer = prox.L2{Lambda: 0.01}
	return p, testprob.Network(p, []int{10, 7, 9}, activation.ReLU{}, dlam.He, 1)
}

// Layers over ranks give the bits of one process: network, scores and trace, on every
// rank, whether accuracies are measured in each iteration or at the end, also of a run
// that is resumed. What crosses at rank 0's boundary are P, Q and the numbers of a record.
func TestLayersOverRanks(t *testing.T) {
	p, n := deep()
	const iterations = 6
	for _, bits := range []int{0, 12} {
		for _, every := range map[int][]int{0: {0, 1}, 12: {4}}[bits] {
			set := DefaultSettings()
			set.Bits, set.Rho = bits, 0.01
			o := func(int) dlam.Options { return dlam.Options{Iterations: iterations, Evaluate: every} }
			one := onRanks(p, n, set, 1, o)[0]
			if one.err != nil {
				t.Fatal(one.err)
			}
			set.Parallel = Layers
			for ranks := 1; ranks <= 4; ranks++ {
				saved := make([]saver, ranks)
				results := onRanks(p, n, set, ranks, func(r int) dlam.Options {
					o := o(r)
					o.Observers = []dlam.Observer{&saved[r]}
					return o
				})
				again := onRanks(p, n, set, ranks, func(r int) dlam.Options {
					o := o(r)
					o.First, o.Resume = saveAt, func(st dlam.Stepper) error { return st.(dlam.Resumable).Restore(saved[r].net, saved[r].state) }
					return o
				})
				for r := range ranks {
					same(t, ranks, r, results[r], one.Result, one.text)
					same(t, ranks, r, again[r], one.Result, one.text[saveAt:])
				}
				boundary := n.Layers[max(1, 4/ranks)-1].Units()
				size := map[int]int{0: 4, 12: 2}[bits]
				want := 2*150*boundary*size + 8*(2*4+3)
				for k, got := range results[0].bytes {
					if got != want {
						t.Errorf("%d ranks, %d bits, iteration %d: rank 0 moves %d bytes, want %d", ranks, bits, k+1, got, want)
					}
				}
				if len(results[0].bytes) != map[bool]int{false: 0, true: iterations}[ranks > 1] {
					t.Errorf("%d ranks: traffic in %d records", ranks, len(results[0].bytes))
				}
			}
		}
	}
}

// same holds what a rank has against a run of one process.
func same(t *testing.T, ranks, r int, got result, want *dlam.Result, text []string) {
	t.Helper()
	if got.err != nil {
		t.Fatalf("rank %d of %d: %v", r, ranks, got.err)
	}
	if d := cmp.Diff(text, got.text); d != "" {
		t.Errorf("rank %d of %d (-one process +rank):\n%s", r, ranks, d)
	}
	for l, ly := range got.Network.Layers {
		if w := want.Network.Layers[l]; !slices.Equal(ly.W.Elements(), w.W.Elements()) || !slices.Equal(ly.B, w.B) {
			t.Errorf("rank %d of %d, layer %d: other parameters than those of one process", r, ranks, l+1)
		}
	}
}

// saver keeps a rank's state after saveAt iterations.
type saver struct {
	net   *dlam.Network
	state dlam.State
}

const saveAt = 4

func (s *saver) Observe(k int, st dlam.Stepper) error {
	if k != saveAt {
		return nil
	}
	if err := st.(dlam.Divided).Collect(st.Network()); err != nil {
		return err
	}
	now := st.(dlam.Resumable).State()
	s.net, s.state = st.Network().Clone(), dlam.State{Float32: map[string][]float32{}, Float64: now.Float64}
	for name, v := range now.Float32 {
		s.state.Float32[name] = slices.Clone(v)
	}
	return nil
}

// A rank whose layers fail ends the run in all ranks.
func TestRankFails(t *testing.T) {
	p, n := deep()
	p.Regularizer = prox.L1{Lambda: 0.1} // with which the W-step has a search
	for i := range n.Layers[3].W.Data {
		n.Layers[3].W.Data[i] *= 1e38
	}
	set := DefaultSettings()
	set.Parallel = Layers
	for r, got := range onRanks(p, n, set, 2, func(int) dlam.Options { return dlam.Options{Iterations: 5} }) {
		if !errors.Is(got.err, dlam.ErrDiverged) || got.Status != dlam.Diverged {
			t.Errorf("rank %d: %+v, %v", r, got.Result, got.err)
		}
	}
}

// spoiler makes P of a rank's first layer NaN after an iteration.
type spoiler struct{ after int }

func (s spoiler) Observe(k int, st dlam.Stepper) error {
	if d := st.(divided); k == s.after {
		d.layers[d.first].In.Elements()[0] = float32(math.NaN())
	}
	return nil
}

// A run that diverges has the network before that on every rank, also where no scores were
// due.
func TestDivergedNetwork(t *testing.T) {
	p, n := deep()
	set := DefaultSettings()
	want := onRanks(p, n, set, 1, func(int) dlam.Options { return dlam.Options{Iterations: 2} })[0]
	set.Parallel = Layers
	for _, every := range []int{0, 2} {
		for r, got := range onRanks(p, n, set, 2, func(r int) dlam.Options {
			o := dlam.Options{Iterations: 5, Evaluate: every}
			if r == 1 {
				o.Observers = []dlam.Observer{spoiler{after: 2}}
			}
			return o
		}) {
			if got.Status != dlam.Diverged || got.Last.Iteration != 2 || !errors.Is(got.err, dlam.ErrDiverged) {
				t.Fatalf("rank %d, evaluated every %d: %+v, %v", r, every, got.Result, got.err)
			}
			got.err = nil
			same(t, 2, r, got, want.Result, got.text)
		}
	}
}

func TestMoreRanksThanLayers(t *testing.T) {
	p, n := deep()
	set := DefaultSettings()
	set.Parallel = Layers
	for _, got := range onRanks(p, n, set, 5, func(int) dlam.Options { return dlam.Options{Iterations: 5} }) {
		if got.err == nil || !strings.Contains(got.err.Error(), "5 ranks, want at most one for each of the 4 layers") {
			t.Errorf("got %v", got.err)
		}
	}
}
