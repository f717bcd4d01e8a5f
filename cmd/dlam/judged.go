package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/export"
	"github.com/dlam-go/dlam/judge"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/report"
)

// Bounds of what a page has of a model.
const (
	mostPicked   = 40      // worst samples that are pictures
	mostWorst    = 20      // worst rows
	mostShown    = 12      // columns of a worst row
	mostDots     = 400     // samples of a chart
	mostRows     = 2000    // that importance is measured on
	mostColumns  = 200     // that importance is measured of
	mostPictures = 1 << 16 // bytes of all pictures of samples
	mostTiles    = 64      // units of the first layer, or channels of a map
	mostPlaces   = 1 << 14 // of all maps of a layer
)

// judge is what there is to say of how good a run's network is, for its page: a
// section that says why, where that cannot be found out. An error is an interruption.
func (a *app) judge(ctx context.Context, folder string, u *useFlags) ([]report.Section, error) {
	sections, err := a.judged(ctx, folder, u)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		sections = append(sections, report.Section{Title: "How good the network is", Text: []string{"Not judged: " + err.Error() + "."}})
	}
	return sections, nil
}

func (a *app) judged(ctx context.Context, folder string, u *useFlags) ([]report.Section, error) {
	if info, err := os.Stat(model.Locate(folder)); err != nil || !info.Mode().IsRegular() || model.Locate(folder) == folder {
		return nil, errors.New("there is no model beside the trace: the run has not ended, or keeps none")
	}
	m, err := a.openModel(folder, u.limits)
	if err != nil {
		return nil, err
	}
	layers := layerSection(m)
	weights, _ := weightSection(m) // not of pictures: nothing to show
	s, err := a.trainedOn(ctx, m, u)
	switch {
	case err != nil:
		return append(weights, layers), err
	case s.Test.Rows() == 0:
		return append(weights, layers), errors.New("the run held no test samples back")
	case !slices.Equal(s.Test.Classes, m.Classes):
		return append(weights, layers), fmt.Errorf("%s has other classes than the model: the data has changed since", u.source.Data)
	}
	d, err := a.apply(ctx, m, s, s.Test, u)
	if err != nil {
		return append(weights, layers), err
	}
	e := judgement{m: m, raw: s.Test, d: d, name: filepath.Base(u.source.Data)}
	if e.out, err = m.Outputs(d.X, u.threads); err != nil {
		return append(weights, layers), err
	}
	if e.report, err = judge.Model(m, d, u.threads); err != nil {
		return append(weights, layers), err
	}
	dead, err := deadUnits(m.Network, d.X, u.threads)
	if err != nil {
		return append(weights, layers), err
	}
	withDead(&layers, m, dead, d.Rows())
	all := e.sections()
	importance, err := e.importance(ctx, u.threads)
	if err != nil {
		return nil, err
	}
	maps, err := e.maps()
	if err != nil {
		return nil, err
	}
	return slices.Concat(all, importance, weights, maps, []report.Section{layers}), nil
}

// judgement is a model and what it says of samples that it was not trained on.
type judgement struct {
	m      *model.Model
	raw, d dataset.Dataset // as they were, and as the network takes them
	out    mat.Dense
	report judge.Report
	name   string
}

func (e *judgement) sections() []report.Section {
	s := report.Section{
		Title: "How good the network is",
		Text:  []string{fmt.Sprintf("On the %d test samples of %s, which it was not trained on. docs/judging.md says what each figure is.", e.d.Rows(), e.name)},
	}
	for _, f := range e.report.Figures() {
		if f.Value != nil {
			s.Facts = append(s.Facts, report.Fact{Name: f.About, Value: figure(f.Value)})
		}
	}
	if left := e.report.Omitted(); left != nil {
		s.Note = "Left out: " + strings.Join(left, "; ") + "."
	}
	if e.report.Classes == nil {
		return e.values(s)
	}
	return e.classes(s)
}

