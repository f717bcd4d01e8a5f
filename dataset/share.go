package dataset

import (
	"slices"

	"github.com/dlam-go/dlam/comm"
)

func (o Options) ranks() comm.Comm { return orSelf(o.Comm) }

func (d Dataset) ranks() comm.Comm { return orSelf(d.Comm) }

func orSelf(c comm.Comm) comm.Comm {
	if c == nil {
		return comm.Self{}
	}
	return c
}

// rows is the range of n rows that this process reads.
func (o Options) rows(n int) (lo, hi int) {
	if o.Limit > 0 {
		n = min(n, o.Limit)
	}
	c := o.ranks()
	return comm.Share(n, c.Rank(), c.Size())
}

// share is the part of a whole data set that this process keeps, in memory of
// its own: the rest can be freed.
func (o Options) share(d Dataset) Dataset {
	lo, hi := o.rows(d.Rows())
	d.Comm = o.Comm
	if lo == 0 && hi == d.Rows() {
		return d
	}
	if o.ranks().Size() == 1 {
		return d.RowRange(lo, hi)
	}
	part := d.RowRange(lo, hi)
	part.X, part.Class, part.Weight = part.X.Clone(), slices.Clone(part.Class), slices.Clone(part.Weight)
	if part.Value.Rows > 0 {
		part.Value = part.Value.Clone()
	}
	return part
}

// whole is o without shares: for a source that is read as a whole first.
func (o Options) whole() Options {
	o.Comm, o.Limit = nil, 0
	return o
}

// union is the distinct texts that any process has.
func union(c comm.Comm, mine []string) ([]string, error) {
	lists, err := comm.Texts(c, mine)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all), nil
}

// inTurn waits, in the processes that wait is true of, until the others are
// past it too: rank 0 downloads what the others then find.
func (o Options) inTurn(wait bool) error {
	if o.ranks().Size() == 1 || !wait {
		return nil
	}
	return o.ranks().Sum([]float64{0})
}
