package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"image/png"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/report"
)

// synthetic is a trace like DLAM's with two layers.
func synthetic(n int) []dlam.Record {
	var rs []dlam.Record
	for k := 1; k <= n; k++ {
		v := 1 / float64(k)
		rs = append(rs, dlam.Record{
			Iteration: k, Objective: 10 * v, Risk: 0.01 * v, Penalty: []float64{v, 2 * v}, Epsilon: v, EpsilonChanged: k%5 == 0,
			Blocks: []dlam.Block{{Layer: 1, Variable: "W", Move: v}, {Layer: 2, Variable: "b", Move: v / 2, Trials: 1}}, C: v,
			Train: &dlam.Score{Risk: v, Accuracy: 1 - v/2}, Test: &dlam.Score{Risk: v, Accuracy: 1 - v}, Seconds: 0.01, Elapsed: 0.01 * float64(k),
		})
	}
	return rs
}

func hostile() report.Chart {
	return report.Chart{
		Title: `<script>"&`, X: report.Axis{Label: "x"}, Y: report.Axis{Label: "y", Log: true},
		Series: []report.Series{
			{Name: "a long name that is cut", X: []float64{1, 2, 3, 4}, Y: []float64{1, math.NaN(), 0, 1e-7}},
			{Name: "one", X: []float64{2}, Y: []float64{math.Inf(1)}, Style: 9},
			{Name: "empty", Style: 2},
		},
		Levels: []report.Level{{Label: "zero", Y: 0}, {Label: "there", Y: 0.5}},
	}
}

