package report_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/internal/machine"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/trace"
)

// about is that of a run of a method.
func about(method string, seed uint64) *trace.About {
	return &trace.About{
		Method: method, Data: "tables/irises.csv", Network: "4–8–3, relu", Parameters: 67, Samples: 120, Test: 30, Iterations: 40, Threads: 2, Seed: seed,
		Settings: []trace.Setting{{Name: "rho", Value: "3", Suits: "0.1"}}, Command: "dlam train --data tables/irises.csv --solver " + method + " --rho 3",
		Host: "somewhere", Machine: machine.Machine{CPU: "a processor", Revision: "0123456789abcdef", Go: "go1", System: "linux/amd64"},
		Started: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

func htmlOf(t *testing.T, p report.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// holdsAll holds that a page has all texts, and none of the others.
func holdsAll(t *testing.T, text string, want []string, not ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the page does not have %q", w)
		}
	}
	for _, w := range not {
		if strings.Contains(text, w) {
			t.Errorf("the page has %q", w)
		}
	}
}

// TestCard holds what a page says of a run that goes on, and of one that has ended.
func TestCard(t *testing.T) {
	run := report.Run{Name: "r", Records: synthetic(10), About: about("dlam", 7)}
	holdsAll(t, htmlOf(t, report.RunPage(run)), []string{
		"10 of 40, 0.3 s of training left", "going on", "<dd>irises.csv</dd>", "120 training, 30 test", "4–8–3, relu, 67 parameters", "12000 samples a second",
		"rho 3 (0.1)", "dlam train --data tables/irises.csv --solver dlam --rho 3", "somewhere, a processor", "commit 0123456789ab", "<dd>7</dd>",
	}, "data-ended=", `class="warning">The run`)
	run.About.Status, run.About.Error, run.About.Ended = "diverged", "iteration 11: z is NaN", run.About.Started.Add(time.Hour)
	holdsAll(t, htmlOf(t, report.RunPage(run)), []string{
		`data-ended="diverged"`, "The run ended early, diverged: iteration 11: z is NaN", "diverged on 2 Jan 2020 04:04:05 UTC", "<dd>10 of 40</dd>",
	}, "of training left", "going on")
	const version = "v0.0.0-20260102030405-0123456789ab"
	a := about("dlam", 1)
	a.Machine.Revision = version
	r := report.Run{Name: "installed", Records: synthetic(1), About: a}
	holdsAll(t, htmlOf(t, report.RunPage(r)), []string{"version " + version}, "commit v")
	holdsAll(t, htmlOf(t, report.ComparePage("versions", []report.Run{r, {Name: "built", Records: synthetic(1), About: about("dlam", 2)}}, nil)), []string{">version " + version + "</td>", "<td>commit 0123456789ab</td>"})
	const brackets = "In brackets: what suits"
	run.About.Settings = append(run.About.Settings, trace.Setting{Name: "label", Value: "kind"}, trace.Setting{Name: "hidden", Suits: "100,100"})
	holdsAll(t, htmlOf(t, report.RunPage(run)), []string{"<dd>rho 3 (0.1); label kind; hidden &#34;&#34; (100,100)</dd>", brackets})
	run.About.Settings = run.About.Settings[1:2]
	holdsAll(t, htmlOf(t, report.RunPage(run)), []string{"<dd>label kind</dd>"}, brackets)
}

// TestNotesAreTheMethods holds that a page explains what its own run has, and nothing of
// DLAM on another method's page.
func TestNotesAreTheMethods(t *testing.T) {
	rs := synthetic(10)
	for i := range rs {
		rs[i].FromStart, rs[i].WeightNorm = []float64{0, 1}, []float64{2, 3}
		rs[i].Blocks = append(rs[i].Blocks, dlam.Block{Layer: 1, Variable: "z"}, dlam.Block{Layer: 2, Variable: "z"}, dlam.Block{Layer: 1, Variable: "b"})
	}
	ours := htmlOf(t, report.RunPage(report.Run{Name: "r", Records: rs}))
	holdsAll(t, ours, []string{"Lemma 1", "Never moved in any iteration: b of layer 1; z of layers 1, 2 (", "The weights of layer 1 are the first ones", "c_k", "<th scope=\"col\" class=\"n\">ε</th>"})
	for i, r := range rs {
		rs[i] = dlam.Record{Iteration: r.Iteration, Objective: r.Objective, Risk: r.Risk, Train: r.Train, Test: r.Test, Elapsed: r.Elapsed, Step: 0.1, Parts: []dlam.Part{{Variables: "W", Seconds: 1}}, FromStart: []float64{1, 1}, WeightNorm: []float64{1, 1}}
	}
	others := htmlOf(t, report.RunPage(report.Run{Name: "r", Records: rs}))
	others, _, _ = strings.Cut(others, "<script>") // the page's own
	holdsAll(t, others, []string{"Step length"}, "Lemma", "φ", "ε", "c_k", "Theorem", "z and a", "never moved")
}

// noisy is n records like those of a method of backpropagation.
func noisy(n int, seed uint64) []dlam.Record {
	rng := rand.New(rand.NewPCG(seed, 1))
	var rs []dlam.Record
	for k := 1; k <= n; k++ {
		s := func() *dlam.Score {
			return &dlam.Score{Risk: math.Exp(rng.NormFloat64()) / float64(k), Accuracy: rng.Float64()}
		}
		elapsed := 0.01 * (float64(k) + rng.Float64())
		rs = append(rs, dlam.Record{Iteration: k, Objective: 1000 * math.Exp(rng.NormFloat64()), Train: s(), Test: s(), Seconds: 0.01 * rng.Float64(), Elapsed: elapsed,
			WeightNorm: []float64{rng.Float64(), rng.Float64(), rng.Float64()}, FromStart: []float64{rng.Float64(), rng.Float64(), rng.Float64()}})
	}
	return rs
}

// twenty are runs of 500 iterations, none of whose numbers is like another.
func twenty() []report.Run {
	var runs []report.Run
	for i, m := range recipe.MethodNames() {
		runs = append(runs, report.Run{Name: m, Records: noisy(500, uint64(i)), About: about(m, 1)})
	}
	for i := len(runs); i < 20; i++ {
		runs = append(runs, report.Run{Name: fmt.Sprint("another-", i), Records: noisy(500, uint64(i)), About: about("sync", uint64(i))})
	}
	return runs[:20]
}

// TestPageSize holds that a page of 20 runs with 500 iterations stays below 400 kB, and
// that of one run of so many iterations too.
func TestPageSize(t *testing.T) {
	const most = 400_000
	runs := twenty()
	for name, p := range map[string]report.Page{"twenty": report.ComparePage("twenty", runs, []float64{0.5, 0.9}), "one": report.RunPage(report.Run{Name: "one", Records: synthetic(500)})} {
		if n := len(htmlOf(t, p)); n > most {
			t.Errorf("%s: %d bytes, want at most %d", name, n, most)
		}
	}
}

// TestSeedsAreABand holds that runs which differ in their seeds alone are one curve.
func TestSeedsAreABand(t *testing.T) {
	runs := []report.Run{
		{Name: "a", Records: noisy(5, 1), About: about("dlam", 1)}, {Name: "b", Records: noisy(4, 2), About: about("dlam", 2)}, {Name: "c", Records: noisy(5, 3), About: about("sync", 1)},
	}
	p := report.ComparePage("seeds", report.Seeds(runs), nil)
	s := p.Sections[len(p.Sections)-1].Figures[0].Charts[0].Series
	if len(s) != 2 || s[0].Name != "a and 1 more seeds" || s[1].Low != nil || len(s[0].Y) != 4 {
		t.Fatalf("got %+v", s)
	}
	for k := range 4 {
		one, other := 100*runs[0].Records[k].Train.Accuracy, 100*runs[1].Records[k].Train.Accuracy
		if s[0].Low[k] != min(one, other) || s[0].High[k] != max(one, other) || math.Abs(s[0].Y[k]-(one+other)/2) > 1e-9 {
			t.Errorf("iteration %d: %g in %g to %g of %g and %g", k+1, s[0].Y[k], s[0].Low[k], s[0].High[k], one, other)
		}
	}
	if want := []int{report.MethodStyle("dlam"), report.MethodStyle("sync")}; s[0].Style != want[0] || s[1].Style != want[1] {
		t.Errorf("styles %d and %d, want those of their methods, %v", s[0].Style, s[1].Style, want)
	}
	holdsAll(t, htmlOf(t, p), []string{`id="spread"`, `id="settings"`, `<tr class="marked"><td>method</td><td>dlam</td>`, "<tr><td>rho</td>"})
	if runs[0].Group != "" {
		t.Error("the runs that were given are changed")
	}
	for what, change := range map[string]func(*trace.About){
		"settings": func(a *trace.About) { a.Settings = nil }, "test samples": func(a *trace.About) { a.Test++ }, "validation samples": func(a *trace.About) { a.Validation = 1 },
		"threads": func(a *trace.About) { a.Threads++ }, "ranks": func(a *trace.About) { a.Ranks = 2 }, "program": func(a *trace.About) { a.Machine.Revision = "fedcba9876543210" },
	} {
		other := about("dlam", 2)
		change(other)
		if again := report.Seeds([]report.Run{runs[0], {Name: "b", About: other}}); again[0].Group != "" {
			t.Errorf("runs with other %s are taken for other seeds", what)
		}
	}
	other := about("dlam", 2)
	other.Host, other.Machine.CPU, other.Started, other.Status = "elsewhere", "another", time.Now(), "completed"
	if again := report.Seeds([]report.Run{runs[0], {Name: "b", About: other}}); again[0].Group == "" {
		t.Error("runs of two machines are not taken for two seeds")
	}
}

// TestMethodStyles holds that each method has a style of its own, and a kind.
func TestMethodStyles(t *testing.T) {
	seen := map[int]string{}
	for _, m := range recipe.MethodNames() {
		if other, ok := seen[report.MethodStyle(m)]; ok {
			t.Errorf("%s and %s look the same: add a line to methods in style.go", m, other)
		}
		seen[report.MethodStyle(m)] = m
		if report.MethodKind(m) == "" {
			t.Errorf("%s has no kind: see kinds in style.go", m)
		}
	}
}

// folder makes runs in a folder, one of them in a folder of its own.
func folder(t *testing.T) (path string, add func(name string, n int, a *trace.About)) {
	t.Helper()
	path = t.TempDir()
	add = func(name string, n int, a *trace.About) {
		dir := filepath.Join(path, name)
		var b bytes.Buffer
		w := trace.NewWriter(&b)
		for _, r := range synthetic(n) {
			if err := w.Record(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, trace.FileName), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if a != nil {
			if err := atomicfile.Write(filepath.Join(dir, trace.AboutName), a.Write); err != nil {
				t.Fatal(err)
			}
		}
	}
	add("first", 3, about("dlam", 1))
	add("inner/a b&c", 4, about("sync", 1))
	add("bare", 2, nil)
	return path, add
}

// TestFolder holds what the pages of a folder answer, and that they follow its runs.
func TestFolder(t *testing.T) {
	path, add := folder(t)
	if err := os.WriteFile(filepath.Join(path, "first", "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	pages, err := report.NewFolder(path, []float64{0.5})
	if err != nil {
		t.Fatal(err)
	}
	odd := "/run/inner/" + url.PathEscape("a b&c") + "/"
	for _, c := range []struct {
		method, url, host string
		status            int
	}{
		{"GET", "/", "127.0.0.1:7420", 200}, {"GET", "/run/first/", "localhost", 200}, {"HEAD", "/run/first/content", "[::1]", 200}, {"GET", odd, "localhost", 200},
		{"GET", "/compare/?run=first&run=bare", "localhost", 200}, {"GET", "/compare/", "localhost", 404}, {"GET", "/compare/?run=none", "localhost", 404},
		{"GET", "/run/none/", "localhost", 404}, {"GET", "/run/first", "localhost", 404}, {"GET", "/run/../../etc/", "localhost", 404}, {"GET", "/run/first/secret", "localhost", 404},
		{"GET", "/run/%2e%2e/", "localhost", 404}, {"GET", "/compare/?run=../x", "localhost", 404}, {"GET", "/first/trace.jsonl", "localhost", 404},
		{"GET", "/", "evil.example", 421}, {"POST", "/", "localhost", 405},
	} {
		if w := ask(t, pages, c.method, c.url, c.host, ""); w.Code != c.status {
			t.Errorf("%s %s for %q: got %d, want %d", c.method, c.url, c.host, w.Code, c.status)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/content", nil)
	r.Host = "localhost"
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if w := httptest.NewRecorder(); true {
		if pages.ServeHTTP(w, r); w.Code != 403 {
			t.Errorf("asked by another site's page: got %d, want 403", w.Code)
		}
	}
	list := ask(t, pages, "GET", "/content", "localhost", "")
	holdsAll(t, list.Body.String(), []string{`href="run/first/"`, `href="run/inner/a%20b&amp;c/"`, "3 of 40", "4 of 40", "unfinished", `value="bare"`,
		"<th scope=\"col\">run</th><th scope=\"col\">status</th><th scope=\"col\">data</th>"})
	if again := ask(t, pages, "GET", "/content", "localhost", list.Header().Get("ETag")); again.Code != 304 {
		t.Errorf("nothing new: got %d, want 304", again.Code)
	}
	a := about("dlam", 1)
	a.Status = "completed"
	add("first", 5, a)
	add("newer", 1, nil)
	holdsAll(t, ask(t, pages, "GET", "/content", "localhost", list.Header().Get("ETag")).Body.String(), []string{"5 of 40", "completed", `value="newer"`})
	holdsAll(t, ask(t, pages, "GET", "/run/first/content", "localhost", "").Body.String(), []string{`data-ended="completed"`, "5 of 40", `href="/"`})
	for _, status := range []string{"timed-out", "failed"} { // within one tick of the file system's clock
		a.Status = status
		add("first", 5, a)
		for _, name := range []string{trace.FileName, trace.AboutName} {
			if err := os.Chtimes(filepath.Join(path, "first", name), a.Started, a.Started); err != nil {
				t.Fatal(err)
			}
		}
		holdsAll(t, ask(t, pages, "GET", "/content", "localhost", "").Body.String(), []string{"<td>" + status + "</td>"})
		holdsAll(t, ask(t, pages, "GET", "/run/first/content", "localhost", "").Body.String(), []string{`data-ended="` + status + `"`})
	}
	holdsAll(t, ask(t, pages, "GET", "/compare/content?run=first&run="+url.QueryEscape("inner/a b&c"), "localhost", "").Body.String(), []string{`id="settings"`, "inner/a b&amp;c", "0.02 s (2)"})
}

// judged are sections as dlam report makes them of a model.
func judged() []report.Section {
	dot := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\nIDATx\x9cc`\x00\x00\x00\x02\x00\x01H\xaf\xa4q\x00\x00\x00\x00IEND\xaeB`\x82")
	cell := func(y, said, n, shade int) report.Cell {
		return report.Cell{Count: n, Shade: shade, Right: y == said, About: fmt.Sprintf("%d taken for %d: %d", y, said, n), Of: fmt.Sprintf("%d-%d", y, said)}
	}
	return []report.Section{{
		Title: "How good the network is", Facts: []report.Fact{{Name: "accuracy", Value: "0.9"}},
		Matrix:   &report.Matrix{ID: "confusion", Caption: "counts", Names: []string{"0", "1"}, Rows: []report.MatrixRow{{Name: "0", Cells: []report.Cell{cell(0, 0, 9, 9), cell(0, 1, 1, 3)}}, {Name: "1", Cells: []report.Cell{cell(1, 0, 2, 4), cell(1, 1, 8, 8)}}}},
		Pictures: &report.Pictures{ID: "worst", Caption: "worst", List: []report.Picture{{PNG: dot, About: "sample 3", Label: "3: 1 for 0", Of: "0-1"}}},
		Figures: []report.Figure{{ID: "predicted", Columns: 2, Charts: []report.Chart{{Title: "dots", X: report.Axis{Label: "x"}, Y: report.Axis{Label: "y"},
			Series: []report.Series{{Name: "samples", Dots: true, X: []float64{1, 2, 3}, Y: []float64{1, 5, 2}}}}}}},
		Tables: []report.Table{{ID: "classes", Sortable: true, Head: []string{"class", "recall"}, Rows: [][]string{{"a", "9.00 %"}, {"b", "80.00 %"}, {"c", "–"}, {"d", "10.00 %"}}}},
	}}
}

// pagesToLookAt are pages of each kind.
func pagesToLookAt() map[string]report.Page {
	run := report.Run{Name: "run", Records: synthetic(60), About: about("dlam", 1)}
	return map[string]report.Page{
		"run":   report.RunPage(run, judged()...),
		"seeds": report.ComparePage("seeds", report.Seeds([]report.Run{run, {Name: "b", Records: synthetic(50), About: about("dlam", 2)}, {Name: "c", Records: noisy(50, 3), About: about("sync", 1)}}), nil),
	}
}