// classes shows classes: which are taken for which, and the worst mistakes.
func (e *judgement) classes(s report.Section) []report.Section {
	c := e.report.Classes
	if c.Calibration != nil {
		s.Figures = []report.Figure{calibrationFigure(c)}
	}
	t := report.Table{ID: "classes", Sortable: true, Caption: "Each class against the others.", Head: []string{"class", "samples", "precision", "recall", "F1"}}
	for _, one := range c.Classes {
		t.Rows = append(t.Rows, []string{one.Name, fmt.Sprintf("%.5g", one.Support), report.Percent(one.Precision), report.Percent(one.Recall), fmt.Sprintf("%.4f", one.F1)})
	}
	s.Tables = []report.Table{t}
	wrong := e.wrong()
	mistakes := report.Section{Title: "Its mistakes", Text: []string{fmt.Sprintf("%d of %d samples are taken for another class.", len(wrong), e.d.Rows())}}
	if len(c.Classes) <= mostClasses {
		mistakes.Matrix = e.matrix()
	} else {
		mistakes.Note = fmt.Sprintf("%d classes: dlam eval --json has the confusion matrix.", len(c.Classes))
	}
	if e.raw.Image.Width > 0 {
		mistakes.Pictures = e.pictures(wrong[:min(len(wrong), mostPicked)])
	} else if worst := wrong[:min(len(wrong), mostWorst)]; len(worst) > 0 {
		mistakes.Tables = []report.Table{e.rows(worst, "Samples that it is most wrong about, the surest mistake first.", []string{"true", "predicted", e.meaning() + " of it", "of the true one"}, func(i int) []string {
			y, said := int(e.d.Class[i]), mat.ArgMax(e.out.Row(i))
			return []string{c.Classes[y].Name, c.Classes[said].Name, fmt.Sprintf("%.4f", e.out.At(i, said)), fmt.Sprintf("%.4f", e.out.At(i, y))}
		})}
	}
	return []report.Section{s, mistakes}
}

func (e *judgement) meaning() string {
	if e.m.Meaning() == model.Probabilities {
		return "probability"
	}
	return "score"
}

// wrong are the samples that are taken for another class, the surest mistake first.
func (e *judgement) wrong() (list []int) {
	by := make(map[int]float32)
	for i, y := range e.d.Class {
		if said := mat.ArgMax(e.out.Row(i)); said != int(y) {
			list, by[i] = append(list, i), e.out.At(i, said)-e.out.At(i, int(y))
		}
	}
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(by[b], by[a]) })
	return list
}

func cellName(y, said int) string { return fmt.Sprintf("%d-%d", y, said) }

// matrix is the confusion matrix. Of each cell it names samples.
func (e *judgement) matrix() *report.Matrix {
	c := e.report.Classes
	x := &report.Matrix{ID: "confusion", Caption: "A row a true class, a column a predicted one; a cell, pointed at, names its samples by their place among the test samples."}
	in := map[string][]string{}
	for i, y := range e.d.Class {
		k := cellName(int(y), mat.ArgMax(e.out.Row(i)))
		in[k] = append(in[k], strconv.Itoa(i+1))
	}
	for y, one := range c.Classes {
		x.Names = append(x.Names, one.Name)
		row, total := report.MatrixRow{Name: one.Name}, 0
		for _, v := range c.Confusion[y] {
			total += v
		}
		for said, n := range c.Confusion[y] {
			cell := report.Cell{Count: n, Right: said == y, Of: cellName(y, said)}
			if n > 0 {
				cell.Shade = int(math.Round(9 * math.Sqrt(float64(n)/float64(total))))
				const most = 8
				list := in[cell.Of]
				cell.About = fmt.Sprintf("%s taken for %s: %d of %d, %s", one.Name, c.Classes[said].Name, n, total, strings.Join(list[:min(most, len(list))], ", "))
				if len(list) > most {
					cell.About += ", …"
				}
			}
			row.Cells = append(row.Cells, cell)
		}
		x.Rows = append(x.Rows, row)
	}
	return x
}

// pictures are samples as pictures.
func (e *judgement) pictures(list []int) *report.Pictures {
	p, bytes := &report.Pictures{ID: "worst"}, 0
	for _, i := range list {
		raw := samplePNG(e.raw, i)
		if bytes += len(raw); raw == nil || bytes > mostPictures {
			break
		}
		y, said := int(e.d.Class[i]), mat.ArgMax(e.out.Row(i))
		names := e.m.Classes
		p.List = append(p.List, report.Picture{
			PNG: raw, Of: cellName(y, said), About: fmt.Sprintf("test sample %d", i+1),
			Label: fmt.Sprintf("%d: %s for %s (%.2f)", i+1, names[said], names[y], e.out.At(i, said)),
		})
	}
	if p.List == nil {
		return nil
	}
	p.Caption = fmt.Sprintf("The %d that it is most wrong about, the surest mistake first: its place among the test samples, what it is taken for, what it is, and the %s of that mistake.", len(p.List), e.meaning())
	return p
}