// TestSVG holds that any chart gives well-formed XML with finite coordinates.
func TestSVG(t *testing.T) {
	for name, c := range map[string]report.Chart{"hostile": hostile(), "empty": {}, "run": report.RunPage(report.Run{Records: synthetic(30)}).Sections[1].Figures[0].Charts[1]} {
		var b bytes.Buffer
		if err := report.WriteSVG(&b, []report.Chart{c, c, c}, 2); err != nil {
			t.Fatal(err)
		}
		if s := b.String(); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
			t.Errorf("%s: a coordinate is not finite", name)
		}
		for d := xml.NewDecoder(&b); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

func TestPNG(t *testing.T) {
	var b bytes.Buffer
	c := report.Chart{Title: "t", Series: []report.Series{{Name: "s", X: []float64{0, 1}, Y: []float64{0, 1}}}}
	if err := report.WritePNG(&b, []report.Chart{c, c, c}, 2); err != nil {
		t.Fatal(err)
	}
	im, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	size := im.Bounds().Size()
	if d := size.X*600 - size.Y*920; d < -920 || d > 920 { // two by two charts of 460×300, to a pixel
		t.Errorf("size: got %v", size)
	}
	blue := 0
	for y := range size.Y {
		for x := range size.X {
			if r, g, b, _ := im.At(x, y).RGBA(); r>>8 == 0 && g>>8 == 0x72 && b>>8 == 0xb2 {
				blue++
			}
		}
	}
	if blue < 3*500 {
		t.Errorf("%d pixels of the curves' colour, want three curves of at least 500", blue)
	}
}

// TestManyNames holds that a picture is as high as the names of its curves need, which do
// not lie on each other.
func TestManyNames(t *testing.T) {
	c := report.Chart{Title: "t"}
	for i := range 25 {
		c.Series = append(c.Series, report.Series{Name: "curve", X: []float64{0, 1}, Y: []float64{0, float64(i)}, Style: i})
	}
	var b strings.Builder
	if err := report.WriteSVG(&b, []report.Chart{c, {}}, 2); err != nil {
		t.Fatal(err)
	}
	var height float64
	if _, err := fmt.Sscanf(b.String(), `<svg xmlns="http://www.w3.org/2000/svg" width="920" height="%g"`, &height); err != nil {
		t.Fatal(err)
	}
	var ys []float64
	for _, m := range regexp.MustCompile(` y="([0-9.]+)">curve<`).FindAllStringSubmatch(b.String(), -1) {
		y, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		ys = append(ys, y)
	}
	slices.Sort(ys)
	if len(ys) != 25 || ys[0] < 12 || ys[24] > height-4 {
		t.Fatalf("%d names at %v in a picture %g high, want 25 within", len(ys), ys, height)
	}
	for i := range ys[1:] {
		if ys[i+1]-ys[i] < 14.99 {
			t.Errorf("names at %g and %g lie on each other", ys[i], ys[i+1])
		}
	}
}

func TestCSV(t *testing.T) {
	var b strings.Builder
	tab := report.Table{Head: []string{"run", "F"}, Rows: [][]string{{`a "b", c`, "1.5"}}}
	if err := tab.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	if want := "run,F\n\"a \"\"b\"\", c\",1.5\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

var (
	address = regexp.MustCompile(`(?i)\b(?:https?|ftp|wss?):|//[a-z]|\burl\(|@import|src="[^d]|<link[^>]+href="[^d]`)
	inline  = regexp.MustCompile(`(?s)<(style|script)>(.*?)</(?:style|script)>`)
)

// TestPageStandsAlone holds that a page names nothing outside itself, and that
// its policy allows its own style and script.
func TestPageStandsAlone(t *testing.T) {
	p := report.ComparePage("<b>two</b>", []report.Run{{Name: "</script><b>", Records: synthetic(20)}, {Name: "q", Records: synthetic(9)}}, []float64{0.8})
	p.Sections[0].Figures = []report.Figure{{ID: "hostile", Charts: []report.Chart{hostile()}}}
	var b bytes.Buffer
	if err := p.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if i := strings.Index(text, "<b>"); i >= 0 {
		t.Errorf("a name became markup: %.60s", text[i:])
	}
	found := inline.FindAllStringSubmatch(text, -1)
	if len(found) != 2 {
		t.Fatalf("%d styles and scripts, want 2", len(found))
	}
	for _, m := range found {
		h := sha256.Sum256([]byte(m[2]))
		if !strings.Contains(html.UnescapeString(text), base64.StdEncoding.EncodeToString(h[:])) {
			t.Errorf("the policy does not allow the page's own %s", m[1])
		}
	}
	_, rest, _ := strings.Cut(strings.ReplaceAll(text, "http://www.w3.org/2000/svg", ""), "<title>") // behind the policy, whose hashes may look like an address
	if m := address.FindStringIndex(rest); m != nil {
		t.Errorf("the page names something outside: %.80s", rest[max(0, m[0]-20):])
	}
}

// TestZeroCurvesAreNamed holds that a curve for which a logarithmic axis has no
// place is told of in words.
func TestZeroCurvesAreNamed(t *testing.T) {
	c := report.Chart{Y: report.Axis{Label: "y", Log: true}, Series: []report.Series{
		{Name: "none", X: []float64{1, 2}, Y: []float64{0, 0}}, {Name: "some", X: []float64{1, 2}, Y: []float64{0, 1}}}}
	var b strings.Builder
	if err := report.WriteSVG(&b, []report.Chart{c}, 1); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); !strings.Contains(s, ">none: 0<") || !strings.Contains(s, ">some<") {
		t.Errorf("got %s", s)
	}
}

func TestRunPageOfNothing(t *testing.T) {
	var b bytes.Buffer
	if err := report.RunPage(report.Run{Name: "new"}).WriteHTML(&b); err != nil || !strings.Contains(b.String(), "No iteration") {
		t.Errorf("got %v and a page of %d bytes", err, b.Len())
	}
}

// TestTargets holds when a level counts as reached: at the first measurement.
func TestTargets(t *testing.T) {
	p := report.ComparePage("one", []report.Run{{Name: "r", Records: synthetic(20)}}, []float64{0.5, 0.9, 0.999})
	got := p.Sections[0].Tables[1].Rows[0]
	if want := []string{"r", "0.02 s (2)", "0.10 s (10)", "–"}; !cmp.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
