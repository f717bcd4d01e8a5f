package judge

import (
	"fmt"
	"strings"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
)

// Report is how good a model is on samples: one of the two is there.
type Report struct {
	Classes *Classes `json:"classification,omitempty"`
	Values  *Values  `json:"regression,omitempty"`
}

// Figure is a figure by its name, as a table or a mean over several reports needs it.
type Figure struct {
	Name  string   `json:"figure"` // as in the report's JSON
	About string   `json:"-"`      // as people read it
	Value *float64 `json:"value"`  // nil: undefined
}

// Figures are the report's figures of all samples, always the same ones in the same
// order for classes, and for values. Of several values they are R² and then the figures of
// each, called rmse:NAME and so on.
func (r Report) Figures() []Figure {
	if v := r.Values; v != nil && v.Values == nil {
		return v.figures(v.Quantile)
	} else if v != nil {
		list := []Figure{{"r2", "R²", v.R2}}
		for _, one := range v.Values {
			for _, f := range one.figures(v.Quantile) {
				list = append(list, Figure{f.Name + ":" + one.Name, f.About + " of " + one.Name, f.Value})
			}
		}
		return list
	}
	c := r.Classes
	return []Figure{
		{"accuracy", "accuracy", &c.Accuracy}, {"balanced_accuracy", "balanced accuracy", &c.BalancedAccuracy}, {"log_loss", "log-loss", c.LogLoss},
		{"roc_auc", "ROC-AUC", c.ROCAUC}, {"average_precision", "average precision", c.AveragePrecision}, {"f1", "F1, mean", &c.F1},
		{"brier", "Brier score", c.Brier}, {"ece", "calibration error", c.ECE},
	}
}

// figures are those of one value.
func (e Errors) figures(quantile *float64) []Figure {
	list := []Figure{{"rmse", "RMSE", e.RMSE}, {"mae", "MAE", e.MAE}, {"r2", "R²", e.R2}}
	if quantile != nil {
		list = append(list, Figure{"pinball", fmt.Sprintf("pinball loss at %g", *quantile), e.Pinball})
	}
	return list
}

// Omitted says which figures are undefined, a line each with the reason.
func (r Report) Omitted() []string {
	if r.Values != nil {
		return r.Values.Omitted
	}
	return r.Classes.Omitted
}

// Model judges m on labelled samples that its transform has been applied to, computing
// on so many threads, at least 1. Samples count by their own weights, where they have some.
// Predicted values are kept within those that the model was trained on, if it keeps
// them, as its predictions are. Errors are about samples of another kind than the
// model's, and outputs that are not finite.
func Model(m *model.Model, d dataset.Dataset, threads int) (Report, error) {
	if !d.Labelled() || (d.Class != nil) != (m.Classes != nil) {
		return Report{}, fmt.Errorf("judge: %s has no labels of the model's kind", d.Name)
	}
	out, err := m.Outputs(d.X, threads)
	if err != nil {
		return Report{}, err
	}
	var r Report
	if m.Classes != nil {
		r.Classes, err = Classify(out, d.Class, m.Classes, m.Meaning() == model.Probabilities, d.Weight)
		return r, err
	}
	r.Values, err = Regress(out, raw(m, d), ValueNames(m, out.Cols), quantileOf(m.Loss), d.Weight)
	return r, err
}

// raw is the values of transformed samples in the units of the data.
func raw(m *model.Model, d dataset.Dataset) mat.Dense {
	y := d.Value.Clone()
	m.Transform.Unclamped().Restore(y)
	return y
}

// ValueNames are the names of m's values: those of the label columns, or numbers.
func ValueNames(m *model.Model, n int) []string {
	names := strings.Split(m.Transform.Table.Name, ",")
	if len(names) == n && names[0] != "" {
		return names
	}
	names = make([]string, n)
	for j := range names {
		names[j] = fmt.Sprint("value", j)
	}
	return names
}

// quantileOf is the quantile that l is a loss for, 0 if it is for none.
func quantileOf(l loss.Loss) float64 {
	if q, ok := l.(loss.Quantiled); ok {
		return q.Quantile()
	}
	return 0
}