// samplePNG is sample i as a PNG file; nil if it has neither one channel nor three.
func samplePNG(d dataset.Dataset, i int) []byte {
	im, x := d.Image, d.X.Row(i)
	if im.Channels != 1 && im.Channels != 3 {
		return nil
	}
	level := func(k int) uint8 { return uint8(math.Round(255 * min(1, max(0, float64(x[k]/im.Max))))) }
	size := image.Rect(0, 0, im.Width, im.Height)
	var p image.Image
	if im.Channels == 1 {
		g := image.NewGray(size)
		for k := range im.Height * im.Width {
			g.Pix[k] = level(k)
		}
		p = g
	} else {
		c := image.NewRGBA(size)
		for k := range im.Height * im.Width {
			c.SetRGBA(k%im.Width, k/im.Width, color.RGBA{level(3 * k), level(3*k + 1), level(3*k + 2), 0xff})
		}
		p = c
	}
	var b bytes.Buffer
	if png.Encode(&b, p) != nil {
		return nil
	}
	return b.Bytes()
}

// rows are samples of a table, with what more says of each before its columns.
func (e *judgement) rows(list []int, caption string, head []string, more func(i int) []string) report.Table {
	t := report.Table{ID: "worst", Sortable: true, Caption: caption, Head: slices.Concat([]string{"sample"}, head)}
	for _, i := range list {
		t.Rows = append(t.Rows, append([]string{strconv.Itoa(i + 1)}, more(i)...))
	}
	names := e.raw.Features
	if e.raw.Frame != nil {
		names = e.raw.Frame.Names()
	}
	n := min(e.raw.RawFeatures(), mostShown)
	if e.m.Transform.Steps > 0 {
		t.Note = "Samples are sequences, in the order of their first rows; their columns have a value at each step."
		return t
	}
	for k := range n {
		name := strconv.Itoa(k)
		if names != nil {
			name = names[k]
		}
		t.Head = append(t.Head, name)
		texts, _ := e.raw.RawColumn(k)
		for r, i := range list {
			t.Rows[r] = append(t.Rows[r], cmp.Or(texts[i], "–"))
		}
	}
	if more := e.raw.RawFeatures() - n; more > 0 {
		t.Note = fmt.Sprintf("%d more columns are left out.", more)
	}
	return t
}

// calibrationFigure is what predicted probabilities came to.
func calibrationFigure(c *judge.Classes) report.Figure {
	what := "the predicted class"
	if len(c.Classes) == 2 {
		what = "class " + c.Classes[1].Name
	}
	s := report.Series{Name: "observed"}
	for _, b := range c.Calibration {
		if b.Weight > 0 {
			s.X, s.Y = append(s.X, b.Predicted), append(s.Y, b.Observed)
		}
	}
	right := report.Series{Name: "as promised", X: []float64{0, 1}, Y: []float64{0, 1}, Style: 4}
	return report.Figure{ID: "calibration", Columns: 1, Charts: []report.Chart{{
		Title: "Calibration", X: report.Axis{Label: "mean probability of " + what}, Y: report.Axis{Label: "share that came true"}, Series: []report.Series{s, right},
	}}, Caption: "Below the line it promises too much."}
}

// values shows values: predicted against true ones, and the worst errors.
func (e *judgement) values(s report.Section) []report.Section {
	y := e.d.Value.Clone()
	e.m.Transform.Unclamped().Restore(y)
	names := judge.ValueNames(e.m, y.Cols)
	f := report.Figure{ID: "predicted", Columns: 2, Caption: "Of many samples some at even distances."}
	const most = 3 // values that are shown
	for j := range min(y.Cols, most) {
		f.Charts = append(f.Charts, e.valueCharts(names[j], y, j)...)
	}
	s.Figures = []report.Figure{f}
	off, unit := e.off(y)
	list := make([]int, y.Rows)
	for i := range list {
		list[i] = i
	}
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(off[b], off[a]) })
	list = list[:min(len(list), mostWorst)]
	mistakes := report.Section{Title: "Its mistakes"}
	if e.raw.Image.Width == 0 {
		mistakes.Tables = []report.Table{e.rows(list, "Samples with the largest errors.", []string{"true", "predicted", "error" + unit}, func(i int) []string {
			return []string{numbers(y.Row(i)), numbers(e.out.Row(i)), fmt.Sprintf("%.5g", off[i])}
		})}
	}
	return []report.Section{s, mistakes}
}

