package syncdlam

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/prox"
)

// TestDeepSlopeAndSquare: the slope and ν with outputMetrics are those of the objective.
func TestDeepSlopeAndSquare(t *testing.T) {
	s := begun[*miniBatch](t, miniSettings(50), prox.L2{Lambda: 3}, 6, 7, 6, 5, 6)
	if s.layers[0].output == nil {
		t.Fatal("five hidden layers have no outputMetrics")
	}
	slopeAndSquare(t, s)
}

// TestDeepMoves: (E/ē + I) ΔW (C + λs̄I) / f is the right side, and (E/ē + I)(Δb + ΔW ā) / f
// the intercepts', with E and C made anew from the batch, as with one of a run's first metrics.
func TestDeepMoves(t *testing.T) {
	for _, batch := range []int{50, 200} {
		set := miniSettings(batch)
		set.Lambda = 3
		s := begun[*miniBatch](t, set, prox.L2{Lambda: 20}, 6, 7, 6, 5, 6)
		s.batches.Shuffle(0)
		x, y := s.batches.Take(0)
		g, err := s.gradient(0, x, y)
		if err != nil {
			t.Fatal(err)
		}
		s.solveMoves(g, 0)
		deltas := deltasOf(s, x.Rows)
		last := len(s.layers) - 1
		for l := range s.layers {
			ly := &s.layers[l]
			in, out := ly.w.Cols, ly.w.Rows
			e, mean := moments(deltas[l], x.Rows, out)
			_, ofLast := moments(deltas[last], x.Rows, s.layers[last].w.Rows)
			f := math.Sqrt(ofLast / mean)
			if math.Abs(f-ly.scale) > 1e-4*f {
				t.Errorf("layer %d: scale %v, want %v", l+1, ly.scale, f)
			}
			m := &ly.metric
			var variance float64
			for a := range in {
				variance += (m.square[a*in+a] - m.mean[a]*m.mean[a]) / float64(in)
			}
			n := g.N
			for i := range out {
				own := 0.0 // of (E/ē + I)(Δb + ΔW ā), row i
				row := make([]float64, in)
				for k := range out {
					p := e[i*out+k] / mean
					if k == i {
						p++
					}
					c := float64(ly.v.B[k])
					for a := range in {
						c += float64(ly.v.W.At(k, a)) * m.mean[a]
						sum := set.Lambda * variance * float64(ly.v.W.At(k, a))
						for b := range in {
							lo, hi := min(a, b), max(a, b)
							sum += float64(ly.v.W.At(k, b)) * (m.square[lo*in+hi] - m.mean[a]*m.mean[b])
						}
						row[a] += p * sum
					}
					own += p * c
				}
				side := -g.B[l].At(i) / n
				zero(t, l, "Δb", own/f-side)
				for a := range in {
					want := -g.W[l].At(i*in+a)/n - 20*float64(ly.w.At(i, a))/s.weight - side*m.mean[a]
					zero(t, l, "ΔW", row[a]/f-want)
				}
			}
		}
	}
}

// deltasOf are the last batch's δ, row-major, by a backward pass in float64 over the
// network of tanh layers and cross-entropy.
func deltasOf(s *miniBatch, rows int) (deltas [][]float64) {
	x, y := s.batches.Take(0)
	n := len(s.layers)
	a := make([][]float64, n+1)
	a[0] = make([]float64, rows*x.Cols)
	for i := range rows {
		for j, v := range x.Row(i) {
			a[0][i*x.Cols+j] = float64(v)
		}
	}
	for l := range s.layers {
		w, b := s.layers[l].w, s.layers[l].b
		a[l+1] = make([]float64, rows*w.Rows)
		for i := range rows {
			for k := range w.Rows {
				z := float64(b[k])
				for c, v := range w.Row(k) {
					z += float64(v) * a[l][i*w.Cols+c]
				}
				if l < n-1 {
					z = math.Tanh(z)
				}
				a[l+1][i*w.Rows+k] = z
			}
		}
	}
	deltas = make([][]float64, n)
	outs := s.layers[n-1].w.Rows
	deltas[n-1] = make([]float64, rows*outs)
	for i := range rows {
		var sum float64
		for k := range outs {
			sum += math.Exp(a[n][i*outs+k])
		}
		for k := range outs {
			d := math.Exp(a[n][i*outs+k]) / sum
			if int(y.Class[i]) == k {
				d--
			}
			deltas[n-1][i*outs+k] = d
		}
	}
	for l := n - 1; l > 0; l-- {
		w := s.layers[l].w
		deltas[l-1] = make([]float64, rows*w.Cols)
		for i := range rows {
			for c := range w.Cols {
				var sum float64
				for k := range w.Rows {
					sum += deltas[l][i*w.Rows+k] * float64(w.At(k, c))
				}
				h := a[l][i*w.Cols+c]
				deltas[l-1][i*w.Cols+c] = sum * (1 - h*h)
			}
		}
	}
	return deltas
}

// moments are the mean of δδᵀ and of its diagonal.
func moments(d []float64, rows, n int) (square []float64, mean float64) {
	square = make([]float64, n*n)
	for i := range rows {
		for j := range n {
			for k := range n {
				square[j*n+k] += d[i*n+j] * d[i*n+k] / float64(rows)
			}
			mean += d[i*n+j] * d[i*n+j] / float64(rows*n)
		}
	}
	return square, mean
}

// TestDeepWithoutWayBack: where nothing comes back, as with output weights of 0, all
// directions are alike and the run goes on.
func TestDeepWithoutWayBack(t *testing.T) {
	p := testprob.Blobs(200, 5, 3, 4)
	n := testprob.Network(p, []int{6, 6, 6, 6, 6}, activation.ReLU{}, dlam.He, 1)
	clear(n.Layers[5].W.Data)
	st, err := Solver{miniSettings(50)}.Init(p, n)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for range 4 {
		if _, err := st.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Network().Validate(); err != nil {
		t.Fatal(err)
	}
}

// TestDeepResumes: a run from a state goes on as the one that it is of.
func TestDeepResumes(t *testing.T) {
	hidden := []int{6, 7, 6, 5, 6}
	a := begun[*miniBatch](t, miniSettings(50), prox.None{}, hidden...)
	if _, err := a.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := begun[*miniBatch](t, miniSettings(50), prox.None{}, hidden...)
	if err := b.Restore(a.Network(), a.State()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		one, err := a.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		other, err := b.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if one.Risk != other.Risk {
			t.Errorf("risk %v, resumed %v", one.Risk, other.Risk)
		}
	}
}

// TestWhoHasOutputMetrics: deep networks for classes, of samples enough for E.
func TestWhoHasOutputMetrics(t *testing.T) {
	deep := []int{20, 8, 8, 8, 8, 8, 3}
	for _, c := range []struct {
		set    Settings
		widths []int
		want   bool
	}{
		{SettingsFor(10000, true, 4), deep, true}, {SettingsFor(10000, true, 4), deep[1:], false}, {SettingsFor(9999, true, 4), deep, false},
		{SettingsFor(60000, false, 4), deep, false}, {FullBatch(), deep, false}, {SettingsFor(10000, true, 4), append([]int{20, 1025}, deep[2:]...), false},
	} {
		if got := c.set.deep(c.widths); got != c.want {
			t.Errorf("%+v of %v: %v, want %v", c.set, c.widths, got, c.want)
		}
	}
}
