package report_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/report"
)

// onDisk is the address of a page in a file.
func onDisk(t *testing.T, p report.Page) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), report.PageFile)
	if err := atomicfile.Write(path, p.WriteHTML); err != nil {
		t.Fatal(err)
	}
	return "file://" + path
}

// at is where a share of an element's width lies in the window, half-way down.
func (b *browser) at(t *testing.T, selector string, share float64) (x, y float64) {
	t.Helper()
	p := value[[]float64](t, b, fmt.Sprintf(`(r => [r.left + %g * r.width, r.top + r.height / 2])(document.querySelector(%q).getBoundingClientRect())`, share, selector))
	return p[0], p[1]
}

// TestChartsCanBeAsked does with a page's charts and tables what a reader can do.
func TestChartsCanBeAsked(t *testing.T) {
	b := newBrowser(t, 1200, 900)
	b.do(t, chromedp.Navigate(onDisk(t, pagesToLookAt()["seeds"])))
	is := func(want, js string) {
		t.Helper()
		if got := value[string](t, b, "String("+js+")"); got != want {
			t.Errorf("%s: got %q, want %q", js, got, want)
		}
	}
	const chart, curves = `document.querySelector('#by-iteration .chart')`, `document.querySelectorAll('#by-iteration .chart:first-child path.c').length - document.querySelectorAll('#by-iteration .chart:first-child .legend path.c').length`
	is("2", curves)
	is("1", `document.querySelectorAll('#by-iteration .chart:first-child .band').length`)
	is("2", `document.querySelectorAll('#by-iteration > .legend .key').length`) // one legend for all charts

	value[bool](t, b, `document.querySelector('#by-iteration .key').click(), true`)
	is("1", curves)
	is("false", `document.querySelector('#by-iteration .key').ariaPressed`)
	value[bool](t, b, `document.querySelector('#by-iteration .key').click(), true`)

	label := chart + `.querySelector('.plot svg').ariaLabel`
	is("Training accuracy: accuracy (%) against iteration", label)
	set := func(selector, to, event string) {
		t.Helper()
		value[bool](t, b, fmt.Sprintf(`(e => { e.value = %q; e.dispatchEvent(new Event(%q)); return true })(document.querySelector(%q))`, to, event, selector))
	}
	ends := chart + `.drawn.curves.map(s => Number(s.x.at(-1).toPrecision(3)))`
	is("50,50", ends)
	set(".tools select", "seconds", "change")
	is("Training accuracy: accuracy (%) against seconds of training", label)
	is("0.5", chart+`.drawn.curves[0].x.at(-1)`)
	set(".tools select", "samples", "change")
	is("6000,6000", ends) // 120 samples an iteration
	set(".tools select", "iteration", "change")

	is("0", `document.querySelectorAll('.raw').length`)
	set(".tools input", "0.5", "input")
	is("2", `document.querySelectorAll('#by-iteration .chart:first-child .raw').length`)
	// With half of the past, the second value is (y₁/4 + y₂/2) / (3/4).
	is("true", `(s => Math.abs(s.y[1] - (s.raw[0] / 4 + s.raw[1] / 2) / 0.75) < 1e-9)(`+chart+`.drawn.curves[1])`)
	set(".tools input", "0", "input")

	is("false", chart+`.querySelector('.log').ariaPressed`)
	value[bool](t, b, chart+`.querySelector('.log').click(), true`)
	is("true", chart+`.drawn.y.log`)
	value[bool](t, b, chart+`.querySelector('.log').click(), true`)

	value[bool](t, b, chart+`.scrollIntoView(), true`)
	x, y := b.at(t, "#by-iteration .plot svg", 0.3)
	to, _ := b.at(t, "#by-iteration .plot svg", 0.6)
	b.do(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, x, y, chromedp.ButtonLeft), chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, to, y, chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, to, y, chromedp.ButtonLeft))
	is("true", `(x => x.lo > 5 && x.hi < 40 && x.hi - x.lo > 10)(`+chart+`.drawn.x)`)
	is("false", chart+`.querySelector('.whole').hidden`)

	value[bool](t, b, `URL.createObjectURL = blob => (blob.text().then(text => { window.saved = text }), 'data:,'), HTMLAnchorElement.prototype.click = function () { window.name = this.download }, true`)
	value[bool](t, b, `[...`+chart+`.querySelectorAll('.tool')].at(-1).click(), true`)
	b.until(t, `typeof window.saved === 'string'`)
	is("series,iteration,accuracy (%),lowest,highest", `window.saved.split('\n')[0]`)
	is("true", `window.saved.trim().split('\n').slice(1).every(l => (x => x > 5 && x < 40)(Number(l.split(',')[1])))`) // what is drawn
	is("true", `window.name.endsWith('Training-accuracy.csv')`)
	value[bool](t, b, chart+`.focus(), true`)
	b.do(t, chromedp.KeyEvent("0"))
	is("true", chart+`.querySelector('.whole').hidden`)
	b.do(t, chromedp.KeyEvent("+"))
	is("false", chart+`.querySelector('.whole').hidden`)
	b.quiet(t, "file://")
}

