package main

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
)

// TestErrorsOfSeveralValues holds that the value with the largest numbers does not decide
// alone which samples have the largest errors.
func TestErrorsOfSeveralValues(t *testing.T) {
	y := mat.Dense{Rows: 2, Cols: 2, Stride: 2, Data: []float32{1, 2000, 1, 2000}}
	out := mat.Dense{Rows: 2, Cols: 2, Stride: 2, Data: []float32{1, 3000, 5, 2000}}
	e := judgement{m: &model.Model{Transform: dataset.Transform{TargetFactor: dataset.Factors{0.5, 1.0 / 2048}}}, out: out}
	if got, unit := e.off(y); !slices.Equal(got, []float64{1000.0 / 2048, 2}) || unit != ", in deviations" {
		t.Errorf("got %v%s, want 1000/2048 and 2 in deviations", got, unit)
	}
	e.m.Transform.TargetFactor = nil // values were trained as they are
	if got, unit := e.off(y); !slices.Equal(got, []float64{1000, 4}) || unit != "" {
		t.Errorf("got %v%s of values that are not scaled, want 1000 and 4", got, unit)
	}
	e.m.Transform.TargetFactor = dataset.Factors{0.5}
	e.out = mat.Dense{Rows: 2, Cols: 1, Stride: 1, Data: []float32{4, 1}}
	if got, unit := e.off(mat.Dense{Rows: 2, Cols: 1, Stride: 1, Data: []float32{1, 1}}); !slices.Equal(got, []float64{3, 0}) || unit != "" {
		t.Errorf("got %v%s of one value, want 3 and 0 in its own unit", got, unit)
	}
}

// TestDeadUnits counts units that give one value: 0 behind ReLU, or another.
func TestDeadUnits(t *testing.T) {
	n := &dlam.Network{Layers: []dlam.Layer{
		{W: mat.FromSlice(3, 1, []float32{-1, 1, 0}), B: []float32{0, 0, 2}, H: activation.ReLU{}},
		{W: mat.FromSlice(2, 3, []float32{1, 0, 1, 0, 1, 0}), B: []float32{0, 0}, H: activation.Tanh{}},
		{W: mat.FromSlice(1, 2, []float32{1, 1}), B: []float32{0}, H: activation.Identity{}},
	}}
	x := mat.New(500, 1)
	for i := range x.Data {
		x.Data[i] = 1
	}
	for _, c := range []struct {
		at   int // the row that differs
		want []int
	}{{0, []int{2, 1}}, {1, []int{2, 1}}, {499, []int{2, 1}}, {-1, []int{3, 2}}} {
		y := x.Clone()
		if c.at >= 0 {
			y.Data[c.at] = 2
		}
		for _, threads := range []int{1, 3} {
			if got, err := deadUnits(n, y, threads); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("row %d differs, %d threads: %v dead, %v, want %v", c.at, threads, got, err, c.want)
			}
		}
	}
}

// TestDeadUnitsPacksOnce: counting them takes about the memory that one pass over the
// samples takes, most of which is the packed weights.
func TestDeadUnitsPacksOnce(t *testing.T) {
	n, err := dlam.NewNetwork([]int{1000, 1000, 2}, activation.ReLU{}, dlam.He, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	x := mat.New(2, 1000)
	took := func(work func() error) float64 {
		return testprob.Allocated(func() {
			if err := work(); err != nil {
				t.Fatal(err)
			}
		})
	}
	once := took(func() error { return n.Activations(x, 1, func(int, mat.Dense) {}) })
	dead := took(func() error { _, err := deadUnits(n, x, 1); return err })
	if once < 4*float64(n.Parameters()) || dead > 1.25*once {
		t.Errorf("took %.2f times one pass", dead/once)
	}
}
