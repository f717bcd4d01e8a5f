package comm

import "strings"

// Gather is every rank's x, in the order of ranks; all have the same length.
// It is a Sum in which each rank adds to a place of its own, so it moves
// Size·len(x) numbers: for settings and decisions, not for samples.
func Gather(c Comm, x []float64) ([][]float64, error) {
	n := len(x)
	all := make([]float64, n*c.Size())
	copy(all[n*c.Rank():], x)
	if err := c.Sum(all); err != nil {
		return nil, err
	}
	parts := make([][]float64, c.Size())
	for r := range parts {
		parts[r] = all[n*r : n*(r+1)]
	}
	return parts, nil
}

// Any reports of each flag whether a rank has set it, so that all ranks decide
// alike.
func Any(c Comm, flags ...bool) ([]bool, error) {
	if c.Size() == 1 {
		return flags, nil
	}
	x := make([]float64, len(flags))
	for i, f := range flags {
		if f {
			x[i] = 1
		}
	}
	err := c.Sum(x)
	for i, v := range x {
		flags[i] = v > 0
	}
	return flags, err
}

// Offset is how much of a count that is divided over the ranks lies before
// this rank, and how much there is in all.
func Offset(c Comm, count int) (before, total int, err error) {
	parts, err := Gather(c, []float64{float64(count)})
	if err != nil {
		return 0, 0, err
	}
	for r, p := range parts {
		if r < c.Rank() {
			before += int(p[0])
		}
		total += int(p[0])
	}
	return before, total, nil
}

// Texts is every rank's list of texts, in the order of ranks.
func Texts(c Comm, list []string) ([][]string, error) {
	if c.Size() == 1 {
		return [][]string{list}, nil
	}
	mine := strings.Join(list, "\x00")
	sizes, err := Gather(c, []float64{float64(len(list)), float64(len(mine))})
	if err != nil {
		return nil, err
	}
	var all []float64
	at := make([]int, c.Size()+1)
	for r, s := range sizes {
		at[r+1] = at[r] + int(s[1])
	}
	all = make([]float64, at[c.Size()])
	for i := range len(mine) { // bytes
		all[at[c.Rank()]+i] = float64(mine[i])
	}
	if err := c.Sum(all); err != nil {
		return nil, err
	}
	texts := make([][]string, c.Size())
	for r := range texts {
		if sizes[r][0] == 0 {
			continue
		}
		raw := make([]byte, 0, at[r+1]-at[r])
		for _, v := range all[at[r]:at[r+1]] {
			raw = append(raw, byte(v))
		}
		texts[r] = strings.Split(string(raw), "\x00")
	}
	return texts, nil
}

// Share is the part of n things, in order, that belongs to rank of size: the
// parts differ by at most one thing.
func Share(n, rank, size int) (lo, hi int) { return n * rank / size, n * (rank + 1) / size }
