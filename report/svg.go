package report

import (
	"bufio"
	"fmt"
	"image/color"
	"io"
	"strconv"
	"strings"
)

// fontStack has no font that would have to be fetched.
const fontStack = "Liberation Sans, Helvetica, Arial, sans-serif"

// WriteSVG writes a figure's charts, columns to a row, as one picture that
// stands alone: white ground, colours for print.
func WriteSVG(w io.Writer, charts []Chart, columns int) error {
	b := bufio.NewWriter(w)
	width, height, each := sheet(charts, columns)
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="%s">`+"\n",
		width, height, width, height, fontStack)
	fmt.Fprintf(b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	for i, c := range charts {
		fmt.Fprintf(b, `<svg x="%d" y="%d" width="%d" height="%d">`+"\n", i%columns*chartWidth, i/columns*each, chartWidth, each)
		writeMarks(b, newLayout(c, float64(each)).marks)
		fmt.Fprintln(b, "</svg>")
	}
	fmt.Fprintln(b, "</svg>")
	return b.Flush()
}

// sheet is the size of charts in columns, and the height of each.
func sheet(charts []Chart, columns int) (width, height, each int) {
	each = heightOf(charts)
	return min(len(charts), columns) * chartWidth, (len(charts) + columns - 1) / columns * each, each
}

// writeMarks writes marks with the colours of print; the classes let a page
// choose others. Errors are the buffer's to keep.
func writeMarks(w *bufio.Writer, marks []mark) {
	for _, m := range marks {
		c := hex(m.ink.light())
		switch {
		case m.text != "":
			writeText(w, m, c)
		case m.filled:
			fmt.Fprintf(w, `<path class="f %s" fill="%s" d="%sZ"/>`+"\n", m.ink.class(), c, pathData(m.points))
		default:
			dash := ""
			if m.dash != nil {
				dash = ` stroke-dasharray="` + strings.Trim(fmt.Sprint(m.dash), "[]") + `"`
			}
			fmt.Fprintf(w, `<path class="l %s" stroke="%s" stroke-width="%g"%s fill="none" stroke-linejoin="round" d="%s"/>`+"\n",
				m.ink.class(), c, m.width, dash, pathData(m.points))
		}
	}
}

func writeText(w *bufio.Writer, m mark, c string) {
	anchor, turn, weight := "", "", ""
	switch m.anchor {
	case 0.5:
		anchor = ` text-anchor="middle"`
	case 1:
		anchor = ` text-anchor="end"`
	}
	if m.upright {
		turn = fmt.Sprintf(` transform="rotate(-90 %g %g)"`, m.at.x, m.at.y)
	}
	if m.bold {
		weight = ` font-weight="600"`
	}
	fmt.Fprintf(w, `<text class="f %s" fill="%s" font-size="%g" x="%s" y="%s"%s%s%s>%s</text>`+"\n",
		m.ink.class(), c, m.size, pixel(m.at.x), pixel(m.at.y), anchor, turn, weight, escape(m.text))
}

var xmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func escape(s string) string { return xmlEscapes.Replace(s) }

func pathData(ps []point) string {
	var b strings.Builder
	for i, p := range ps {
		cmd := byte('L')
		if i == 0 {
			cmd = 'M'
		}
		b.WriteByte(cmd)
		b.WriteString(pixel(p.x))
		b.WriteByte(' ')
		b.WriteString(pixel(p.y))
	}
	return b.String()
}

// pixel writes a coordinate to a hundredth.
func pixel(v float64) string {
	s := strconv.FormatFloat(v, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }
