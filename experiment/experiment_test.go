package experiment_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/experiment"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/solver/multiconvex"
)

// tiny is a reproduction that takes a second.
func tiny() experiment.Size {
	return experiment.Size{Name: "test", Widths: [2]int{4, 6}, MNIST: 60, Fashion: 60, Test: 20, Tune: 30, Iterations: 4, TableShare: 1000, TableSteps: 2}
}

// pictures is 28×28 noise with a bright spot that tells the class.
func pictures(context.Context, string) (dataset.Split, error) {
	rng := rand.New(rand.NewPCG(1, 2))
	set := func(n int) dataset.Dataset {
		d := dataset.Dataset{Name: "pictures", X: mat.New(n, 784), Classes: strings.Split("0123456789", ""), Image: picture.Image{Height: 28, Width: 28, Channels: 1, Max: 255}}
		for i := range n {
			class := rng.IntN(10)
			d.Class = append(d.Class, int32(class))
			row := d.X.Row(i)
			for j := range row {
				row[j] = float32(40 * rng.Float64())
			}
			row[70*class] = 255
		}
		return d
	}
	return dataset.Split{Train: set(60), Test: set(20)}, nil
}

func reproduction(dir string) experiment.Reproduction {
	return experiment.Reproduction{Parts: experiment.Names, Size: tiny(), Dir: dir, Threads: 1, Command: "dlam reproduce all", Open: pictures}
}

// TestReproductionGoesOn interrupts a reproduction, goes on, and runs it again:
// no cell is computed twice.
func TestReproductionGoesOn(t *testing.T) {
	dir := t.TempDir()
	r := reproduction(dir)
	ctx, cancel := context.WithCancel(context.Background())
	computed := map[string]int{}
	cells := 0
	r.Progress = func(p experiment.Progress) {
		cells = p.Cells
		if p.Iteration == p.Cell.Iterations {
			computed[fmt.Sprintf("%#v", p.Cell)]++
			if len(computed) == 3 {
				cancel()
			}
		}
	}
	if err := r.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the context's error", err)
	}
	if _, err := os.Stat(filepath.Join(dir, report.PageFile)); err == nil {
		t.Error("an interrupted reproduction wrote a report")
	}
	for range 2 {
		if err := r.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := filepath.Glob(filepath.Join(dir, "cells", "*", "outcome.json"))
	if err != nil || len(kept) != cells {
		t.Errorf("%d outcomes kept (%v), want one for each of %d cells", len(kept), err, cells)
	}
	for cell, n := range computed {
		if n > 1 {
			t.Errorf("computed %d times: %s", n, cell)
		}
	}
}

// TestReproductionWrites holds what is written: the files by name, and the
// paper's numbers beside ours.
func TestReproductionWrites(t *testing.T) {
	dir := t.TempDir()
	if err := reproduction(dir).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"report.html", "results.json", "figure1.svg", "figure1.png", "figure2.svg", "figure2.png", "figure3.svg", "figure3.png",
		"table2-mnist.csv", "table2-fashion-mnist.csv", "table-figure2.csv", "table-figure3.csv", "table-claims.csv", "table-rates.csv",
	} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "table2-mnist.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(string(b), "\n")
	if rows[0] != `ρ,11,"paper, 11000",22,"paper, 22000",33,"paper, 33000",44,"paper, 44000",55,"paper, 55000"` {
		t.Errorf("head: %s", rows[0])
	}
	if cells := strings.Split(rows[5], ","); cells[0] != "1" || cells[10] != "3.7504" {
		t.Errorf("last row: %v", cells)
	}
	html, err := os.ReadFile(filepath.Join(dir, report.PageFile))
	if err != nil || !strings.Contains(string(html), "fewer samples and fewer iterations") {
		t.Errorf("a report on fewer samples does not say so (%v)", err)
	}
	var results struct {
		Cells []struct{ Trace string }
	}
	b, err = os.ReadFile(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &results); err != nil {
		t.Fatal(err)
	}
	for _, c := range results.Cells {
		if _, err := os.Stat(filepath.Join(dir, c.Trace)); err != nil {
			t.Error(err)
		}
	}
}

func TestReproductionRefuses(t *testing.T) {
	err := experiment.Reproduction{Parts: []string{"figure9"}, Size: tiny(), Threads: 0}.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "figure9") || !strings.Contains(err.Error(), "threads: got 0") {
		t.Errorf("got %v, want both faults", err)
	}
}

// diverging is a solver whose objective is not a number from iteration 2 on.
type diverging struct{ multiconvex.Solver }

func (d diverging) Init(p *dlam.Problem, n *dlam.Network) (dlam.Stepper, error) {
	s, err := d.Solver.Init(p, n)
	return &divergingStepper{Stepper: s}, err
}

type divergingStepper struct {
	dlam.Stepper
	k int
}

func (d *divergingStepper) Step(ctx context.Context) (dlam.Record, error) {
	r, err := d.Stepper.Step(ctx)
	if d.k++; d.k > 1 {
		zero := 0.0
		r.Objective = zero / zero
	}
	return r, err
}

// TestComparisonReportsDivergence holds that one bad method spoils nothing.
func TestComparisonReportsDivergence(t *testing.T) {
	split, err := pictures(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	p := dlam.NewProblem(split.Train.X, split.Train.Target(), loss.CrossEntropy{}, 1)
	p.TestX, p.TestY = split.Test.X, split.Test.Target()
	n, err := dlam.NewNetwork([]int{784, 5, 10}, activation.ReLU{}, dlam.Paper, rand.New(rand.NewPCG(0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	good := multiconvex.Solver{Settings: multiconvex.DefaultSettings()}
	c := experiment.Comparison{
		Title: "t", Threads: 1, Iterations: 3, Evaluate: 1,
		Entries: []experiment.Entry{{Name: "bad", Solver: diverging{good}, Problem: p, Start: n}, {Name: "good", Solver: good, Problem: p, Start: n}},
	}
	dir := t.TempDir()
	out, err := c.Run(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if out[0].Status != dlam.Diverged || out[0].Error == "" || out[1].Status != dlam.Completed || out[1].Last.Iteration != 3 {
		t.Errorf("got %+v", out)
	}
	html, err := os.ReadFile(filepath.Join(dir, report.PageFile))
	if err != nil || !strings.Contains(string(html), "Did not run to its end: bad.") {
		t.Errorf("the report does not say which method diverged (%v)", err)
	}
}

func TestComparisonRefuses(t *testing.T) {
	s := multiconvex.Solver{Settings: multiconvex.DefaultSettings()}
	c := experiment.Comparison{Entries: []experiment.Entry{{Name: "a", Solver: s}, {Name: "a", Solver: s}, {Name: "../b", Solver: s}}, Targets: []float64{2}}
	_, err := c.Run(context.Background(), t.TempDir())
	for _, want := range []string{`"a" is named twice`, `"../b"`, "iterations: got 0", "evaluate: got 0", "target accuracy: got 2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want also: %s", err, want)
		}
	}
}