// TestManyCurvesAreAsked shows and hides the curves of a kind of methods among twenty.
func TestManyCurvesAreAsked(t *testing.T) {
	b := newBrowser(t, 1200, 900)
	b.do(t, chromedp.Navigate(onDisk(t, report.ComparePage("twenty", twenty(), nil))))
	is := func(want, js string) {
		t.Helper()
		if got := value[string](t, b, "String("+js+")"); got != want {
			t.Errorf("%s: got %s, want %s", js, got, want)
		}
	}
	const curves, legend = `document.querySelector('#by-iteration .chart').drawn.curves.length`, `document.querySelector('#by-iteration > .legend')`
	is("alternating,multipliers,first order", `[...`+legend+`.querySelectorAll('.all')].map(e => e.textContent)`)
	is("20", legend+`.querySelectorAll('.key:not(.all)').length`)
	is("20", curves)
	is("20,run,method", `[document.querySelectorAll('#settings tbody tr').length, ...[...document.querySelectorAll('#settings th')].slice(0, 2).map(e => e.textContent)]`)
	multipliers := legend + `.querySelectorAll('.kind')[1]`
	is("admm,dladmm,pdadmm", `[...`+multipliers+`.querySelectorAll('.key:not(.all)')].map(e => e.textContent)`)
	click := func(key string) {
		t.Helper()
		value[bool](t, b, multipliers+`.querySelectorAll('.key')[`+key+`].click(), true`)
	}
	const pressed = `.querySelectorAll('.key')].map(e => e.ariaPressed)`
	for _, step := range []struct{ key, shown, pressed string }{
		{"0", "17", "false,false,false,false"}, {"2", "18", "true,false,true,false"}, {"0", "17", "false,false,false,false"}, {"0", "20", "true,true,true,true"},
	} {
		click(step.key)
		is(step.shown, curves)
		is(step.pressed, `[...`+multipliers+pressed)
	}
	b.quiet(t, "file://")
}

// TestTablesCanBeAsked sorts a table, and looks into the cells of a matrix.
func TestTablesCanBeAsked(t *testing.T) {
	b := newBrowser(t, 1200, 900)
	b.do(t, chromedp.Navigate(onDisk(t, pagesToLookAt()["run"])))
	const column = `[...document.querySelectorAll('#classes td:first-child')].map(e => e.textContent).join('')`
	for i, want := range []string{"bdac", "adbc"} { // the largest first; what is not there last
		value[bool](t, b, `document.querySelector('#classes th:last-child button').click(), true`)
		if got := value[string](t, b, column); got != want {
			t.Errorf("after %d clicks: got %s, want %s", i+1, got, want)
		}
	}
	value[bool](t, b, `document.querySelector('#confusion').scrollIntoView(), true`)
	x, y := b.at(t, "#confusion tr:first-child td:last-child", 0.5)
	b.do(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y))
	if tip := value[string](t, b, `document.querySelector('.tip').innerText + document.querySelectorAll('.tip img').length`); tip != "0 taken for 1: 11" {
		t.Errorf("a cell says %q, want its samples and one picture", tip)
	}
	b.do(t, chromedp.KeyEvent(kb.Escape))
	if !value[bool](t, b, `document.querySelector('.tip').hidden`) {
		t.Error("Escape leaves the tip")
	}
	b.quiet(t, "file://")
}

