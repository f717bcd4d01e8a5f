package comm

import "time"

// Counter is a Comm that counts what passes through it.
type Counter struct {
	Comm
	Total Traffic
}

// Traffic is a number of collective sums, the bytes of the vectors that a rank
// put in, and the seconds that it spent in them, waiting for other ranks
// included.
type Traffic struct {
	Collectives int     `json:"collectives"`
	Bytes       int     `json:"bytes"`
	Seconds     float64 `json:"seconds"`
}

// Sum counts the call.
func (c *Counter) Sum(x []float64) error {
	start := time.Now()
	err := c.Comm.Sum(x)
	c.Total.Collectives++
	c.Total.Bytes += 8 * len(x)
	c.Total.Seconds += time.Since(start).Seconds()
	return err
}

// Since is the traffic after an earlier total.
func (t Traffic) Since(before Traffic) Traffic {
	return Traffic{t.Collectives - before.Collectives, t.Bytes - before.Bytes, t.Seconds - before.Seconds}
}
