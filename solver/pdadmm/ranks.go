package pdadmm

import (
	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/mat"
)

// none is no rank.
const none = -1

// boundary is where the layers of two ranks meet.
type boundary struct {
	rank   int    // the other one, or none
	ly     *layer // the last below
	buffer []byte // of a message of values that are not quantised, as the first are
}

// open makes it the boundary above ly, with a rank.
func (b *boundary) open(rank int, ly *layer) {
	b.rank, b.ly, b.buffer = rank, ly, make([]byte, ly.A.Rows*ly.A.Cols*grid{}.bytes())
}

// variable is one of the two that cross a boundary.
type variable int

const (
	input  variable = iota // P_{l+1}, downwards
	output                 // Q_l, upwards
)

func (v variable) of(ly *layer) mat.Dense {
	if v == input {
		return ly.Next.In
	}
	return ly.A
}

// exchange sends a variable at one boundary and takes it at another, where there are any.
func (s *stepper) exchange(to, from *boundary, v variable) error {
	if to.rank == none && from.rank == none {
		return nil
	}
	var sent, got []byte
	if to.rank != none {
		sent = to.ly.grid.encode(to.buffer, v.of(to.ly).Elements())
	}
	if from.rank != none {
		got = from.buffer[:len(v.of(from.ly).Elements())*from.ly.grid.bytes()]
	}
	if err := s.P.Comm.Exchange(to.rank, sent, from.rank, got); err != nil {
		return err
	}
	if from.rank != none {
		from.ly.grid.decode(v.of(from.ly).Elements(), got)
	}
	return nil
}

// divided is a run whose ranks share the layers.
type divided struct{ *stepper }

var _ dlam.Divided = divided{}

// Collect gives every rank's n the parameters of all layers.
func (d divided) Collect(n *dlam.Network) error {
	layers := n.Layers
	if d.end-d.first == len(layers) {
		return nil
	}
	all := make([]float64, n.Parameters())
	at := 0
	each := func(f func(x []float32, own bool)) {
		at = 0
		for l := range layers {
			own := d.first <= l && l < d.end
			f(layers[l].W.Elements(), own)
			f(layers[l].B, own)
		}
	}
	each(func(x []float32, own bool) {
		for i, v := range x {
			if own {
				all[at+i] = float64(v)
			}
		}
		at += len(x)
	})
	if err := d.P.Comm.Sum(all); err != nil {
		return err
	}
	each(func(x []float32, _ bool) {
		for i := range x {
			x[i] = float32(all[at+i])
		}
		at += len(x)
	})
	return nil
}
