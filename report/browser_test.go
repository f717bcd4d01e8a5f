package report_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/experiment"
	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/solver/multiconvex"
	"github.com/dlam-go/dlam/trace"
)

// browser is a headless Chromium that keeps what a page complains about and
// whom it asks.
type browser struct {
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	requests   []string
}

// needBrowser gives Chromium's path. It skips the test where there is none,
// unless DLAM_REQUIRE_CHROMIUM=1 forbids that.
func needBrowser(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	if os.Getenv("DLAM_REQUIRE_CHROMIUM") == "1" {
		t.Fatal("no chromium in PATH, and DLAM_REQUIRE_CHROMIUM=1")
	}
	t.Skip("no chromium in PATH: the pages are not tested in a browser (on Debian: apt-get install chromium)")
	return ""
}

func newBrowser(t *testing.T, width, height int) *browser {
	t.Helper()
	path := needBrowser(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(width, height),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	end, bounded := t.Deadline()
	if !bounded {
		end = time.Now().Add(time.Hour)
	}
	ctx, cancel := context.WithDeadline(context.Background(), end.Add(-10*time.Second)) // in time to say what was waited for
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{ctx: ctx}
	b.do(t, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, log.Enable, cdp.Empty{})
		return err
	}))
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, fmt.Sprintf("console.%s: %v", e.Type, e.Args))
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, fmt.Sprintf("%+v", e.ExceptionDetails))
	case *log.EventEntryAdded:
		b.complaints = append(b.complaints, e.Entry.Text)
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

func (b *browser) do(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// value is what a JavaScript expression gives.
func value[T any](t *testing.T, b *browser, js string) T {
	t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](js))
	if err != nil {
		t.Fatalf("%s: %v", js, err)
	}
	return v
}

// until waits for a JavaScript expression to be true, on the way to another page too. It
// waits as long as the browser is there: a busy machine is no fault.
func (b *browser) until(t *testing.T, js string) {
	t.Helper()
	for ; ; time.Sleep(50 * time.Millisecond) {
		so, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](js))
		if err == nil && so {
			return
		}
		if b.ctx.Err() != nil {
			t.Fatalf("the browser has ended, and it was not so: %s (%v)", js, err)
		}
	}
}

// quiet holds that nothing was complained about and nobody else asked.
func (b *browser) quiet(t *testing.T, origin string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		t.Errorf("the browser says: %s", c)
	}
	if len(b.requests) == 0 {
		t.Error("no request seen, so requests are not watched")
	}
	for _, r := range b.requests {
		if !strings.HasPrefix(r, origin) && !strings.HasPrefix(r, "data:") {
			t.Errorf("the page asked for %s", r)
		}
	}
}

// shows waits for the element to be in the page and to take up room.
func (b *browser) shows(t *testing.T, selector string) {
	t.Helper()
	b.until(t, fmt.Sprintf(`(() => { const e = document.querySelector(%q); if (!e) return false; const r = e.getBoundingClientRect(); return r.width * r.height >= 100 })()`, selector))
}

func digitsProblem(t *testing.T) (*dlam.Problem, *dlam.Network) {
	t.Helper()
	s, err := dataset.Open(context.Background(), "digits", dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := dlam.NewProblem(s.Train.X, s.Train.Target(), loss.CrossEntropy{}, 1)
	p.TestX, p.TestY = s.Test.X, s.Test.Target()
	n, err := dlam.NewNetwork([]int{p.X.Cols, 16, 10}, activation.ReLU{}, dlam.Paper, rand.New(rand.NewPCG(1, 0)))
	if err != nil {
		t.Fatal(err)
	}
	return p, n
}

func TestComparisonInBrowser(t *testing.T) {
	needBrowser(t)
	p, n := digitsProblem(t)
	momentum := multiconvex.DefaultSettings()
	momentum.Momentum = true
	c := experiment.Comparison{
		Title: "two methods", Command: "dlam compare", Threads: 1, Iterations: 12, Evaluate: 1, Targets: []float64{0.5},
		Entries: []experiment.Entry{
			{Name: "dlam", Solver: multiconvex.Solver{Settings: multiconvex.DefaultSettings()}, Problem: p, Start: n},
			{Name: "mdlam", Solver: multiconvex.Solver{Settings: momentum}, Problem: p, Start: n},
		},
	}
	dir := t.TempDir()
	if _, err := c.Run(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, 1200, 900)
	b.do(t, chromedp.Navigate("file://"+filepath.Join(dir, report.PageFile)))
	for _, id := range []string{"#final", "#targets", "#methods", "#by-iteration .plot svg"} {
		b.shows(t, id)
	}
	for _, name := range []string{"by-iteration.svg", "by-iteration.png", "by-time.svg", "final.csv", "targets.csv", "results.json", "dlam/trace.jsonl", "mdlam/trace.jsonl"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	value[bool](t, b, `document.querySelector('#by-iteration').scrollIntoView(), document.querySelector('#by-iteration .chart').focus(), true`)
	b.do(t, chromedp.KeyEvent(kb.ArrowRight))
	if tip := value[string](t, b, `document.querySelector('.tip').innerText`); !strings.Contains(tip, "iteration") || !strings.Contains(tip, "mdlam") {
		t.Errorf("with the keyboard the tip says %q, want the iteration and both methods", tip)
	}
	x, y := value[float64](t, b, `(r => r.left + r.width/3)(document.querySelector('#by-iteration .plot svg').getBoundingClientRect())`),
		value[float64](t, b, `(r => r.top + r.height/2)(document.querySelector('#by-iteration .plot svg').getBoundingClientRect())`)
	const twoFrames = `new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))`
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](twoFrames, chromedp.EvalAwaitPromise)); err != nil { // scrolling, which hides the tip, is over
		t.Fatal(err)
	}
	b.do(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y))
	if dots := value[int](t, b, `document.querySelectorAll('.dot').length`); dots != 2 {
		t.Errorf("under the pointer: %d values marked, want one for each method", dots)
	}
	b.quiet(t, "file://")
}

// TestNarrowPage holds that nothing sticks out of a narrow window.
func TestNarrowPage(t *testing.T) {
	b := newBrowser(t, 500, 800)
	path := filepath.Join(t.TempDir(), "p.html")
	page := report.RunPage(report.Run{Name: strings.Repeat("long", 40), Records: synthetic(50)})
	if err := atomicfile.Write(path, page.WriteHTML); err != nil {
		t.Fatal(err)
	}
	b.do(t, chromedp.EmulateViewport(320, 800), chromedp.Navigate("file://"+path))
	if w := value[int](t, b, `document.documentElement.scrollWidth`); w > 320 {
		t.Errorf("the page is %d pixels wide in a window of 320", w)
	}
	b.quiet(t, "file://")
}