// off is how far each prediction is from the true values y, and in what. Several values,
// which may have units of their own, count in the deviations that they were trained with.
func (e *judgement) off(y mat.Dense) (errs []float64, unit string) {
	f := e.m.Transform.TargetFactor
	if y.Cols == 1 || f == nil {
		f = dataset.Factors{1}
	} else {
		unit = ", in deviations"
	}
	errs = make([]float64, y.Rows)
	for i := range errs {
		for j := range y.Cols {
			d := float64(y.At(i, j)-e.out.At(i, j)) * float64(f[min(j, len(f)-1)]) // one factor may be that of all
			errs[i] += d * d
		}
		errs[i] = math.Sqrt(errs[i])
	}
	return errs, unit
}

func numbers(v []float32) string {
	texts := make([]string, len(v))
	for j, x := range v {
		texts[j] = fmt.Sprintf("%.5g", x)
	}
	return strings.Join(texts, ", ")
}

// valueCharts are predicted against true values, and errors against predictions.
func (e *judgement) valueCharts(name string, y mat.Dense, j int) []report.Chart {
	type pair struct{ truth, said float64 }
	var all []pair
	for i := 0; i < y.Rows; i += max(1, (y.Rows+mostDots-1)/mostDots) {
		all = append(all, pair{float64(y.At(i, j)), float64(e.out.At(i, j))})
	}
	against := report.Series{Name: "samples", Dots: true}
	slices.SortFunc(all, func(a, b pair) int { return cmp.Compare(a.truth, b.truth) })
	for _, p := range all {
		against.X, against.Y = append(against.X, p.truth), append(against.Y, p.said)
	}
	ends := []float64{all[0].truth, all[len(all)-1].truth}
	residuals := report.Series{Name: "samples", Dots: true}
	slices.SortFunc(all, func(a, b pair) int { return cmp.Compare(a.said, b.said) })
	for _, p := range all {
		residuals.X, residuals.Y = append(residuals.X, p.said), append(residuals.Y, p.truth-p.said)
	}
	return []report.Chart{
		{Title: "Predicted " + name, X: report.Axis{Label: "true value"}, Y: report.Axis{Label: "predicted"},
			Series: []report.Series{against, {Name: "right", X: ends, Y: ends, Style: 4}}},
		{Title: "Residuals of " + name, X: report.Axis{Label: "predicted"}, Y: report.Axis{Label: "true − predicted"},
			Series: []report.Series{residuals, {Name: "none", X: []float64{all[0].said, all[len(all)-1].said}, Y: []float64{0, 0}, Style: 4}}},
	}
}

// importance is what the columns of a table matter; nothing of pictures.
func (e *judgement) importance(ctx context.Context, threads int) ([]report.Section, error) {
	s := report.Section{Title: "How much each column matters"}
	if e.m.Transform.Image.Width > 0 {
		return nil, nil
	}
	if n := e.raw.RawFeatures(); n > mostColumns {
		s.Text = []string{fmt.Sprintf("Not measured: there are %d columns. dlam inspect --importance measures any number.", n)}
		return []report.Section{s}, nil
	}
	d := e.d
	if d.Rows() > mostRows {
		index := make([]int, mostRows)
		for k := range index {
			index[k] = k * d.Rows() / mostRows
		}
		var err error
		if d, err = d.Pick(index); err != nil {
			return nil, err
		}
	}
	all, err := judge.Permute(ctx, e.m, d, judge.Permuting{Threads: threads})
	if err != nil {
		return nil, err
	}
	t := report.Table{ID: "importance", Sortable: true, Head: []string{"column"},
		Caption: fmt.Sprintf("How much worse it becomes on %d test samples when a column's values change places: mean ± deviation of %d permutations. Columns that say much the same stand in for each other.", all.Samples, all.Repeats)}
	for _, f := range all.Base {
		t.Head = append(t.Head, changeOf(f), "±")
	}
	for _, one := range mattering(all) {
		row := []string{one.Column}
		for _, c := range one.Drops {
			row = append(row, fmt.Sprintf("%.4g", c.Mean), fmt.Sprintf("%.2g", c.SD))
		}
		t.Rows = append(t.Rows, row)
	}
	s.Tables = []report.Table{t}
	return []report.Section{s}, nil
}

