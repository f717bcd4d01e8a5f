package judge

import (
	"fmt"
	"math"

	"github.com/dlam-go/dlam/mat"
)

// Classes is how good predictions of classes are. Figures that are nil are undefined;
// Omitted says which, and why.
type Classes struct {
	Samples  int     `json:"samples"`
	Weight   float64 `json:"weight"`   // sum of the samples' weights
	Accuracy float64 `json:"accuracy"` // share of the weight that is classified right
	// BalancedAccuracy is the mean recall of the classes that some sample has.
	BalancedAccuracy float64 `json:"balanced_accuracy"`
	// F1 is the mean F1 of the classes that some sample has or is predicted to have.
	F1      float64  `json:"f1"`
	LogLoss *float64 `json:"log_loss"` // mean −log p of the true class, p kept within [2⁻⁵², 1 − 2⁻⁵²] and divided by the row's sum
	// ROCAUC and AveragePrecision are of the second class of two, and of more the mean
	// over those classes that some samples have and some have not, one against the rest.
	ROCAUC           *float64 `json:"roc_auc"`
	AveragePrecision *float64 `json:"average_precision"`
	// Brier is the mean (p − y)² of the second class of two, and of more its sum over the
	// classes (Brier 1950).
	Brier *float64 `json:"brier"`
	// ECE is the expected calibration error: the mean distance of Calibration's bins
	// from what they promise (Naeini et al. 2015).
	ECE *float64 `json:"ece"`

	Classes   []Class `json:"classes"`   // in the order of the outputs
	Confusion [][]int `json:"confusion"` // samples, whatever their weight: a row a true class, a column a predicted one
	// Calibration is the calibration curve: of the second class's probability of two,
	// and of more of the predicted class's (Guo et al. 2017).
	Calibration []Bin    `json:"calibration,omitempty"`
	Omitted     []string `json:"omitted,omitempty"` // figures that are undefined, a line each with the reason
}

// Class is how good predictions are of one class against the others.
type Class struct {
	Name             string   `json:"name"`
	Support          float64  `json:"support"` // weight of its samples
	Precision        float64  `json:"precision"`
	Recall           float64  `json:"recall"`
	F1               float64  `json:"f1"` // these three are 0 where they would be 0/0
	ROCAUC           *float64 `json:"roc_auc"`
	AveragePrecision *float64 `json:"average_precision"`
}

// Bin is the samples whose predicted probability p is of Low < p ≤ High.
type Bin struct {
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
	Weight    float64 `json:"weight"`
	Predicted float64 `json:"predicted"` // mean p
	Observed  float64 `json:"observed"`  // share that came true
}

// Classify judges outputs, a row a sample and a column a class, against the samples'
// classes. probabilities says that the outputs are such; else they are scores, of which
// the highest wins, and the figures that need probabilities are left out. names are the
// classes' names, one for each output. weight is a weight of at least 0 for each sample,
// nil for 1 each. Errors are about lengths, classes that are none, and weights.
func Classify(out mat.Dense, class []int32, names []string, probabilities bool, weight []float32) (*Classes, error) {
	if len(class) != out.Rows || len(names) != out.Cols {
		return nil, fmt.Errorf("judge: %d classes of samples and %d names for %d×%d outputs", len(class), len(names), out.Rows, out.Cols)
	}
	for i, k := range class {
		if k < 0 || int(k) >= out.Cols {
			return nil, fmt.Errorf("judge: class of sample %d: got %d, want 0 to %d", i+1, k, out.Cols-1)
		}
	}
	total, err := sumOf(weight, out.Rows)
	if err != nil {
		return nil, err
	}
	c := &Classes{Samples: out.Rows, Weight: total}
	c.count(out, class, names, weight)
	c.rank(out, class, probabilities, weight)
	if !probabilities {
		c.omit("log-loss, Brier score and calibration: the outputs are scores, not probabilities")
		return c, nil
	}
	c.LogLoss = new(logLoss(out, class, weight) / total)
	c.Brier = new(brier(out, class, weight) / total)
	c.calibrate(out, class, weight)
	return c, nil
}

func (c *Classes) omit(format string, args ...any) {
	c.Omitted = append(c.Omitted, fmt.Sprintf(format, args...))
}

// sumOf is the sum of n weights.
func sumOf(weight []float32, n int) (float64, error) {
	if weight != nil && len(weight) != n {
		return 0, fmt.Errorf("judge: %d weights for %d samples", len(weight), n)
	}
	var sum float64
	for i := range n {
		w := of(weight, i)
		if !(w >= 0) || math.IsInf(w, 0) {
			return 0, fmt.Errorf("judge: weight of sample %d: got %v, want a finite number of at least 0", i+1, weight[i])
		}
		sum += w
	}
	if sum == 0 {
		return 0, fmt.Errorf("judge: no samples, or none with a weight above 0")
	}
	return sum, nil
}

// of is the weight of sample i.
func of(weight []float32, i int) float64 {
	if weight == nil {
		return 1
	}
	return float64(weight[i])
}

// count sets what follows from true and predicted classes.
func (c *Classes) count(out mat.Dense, class []int32, names []string, weight []float32) {
	c.Confusion = make([][]int, out.Cols)
	for j := range c.Confusion {
		c.Confusion[j] = make([]int, out.Cols)
	}
	support, predicted, hits := make([]float64, out.Cols), make([]float64, out.Cols), make([]float64, out.Cols)
	for i, y := range class {
		said, w := mat.ArgMax(out.Row(i)), of(weight, i)
		c.Confusion[y][said]++
		support[y] += w
		predicted[said] += w
		if said == int(y) {
			hits[y] += w
		}
	}
	var right, recalls, f1s, present, seen float64
	for j, name := range names {
		one := Class{Name: name, Support: support[j], Precision: share(hits[j], predicted[j]), Recall: share(hits[j], support[j]), F1: share(2*hits[j], support[j]+predicted[j])}
		c.Classes = append(c.Classes, one)
		right += hits[j]
		if support[j] > 0 {
			present, recalls = present+1, recalls+one.Recall
		}
		if support[j]+predicted[j] > 0 {
			seen, f1s = seen+1, f1s+one.F1
		}
	}
	c.Accuracy, c.BalancedAccuracy, c.F1 = right/c.Weight, recalls/present, f1s/seen
}

// share is a/b, and 0 for 0/0.
func share(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// accuracy is the weight of the samples that are classified right.
func accuracy(out mat.Dense, class []int32, weight []float32) (sum float64) {
	for i, y := range class {
		if mat.ArgMax(out.Row(i)) == int(y) {
			sum += of(weight, i)
		}
	}
	return sum
}

// logLoss is Σ −w log p of the true classes. p is kept from 0 and 1 as scikit-learn
// keeps float64, so that one sample cannot make the sum infinite.
func logLoss(out mat.Dense, class []int32, weight []float32) (sum float64) {
	const least = 0x1p-52
	for i, y := range class {
		var row float64
		for _, p := range out.Row(i) {
			row += min(max(float64(p), least), 1-least)
		}
		p := min(max(float64(out.At(i, int(y))), least), 1-least)
		sum -= of(weight, i) * math.Log(p/row)
	}
	return sum
}

// brier is Σ w (p − y)² of the second class of two, or of all classes of more.
func brier(out mat.Dense, class []int32, weight []float32) (sum float64) {
	first := 0
	if out.Cols == 2 {
		first = 1
	}
	for i, y := range class {
		for j := first; j < out.Cols; j++ {
			d := float64(out.At(i, j))
			if j == int(y) {
				d--
			}
			sum += of(weight, i) * d * d
		}
	}
	return sum
}
