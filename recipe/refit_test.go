package recipe_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
)

// TestRefit: the model's last layer is another than without, its others are the same, its
// loss is less, and a run that was interrupted ends in it too.
func TestRefit(t *testing.T) {
	points, zones := circle(300)
	d, dir := recipe.Rows(points, zones), t.TempDir()
	for _, method := range []string{"dlam", "bcd", "lifted", "mac"} {
		o := small(method)
		o.L2, o.Hidden, o.Activation = new(0.1), []int{9, 7}, []activation.Func{activation.Tanh{}}
		plain := train(t, d, o)
		o.Refit, o.Folder = true, filepath.Join(dir, method)
		r := train(t, d, o)
		if plain.Refit != nil || r.Refit == nil {
			t.Fatalf("%s: Refit is %v without and %v with", method, plain.Refit, r.Refit)
		}
		if r.Refit.Trained.Train.Risk != plain.Last.Train.Risk || r.Refit.Trained.Test.Risk != plain.Last.Test.Risk {
			t.Errorf("%s: the scores as trained are %+v, want %+v", method, r.Refit.Trained.Train, plain.Last.Train)
		}
		if !(r.Last.Train.Risk < plain.Last.Train.Risk) || r.Refit.Random.Train.Risk == r.Last.Train.Risk || !(r.Refit.Random.Test.Risk > 0) {
			t.Errorf("%s: refit %+v, as trained %+v, random %+v", method, r.Last.Train, plain.Last.Train, r.Refit.Random.Train)
		}
		for l, ly := range r.Network.Layers {
			if same := slices.Equal(ly.W.Elements(), plain.Network.Layers[l].W.Elements()); same != (l < 2) {
				t.Errorf("%s: layer %d is the same as without: %t", method, l+1, same)
			}
		}
		saved, err := model.Load(o.Folder)
		if err != nil || !slices.Equal(weights(saved.Network), weights(r.Network)) {
			t.Errorf("%s: the model saved is another: %v", method, err)
		}
		o.Folder, o.Resume = filepath.Join(dir, method+"-cut"), true
		ctx, cancel := context.WithCancel(context.Background())
		part, err := recipe.Train(ctx, d, progress(o, func(k int) {
			if k == 3 {
				cancel()
			}
		}))
		if err != nil || part.Status != dlam.Interrupted || part.Refit != nil {
			t.Fatalf("%s: %v, %+v, want a run interrupted, without a refit", method, err, part)
		}
		if end := train(t, d, o); !slices.Equal(weights(end.Network), weights(r.Network)) {
			t.Errorf("%s: the run that was interrupted ends in another network", method)
		}
	}
}

// TestRefitInterrupted: a run whose refit is interrupted keeps its network as trained, and
// its folder, to go on with the refit.
func TestRefitInterrupted(t *testing.T) {
	points, zones := circle(300)
	d, o := recipe.Rows(points, zones), small("bcd")
	plain := train(t, d, o)
	o.Refit, o.Folder, o.Resume = true, filepath.Join(t.TempDir(), "run"), true
	ctx, cancel := context.WithCancel(context.Background())
	part, err := recipe.Train(ctx, d, progress(o, func(k int) {
		if k == o.Iterations {
			cancel()
		}
	}))
	if err != nil || part.Status != dlam.Interrupted || part.Refit != nil || !slices.Equal(weights(part.Network), weights(plain.Network)) {
		t.Fatalf("%v, %+v, want the network as trained of a run interrupted", err, part)
	}
	if end := train(t, d, o); end.Refit == nil || end.Status != dlam.Completed {
		t.Errorf("going on: %+v, want a refit", end)
	}
}

// TestRefitTimedOut: a run that its budget ends is refitted too, which certify repeats; going
// on with it, it ends as if it had never stopped.
func TestRefitTimedOut(t *testing.T) {
	d, err := recipe.Open(t.Context(), recipe.Source{Data: "digits"})
	if err != nil {
		t.Fatal(err)
	}
	o := small("dlam")
	o.Refit, o.Iterations = true, 3
	whole := train(t, d, o)
	o.Folder, o.Resume, o.Budget = filepath.Join(t.TempDir(), "run"), true, 1 // a nanosecond, which one iteration takes
	if part := train(t, d, o); part.Status != dlam.TimedOut || part.Last.Iteration != 1 || part.Refit == nil || part.Last.Train.Risk == part.Refit.Trained.Train.Risk {
		t.Errorf("%s after %d iterations, refit %+v, want one", part.Status, part.Last.Iteration, part.Refit)
	}
	m, err := model.Load(o.Folder)
	if err != nil {
		t.Fatal(err)
	}
	e, err := recipe.OpenEvidence(o.Folder, m)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := e.Certify(t.Context(), d); err != nil || !v.Repeated {
		t.Errorf("certified: %+v, %v", v, err)
	}
	o.Budget = 0
	if end := train(t, d, o); end.Status != dlam.Completed || !slices.Equal(weights(end.Network), weights(whole.Network)) {
		t.Error("going on, it ends in another network")
	}
}

// TestRefitRandomFails: without random layers to compare with, the refit is made and says why.
func TestRefitRandomFails(t *testing.T) {
	points, zones := circle(300)
	o := small("bcd")
	o.Refit = true
	p, err := recipe.Prepare(recipe.Rows(points, zones), o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p.Options.Init = "none such"
	res, err := r.Train(t.Context())
	if err != nil || res.Status != dlam.Completed || !(res.Last.Train.Risk < res.Refit.Trained.Train.Risk) {
		t.Fatalf("%v: %+v, want a refit", err, res)
	}
	if f := res.Refit; f.Random.Train != nil || f.RandomError == nil || !strings.Contains(f.RandomError.Error(), "none such") {
		t.Errorf("random layers: %+v, %v", f.Random, f.RandomError)
	}
}

func TestRefitRefuses(t *testing.T) {
	points, zones := circle(50)
	for _, c := range []struct {
		o    recipe.Options
		want string
	}{
		{recipe.Options{}, "refit: sync trains the last layer on the forward pass already; it is for dlam, mdlam, cdlam, admm, dladmm, pdadmm, bcd, lifted, mac"},
		{recipe.Options{Method: "adam"}, "refit: adam trains"},
		{recipe.Options{Method: "bcd", Ensemble: 2}, "refit: got true, want off with an ensemble"},
		{recipe.Options{Method: "bcd", Loss: loss.Hinge{}}, "refit: loss hinge has no bound of its curvature"},
		{recipe.Options{Method: "dlam", L1: 0.1}, "refit: regulariser l1:lambda=0.1"},
	} {
		c.o.Refit, c.o.Threads = true, 1
		_, err := recipe.Prepare(recipe.Rows(points, zones), c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want a refusal that says %q", err, c.want)
		}
	}
}
