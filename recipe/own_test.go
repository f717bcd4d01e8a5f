package recipe_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/spec"
)

// swish is an activation of a user's own.
type swish struct{}

func (swish) Apply(dst, z []float32) {
	for i, x := range z {
		dst[i] = float32(float64(x) / (1 + math.Exp(-float64(x))))
	}
}

func (swish) MulDeriv(dst, g, z []float32) {
	for i, x := range z {
		p := 1 / (1 + math.Exp(-float64(x)))
		dst[i] = g[i] * float32(p*(1+float64(x)*(1-p)))
	}
}

func (swish) Spec() spec.Spec { return spec.Spec{Kind: "swish"} }

// TestOwnActivationGoesOn: a run with an activation of the user's own goes on from its
// folder to the network of the run that was not interrupted, and once it has ended a program
// can tell. Its model gives first weights.
func TestOwnActivationGoesOn(t *testing.T) {
	points, zones := circle(90)
	d, o := recipe.Rows(points, zones), small("sync")
	o.Activation = []activation.Func{swish{}}
	straight := train(t, d, o)
	o.Folder, o.Resume = filepath.Join(t.TempDir(), "run"), true
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	part, err := recipe.Train(ctx, d, progress(o, func(k int) {
		if k == 2 {
			cancel()
		}
	}))
	if err != nil || part.Status != dlam.Interrupted {
		t.Fatalf("%v, %+v, want a run that was interrupted", err, part)
	}
	if end := train(t, d, o); !slices.Equal(weights(end.Network), weights(straight.Network)) {
		t.Error("the run that was interrupted ends in another network")
	}
	if _, err := recipe.Train(context.Background(), d, o); !errors.Is(err, recipe.ErrEnded) || !errors.Is(err, recipe.ErrRefused) {
		t.Errorf("going on with a run that has ended: %v", err)
	}
	from := o
	from.Folder, from.Resume, from.StartFile = "", false, filepath.Join(o.Folder, model.FileName)
	from.Scale = dataset.ScaleNone
	p, err := recipe.Prepare(d, from)
	if err != nil || !slices.ContainsFunc(p.Notes, func(note string) bool { return strings.Contains(note, "scaled otherwise") }) {
		t.Errorf("started from its model: %v", err)
	}
}

// TestEndedBefore: a context that has ended before a run begins gives its error.
func TestEndedBefore(t *testing.T) {
	points, zones := circle(30)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r, err := recipe.Train(ctx, recipe.Rows(points, zones), small("sync")); !errors.Is(err, context.Canceled) || r != nil {
		t.Errorf("got %v, %v", r, err)
	}
}

// TestNumbersForTexts: numbers for a column of texts are refused by Model.Predict as by a
// Predictor.
func TestNumbersForTexts(t *testing.T) {
	var rows [][]any
	for i := range 40 {
		rows = append(rows, []any{[]string{"red", "blue"}[i%2], i % 7, []string{"stays", "goes"}[i%2]})
	}
	m := train(t, recipe.Records([]string{"t", "n", "label"}, rows, dataset.Options{}), small("sync"))
	_, one := m.Predict([][]float32{{1, 2}})
	_, two := m.Predictor().Predict(mat.FromSlice(1, 2, []float32{1, 2}))
	for _, err := range []error{one, two} {
		if !errors.Is(err, dataset.ErrInput) || !strings.Contains(err.Error(), `column "t" takes texts`) {
			t.Errorf("got %v", err)
		}
	}
}

// halved is a regulariser of a user's own, (1/2)‖W‖².
type halved struct{}

func (halved) Value(w []float32) (s float64) {
	for _, v := range w {
		s += float64(v) * float64(v) / 2
	}
	return s
}

func (halved) Prox(dst, v []float32, theta float64) {
	for i, x := range v {
		dst[i] = float32(float64(x) * theta / (theta + 1))
	}
}

func (halved) AddGrad(dst, w []float32) {
	for i, v := range w {
		dst[i] += v
	}
}

func (halved) Spec() spec.Spec { return spec.Spec{Kind: "halved"} }

// TestOwnRegulariser: a plan takes a regulariser of the user's own, which has a say in
// the network.
func TestOwnRegulariser(t *testing.T) {
	points, zones := circle(90)
	for _, method := range []string{"sync", "dlam"} {
		o := small(method)
		o.L2 = new(0.0)
		norm := func(own bool) float64 {
			p := must(recipe.Prepare(recipe.Rows(points, zones), o))
			if own {
				p.Problem.Regularizer = halved{}
			}
			r := must(p.Start(context.Background()))
			defer r.Close()
			return halved{}.Value(weights(must(r.Train(context.Background())).Network))
		}
		if with, without := norm(true), norm(false); !(with < without) {
			t.Errorf("%s: ½‖W‖² is %v, and without the regulariser %v", method, with, without)
		}
	}
}
