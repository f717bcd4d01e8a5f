package judge_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/judge"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
)

// columns of rows as people have them, of which colour and size matter, and the label.
var columns = []string{"colour", "size", "sold", "noise", "kind"}

func rows(n int) (rows [][]any) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		colour, size := []string{"red", "green", "blue"}[rng.IntN(3)], 10*rng.Float64()
		kind := "small"
		if size > 5 || colour == "red" {
			kind = "large"
		}
		row := []any{colour, size, fmt.Sprintf("2024-%02d-01", 1+i%12), rng.Float64(), kind}
		if i%9 == 0 {
			row[1] = nil
		}
		if i%11 == 0 {
			row[0] = nil
		}
		rows = append(rows, row)
	}
	return rows
}

func trained(t *testing.T, all [][]any) *model.Model {
	t.Helper()
	m, err := recipe.Train(context.Background(), recipe.Records(columns, all, dataset.Options{Label: "kind"}), recipe.Options{Hidden: []int{8}, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	return m.Model
}

// raw is rows as m takes them, without its transform, and the classes.
func rawRows(t *testing.T, m *model.Model, all [][]any) dataset.Dataset {
	t.Helper()
	d, err := m.Records(columns, all)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range all {
		d.Class = append(d.Class, int32(slices.Index(m.Classes, row[4].(string))))
	}
	d.Classes = m.Classes
	return d
}

func apply(t *testing.T, m *model.Model, d dataset.Dataset) dataset.Dataset {
	t.Helper()
	d, err := m.Transform.Apply(d)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestPermuteIsOfRawValues: the features of a column change places as its raw values do.
func TestPermuteIsOfRawValues(t *testing.T) {
	all := rows(120)
	m := trained(t, all)
	p := judge.Permuting{Repeats: 3, Seed: 7, Threads: 1}
	got, err := judge.Permute(context.Background(), m, apply(t, m, rawRows(t, m, all)), p)
	if err != nil {
		t.Fatal(err)
	}
	for k, one := range got.Columns {
		if one.Column != columns[k] {
			t.Errorf("column %d is %s, want %s", k, one.Column, columns[k])
		}
		rng := rand.New(rand.NewPCG(7, uint64(k)))
		var mean [2]float64
		for range 3 {
			order := rng.Perm(len(all))
			mixed := make([][]any, len(all))
			for i := range all {
				mixed[i] = slices.Clone(all[i])
				mixed[i][k] = all[order[i]][k]
			}
			r, err := judge.Model(m, apply(t, m, rawRows(t, m, mixed)), 1)
			if err != nil {
				t.Fatal(err)
			}
			mean[0] += (*got.Base[0].Value - r.Classes.Accuracy) / 3
			mean[1] += (*r.Classes.LogLoss - *got.Base[1].Value) / 3
		}
		for f, c := range one.Drops {
			near(t, one.Column+": "+c.Figure, c.Mean, mean[f])
		}
	}
	colour, size, noise := got.Columns[0].Drops[1].Mean, got.Columns[1].Drops[1].Mean, got.Columns[3].Drops[1].Mean
	if !(colour > 10*math.Abs(noise) && size > 10*math.Abs(noise)) {
		t.Errorf("colour matters %v, size %v, and noise %v", colour, size, noise)
	}
	again, err := judge.Permute(context.Background(), m, apply(t, m, rawRows(t, m, all)), p)
	if err != nil || !reflect.DeepEqual(got, again) {
		t.Errorf("the same seed, and other importances: %v", err)
	}
}

// TestPermuteByHand: two samples either stay or change places.
func TestPermuteByHand(t *testing.T) {
	w := mat.FromSlice(1, 2, []float32{1, 0})
	m := &model.Model{
		Network: &dlam.Network{Layers: []dlam.Layer{{W: w, B: []float32{0}, H: activation.Identity{}}}}, Loss: loss.Squared{},
		Transform: dataset.Transform{Inputs: 2, Pool: 1, Scaling: dataset.ScaleNone, Shift: []float32{0}, Factor: []float32{1}},
	}
	d := dataset.Dataset{X: mat.FromSlice(2, 2, []float32{0, 5, 3, 7}), Value: mat.FromSlice(2, 1, []float32{0, 3})}
	const n = 40
	got, err := judge.Permute(context.Background(), m, d, judge.Permuting{Repeats: n, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	c := got.Columns[0].Drops[0]
	swaps := c.Mean / 3 // share of the permutations; the RMSE is then 3
	if c.Figure != "rmse" || swaps < 0.2 || swaps > 0.8 {
		t.Errorf("got %+v", c)
	}
	near(t, "standard deviation", c.SD, 3*math.Sqrt(swaps*(1-swaps)*n/(n-1)))
	if other := got.Columns[1].Drops[0]; other.Mean != 0 || other.SD != 0 || got.Columns[1].Column != "1" {
		t.Errorf("a column without weight: %+v", other)
	}
}

// TestPermuteSeveral: of several values of which one does not vary R² is undefined, and the
// errors of each count by themselves.
func TestPermuteSeveral(t *testing.T) {
	m := &model.Model{
		Network: &dlam.Network{Layers: []dlam.Layer{{W: mat.FromSlice(2, 1, []float32{1, 0}), B: []float32{0, 2}, H: activation.Identity{}}}}, Loss: loss.Squared{},
		Transform: dataset.Transform{Inputs: 1, Pool: 1, Scaling: dataset.ScaleNone, Shift: []float32{0}, Factor: []float32{1}},
	}
	d := dataset.Dataset{X: mat.FromSlice(2, 1, []float32{0, 3}), Value: mat.FromSlice(2, 2, []float32{0, 1, 3, 1})}
	got, err := judge.Permute(context.Background(), m, d, judge.Permuting{Repeats: 40, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	varies, fixed := got.Columns[0].Drops[0], got.Columns[0].Drops[1]
	if varies.Figure != "rmse:value0" || fixed.Figure != "rmse:value1" || varies.Mean <= 0 || fixed.Mean != 0 {
		t.Errorf("got %+v, want the errors of each value", got.Columns[0])
	}
	near(t, "RMSE of the value that does not vary", *got.Base[1].Value, 1)
}

// TestDepend: a point is the mean prediction for rows that all have its value.
func TestDepend(t *testing.T) {
	all := rows(120)
	m := trained(t, all)
	d := rawRows(t, m, all)
	x := apply(t, m, d).X
	for k, want := range []int{4, 6, 5, 5} { // points: three texts; five of many; with a missing one where there are some
		p, err := judge.Depend(context.Background(), m, d, x, columns[k], 5, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Points) != want || !slices.Equal(p.Outputs, []string{"small"}) {
			t.Errorf("%s: %d points of %v, want %d", columns[k], len(p.Points), p.Outputs, want)
		}
		for _, point := range p.Points {
			same := make([][]any, len(all))
			for i := range all {
				same[i] = slices.Clone(all[i])
				if same[i][k] = point.Value; point.Value == "" {
					same[i][k] = nil
				}
			}
			out, err := m.PredictRecords(columns, same)
			if err != nil {
				t.Fatal(err)
			}
			var mean float64
			for i := range same {
				mean += float64(out.Outputs.At(i, 1)) / float64(len(same))
			}
			if math.Abs(mean-point.Mean[0]) > 1e-6 { // numbers are written with the digits of float64
				t.Errorf("%s = %q: got %v, want %v", columns[k], point.Value, point.Mean[0], mean)
			}
		}
	}
}

// TestMattersRefuses pictures, other columns and an end.
func TestMattersRefuses(t *testing.T) {
	all := rows(60)
	m := trained(t, all)
	d := rawRows(t, m, all)
	x := apply(t, m, d)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := judge.Permute(ctx, m, x, judge.Permuting{Threads: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
	if _, err := judge.Depend(ctx, m, d, x.X, "size", 5, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
	if _, err := judge.Depend(context.Background(), m, d, x.X, "weight", 5, 1); err == nil || !strings.Contains(err.Error(), `no column "weight"`) {
		t.Errorf("another column: %v", err)
	}
	_, permuted := judge.Permute(context.Background(), m, x, judge.Permuting{})
	_, depends := judge.Depend(context.Background(), m, d, x.X, "size", 5, 0)
	_, judged := judge.Model(m, x, 0)
	for _, err := range []error{permuted, depends, judged} {
		if err == nil || !strings.Contains(err.Error(), "threads: got 0, want at least 1") {
			t.Errorf("no threads: %v", err)
		}
	}
	pictures := *m
	pictures.Transform.Image.Width = 8
	if _, err := judge.Permute(context.Background(), &pictures, x, judge.Permuting{}); err == nil || !strings.Contains(err.Error(), "pictures") {
		t.Errorf("pictures: %v", err)
	}
	x.Class = nil
	if _, err := judge.Permute(context.Background(), m, x, judge.Permuting{}); err == nil || !strings.Contains(err.Error(), "no labels") {
		t.Errorf("no labels: %v", err)
	}
}
