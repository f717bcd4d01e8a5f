package report

import (
	"crypto/sha256"
	_ "embed" // for the page's parts
	"encoding/base64"
	"encoding/json"
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
	Clocks   []Clock // of the runs that charts are of
	Ended    string  // how the run ended that the page is of; "" of one that goes on
	Home     string  // address of the page of all runs; "" for none
}

// Clock is how many samples and seconds a run's iterations took.
type Clock struct {
	Samples int       // that an iteration goes over; 0: not known
	X       []float64 // iterations, and the seconds of training until their ends
	Seconds []float64
}

// MarshalJSON writes it for the page's script.
func (c Clock) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"n": c.Samples, "x": decimals(c.X), "t": decimals(c.Seconds)})
}

// Section is part of a page.
type Section struct {
	Title    string
	Card     []Fact   // what there is to know, in words
	Text     []string // paragraphs
	Code     string   // commands
	Facts    []Fact   // numbers
	Figures  []Figure
	Matrix   *Matrix
	Pictures *Pictures
	Tables   []Table
	Note     string // small print at the end
}

// Matrix is counts of samples by true and predicted class.
type Matrix struct {
	ID, Caption string
	Names       []string // of the columns
	Rows        []MatrixRow
}

// MatrixRow is a true class.
type MatrixRow struct {
	Name  string
	Cells []Cell
}

// Cell is samples of one true and one predicted class.
type Cell struct {
	Count int
	Shade int    // 0 to 9
	Right bool   // the two classes are the same
	About string // which samples, in words
	Of    string // the same as Picture.Of of those that it shows
}

// Pictures are pictures with their captions.
type Pictures struct {
	ID, Caption string
	Wide        bool // one that has much in it
	List        []Picture
}

// Picture is a PNG file within the page.
type Picture struct {
	PNG   []byte
	About string // what it shows, for who does not see it
	Label string
	Of    string // the cell of a Matrix that it belongs to
}

// Source is the picture as the page has it.
func (p Picture) Source() template.URL {
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(p.PNG))
}

// Fact is a value with its name.
type Fact struct{ Name, Value string }

// Figure is charts that belong together.
type Figure struct {
	ID      string // its anchor in the page, and the name of its file
	Caption string
	Charts  []Chart
	Columns int // charts to a row in a file; a page fits them to its window
	// FileOnly is a figure that pages have by another's choice of axis.
	FileOnly bool
}

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

//go:embed page.html.tmpl
var pageHTML string

// WriteHTML writes the page as one file that needs no other.
func (p Page) WriteHTML(w io.Writer) error { return p.whole(w, "") }

// view is what the template gets.
type view struct {
	Page   Page
	CSS    template.CSS
	JS     template.JS
	Policy string
	Tag    string // version of the content, of a page that follows a run
}

// write writes the page that follows a run, or at a path that ends in content what of it
// changes while the run goes on.
func (p Page) write(w io.Writer, path, tag string) error {
	if strings.HasSuffix(path, "/content") {
		return execute(w, "content", p)
	}
	return p.whole(w, tag)
}

func (p Page) whole(w io.Writer, tag string) error {
	css := styleSheet()
	return execute(w, "page", view{Page: p, CSS: template.CSS(css), JS: template.JS(pageJS), Policy: policy(css), Tag: tag})
}

func execute(w io.Writer, name string, data any) error {
	t, err := template.New("").Funcs(template.FuncMap{
		"data": dataOf, "numeric": Table.numeric, "long": func(s string) bool { return len(s) > longCell },
	}).Parse(pageHTML)
	if err != nil {
		return err
	}
	return t.ExecuteTemplate(w, name, data)
}

// policy allows the page its own style, its own script, and its own server;
// nothing else.
func policy(css string) string {
	return fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'self'",
		sourceHash(css), sourceHash(pageJS))
}

func sourceHash(s string) string {
	h := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(h[:]) + "'"
}

// longCell is from how many bytes on a cell has room for some words in a line.
const longCell = 24

// shades is the number of shades of a Matrix's cells. The darkest leaves text legible.
const shades = 10

// styleSheet is page.css with the palette of the charts.
func styleSheet() string {
	var light, dark, series, shade strings.Builder
	for i, s := range seriesStyles {
		fmt.Fprintf(&light, "  --s%d: %s;", i, hex(s.light))
		fmt.Fprintf(&dark, "    --s%d: %s;", i, s.dark)
		fmt.Fprintf(&series, ".s%d { --c: var(--s%d); }\n", i, i)
		fmt.Fprintf(&series, ".l.s%d { stroke: var(--s%d); } .f.s%d { fill: var(--s%d); }\n", i, i, i, i)
		if s.dash != nil {
			fmt.Fprintf(&series, ".d%d { stroke-dasharray: %s; }\n", i, strings.Trim(fmt.Sprint(s.dash), "[]"))
		}
	}
	for i := range shades {
		fmt.Fprintf(&shade, ".h%d { background: color-mix(in srgb, var(--accent) %d%%, var(--card)); }\n", i, 48*i/(shades-1))
	}
	return strings.NewReplacer("{{light}}", light.String(), "{{dark}}", dark.String(), "{{series}}", series.String(), "{{shades}}", shade.String()).Replace(pageCSS)
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
