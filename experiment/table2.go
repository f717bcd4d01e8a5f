package experiment

import (
	"fmt"

	"github.com/dlam-go/dlam/report"
	"gonum.org/v1/gonum/stat"
)

// seconds are the cells of our Table 2 in its form.
func (r Reproduction) seconds(data string, done outcomes) (s [5][5]float64) {
	for i := range s {
		for j := range s[i] {
			last := done[r.tableCell(data, i, j).key()].Last
			s[i][j] = last.Elapsed / float64(max(1, last.Iteration))
		}
	}
	return s
}

// rows are the numbers of samples that are timed.
func (r Reproduction) rows(data string) []int {
	var n []int
	for _, v := range publishedRows(data) {
		n = append(n, v/r.Size.TableShare)
	}
	return n
}

// table2 sets the paper's number beside each of ours.
func (r Reproduction) table2(data string, done outcomes) report.Table {
	t := report.Table{
		ID: "table2-" + data,
		Caption: "Table 2, " + dataName(data) + ": seconds per iteration by ρ and number of training samples, " +
			fmt.Sprintf("the mean of the first %d iterations; beside each, the paper's, on a GTX 1080 Ti.", r.Size.TableSteps),
		Head: []string{"ρ"},
	}
	for j, n := range r.rows(data) {
		paper := "paper"
		if r.Size.reduced() {
			paper = fmt.Sprintf("paper, %d", publishedRows(data)[j])
		}
		t.Head = append(t.Head, fmt.Sprint(n), paper)
	}
	s := r.seconds(data, done)
	for i, rho := range publishedRho {
		row := []string{fmt.Sprint(rho)}
		for j := range s[i] {
			row = append(row, fmt.Sprintf("%.4f", s[i][j]), fmt.Sprintf("%.4f", publishedSeconds(data)[i][j]))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// timeChart shows Table 2's rows as lines.
func (r Reproduction) timeChart(data string, done outcomes) report.Chart {
	c := report.Chart{Title: dataName(data), X: report.Axis{Label: "training samples"}, Y: report.Axis{Label: "seconds per iteration"}}
	s := r.seconds(data, done)
	for i, rho := range publishedRho {
		line := report.Series{Name: fmt.Sprintf("ρ = %g", rho), Style: i}
		for j, n := range r.rows(data) {
			line.X, line.Y = append(line.X, float64(n)), append(line.Y, s[i][j])
		}
		c.Series = append(c.Series, line)
	}
	return c
}

func (r Reproduction) tableClaims(done outcomes) []Claim {
	var linear, grows cases
	for _, data := range []string{mnist, fashion} {
		s := r.seconds(data, done)
		var xs []float64
		for _, n := range r.rows(data) {
			xs = append(xs, float64(n))
		}
		for i, rho := range publishedRho {
			fit := stat.Correlation(xs, s[i][:], nil)
			linear.add(ascending(s[i][:]) && fit*fit >= 0.95, "%s, ρ = %g: R² %.3f", dataName(data), rho, fit*fit)
		}
		for j, n := range r.rows(data) {
			var column []float64
			for i := range s {
				column = append(column, s[i][j])
			}
			p := publishedSeconds(data)
			grows.add(ascending(column), "%s, %d samples: ×%.2f from ρ = 1e-4 to 1 (paper ×%.2f)",
				dataName(data), n, column[4]/column[0], p[4][j]/p[0][j])
		}
	}
	return []Claim{
		linear.claim("Table 2", "The running time increased as the training sample became larger.", "each row ascends, and a straight line explains 95 % of its variance"),
		grows.claim("Table 2", "The running time increased as the value of ρ became larger.", "each column ascends"),
	}
}

func ascending(v []float64) bool {
	for i := 1; i < len(v); i++ {
		if !(v[i] > v[i-1]) {
			return false
		}
	}
	return true
}
