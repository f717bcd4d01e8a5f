package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/solver/gradient"
)

// pointsTable is points of a square with the zone and the height of each, and the same
// as a file.
type pointsTable struct {
	points  [][]float32
	zones   []string
	heights []float32
	path    string // with the columns x, y, zone, height
}

func newPoints(t *testing.T, n int) pointsTable {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	d := pointsTable{path: filepath.Join(t.TempDir(), "points.csv")}
	text := map[string]*strings.Builder{"zone": {}, "height": {}}
	for column, b := range text {
		fmt.Fprintf(b, "x,y,%s\n", column)
	}
	for range n {
		x, y := 2*rng.Float32()-1, 2*rng.Float32()-1
		zone, height := "outside", 100+x*y+x
		if x*x+y*y < 0.6 {
			zone = "inside"
		}
		d.points, d.zones, d.heights = append(d.points, []float32{x, y}), append(d.zones, zone), append(d.heights, height)
		fmt.Fprintf(text["zone"], "%v,%v,%s\n", x, y, zone)
		fmt.Fprintf(text["height"], "%v,%v,%v\n", x, y, height)
	}
	for column, b := range text {
		if err := os.WriteFile(d.path+"."+column, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// TestLibraryIsCommandLine holds that a Go program gets the network that dlam
// train gives for the same samples and settings, to the last bit, and the same
// scaling, classes and scores.
func TestLibraryIsCommandLine(t *testing.T) {
	d := newPoints(t, 300)
	byZone, byHeight := recipe.Rows(d.points, d.zones, "x", "y"), recipe.Rows(d.points, d.heights, "x", "y")
	for name, c := range map[string]struct {
		data  recipe.Data
		file  string
		flags string
		o     recipe.Options
	}{
		"as it suits": {byZone, "zone", "--seed 1", recipe.Options{Seed: 1}},
		"a regression": {byHeight, "height", "--seed 2 --iterations 5 --loss huber:delta=0.5",
			recipe.Options{Seed: 2, Iterations: 5, Loss: loss.Huber{Delta: 0.5}}},
		"dlam": {byZone, "zone", "--solver dlam --hidden 9,5 --activation tanh,relu --iterations 5 --rho 0.01 --l1 0.001 --test-split 0 --scale unit",
			recipe.Options{
				Method: "dlam", Hidden: []int{9, 5}, Activation: []activation.Func{activation.Tanh{}, activation.ReLU{}}, Iterations: 5,
				Settings: recipe.Settings{Rho: new(0.01)}, L1: 0.001, TestSplit: new(0.0), Scale: dataset.ScaleUnit,
			}},
		"adam": {byZone, "zone", "--solver adam --batch 50 --schedule cosine --lr 0.01 --beta1 0.8 --label-smoothing 0.1 --iterations 6 --validation 0.2 --patience 2",
			recipe.Options{
				Method: "adam", Iterations: 6, Validation: 0.2, Patience: 2, Smoothing: new(0.1),
				Settings: recipe.Settings{Batch: new(50), Schedule: new(gradient.Cosine), Rate: new(0.01), Beta1: new(0.8)},
			}},
		"the best rate": {byZone, "zone", "--solver sgd --lr auto --iterations 4", recipe.Options{Method: "sgd", Settings: recipe.Settings{TryRates: true}, Iterations: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			run := filepath.Join(t.TempDir(), "run")
			args := append([]string{"train", "--quiet", "--threads", "2", "--run", run, "--data", d.path + "." + c.file, "--label", c.file}, strings.Fields(c.flags)...)
			if code, _, said := call(args...); code != exitDone {
				t.Fatalf("exit code %d: %s", code, said)
			}
			want, err := model.Load(run)
			if err != nil {
				t.Fatal(err)
			}
			c.o.Threads = 2
			got, err := recipe.Train(context.Background(), c.data, c.o)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(parameters(got.Network), parameters(want.Network)) || fmt.Sprint(got.Network.Widths()) != fmt.Sprint(want.Network.Widths()) {
				t.Error("another network")
			}
			want.Transform.Table = dataset.Shape{} // samples in memory are from no file
			if fmt.Sprint(got.Transform) != fmt.Sprint(want.Transform) || !slices.Equal(got.Classes, want.Classes) || !slices.Equal(got.Features, want.Features) {
				t.Errorf("got %+v, %q, %q, want %+v, %q, %q", got.Transform, got.Classes, got.Features, want.Transform, want.Classes, want.Features)
			}
			if got.Training.Data != want.Training.Data || got.Training.Iterations != want.Training.Iterations || got.Training.Samples != want.Training.Samples {
				t.Errorf("got %+v, want %+v", got.Training, want.Training)
			}
		})
	}
}

// parameters are all weights and intercepts of n.
func parameters(n *dlam.Network) (all []float32) {
	for _, ly := range n.Layers {
		all = append(append(all, ly.W.Elements()...), ly.B...)
	}
	return all
}

// TestLibraryRunFolder holds that the command line uses a run that a Go program
// made: a page of it, its model, and what it cannot have.
func TestLibraryRunFolder(t *testing.T) {
	d := newPoints(t, 100)
	run := filepath.Join(t.TempDir(), "run")
	if _, err := recipe.Train(context.Background(), recipe.Rows(d.points, d.zones, "x", "y"), recipe.Options{Method: "dlam", Hidden: []int{5}, Iterations: 3, Threads: 1, Folder: run}); err != nil {
		t.Fatal(err)
	}
	file := d.path + ".zone"
	for _, args := range [][]string{
		{"eval", run, "--data", file, "--label", "zone"}, {"inspect", run}, {"predict", run, file}, {"report", run, "--out", filepath.Join(run, "page.html")},
		{"train", "--config", filepath.Join(run, recipe.ConfigName), "--data", file, "--label", "zone", "--quiet", "--run", run + "-2"},
	} {
		if code, _, said := call(args...); code != exitDone {
			t.Errorf("%v: exit code %d: %s", args, code, said)
		}
	}
	for _, args := range [][]string{{"eval", run}, {"certify", run}} {
		if code, _, said := call(args...); code != exitUsage || !strings.Contains(said, "trained on samples in a program's memory") {
			t.Errorf("%v: exit code %d: %s", args, code, said)
		}
	}
}