// TestLivePageFollowsARun trains with the page open.
func TestLivePageFollowsARun(t *testing.T) {
	b := newBrowser(t, 1200, 900)
	dir := t.TempDir()
	live, err := report.NewLive(dir)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(live)
	t.Cleanup(server.Close)
	f, err := os.Create(filepath.Join(dir, trace.FileName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	p, n := digitsProblem(t)
	gate := make(gate)
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go func() {
		_, err := dlam.Run(ctx, multiconvex.Solver{Settings: multiconvex.DefaultSettings()}, p, n, dlam.Options{
			Iterations: 12, Evaluate: 1, Recorders: []dlam.Recorder{gate, trace.NewWriter(f)},
		})
		done <- err
	}()
	b.do(t, chromedp.Navigate(server.URL+"/"))
	const points = `(d => d ? JSON.parse(d.textContent).series[0].x.length : 0)(document.querySelector('#objective script'))`
	charts := []string{"#objective", "#scores", "#layers", "#constraints", "#moves", "#cost"}
	for k := 1; k <= 12; k++ {
		gate <- struct{}{}
		if k == 3 || k == 9 {
			b.until(t, fmt.Sprintf(`%s === %d`, points, k))
			for _, id := range charts {
				b.shows(t, id+" .plot svg")
				// The longest curve of each chart has a point an iteration.
				longest := `Math.min(...[...document.querySelectorAll('` + id + ` script')].map(s => Math.max(...JSON.parse(s.textContent).series.map(c => c.x.length))))`
				if n := value[int](t, b, longest); n != k {
					t.Errorf("after %d iterations %s has a chart with %d points", k, id, n)
				}
			}
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	b.until(t, points+` === 12`)
	if s := value[string](t, b, `document.querySelector('.live').innerText`); !strings.Contains(s, "following") {
		t.Errorf("state: %q", s)
	}
	const content = `document.querySelector('#content').innerHTML`
	followed := value[string](t, b, content)
	b.quiet(t, server.URL)

	run, err := report.ReadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	still := filepath.Join(t.TempDir(), report.PageFile)
	if err := atomicfile.Write(still, report.RunPage(run).WriteHTML); err != nil {
		t.Fatal(err)
	}
	b.do(t, chromedp.Navigate("file://"+still))
	if value[string](t, b, content) != followed {
		t.Error("the finished run's page is not what was followed to its end")
	}
}

// gate lets the run go on when the test says so.
type gate chan struct{}

func (g gate) Record(dlam.Record) error { <-g; return nil }

// TestReproductionInBrowser opens a whole reproduction, of a size that takes a
// second, from disk.
func TestReproductionInBrowser(t *testing.T) {
	needBrowser(t)
	dir := t.TempDir()
	r := experiment.Reproduction{
		Parts: experiment.Names, Dir: dir, Threads: 1, Command: "dlam reproduce all",
		Size: experiment.Size{Name: "test", Widths: [2]int{4, 6}, MNIST: 60, Fashion: 60, Test: 20, Tune: 30, Iterations: 4, TableShare: 1000, TableSteps: 2},
		Open: func(context.Context, string) (dataset.Split, error) {
			d := dataset.Dataset{Name: "spots", X: mat.New(80, 784), Classes: strings.Split("0123456789", ""), Image: picture.Image{Height: 28, Width: 28, Channels: 1, Max: 1}}
			for i := range d.X.Rows {
				d.X.Set(i, 70*(i%10), 1)
				d.Class = append(d.Class, int32(i%10))
			}
			return dataset.Split{Train: d.RowRange(0, 60), Test: d.RowRange(60, 80)}, nil
		},
	}
	if err := r.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, 1200, 900)
	b.do(t, chromedp.Navigate("file://"+filepath.Join(dir, report.PageFile)))
	for _, id := range []string{"#figure1 .plot svg", "#figure-table2 .plot svg", "#table-claims", "#table-figure2", "#table-figure3", "#table-rates", "#table2-mnist", "#table2-fashion-mnist"} {
		b.shows(t, id)
	}
	for _, id := range []string{"figure2", "figure3"} {
		if panels := value[int](t, b, fmt.Sprintf(`document.querySelectorAll('#%s .plot > svg').length`, id)); panels != 4 {
			t.Errorf("%s: %d panels, want the paper's 4", id, panels)
		}
	}
	if verdicts := value[string](t, b, `[...new Set([...document.querySelectorAll('#table-claims tbody tr')].map(r => r.cells[3].textContent))].join()`); verdicts != "not judged" {
		t.Errorf("a version that is not the paper's says %q, want that it is not judged", verdicts)
	}
	b.do(t, chromedp.EmulateViewport(390, 844), chromedp.Navigate("file://"+filepath.Join(dir, report.PageFile)))
	if h, w := value[int](t, b, `document.documentElement.scrollHeight`), value[int](t, b, `document.documentElement.scrollWidth`); h > 15000 || w > 390 {
		t.Errorf("on a phone the page is %d×%d pixels", w, h)
	}
	b.quiet(t, "file://")
}
