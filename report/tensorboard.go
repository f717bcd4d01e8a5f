package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/mat"
)

// HistogramSamples is how many samples' residuals TensorBoard counts at most.
const HistogramSamples = 1000

// TensorBoard writes an event file for TensorBoard: as a Recorder, each
// Record's numbers as scalars; as an Observer, histograms of the weights, and
// of the residual z − Wa − b of methods that keep z and a.
type TensorBoard struct {
	f     *atomicfile.File
	x     mat.Dense // the first samples
	every int
}

// NewTensorBoard makes an event file in dir for a run on p, with histograms
// every so many iterations.
func NewTensorBoard(dir string, p *dlam.Problem, every int) (*TensorBoard, error) {
	if every < 1 {
		return nil, fmt.Errorf("tensorboard: histograms every %d iterations, want at least 1", every)
	}
	if err := atomicfile.MkdirAll(dir); err != nil {
		return nil, err
	}
	now := time.Now()
	name := fmt.Sprintf("events.out.tfevents.%010d.dlam.%d.%d", now.Unix(), os.Getpid(), now.Nanosecond())
	f, err := atomicfile.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	t := &TensorBoard{f: f, x: p.X.RowRange(0, min(p.X.Rows, HistogramSamples)), every: every}
	if _, err := f.Write(frame(event(unix(now), 0, eventVersion, []byte("brain.Event:2")))); err != nil {
		return nil, errors.Join(err, f.Close(), atomicfile.Remove(f.Name()))
	}
	if err := atomicfile.SyncFolder(dir); err != nil {
		return nil, errors.Join(err, f.Close(), atomicfile.Remove(f.Name()))
	}
	return t, nil
}

// Close makes the file last.
func (t *TensorBoard) Close() error {
	if err := errors.Join(t.f.Sync(), t.f.Close()); err != nil {
		return fmt.Errorf("tensorboard: %w", err)
	}
	return nil
}

// Record writes r's numbers.
func (t *TensorBoard) Record(r dlam.Record) error {
	var s []byte
	s = appendScalar(s, "objective/F", r.Objective)
	s = appendScalar(s, "objective/risk", r.Risk)
	s = appendScalar(s, "objective/regularization", r.Regularization)
	for l, v := range r.Penalty {
		s = appendScalar(s, fmt.Sprintf("penalty/layer %d", l+1), v)
	}
	for l, v := range r.Gap {
		s = appendScalar(s, fmt.Sprintf("residual/a-h(z) layer %d", l+1), v)
	}
	for _, p := range r.Parts {
		s = appendScalar(s, fmt.Sprintf("time/%s%d", p.Variables, p.Layer), p.Seconds)
	}
	for _, b := range r.Blocks {
		s = appendScalar(s, fmt.Sprintf("move/%s%d", b.Variable, b.Layer), b.Move)
	}
	for _, v := range []struct {
		tag   string
		value float64
	}{{"method/epsilon", r.Epsilon}, {"method/c_k", r.C}, {"method/step", r.Step}} {
		if v.value > 0 {
			s = appendScalar(s, v.tag, v.value)
		}
	}
	s = appendScore(s, "train", r.Train)
	s = appendScore(s, "test", r.Test)
	s = appendScore(s, "validation", r.Validation)
	s = appendScalar(s, "time/seconds per iteration", r.Seconds)
	return t.write(r.Iteration, s)
}

func appendScore(s []byte, of string, score *dlam.Score) []byte {
	if score == nil {
		return s
	}
	s = appendScalar(s, "risk/"+of, score.Risk)
	if score.RMSE > 0 {
		return appendScalar(s, "rmse/"+of, score.RMSE)
	}
	return appendScalar(s, "accuracy/"+of, score.Accuracy)
}

// Observe writes histograms after every so many iterations.
func (t *TensorBoard) Observe(k int, st dlam.Stepper) error {
	if k%t.every != 0 {
		return nil
	}
	var s []byte
	for l, ly := range st.Network().Layers {
		s = appendHistogram(s, fmt.Sprintf("weights/W%d", l+1), newHistogram(rowsOf(ly.W)))
	}
	if sp, ok := st.(dlam.Splitting); ok {
		it := sp.Iterate()
		for l := range it.Z {
			s = appendHistogram(s, fmt.Sprintf("residual/z-Wa-b layer %d", l+1), newHistogram(rowsOf(t.residual(it, l))))
		}
	}
	return t.write(k, s)
}

// residual is z − Wa − b of layer l for the first samples, at all places.
func (t *TensorBoard) residual(it dlam.Iterate, l int) mat.Dense {
	in, ly := t.x, it.Network.Layers[l]
	if l > 0 {
		in = it.A[l-1].RowRange(0, t.x.Rows)
	}
	var own mat.Dense // what a recurrent layer takes of itself
	if l < len(it.A) {
		own = it.A[l].RowRange(0, t.x.Rows)
	}
	in = ly.Rows(in, own)
	r, zs := mat.New(in.Rows, ly.W.Rows), ly.ByPlace(it.Z[l].RowRange(0, t.x.Rows))
	var w mat.Panel
	w.PackT(ly.W)
	w.Mul(r, in)
	for i := range r.Rows {
		z, row := zs.Row(i), r.Row(i)
		for j := range row {
			row[j] = z[j] - row[j] - ly.B[j]
		}
	}
	return r
}

func rowsOf(m mat.Dense) [][]float32 {
	rows := make([][]float32, m.Rows)
	for i := range rows {
		rows[i] = m.Row(i)
	}
	return rows
}

func (t *TensorBoard) write(step int, summary []byte) error {
	if _, err := t.f.Write(frame(event(unix(time.Now()), step, eventSummary, summary))); err != nil {
		return fmt.Errorf("tensorboard: %w", err)
	}
	return nil
}

func unix(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

var (
	_ dlam.Recorder = (*TensorBoard)(nil)
	_ dlam.Observer = (*TensorBoard)(nil)
)
