package report

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	_ "embed" // for the page's parts
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
)

// Page is a self-contained HTML page.
type Page struct {
	Title    string
	Lead     string
	Warning  string // something that the reader must not miss
	Sections []Section
}

// Section is part of a page.
type Section struct {
	Title   string
	Text    []string // paragraphs
	Code    string   // commands
	Facts   []Fact
	Figures []Figure
	Tables  []Table
}

// Fact is a value with its name.
type Fact struct{ Name, Value string }

// Figure is charts that belong together.
type Figure struct {
	ID      string // its anchor in the page, and the name of its file
	Caption string
	Charts  []Chart
	Columns int // charts to a row in a file; a page fits them to its window
}

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

//go:embed page.html.tmpl
var pageHTML string

// WriteHTML writes the page as one file that needs no other.
func (p Page) WriteHTML(w io.Writer) error { return p.write(w, "") }

// view is what the template gets.
type view struct {
	Page   Page
	CSS    template.CSS
	JS     template.JS
	Policy string
	Tag    string // version of the content, of a page that follows a run
}

func (p Page) write(w io.Writer, tag string) error {
	css := styleSheet()
	return execute(w, "page", view{Page: p, CSS: template.CSS(css), JS: template.JS(pageJS), Policy: policy(css), Tag: tag})
}

// writeContent writes what changes while a run goes on.
func (p Page) writeContent(w io.Writer) error { return execute(w, "content", p) }

func execute(w io.Writer, name string, data any) error {
	t, err := template.New("").Funcs(template.FuncMap{
		"svg": inlineSVG, "data": hoverData, "numeric": Table.numeric,
	}).Parse(pageHTML)
	if err != nil {
		return err
	}
	return t.ExecuteTemplate(w, name, data)
}

// policy allows the page its own style, its own script, and its own server;
// nothing else.
func policy(css string) string {
	return fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'",
		sourceHash(css), sourceHash(pageJS))
}

func sourceHash(s string) string {
	h := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(h[:]) + "'"
}

// styleSheet is page.css with the palette of the charts.
func styleSheet() string {
	var light, dark, series strings.Builder
	for i, s := range seriesStyles {
		fmt.Fprintf(&light, "  --s%d: %s;", i, hex(s.light))
		fmt.Fprintf(&dark, "    --s%d: %s;", i, s.dark)
		fmt.Fprintf(&series, ".s%d { --c: var(--s%d); }\n", i, i)
		fmt.Fprintf(&series, ".l.s%d { stroke: var(--s%d); } .f.s%d { fill: var(--s%d); }\n", i, i, i, i)
	}
	return strings.NewReplacer("{{light}}", light.String(), "{{dark}}", dark.String(), "{{series}}", series.String()).Replace(pageCSS)
}

func inlineSVG(c Chart) template.HTML {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	fmt.Fprintf(w, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`+"\n", chartWidth, chartHeight,
		escape(c.Title+": "+c.Y.Label+" against "+c.X.Label))
	writeMarks(w, newLayout(c).marks)
	fmt.Fprint(w, "</svg>")
	_ = w.Flush() // a bytes.Buffer takes everything
	return template.HTML(b.String())
}

// numeric reports whether column i holds numbers only.
func (t Table) numeric(i int) bool {
	found := false
	for _, r := range t.Rows {
		if i >= len(r) || r[i] == "" || r[i] == "–" {
			continue
		}
		if _, err := strconv.ParseFloat(strings.TrimRight(r[i], " %s×"), 64); err != nil {
			return false
		}
		found = true
	}
	return found
}