// weightSection shows the first layer's weights, of models of pictures.
func weightSection(m *model.Model) ([]report.Section, error) {
	var b bytes.Buffer
	shown, err := export.SmallWeightsPNG(&b, m, mostTiles)
	if err != nil {
		return nil, err
	}
	about := fmt.Sprintf("The first layer's weights, of %d of %d units, a tile each, scaled to its own greatest weight: red is positive, blue negative.", shown, m.Network.Layers[0].W.Rows)
	return []report.Section{{Title: "What its first layer looks for", Pictures: &report.Pictures{
		ID: "weights", Wide: true, Caption: about, List: []report.Picture{{PNG: b.Bytes(), About: "tiles of the first layer's weights"}},
	}}}, nil
}

// maps shows what each convolution gives for the first test sample.
func (e *judgement) maps() ([]report.Section, error) {
	p := &report.Pictures{ID: "maps", Wide: true}
	if e.raw.Image.Width > 0 {
		if raw := samplePNG(e.raw, 0); raw != nil {
			p.List = append(p.List, report.Picture{PNG: raw, About: "test sample 1", Label: "test sample 1, as it is"})
		}
	}
	sample, size := len(p.List), 0
	var left []string
	err := e.m.Network.Activations(e.d.X.RowRange(0, 1), 1, func(l int, a mat.Dense) {
		ly := e.m.Network.Layers[l]
		s := ly.Out()
		places := s.Height * s.Width
		if _, ok := ly.Map.(nn.Conv); !ok || places == 1 {
			return
		}
		name := fmt.Sprintf("layer %d, %s", l+1, e.m.Network.Text(l))
		shown := min(s.Channels, mostTiles, mostPlaces/places)
		var b bytes.Buffer
		if shown == 0 || export.SmallMapsPNG(&b, s, a.Row(0), shown) != nil || size+b.Len() > mostPictures {
			left = append(left, name)
			return
		}
		size += b.Len()
		p.List = append(p.List, report.Picture{
			PNG: b.Bytes(), About: fmt.Sprintf("tiles of what %s gives for test sample 1", name),
			Label: fmt.Sprintf("%s: %d of %d channels of %d×%d", name, shown, s.Channels, s.Height, s.Width),
		})
	})
	if err != nil || len(p.List) == sample && left == nil {
		return nil, err
	}
	p.Caption = "What each convolution gives for the first test sample, after its activation and max pooling: a tile a channel, all of a layer on one scale, its greatest value. White is 0, red positive, blue negative."
	s := report.Section{Title: "What its convolutions make of a sample", Pictures: p}
	if left != nil {
		s.Note = "Left out, as they would make the page large: " + strings.Join(left, "; ") + "."
	}
	return []report.Section{s}, nil
}

// layerSection is the layers in numbers.
func layerSection(m *model.Model) report.Section {
	t := report.Table{ID: "network", Head: []string{"layer", "kind", "units", "inputs", "activation", "‖W‖", "greatest |w|", "‖b‖"}}
	for l, ly := range m.Network.Layers {
		n := note(m.Network, l)
		t.Rows = append(t.Rows, []string{strconv.Itoa(l + 1), n.Layer, strconv.Itoa(n.Units), strconv.Itoa(n.Inputs), ly.H.Spec().String(), fourDigits(n.Weight), fourDigits(n.Top), fourDigits(n.Bias)})
	}
	return report.Section{Title: "Its layers at the end", Tables: []report.Table{t}}
}

// withDead adds the units that give one value for all samples.
func withDead(s *report.Section, m *model.Model, dead []int, samples int) {
	t := &s.Tables[0]
	t.Head = append(t.Head, "dead units")
	for l := range t.Rows {
		text := "–"
		if l < len(dead) {
			text = fmt.Sprintf("%d of %d", dead[l], m.Network.Layers[l].Out().Size())
		}
		t.Rows[l] = append(t.Rows[l], text)
	}
	t.Note = fmt.Sprintf("A dead unit gives the same value for all %d test samples: it does nothing. A convolution has a unit at each place.", samples)
}
