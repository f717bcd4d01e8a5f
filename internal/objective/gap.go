package objective

import (
	"math"

	"github.com/dlam-go/dlam/mat"
)

// gaps sums (a − h(z))² over samples, layer by layer.
type gaps struct {
	e      *Engine
	layers []Layer
	z, a   []mat.Dense
	sums   []float64 // per worker, of each layer
}

// Gaps is the root mean square of a_l − h(z_l) in each layer that has an a,
// over all ranks' samples.
func (e *Engine) Gaps(layers []Layer, z, a []mat.Dense) ([]float64, error) {
	if len(a) == 0 {
		return nil, nil
	}
	g := &gaps{e: e, layers: layers, z: z, a: a, sums: make([]float64, len(a)*e.Pool.Threads())}
	e.Pool.Run(g)
	sum := make([]float64, len(a)+1)
	for i, v := range g.sums {
		sum[i%len(a)] += v
	}
	sum[len(a)] = float64(a[0].Rows)
	if err := e.Comm.Sum(sum); err != nil {
		return nil, err
	}
	rms := sum[:len(a)]
	for l := range rms {
		rms[l] = math.Sqrt(rms[l] / (sum[len(a)] * float64(a[l].Cols)))
	}
	return rms, nil
}

// Do sums over the worker's rows.
func (g *gaps) Do(worker int) {
	lo, hi := g.e.Rows(g.a[0].Rows, worker)
	for l, a := range g.a {
		h := make([]float32, a.Cols)
		var sum float64
		for i := lo; i < hi; i++ {
			g.layers[l].H.Apply(h, g.z[l].Row(i))
			for j, v := range a.Row(i) {
				d := float64(v) - float64(h[j])
				sum += d * d
			}
		}
		g.sums[worker*len(g.a)+l] = sum
	}
}
