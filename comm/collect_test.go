package comm_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/dlam-go/dlam/comm"
)

// together runs f in every rank of a group at once and returns what each said.
func together(t *testing.T, size int, f func(c comm.Comm) (string, error)) []string {
	t.Helper()
	said, errs := make([]string, size), make([]error, size)
	var wait sync.WaitGroup
	for r, c := range comm.Group(size) {
		wait.Go(func() { said[r], errs[r] = f(c) })
	}
	wait.Wait()
	for r, err := range errs {
		if err != nil {
			t.Fatalf("rank %d: %v", r, err)
		}
	}
	return said
}

// What is agreed is the same in every rank, and made of every rank's part in
// order.
func TestCollect(t *testing.T) {
	for _, size := range []int{1, 2, 5} {
		said := together(t, size, func(c comm.Comm) (string, error) {
			r := c.Rank()
			all, err := comm.Gather(c, []float64{float64(r), -0.1 * float64(r)})
			if err != nil {
				return "", err
			}
			any, err := comm.Any(c, r == c.Size()-1, false, true)
			if err != nil {
				return "", err
			}
			texts, err := comm.Texts(c, slices.Repeat([]string{fmt.Sprint("é", r), ""}, r))
			if err != nil {
				return "", err
			}
			_, total, err := comm.Offset(c, r+1)
			return fmt.Sprint(all, any, texts, total), err
		})
		for r, s := range said {
			if s != said[0] {
				t.Errorf("rank %d of %d has %s, rank 0 has %s", r, size, s, said[0])
			}
		}
		if size == 2 && said[0] != "[[0 -0] [1 -0.1]] [true false true] [[] [é1 ]] 3" && said[0] != "[[0 0] [1 -0.1]] [true false true] [[] [é1 ]] 3" {
			t.Errorf("two ranks agree on %s", said[0])
		}
	}
}

// The counts before each rank add up.
func TestOffset(t *testing.T) {
	said := together(t, 3, func(c comm.Comm) (string, error) {
		before, total, err := comm.Offset(c, 10*(c.Rank()+1))
		return fmt.Sprint(before, total), err
	})
	if want := []string{"0 60", "10 60", "30 60"}; !slices.Equal(said, want) {
		t.Errorf("offsets and totals %v, want %v", said, want)
	}
}

// Shares are all of it, in order, and differ by one at most.
func TestShare(t *testing.T) {
	for n := range 30 {
		for size := 1; size < 8; size++ {
			end := 0
			for r := range size {
				lo, hi := comm.Share(n, r, size)
				if lo != end || hi-lo != n/size && hi-lo != n/size+1 {
					t.Fatalf("share of %d for rank %d of %d: %d to %d after %d", n, r, size, lo, hi, end)
				}
				end = hi
			}
			if end != n {
				t.Fatalf("%d shares of %d end at %d", size, n, end)
			}
		}
	}
}

// Messages go up a line, to neighbours alone, and are those that were sent.
func TestExchange(t *testing.T) {
	for _, size := range []int{1, 2, 4} {
		said := together(t, size, func(c comm.Comm) (string, error) {
			up, down := c.Rank()+1, c.Rank()-1
			if up == size {
				up = -1
			}
			var out, in []byte
			if up >= 0 {
				out = []byte{byte(c.Rank()), 7}
			}
			if down >= 0 {
				in = make([]byte, 2)
			}
			counter := &comm.Counter{Comm: c}
			if err := counter.Exchange(up, out, down, in); err != nil {
				return "", err
			}
			if len(out) > 0 {
				out[0] = 99 // what was sent is a copy
			}
			return fmt.Sprintf("%d %d %d", in, counter.Total.Messages, counter.Total.Bytes), nil
		})
		want := []string{"[] 0 0"}
		if size > 1 {
			want = []string{"[] 1 2"}
			for r := 1; r < size-1; r++ {
				want = append(want, fmt.Sprintf("[%d 7] 2 4", r-1))
			}
			want = append(want, fmt.Sprintf("[%d 7] 1 2", size-2))
		}
		if !slices.Equal(said, want) {
			t.Errorf("%d ranks say %q, want %q", size, said, want)
		}
	}
	if err := (comm.Self{}).Exchange(1, []byte{1}, -1, nil); err == nil {
		t.Error("one process has sent to another")
	}
	group := comm.Group(2)
	if err := group[0].Exchange(1, []byte{1, 2}, -1, nil); err != nil {
		t.Error(err)
	}
	if err := group[1].Exchange(-1, nil, 0, make([]byte, 3)); err == nil {
		t.Error("a message of another length was taken")
	}
}

func TestCounter(t *testing.T) {
	c := &comm.Counter{Comm: comm.Self{}}
	before := c.Total
	for range 3 {
		if err := c.Sum(make([]float64, 5)); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.Total.Since(before); got.Collectives != 3 || got.Bytes != 120 || got.Seconds < 0 {
		t.Errorf("three sums of five: %+v", got)
	}
}