// TestFolderInBrowser goes from the list to a comparison of two runs and follows both.
func TestFolderInBrowser(t *testing.T) {
	needBrowser(t)
	path, add := folder(t)
	pages, err := report.NewFolder(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(pages)
	t.Cleanup(server.Close)
	b := newBrowser(t, 1200, 900)
	b.do(t, chromedp.Navigate(server.URL+"/"))
	value[bool](t, b, `document.querySelectorAll('[name=run]').forEach(e => { e.checked = e.value !== 'bare' }), true`)
	add("later", 1, nil)
	b.until(t, `document.querySelectorAll('[name=run]').length === 4 && document.querySelectorAll('[name=run]:checked').length === 2`)
	value[bool](t, b, `document.querySelector('.do').click(), true`)
	b.until(t, `location.pathname === '/compare/' && document.querySelectorAll('#final tbody tr').length === 2`)
	b.shows(t, "#by-iteration .plot svg")
	value[bool](t, b, `document.querySelector('#by-iteration .log').click(), document.querySelector('#by-iteration .key').click(), true`)
	add("first", 9, about("dlam", 1))
	b.until(t, `document.querySelector('#final').innerText.includes('9')`)
	if kept := value[string](t, b, `document.querySelector('#by-iteration .log').ariaPressed + document.querySelector('#by-iteration .key').ariaPressed`); kept != "truefalse" {
		t.Errorf("after an update the choices are %s", kept)
	}
	value[bool](t, b, `document.querySelector('.home a').click(), true`)
	b.until(t, `location.pathname === '/' && document.querySelector('a[href="run/first/"]') !== null`)
	a := about("dlam", 1)
	a.Status = "completed"
	value[bool](t, b, `document.querySelector('a[href="run/first/"]').click(), true`)
	b.until(t, `location.pathname === '/run/first/' && document.querySelector('.live').innerText === '● following'`)
	add("first", 9, a)
	b.until(t, `document.querySelector('.live').innerText === '■ the run has ended: completed'`)
	b.quiet(t, server.URL)
}

// TestPagesForAll looks at pages on a wide screen and a phone, in the light and in the
// dark: nothing sticks out, no text is small, no page is endless, and axe-core finds no
// serious fault.
func TestPagesForAll(t *testing.T) {
	b := newBrowser(t, 1440, 900)
	const file = "testdata/axe/node_modules/axe-core/axe.min.js"
	axe, err := os.ReadFile(file)
	if err != nil && os.Getenv("DLAM_REQUIRE_PEERS") == "1" {
		t.Fatalf("no report/%s (npm ci there), and DLAM_REQUIRE_PEERS=1", file)
	}
	for name, p := range pagesToLookAt() {
		address := onDisk(t, p)
		for _, look := range []struct {
			width  int64
			scheme string
		}{{1440, "light"}, {390, "dark"}} {
			b.do(t, chromedp.EmulateViewport(look.width, 844), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}}})
				return err
			}), chromedp.Navigate(address))
			if w := value[int64](t, b, `document.documentElement.scrollWidth`); w > look.width {
				t.Errorf("%s is %d pixels wide in a window of %d", name, w, look.width)
			}
			if h := value[int](t, b, `document.documentElement.scrollHeight`); h > 12000 {
				t.Errorf("%s is %d pixels high in a window of %d", name, h, look.width)
			}
			const small = `[...document.querySelectorAll('main :not(script, noscript, option)')].filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && parseFloat(getComputedStyle(e).fontSize) < 11).map(e => e.textContent).join('; ')`
			if s := value[string](t, b, small); s != "" {
				t.Errorf("%s, %d wide: text of less than 11 pixels: %.200s", name, look.width, s)
			}
			if axe == nil {
				continue
			}
			value[bool](t, b, string(axe)+"; true")
			const faults = `axe.run().then(r => r.violations.filter(v => v.impact === 'serious' || v.impact === 'critical').map(v => v.id + ': ' + v.nodes.map(n => n.target + ' ' + n.failureSummary).slice(0, 3)).join('\n'))`
			found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](faults, chromedp.EvalAwaitPromise))
			if err != nil {
				t.Fatal(err)
			}
			if found != "" {
				t.Errorf("%s, %d wide, %s: %s", name, look.width, look.scheme, found)
			}
		}
	}
	if axe == nil {
		t.Log(strings.TrimSuffix(file, "/node_modules/axe-core/axe.min.js") + ": npm ci there lets axe-core look at the pages")
	}
	b.quiet(t, "file://")
}
