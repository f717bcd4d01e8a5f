package split

import (
	"math"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/fixedseed"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/internal/variants"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"pgregory.net/rapid"
)

const termRows = 12

// overshooting reports a term in which a may be out of the range of h.
func overshooting(t Term) bool {
	_, ok := t.(*Misfit)
	return ok
}

// eachTerm calls check with every term that an activation or a loss has, of a layer of
// termRows samples.
func eachTerm(t *testing.T, check func(t *testing.T, it *Iterate, ly *Layer, term Term)) {
	begin := func(t *testing.T, h activation.Func, l loss.Loss, o Options) *Iterate {
		p := testprob.Blobs(termRows, 5, 3, 2)
		if l != nil && !loss.IsFor(l, loss.Classes) {
			p = testprob.Waves(termRows, 0.3, 2)
		}
		if l != nil {
			p.Loss = l
		}
		p.Y.Weight = make([]float32, termRows)
		for i := range p.Y.Weight {
			p.Y.Weight[i] = float32(1+i%3) / 2
		}
		it, err := New(p, testprob.Network(p, []int{4}, h, dlam.He, 1), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(it.Close)
		return it
	}
	for _, h := range variants.Of(activation.All) {
		name := h.Spec().String()
		if c, ok := h.(activation.Conjugated); ok {
			t.Run("fenchel of "+name, func(t *testing.T) {
				it := begin(t, h, nil, Options{NoZ: true})
				check(t, it, &it.Layers[0], NewFenchel(it, &it.Layers[0], c, 0.7))
			})
			t.Run("squares of "+name, func(t *testing.T) {
				it := begin(t, h, nil, Options{NoZ: true})
				check(t, it, &it.Layers[0], NewSquares(it, &it.Layers[0], 0.7))
			})
		}
		if f, ok := h.(activation.Fitted); ok {
			t.Run("misfit of "+name, func(t *testing.T) {
				it := begin(t, h, nil, Options{NoZ: true})
				check(t, it, &it.Layers[0], NewMisfit(it, &it.Layers[0], f, 0.7))
			})
			t.Run("misfit with a multiplier of "+name, func(t *testing.T) {
				it := begin(t, h, nil, Options{NoZ: true, OutputA: true, Multipliers: true})
				check(t, it, &it.Layers[0], NewMisfit(it, &it.Layers[0], f, 0.7))
			})
		}
	}
	for _, l := range variants.Of(loss.All) {
		if _, ok := l.(loss.Smooth); ok {
			t.Run("risk of "+l.Spec().String(), func(t *testing.T) {
				it := begin(t, activation.ReLU{}, l, Options{NoZ: true})
				check(t, it, &it.Layers[1], NewRisk(it))
			})
		}
	}
}

// drawTerm puts random activations into a term's layer, in the range of h where they must
// be, and draws a point.
func drawTerm(t *rapid.T, ly *Layer, term Term) mat.Dense {
	rng := testprob.Rng(rapid.Uint64().Draw(t, "seed"))
	size := math.Pow(10, rapid.Float64Range(-2, 1.5).Draw(t, "log10 of the size"))
	if ly.Next != nil {
		testprob.Normal(ly.A, size, rng)
		if !overshooting(term) {
			ly.Net.H.Apply(ly.A.Elements(), ly.A.Elements())
		}
	}
	if ly.Lambda.Rows > 0 {
		testprob.Normal(ly.Lambda, size, rng)
	}
	if m, ok := term.(*Misfit); ok {
		if err := m.Bound(); err != nil {
			t.Fatal(err)
		}
	}
	v := mat.New(termRows, ly.Net.Units())
	testprob.Normal(v, math.Pow(10, rapid.Float64Range(-2, 1.5).Draw(t, "log10 of the point")), rng)
	return v
}

func valueAt(term Term, v mat.Dense) float64 { return term.Value(v.Clone(), 0, termRows) }

// T is nowhere above the quadratic around its moved target.
func TestTermIsBelowItsModel(t *testing.T) {
	eachTerm(t, func(t *testing.T, it *Iterate, ly *Layer, term Term) {
		fixedseed.Check(t, func(t *rapid.T) {
			at := drawTerm(t, ly, term)
			v := mat.New(at.Rows, at.Cols)
			testprob.Normal(v, math.Pow(10, rapid.Float64Range(-2, 1.5).Draw(t, "log10 of the move")), testprob.Rng(rapid.Uint64().Draw(t, "seed of the move")))
			g, c, model := mat.New(at.Rows, at.Cols), term.Curvature(), valueAt(term, at)
			term.Gradient(g, at.Clone(), 0, termRows)
			for i := range v.Rows {
				weight := it.P.Y.WeightOf(i)
				for j, d := range v.Row(i) {
					v.Set(i, j, at.At(i, j)+d)
					d := float64(v.At(i, j)) - float64(at.At(i, j)) // as it has been rounded
					model += weight * d * (float64(g.At(i, j)) + c/2*d)
				}
			}
			if got := valueAt(term, v); got > model+1e-5*(1+math.Abs(model)+math.Abs(got)) { // the gradient is in float32
				t.Fatalf("T is %v, its model %v", got, model)
			}
		})
	})
}

// A term's gradient is the derivative of its value.
func TestTermGradient(t *testing.T) {
	eachTerm(t, func(t *testing.T, it *Iterate, ly *Layer, term Term) {
		fixedseed.Check(t, func(t *rapid.T) {
			at := drawTerm(t, ly, term)
			g, d := mat.New(at.Rows, at.Cols), mat.New(at.Rows, at.Cols)
			term.Gradient(g, at.Clone(), 0, termRows)
			testprob.Normal(d, 1, testprob.Rng(3))
			const step = 0x1p-7 // central differences are off by its square, at kinks by its curvature
			ahead, behind, want, slack := at.Clone(), at.Clone(), 0.0, 0.0
			for i := range d.Rows {
				weight := it.P.Y.WeightOf(i)
				for j, x := range d.Row(i) {
					ahead.Set(i, j, at.At(i, j)+step*x)
					behind.Set(i, j, at.At(i, j)-step*x)
					way := float64(ahead.At(i, j)) - float64(behind.At(i, j))
					want += weight * way * float64(g.At(i, j))
					slack += weight * way * way * term.Curvature()
				}
			}
			up, down := valueAt(term, ahead), valueAt(term, behind)
			if got := up - down; math.Abs(got-want) > slack/8+1e-6*(math.Abs(up)+math.Abs(want)) {
				t.Fatalf("T rises by %v, its gradient says %v", got, want)
			}
		})
	})
}

// The (W, b)- and the a-step to a moved target lower what they are to lower, by at least
// c/2 times the square of the move of V, and of A by that and γ/2 times its own.
func TestMovedStepsDescend(t *testing.T) {
	for _, h := range variants.Of(activation.All) {
		f, ok := h.(activation.Fitted)
		if !ok {
			continue
		}
		for _, wide := range []bool{false, true} {
			p := testprob.Blobs(200, 6, 3, 1)
			if wide {
				p = testprob.Blobs(20, 60, 3, 1)
			}
			const gamma = 0.6
			it, err := New(p, testprob.Network(p, []int{50, 9}, h, dlam.He, 1), Options{NoZ: true})
			if err != nil {
				t.Fatal(err)
			}
			defer it.Close()
			terms := make([]*Misfit, 2)
			for l := range terms {
				terms[l] = NewMisfit(it, &it.Layers[l], f, gamma)
				it.Layers[l].Term = terms[l]
				testprob.Normal(it.Layers[l].A, 1.2, testprob.Rng(uint64(l)))
				if err := terms[l].Bound(); err != nil {
					t.Fatal(err)
				}
			}
			it.Layers[2].Term = NewRisk(it)
			for l := range it.Layers {
				ly := &it.Layers[l]
				before, v := objective(t, it), linear(ly)
				if _, err := it.FitMoved(ly, 0); err != nil {
					t.Fatal(err)
				}
				fell(t, h, "W", before, objective(t, it), ly.Term.Curvature()/2*squared(v, linear(ly)))
			}
			for l := range terms {
				ly := &it.Layers[l]
				before, v, a := objective(t, it), linear(ly.Next), ly.A.Clone()
				if err := it.FitMovedA(ly, gamma, 1); err != nil {
					t.Fatal(err)
				}
				move := ly.Next.Term.Curvature()/2*squared(v, linear(ly.Next)) + gamma/2*squared(a, ly.A)
				fell(t, h, "A", before, objective(t, it), move)
				if err := terms[l].Bound(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func fell(t *testing.T, h activation.Func, block string, before, after, move float64) {
	t.Helper()
	if slack := 1e-5 * before; before-after < move-slack || !(move > 0) {
		t.Errorf("%v, %s: the objective fell from %v to %v, by less than %v", h.Spec(), block, before, after, move)
	}
}

func objective(t *testing.T, it *Iterate) float64 {
	t.Helper()
	r, err := it.RecordTerms(&Tally{})
	if err != nil {
		t.Fatal(err)
	}
	return r.Objective
}

// linear is V_l.
func linear(ly *Layer) mat.Dense {
	v := mat.New(ly.In.Rows, ly.Net.Units())
	ly.Products.Affine(v, ly.In, nil)
	return v
}

func squared(a, b mat.Dense) (sum float64) {
	for i := range a.Rows {
		for j, x := range a.Row(i) {
			d := float64(x) - float64(b.At(i, j))
			sum += d * d
		}
	}
	return sum
}

// A misfit's curvature is that of the range of what h is fitted to, A − Λ/μ.
func TestMisfitBound(t *testing.T) {
	p := testprob.Blobs(50, 5, 3, 2)
	it, err := New(p, testprob.Network(p, []int{4}, activation.Tanh{}, dlam.He, 1), Options{NoZ: true, OutputA: true, Multipliers: true})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	ly := &it.Layers[0]
	m := NewMisfit(it, ly, activation.Tanh{}, 0.5)
	ly.A.Set(20, 1, 3)
	ly.Lambda.Set(20, 1, 1)
	ly.Lambda.Set(40, 2, 4-0.5*ly.A.At(40, 2)) // a − λ/μ is 2a − 8
	if err := m.Bound(); err != nil {
		t.Fatal(err)
	}
	if got, want := m.Curvature(), 0.5*(activation.Tanh{}).FitCurvature(2*float64(ly.A.At(40, 2))-8, 1); math.Abs(got-want) > 1e-6*want {
		t.Errorf("curvature %v, want %v", got, want)
	}
}
