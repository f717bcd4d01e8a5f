package report

import (
	"fmt"
	"slices"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/trace"
)

// clock is how long a run's iterations took, at some of them.
func clock(rs []dlam.Record, about *trace.About) Clock {
	const most = 250
	var c Clock
	if about != nil {
		c.Samples = about.Samples
	}
	every := max(1, (len(rs)+most-1)/most)
	for i, r := range rs {
		if i%every == 0 || i == len(rs)-1 {
			c.X, c.Seconds = append(c.X, float64(r.Iteration)), append(c.Seconds, r.Elapsed)
		}
	}
	return c
}

// curve picks a value from the records where there is one.
func curve(name string, style int, rs []dlam.Record, x func(dlam.Record) float64, y func(dlam.Record) (float64, bool)) Series {
	s := Series{Name: name, Style: style}
	for _, r := range rs {
		if v, ok := y(r); ok {
			s.X, s.Y = append(s.X, x(r)), append(s.Y, v)
		}
	}
	return s
}

func iteration(r dlam.Record) float64 { return float64(r.Iteration) }

func objective(r dlam.Record) (float64, bool) { return r.Objective, true }

// score picks one of a record's scores; nil where there is none.
type score func(dlam.Record) *dlam.Score

func train(r dlam.Record) *dlam.Score      { return r.Train }
func test(r dlam.Record) *dlam.Score       { return r.Test }
func validation(r dlam.Record) *dlam.Score { return r.Validation }

// of picks a value of a score.
func (pick score) of(value func(*dlam.Score) float64) func(dlam.Record) (float64, bool) {
	return func(r dlam.Record) (float64, bool) {
		s := pick(r)
		if s == nil {
			return 0, false
		}
		return value(s), true
	}
}

func percentRight(s *dlam.Score) float64 { return 100 * s.Accuracy }
func rmse(s *dlam.Score) float64         { return s.RMSE }
func risk(s *dlam.Score) float64         { return s.Risk }

// regression reports whether the scores are those of a regression.
func regression(rs []dlam.Record) bool {
	return slices.ContainsFunc(rs, func(r dlam.Record) bool { return r.Train != nil && r.Train.RMSE > 0 })
}

// compact drops series without points and charts without series, and thins out
// series of very many points.
func compact(charts []Chart) []Chart {
	var kept []Chart
	for _, c := range charts {
		c.Series = slices.DeleteFunc(c.Series, func(s Series) bool { return len(s.X) == 0 })
		for i := range c.Series {
			c.Series[i] = c.Series[i].thin(max(minPoints, min(maxPoints, chartPoints/len(c.Series))))
		}
		if len(c.Series) > 0 {
			kept = append(kept, c)
		}
	}
	return kept
}

// last is the last record, and the last one with scores.
func last(rs []dlam.Record) (r, scored dlam.Record) {
	if len(rs) > 0 {
		r = rs[len(rs)-1]
	}
	for i := len(rs) - 1; i >= 0; i-- {
		if rs[i].Train != nil {
			return r, rs[i]
		}
	}
	return r, dlam.Record{}
}

// Seconds writes a duration in seconds for people.
func Seconds(s float64) string {
	switch {
	case s < 0.0995:
		return fmt.Sprintf("%.3g ms", 1000*s)
	case s < 90:
		return fmt.Sprintf("%.3g s", s)
	case s < 5400:
		return fmt.Sprintf("%.0f min %02d s", float64(int(s)/60), int(s)%60)
	}
	return fmt.Sprintf("%d h %02d min", int(s)/3600, int(s)/60%60)
}

// Percent writes a share as a percentage.
func Percent(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) }
