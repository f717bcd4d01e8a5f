package report

import "fmt"

// A page shows no more of a run than people can tell apart, and costs no more
// however long the run or deep the network was.
const (
	maxSeries   = 24   // of a chart
	maxPoints   = 500  // of a series
	chartPoints = 4000 // of a chart, if its series have more than minPoints
	minPoints   = 120
)

// drawn are the numbers from 0 to n−1 that a chart shows: all, or maxSeries of them
// at even distances, with the first and the last.
func drawn(n int) []int {
	shown := min(n, maxSeries)
	all := make([]int, shown)
	for i := range all {
		if all[i] = i; n > maxSeries {
			all[i] = i * (n - 1) / (maxSeries - 1)
		}
	}
	return all
}

// ofLayers is a title of a chart with a curve for each of n layers.
func ofLayers(title string, n int) string {
	if n > maxSeries {
		return fmt.Sprintf("%s (%d of %d)", title, maxSeries, n)
	}
	return title
}

// thin is s with at most so many points: of each stretch the lowest and the highest, so
// that no spike is lost.
func (s Series) thin(most int) Series {
	n := len(s.X)
	if n <= most {
		return s
	}
	t := s
	t.X, t.Y, t.Low, t.High = nil, nil, nil, nil
	add := func(i int) {
		t.X, t.Y = append(t.X, s.X[i]), append(t.Y, s.Y[i])
		if s.Low != nil {
			t.Low, t.High = append(t.Low, s.Low[i]), append(t.High, s.High[i])
		}
	}
	stretches := most/2 - 1
	add(0)
	for k := range stretches {
		lo, hi := 1+k*(n-2)/stretches, 1+(k+1)*(n-2)/stretches
		least, highest := lo, lo
		for i := lo; i < hi; i++ {
			if s.Y[i] < s.Y[least] {
				least = i
			}
			if s.Y[i] > s.Y[highest] {
				highest = i
			}
		}
		add(min(least, highest))
		if least != highest {
			add(max(least, highest))
		}
	}
	add(n - 1)
	return t
}
