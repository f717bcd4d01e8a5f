package comm

import "time"

// Counter is a Comm that counts what passes through it.
type Counter struct {
	Comm
	Total Traffic
}

// Traffic is a number of collective sums and of messages, the bytes of the vectors
// that a rank put in and of the messages that it sent and got, and the seconds that it
// spent in both, waiting for other ranks included.
type Traffic struct {
	Collectives int     `json:"collectives"`
	Messages    int     `json:"messages,omitempty"`
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

// Exchange counts the messages.
func (c *Counter) Exchange(to int, out []byte, from int, in []byte) error {
	start := time.Now()
	err := c.Comm.Exchange(to, out, from, in)
	for _, other := range []int{to, from} {
		if other >= 0 {
			c.Total.Messages++
		}
	}
	c.Total.Bytes += len(out) + len(in)
	c.Total.Seconds += time.Since(start).Seconds()
	return err
}

// Since is the traffic after an earlier total.
func (t Traffic) Since(before Traffic) Traffic {
	return Traffic{t.Collectives - before.Collectives, t.Messages - before.Messages, t.Bytes - before.Bytes, t.Seconds - before.Seconds}
}
