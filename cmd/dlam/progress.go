package main

import (
	"fmt"
	"io"
	"time"

	"github.com/dlam-go/dlam"
)

// progress tells people how a run goes: one line that is rewritten on a
// terminal, rows of a table elsewhere.
type progress struct {
	w          io.Writer
	closed     func() // told when nothing can be written to w any more
	live       bool
	iterations int
	first      int       // iterations done before
	started    time.Time // of this process's first iteration
	drawn      time.Time
	rows       int
	said       bool    // what the risk is of
	smoothing  float32 // of the labels that the risk is of
	unit       float64 // factor from a regression's own scale to its units
}

var _ dlam.Recorder = (*progress)(nil)

const progressHead = "iteration       F        risk    train     test  s/iteration  left\n"

// longestSilence is how long nothing is shown at most where iterations are shorter.
const longestSilence = 30 * time.Second

// Record shows r. Where that fails, as on a terminal that was closed, it says so to
// closed and shows no more: a run does not fail for it.
func (p *progress) Record(r dlam.Record) error {
	if p.w == nil {
		return nil
	}
	if err := p.show(r); err != nil {
		p.w = nil
		p.closed()
	}
	return nil
}

// show draws the line, at most ten times a second, or a row for iterations
// 1, 2, 5, 10, 20, 50, … and the last, and for one long after the last row.
func (p *progress) show(r dlam.Record) error {
	last := r.Iteration == p.iterations
	if err := p.explain(r); err != nil {
		return err
	}
	if r.Attempt > 0 {
		clear := ""
		if p.live {
			clear = "\r\x1b[K"
		}
		if _, err := fmt.Fprintf(p.w, "%safter iteration %d the run begins again, attempt %d, with a quarter of the step: the network was far worse than one output for all samples, or its numbers had grown without end\n", clear, r.Iteration, r.Attempt); err != nil {
			return err
		}
	}
	if p.live {
		if !last && time.Since(p.drawn) < 100*time.Millisecond {
			return nil
		}
		p.drawn = time.Now()
		_, err := fmt.Fprintf(p.w, "\r\x1b[K%d/%d  F %.5g  risk %.4g%s  %s left", r.Iteration, p.iterations, r.Objective, r.Risk, p.scores(r, "  train %s  test %s"), p.left(r.Iteration))
		return err
	}
	if !last && !round(r.Iteration) && !p.silent() {
		return nil
	}
	p.drawn = time.Now()
	if p.rows == 0 {
		if _, err := io.WriteString(p.w, progressHead); err != nil {
			return err
		}
	}
	p.rows++
	scores := p.scores(r, "%9s%9s")
	if scores == "" {
		scores = fmt.Sprintf("%9s%9s", "-", "-")
	}
	_, err := fmt.Fprintf(p.w, "%9d %9.5g %9.4g%s %12.4g  %s\n", r.Iteration, r.Objective, r.Risk, scores, r.Seconds, p.left(r.Iteration))
	return err
}

// silent reports whether the last row, or the start, is long ago.
func (p *progress) silent() bool {
	since := p.drawn
	if since.IsZero() {
		since = p.started
	}
	return time.Since(since) >= longestSilence
}

// explain says once what the risk is of, where that is not the labels as they are or
// not all training samples.
func (p *progress) explain(r dlam.Record) error {
	if p.said || p.smoothing == 0 && r.RiskSamples == 0 {
		return nil
	}
	p.said = true
	text := "risk and F are of the training labels"
	if p.smoothing > 0 {
		text = fmt.Sprintf("risk and F are of training labels smoothed by %g (--label-smoothing)", p.smoothing)
	}
	if r.RiskSamples > 0 {
		text += fmt.Sprintf(", on %d samples of them", r.RiskSamples)
	}
	_, err := fmt.Fprintln(p.w, text)
	return err
}

// round is 1, 2, 5, 10, 20, 50, 100, and every 100.
func round(k int) bool {
	for b := 1; b <= 100; b *= 10 {
		if k == b || k == 2*b || k == 5*b {
			return true
		}
	}
	return k%100 == 0
}

func (p *progress) scores(r dlam.Record, format string) string {
	if r.Train == nil {
		return ""
	}
	one := func(s *dlam.Score) string {
		switch {
		case s == nil:
			return "-"
		case s.Accuracy == 0 && s.RMSE > 0:
			return fmt.Sprintf("%.4g", s.RMSE*p.unit)
		}
		return fmt.Sprintf("%.2f%%", 100*s.Accuracy)
	}
	return fmt.Sprintf(format, one(r.Train), one(r.Test))
}

func (p *progress) left(k int) time.Duration {
	done := k - p.first
	if done < 1 {
		return 0
	}
	per := time.Since(p.started) / time.Duration(done)
	return (per * time.Duration(p.iterations-k)).Round(time.Second)
}

// end leaves the live line on the screen.
func (p *progress) end() {
	if p.live && p.w != nil {
		_, _ = fmt.Fprintln(p.w)
	}
}
