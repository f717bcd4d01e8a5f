package judge

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
)

// drawnCodes are random codes, of which bits are often alike.
func drawnCodes(samples, bits int, seed uint64) (Codes, []int32) {
	rng := testprob.Rng(seed)
	c := Codes{Samples: samples, Bits: bits}
	c.words = make([]uint64, samples*c.length())
	class := make([]int32, samples)
	for i := range samples {
		class[i] = int32(rng.IntN(4))
		for j := range bits {
			if rng.IntN(5) < 1+int(class[i]) {
				c.of(i)[j/64] |= 1 << (j % 64)
			}
		}
	}
	return c, class
}

// The mean average precision against its definition over thresholds, from the texts of the
// codes.
func TestRetrieve(t *testing.T) {
	for _, bits := range []int{1, 5, 64, 70} {
		q, of := drawnCodes(30, bits, 1)
		db, in := drawnCodes(200, bits, 2)
		of[3] = 9 // a class that the database has not
		got, err := Retrieve(q, db, of, in, 3)
		if err != nil {
			t.Fatal(err)
		}
		var sum float64
		for i := range q.Samples {
			if of[i] == 9 {
				continue
			}
			distance := make([]int, db.Samples)
			for k := range distance {
				for j := range bits {
					if q.Text(i)[j] != db.Text(k)[j] {
						distance[k]++
					}
				}
			}
			total, before := 0.0, 0.0
			for _, y := range in {
				if y == of[i] {
					total++
				}
			}
			levels := slices.Clone(distance)
			slices.Sort(levels)
			for _, most := range slices.Compact(levels) {
				var near, right float64
				for k, d := range distance {
					if d <= most {
						near++
						if in[k] == of[i] {
							right++
						}
					}
				}
				sum += (right - before) / total * right / near
				before = right
			}
		}
		if want := sum / 29; math.Abs(got.MAP-want) > 1e-12 || got.Without != 1 || got.Queries != 30 || got.Database != 200 || got.Bits != bits {
			t.Errorf("%d bits: %+v, want a mean average precision of %v without 1", bits, got, want)
		}
	}
	q, of := drawnCodes(3, 8, 1)
	clear(of)
	if _, err := Retrieve(q, q, of, []int32{1, 2, 3}, 1); err == nil {
		t.Error("a database without any of the classes was accepted")
	}
}

// A recurrent layer's code is of its last step, also of sequences that are shorter.
func TestCodesOfSequences(t *testing.T) {
	steps, units := 3, 2
	n := &dlam.Network{Layers: []dlam.Layer{
		{
			Map: nn.RNN{Steps: steps, Inputs: 1, Units: units}, H: activation.Tanh{},
			W: mat.FromSlice(2, 3, []float32{1, 0, 0, -1, 0, 0}), B: []float32{0, 0},
		},
		{Map: nn.Last{Steps: steps, Inputs: units}, H: activation.Identity{}, W: mat.New(2, units), B: []float32{0, 0}},
	}}
	nan := float32(math.NaN())
	x := mat.FromSlice(3, 3, []float32{1, 1, -1, nan, nan, 1, nan, -1, 1})
	c, err := CodesOf(&model.Model{Network: n}, x, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"01", "10", "10"} {
		if got := c.Text(i); got != want {
			t.Errorf("sequence %d: got the code %s, want %s of the last step", i, got, want)
		}
	}
}

// TestRetrieveThreads: no threads are an error, of the codes and of the search.
func TestRetrieveThreads(t *testing.T) {
	q, of := drawnCodes(3, 5, 1)
	n := &dlam.Network{Layers: []dlam.Layer{
		{H: activation.ReLU{}, W: mat.New(2, 1), B: []float32{0, 0}},
		{H: activation.Identity{}, W: mat.New(2, 2), B: []float32{0, 0}},
	}}
	_, coded := CodesOf(&model.Model{Network: n}, mat.New(1, 1), 0)
	_, found := Retrieve(q, q, of, of, 0)
	for _, err := range []error{coded, found} {
		if err == nil || !strings.Contains(err.Error(), "threads: got 0, want at least 1") {
			t.Errorf("got %v", err)
		}
	}
}

// Where no activation is 0 or below, all codes would be the same.
func TestCodesRefused(t *testing.T) {
	n := &dlam.Network{Layers: []dlam.Layer{
		{H: activation.Sigmoid{}, W: mat.New(2, 1), B: []float32{0, 0}},
		{H: activation.Identity{}, W: mat.New(2, 2), B: []float32{0, 0}},
	}}
	if _, err := CodesOf(&model.Model{Network: n}, mat.New(1, 1), 1); err == nil || !strings.Contains(err.Error(), "all values of sigmoid are above 0") {
		t.Errorf("sigmoid: got %v", err)
	}
}
