package gradient

import (
	"math"

	"github.com/dlam-go/dlam/internal/kernel"
)

// constants are a rule's, for one update.
type constants struct {
	rate, mu, beta1, beta, delta float32
	unbias1, unbias              float32 // 1/(1−β₁ᵗ), 1/(1−βᵗ)
	decay                        float32 // λ, 0 of intercepts
	average                      float32 // c of schedule-free
}

// constants are those of update number t, 1 for the first.
func (s Settings) constants(rate float64, t int) constants {
	k := constants{
		rate: float32(rate), mu: float32(s.Mu), beta1: float32(s.Beta1), beta: float32(s.Beta), delta: float32(s.Delta),
		unbias1: float32(1 / (1 - math.Pow(s.Beta1, float64(t)))),
		unbias:  float32(1 / (1 - math.Pow(s.Beta, float64(t)))),
	}
	return k
}

// moments is the number of memories of each parameter that the rule keeps.
func (r Rule) moments() int {
	switch r {
	case SGD:
		return 0
	case Adadelta, Adam, AdamW, Muon:
		return 2
	case AMSGrad, ScheduleFree:
		return 3
	}
	return 1
}

// update moves the parameters w by their gradient g, with memories m of the
// same length.
func (r Rule) update(k constants, w, g []float32, m [3][]float32) {
	g = g[:len(w)]
	switch r {
	case SGD:
		for i, x := range g {
			w[i] -= k.rate * x
		}
	case Momentum:
		v := m[0][:len(w)]
		for i, x := range g {
			v[i] = normal(k.mu*v[i] + x)
			w[i] -= k.rate * v[i]
		}
	case Nesterov:
		v := m[0][:len(w)]
		for i, x := range g {
			v[i] = normal(k.mu*v[i] + x)
			w[i] -= k.rate * (x + k.mu*v[i])
		}
	case Adagrad:
		s := m[0][:len(w)]
		for i, x := range g {
			s[i] += x * x
			w[i] -= k.rate * x / (sqrt(s[i]) + k.delta)
		}
	case RMSProp:
		s := m[0][:len(w)]
		for i, x := range g {
			s[i] = normal(k.beta*s[i] + (1-k.beta)*x*x)
			w[i] -= k.rate * x / (sqrt(s[i]) + k.delta)
		}
	case Adadelta:
		k.adadelta(w, g, m[0], m[1])
	case Adam:
		k.adam(w, g, m[0], m[1])
	case AdamW, Muon: // muon's intercepts, and binary weights' gains
		k.shrink(w)
		k.adam(w, g, m[0], m[1])
	case ScheduleFree:
		k.scheduleFree(w, g, m[0], m[1], m[2])
	case AMSGrad:
		k.amsgrad(w, g, m[0], m[1], m[2])
	}
}

func (k constants) adadelta(w, g, s, u []float32) {
	s, u = s[:len(w)], u[:len(w)]
	for i, x := range g {
		s[i] = normal(k.beta*s[i] + (1-k.beta)*x*x)
		d := x * sqrt((u[i]+k.delta)/(s[i]+k.delta))
		u[i] = normal(k.beta*u[i] + (1-k.beta)*d*d)
		w[i] -= k.rate * d
	}
}

func (k constants) adam(w, g, m, s []float32) {
	rule := kernel.AdamRule{
		Rate: k.rate * k.unbias1, Beta1: k.beta1, One1: 1 - k.beta1, Beta: k.beta, One: 1 - k.beta,
		Unbias: k.unbias, Delta: k.delta, Least: least,
	}
	kernel.Adam(&rule, w, g, m, s)
}

// shrink is the decoupled decay of w.
func (k constants) shrink(w []float32) {
	if k.decay > 0 {
		kernel.Axpby(w, 1-k.rate*k.decay, 0, w)
	}
}

// scheduleFree moves y by its gradient g, with the iterate z, the average of
// squared gradients s, and the average x of z.
func (k constants) scheduleFree(y, g, z, s, x []float32) {
	z, s, x = z[:len(y)], s[:len(y)], x[:len(y)]
	for i, d := range g {
		s[i] = normal(k.beta*s[i] + (1-k.beta)*d*d)
		z[i] -= k.rate * (d/(sqrt(s[i]*k.unbias)+k.delta) + k.decay*y[i])
		x[i] += k.average * (z[i] - x[i])
		y[i] = (1-k.beta1)*z[i] + k.beta1*x[i]
	}
}

func (k constants) amsgrad(w, g, m, s, most []float32) {
	m, s, most = m[:len(w)], s[:len(w)], most[:len(w)]
	rate := k.rate * k.unbias1
	for i, x := range g {
		m[i] = normal(k.beta1*m[i] + (1-k.beta1)*x)
		s[i] = normal(k.beta*s[i] + (1-k.beta)*x*x)
		most[i] = max(most[i], s[i])
		w[i] -= rate * m[i] / (sqrt(most[i]*k.unbias) + k.delta)
	}
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

const least = 1e-30

// normal is x, or 0 where x no longer counts: the memories of a dead unit
// decay into subnormal numbers, which processors are slow with.
func normal(x float32) float32 {
	if x < least && x > -least {
		return 0
	}
	return x
}
