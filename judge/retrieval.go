package judge

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"sync"

	"github.com/dlam-go/dlam/mat"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/nn"
)

// Codes are binary codes of samples, for retrieval by Hamming distance (supervised hashing
// as in Zhang, Chen & Saligrama 2016): a bit for each unit of the last hidden layer, 1 where
// its activation is above 0. Of a recurrent layer it is that of the last step, where the output
// layer takes that alone.
type Codes struct {
	Samples, Bits int
	words         []uint64 // of each sample, its first bit the lowest of the first
}

// CodesOf are the codes that m gives transformed samples, a row each, on so many threads, at least 1. It refuses a model
// without a hidden layer, and one whose last hidden layer has no activation below or at 0, as
// sigmoid: all codes would be alike.
func CodesOf(m *model.Model, x mat.Dense, threads int) (Codes, error) {
	n := *m.Network
	if len(n.Layers) < 2 {
		return Codes{}, errors.New("codes: the model has no hidden layer whose signs they are")
	}
	last, below := n.Layers[len(n.Layers)-1], []float32{-1}
	n.Layers = n.Layers[:len(n.Layers)-1]
	h := n.Layers[len(n.Layers)-1].H
	if h.Apply(below, below); below[0] > 0 {
		return Codes{}, fmt.Errorf("codes: all values of %v are above 0, so that all bits would be 1: the last hidden layer must have another activation, as relu or tanh", h.Spec())
	}
	a, err := n.Predict(x, threads)
	if err != nil {
		return Codes{}, err
	}
	if err := model.Finite(a); err != nil {
		return Codes{}, err
	}
	if end, ok := last.Map.(nn.Last); ok { // the steps before are of unequal number
		a = end.Rows(mat.New(a.Rows, end.Inputs), a)
	}
	c := Codes{Samples: a.Rows, Bits: a.Cols}
	c.words = make([]uint64, c.Samples*c.length())
	for i := range a.Rows {
		to := c.of(i)
		for j, v := range a.Row(i) {
			if v > 0 {
				to[j/64] |= 1 << (j % 64)
			}
		}
	}
	return c, nil
}

// length is the number of words of a code.
func (c Codes) length() int { return (c.Bits + 63) / 64 }

func (c Codes) of(i int) []uint64 { return c.words[i*c.length() : (i+1)*c.length()] }

// Text is sample i's code: a 0 or a 1 for each unit, in their order.
func (c Codes) Text(i int) string {
	var b strings.Builder
	for j := range c.Bits {
		b.WriteByte('0' + byte(c.of(i)[j/64]>>(j%64)&1))
	}
	return b.String()
}

// Retrieval is how well samples find those of their class in a database by their codes.
type Retrieval struct {
	Queries  int `json:"queries"`
	Database int `json:"database"`
	Bits     int `json:"bits"`
	// MAP is the mean over queries of the average precision Σ_d (R_d − R_{d−1})·P_d over
	// the Hamming distances d from 0 on: of the samples of the database that are not farther
	// than d, P_d is the share of the query's class, and R_d that in all of its class. Samples
	// at one distance come together, so that their order says nothing.
	MAP float64 `json:"mean_average_precision"`
	// Without is the number of queries of whose class the database has none; they are not
	// in the mean.
	Without int `json:"queries_without_class,omitempty"`
}

// Retrieve looks for every query in the database, which have codes of the same length and
// a class each, on so many threads, at least 1. It is an error if no query's class is in the database.
func Retrieve(queries, database Codes, of, in []int32, threads int) (Retrieval, error) {
	if queries.Bits != database.Bits || len(of) != queries.Samples || len(in) != database.Samples {
		panic(fmt.Sprintf("judge.Retrieve: %d codes of %d bits with %d classes in %d of %d with %d",
			queries.Samples, queries.Bits, len(of), database.Samples, database.Bits, len(in)))
	}
	if threads < 1 {
		return Retrieval{}, fmt.Errorf("threads: got %d, want at least 1", threads)
	}
	precision := make([]float64, queries.Samples) // of a query without its class, -1
	var wait sync.WaitGroup
	for t := range threads {
		lo, hi := queries.Samples*t/threads, queries.Samples*(t+1)/threads
		wait.Go(func() {
			all, right := make([]int, queries.Bits+1), make([]int, queries.Bits+1)
			for q := lo; q < hi; q++ {
				clear(all)
				clear(right)
				count(all, right, queries.of(q), of[q], database, in)
				precision[q] = averagePrecision(all, right)
			}
		})
	}
	wait.Wait()
	r := Retrieval{Queries: queries.Samples, Database: database.Samples, Bits: queries.Bits}
	for _, p := range precision {
		if p < 0 {
			r.Without++
		} else {
			r.MAP += p
		}
	}
	if r.Without == r.Queries {
		return r, errors.New("retrieval: the database has no sample of any query's class")
	}
	r.MAP /= float64(r.Queries - r.Without)
	return r, nil
}

// count adds up, by Hamming distance from a query, the samples of the database, and those
// that are of its class.
func count(all, right []int, query []uint64, class int32, database Codes, in []int32) {
	words := database.words
	for i, y := range in {
		d := 0
		for k, w := range query {
			d += bits.OnesCount64(w ^ words[i*len(query)+k])
		}
		all[d]++
		if y == class {
			right[d]++
		}
	}
}

// averagePrecision is that of one query, or -1 without anything right.
func averagePrecision(all, right []int) float64 {
	var seen, found int
	var sum float64
	for d, n := range right {
		seen, found = seen+all[d], found+n
		if n > 0 {
			sum += float64(n) * float64(found) / float64(seen)
		}
	}
	if found == 0 {
		return -1
	}
	return sum / float64(found)
}
