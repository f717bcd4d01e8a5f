package recipe_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
)

// TestEnsemble: a model of several networks says the mean of what they say before the
// softmax; the first of them is the one that is trained alone.
func TestEnsemble(t *testing.T) {
	points, zones := circle(300)
	data := recipe.Rows(points, zones)
	o := small("sync")
	one := train(t, data, o)
	o.Ensemble, o.Folder = 3, filepath.Join(t.TempDir(), "run")
	all := train(t, data, o)
	if got := all.Network.Widths(); !slices.Equal(got, []int{2, 21, 2}) {
		t.Fatalf("widths %v, want [2 21 2]", got)
	}
	first, hidden := one.Network.Layers, all.Network.Layers[0]
	for i, w := range hidden.W.RowRange(0, 7).Elements() { // a last layer that is divided by 3 and multiplied again is another in the last bit
		if want := first[0].W.Data[i]; math.Abs(float64(w-want)) > 1e-3 {
			t.Fatalf("weight %d of the first network is %v, and %v where it is trained alone", i, w, want)
		}
	}
	for k := range 3 {
		for j := range k {
			if slices.Equal(hidden.W.RowRange(7*k, 7*k+7).Elements(), hidden.W.RowRange(7*j, 7*j+7).Elements()) {
				t.Errorf("networks %d and %d are the same", j, k)
			}
		}
	}
	saved, err := model.Load(o.Folder)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(weights(saved.Network), weights(all.Network)) {
		t.Error("the model file has another network")
	}
	x := mat.New(1, 2)
	copy(x.Row(0), []float32{0.3, -0.2})
	got, err := all.Network.Predict(x, 1)
	if err != nil {
		t.Fatal(err)
	}
	out := all.Network.Layers[1]
	var want float64 // each network on its own units, with its own last layer, and then the mean
	for k := range 3 {
		score := float64(out.B[0])
		for j := 7 * k; j < 7*k+7; j++ {
			z := float64(hidden.B[j]) + float64(hidden.W.At(j, 0))*0.3 - float64(hidden.W.At(j, 1))*0.2
			score += 3 * float64(out.W.At(0, j)) * math.Max(0, z)
		}
		want += score / 3
	}
	if math.Abs(float64(got.At(0, 0))-want) > 1e-5*(1+math.Abs(want)) {
		t.Errorf("output %v, want %v", got.At(0, 0), want)
	}
}

// TestEnsembleResumes: an ensemble that was interrupted ends with the same bits.
func TestEnsembleResumes(t *testing.T) {
	points, zones := circle(300)
	data := recipe.Rows(points, zones)
	o := small("sync")
	o.Ensemble, o.Hidden = 3, []int{7, 5}
	straight := train(t, data, o)
	o.Folder = filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := recipe.Train(ctx, data, progress(o, func(k int) {
		if k == 3 {
			cancel()
		}
	}))
	if err != nil || r.Status != dlam.Interrupted {
		t.Fatalf("%v, %v", r.Status, err)
	}
	o.Resume = true
	r = train(t, data, o)
	if r.Status != dlam.Completed || !slices.Equal(weights(r.Network), weights(straight.Network)) {
		t.Errorf("%s with other weights than a run that was not interrupted", r.Status)
	}
}
