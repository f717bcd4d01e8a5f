package onlineam

import (
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/prox"
)

// memory is the averages of a hidden layer's normal equations over batches.
type memory struct {
	s      *stepper
	l      int       // from 0
	square []float64 // S of k+1 columns, row-major; the upper triangle
	cross  []float64 // Q, (k+1)×d_l
	chol   []float64 // what is factorised
	rhs    []float64
	factor mat.Cholesky
}

func newMemory(s *stepper, l int) memory {
	out, k := s.net.Layers[l].W.Rows, s.net.Layers[l].W.Cols+1
	f := func(n int) []float64 { return make([]float64, n) }
	return memory{s: s, l: l, square: f(k * k), cross: f(k * out), chol: f(k * k), rhs: f(k * out)}
}

// update takes a batch of n samples into the averages, and moves W and b to the least
// squares of them.
func (m *memory) update(n float64) error {
	ly := m.s.net.Layers[m.l]
	out, in := ly.W.Rows, ly.W.Cols
	k := in + 1
	p := m.s.sums
	square, columns := p.Product(m.s.batch.square[m.l]), p.Columns(m.s.batch.square[m.l])
	cross, codes := p.Product(m.s.batch.cross[m.l]), p.Columns(m.s.batch.cross[m.l])
	keep, take := 1-m.s.Recall, m.s.Recall/n
	if m.s.updates == 0 {
		keep, take = 0, 1/n
	}
	for i := range in {
		for j := i; j < in; j++ {
			m.square[i*k+j] = keep*m.square[i*k+j] + take*square.At(i*in+j)
		}
		m.square[i*k+in] = keep*m.square[i*k+in] + take*columns[i]
	}
	m.square[in*k+in] = keep*m.square[in*k+in] + take*p.Scalar(m.s.batch.weight)
	for o := range out {
		for j := range in {
			m.cross[j*out+o] = keep*m.cross[j*out+o] + take*cross.At(o*in+j)
		}
		m.cross[in*out+o] = keep*m.cross[in*out+o] + take*codes[o]
	}
	return m.solve()
}

// solve solves (S + (δs̄ + λ/(2μn))I)X = Q + δs̄X_l, λ not for b.
func (m *memory) solve() error {
	ly := m.s.net.Layers[m.l]
	out, in := ly.W.Rows, ly.W.Cols
	k := in + 1
	copy(m.chol, m.square)
	copy(m.rhs, m.cross)
	var mean float64
	for i := range k {
		mean += m.square[i*k+i] / float64(k)
	}
	pull := m.s.Ridge * mean
	lambda := m.s.omega.(prox.Smooth).Strong() / (2 * m.s.Mu * m.s.batches.Weight)
	for i := range k {
		if m.chol[i*k+i] += pull; i < in {
			m.chol[i*k+i] += lambda
		}
	}
	for o := range out {
		for j, w := range ly.W.Row(o) {
			m.rhs[j*out+o] += pull * float64(w)
		}
		m.rhs[in*out+o] += pull * float64(ly.B[o])
	}
	if !m.factor.Factor(m.chol, k) {
		return fmt.Errorf("layer %d, block W: %w: the memory's normal equations have no Cholesky factor", m.l+1, dlam.ErrDiverged)
	}
	m.factor.Solve(m.rhs, out)
	for o := range out {
		row := ly.W.Row(o)
		for j := range row {
			row[j] = float32(m.rhs[j*out+o])
		}
		ly.B[o] = float32(m.rhs[in*out+o])
	}
	return nil
}
