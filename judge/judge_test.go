package judge_test

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/judge"
	"github.com/dlam-go/dlam/mat"
)

// known is inputs, and what scikit-learn gives for them: testdata/figures.py.
type known struct {
	Classes []struct {
		Name                                                 string
		Outputs                                              [][]float64
		Confusion                                            [][]int
		Class                                                []int32
		Weight                                               []float32
		Want                                                 map[string]float64
		Precision, Recall, F1s, Support, Observed, Predicted []float64
	}
	Values []struct {
		Name            string
		Outputs, Values [][]float64
		Weight          []float32
		Quantile        float64
		Want            map[string]float64
	}
}

func read(t *testing.T) (k known) {
	t.Helper()
	raw, err := os.ReadFile("testdata/figures.json")
	if err == nil {
		err = json.Unmarshal(raw, &k)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func matrix(rows [][]float64) mat.Dense {
	m := mat.New(len(rows), len(rows[0]))
	for i, row := range rows {
		for j, v := range row {
			m.Row(i)[j] = float32(v)
		}
	}
	return m
}

// near is equal but for the rounding of float64 sums in another order.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-12*max(1, math.Abs(want))) {
		t.Errorf("%s: got %.12g, want %.12g", what, got, want)
	}
}

func figures(t *testing.T, name string, r judge.Report, want map[string]float64) {
	t.Helper()
	all := r.Figures()
	if len(all) != len(want) {
		t.Errorf("%s: %d figures, want %d", name, len(all), len(want))
	}
	for _, f := range all {
		if f.Value == nil {
			t.Errorf("%s: %s is undefined", name, f.Name)
			continue
		}
		near(t, name+": "+f.Name, *f.Value, want[f.Name])
	}
}

var names = []string{"a", "b", "c", "d"}

func TestClassesAsScikitLearn(t *testing.T) {
	for _, k := range read(t).Classes {
		out := matrix(k.Outputs)
		c, err := judge.Classify(out, k.Class, names[:out.Cols], true, k.Weight)
		if err != nil {
			t.Fatal(err)
		}
		figures(t, k.Name, judge.Report{Classes: c}, k.Want)
		for j, one := range c.Classes {
			near(t, k.Name+": precision", one.Precision, k.Precision[j])
			near(t, k.Name+": recall", one.Recall, k.Recall[j])
			near(t, k.Name+": F1", one.F1, k.F1s[j])
			near(t, k.Name+": support", one.Support, k.Support[j])
			for other, n := range c.Confusion[j] {
				if n != k.Confusion[j][other] {
					t.Errorf("%s: %d of class %d are taken for %d, want %d", k.Name, n, j, other, k.Confusion[j][other])
				}
			}
		}
		if k.Weight != nil { // scikit-learn's curve takes no weights
			continue
		}
		for _, b := range c.Calibration {
			if b.Weight == 0 {
				continue
			}
			near(t, k.Name+": observed", b.Observed, k.Observed[0])
			near(t, k.Name+": predicted", b.Predicted, k.Predicted[0])
			k.Observed, k.Predicted = k.Observed[1:], k.Predicted[1:]
		}
		if len(k.Observed) > 0 {
			t.Errorf("%s: %d bins too few", k.Name, len(k.Observed))
		}
	}
}

func TestValuesAsScikitLearn(t *testing.T) {
	for _, k := range read(t).Values {
		y := matrix(k.Values)
		v, err := judge.Regress(matrix(k.Outputs), y, names[:y.Cols], k.Quantile, k.Weight)
		if err != nil {
			t.Fatal(err)
		}
		figures(t, k.Name, judge.Report{Values: v}, k.Want)
		if together := v.RMSE != nil && v.MAE != nil && v.Pinball != nil; together != (y.Cols == 1) || together != (v.Omitted == nil) {
			t.Errorf("%s: figures of all values together: %t, left out %q", k.Name, together, v.Omitted)
		}
	}
}

// TestWeights: a weight of 2 is the sample twice, and one of 0 is no sample.
func TestWeights(t *testing.T) {
	out := matrix([][]float64{{0.5, 0.5}, {0.25, 0.75}, {0.75, 0.25}, {0.5, 0.5}, {0, 1}})
	twice := matrix([][]float64{{0.5, 0.5}, {0.25, 0.75}, {0.25, 0.75}, {0.75, 0.25}, {0.5, 0.5}})
	a, err := judge.Classify(out, []int32{0, 0, 1, 1, 0}, names[:2], true, []float32{1, 2, 1, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	b, err := judge.Classify(twice, []int32{0, 0, 0, 1, 1}, names[:2], true, nil)
	if err != nil {
		t.Fatal(err)
	}
	a.Samples, a.Confusion = b.Samples, b.Confusion // which count samples
	if got, want := text(t, a), text(t, b); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil { // as of NaN
		t.Fatal(err)
	}
	return string(b)
}

// TestUndefined: what samples leave undefined is left out, and said.
func TestUndefined(t *testing.T) {
	one, err := judge.Classify(matrix([][]float64{{0.25, 0.75}, {1, 0}}), []int32{1, 1}, names[:2], true, nil)
	if err != nil {
		t.Fatal(err)
	}
	if one.ROCAUC != nil || one.AveragePrecision != nil || !strings.Contains(strings.Join(one.Omitted, ";"), "all samples are of one class") {
		t.Errorf("one class: %s", text(t, one))
	}
	near(t, "balanced accuracy of one class", one.BalancedAccuracy, 0.5)
	near(t, "log-loss, p = 0 taken for 2⁻⁵²", *one.LogLoss, (-math.Log(0.75)+52*math.Ln2)/2)

	scores, err := judge.Classify(matrix([][]float64{{3, -1}, {2, 9}, {1, -4}}), []int32{0, 1, 0}, names[:2], false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if scores.LogLoss != nil || scores.Brier != nil || scores.ECE != nil || scores.Calibration != nil || !strings.Contains(scores.Omitted[0], "not probabilities") {
		t.Errorf("scores: %s", text(t, scores))
	}
	near(t, "ROC-AUC of scores", *scores.ROCAUC, 1)

	v, err := judge.Regress(matrix([][]float64{{1}, {2}}), matrix([][]float64{{1}, {1}}), names[:1], 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v.R2 != nil || v.Pinball != nil || len(v.Omitted) != 1 {
		t.Errorf("values that do not vary: %s", text(t, v))
	}
}

func TestRefused(t *testing.T) {
	out, nan := matrix([][]float64{{0, 1}, {1, 0}}), float32(math.NaN())
	for want, f := range map[string]func() error{
		"1 classes of samples":    func() error { _, err := judge.Classify(out, []int32{0}, names[:2], true, nil); return err },
		"got 2, want 0 to 1":      func() error { _, err := judge.Classify(out, []int32{0, 2}, names[:2], true, nil); return err },
		"1 weights for 2 samples": func() error { _, err := judge.Classify(out, []int32{0, 1}, names[:2], true, []float32{1}); return err },
		"got NaN, want a finite": func() error {
			_, err := judge.Classify(out, []int32{0, 1}, names[:2], true, []float32{1, nan})
			return err
		},
		"got -1, want a finite": func() error { _, err := judge.Regress(out, out, names[:2], 0, []float32{-1, 1}); return err },
		"none with a weight":    func() error { _, err := judge.Regress(out, out, names[:2], 0, []float32{0, 0}); return err },
		"2×2 outputs for 2×2":   func() error { _, err := judge.Regress(out, out, names[:1], 0, nil); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
