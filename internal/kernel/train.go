package kernel

import "math"

// AdamRule is the constants of an update by Adam (Kingma & Ba 2015). The
// memories of a dead unit decay into subnormal numbers, which processors are
// slow with: they are 0 below Least.
type AdamRule struct {
	Rate                 float32 // divided by 1−β₁ᵗ
	Beta1, One1          float32 // β₁, 1−β₁
	Beta, One            float32 // β, 1−β
	Unbias, Delta, Least float32 // 1/(1−βᵗ), δ
}

func adamGo(k *AdamRule, w, g, m, s []float32) {
	g, m, s = g[:len(w)], m[:len(w)], s[:len(w)]
	for i, x := range g {
		m[i] = k.normal(k.Beta1*m[i] + k.One1*x)
		s[i] = k.normal(k.Beta*s[i] + k.One*x*x)
		w[i] -= k.Rate * m[i] / (float32(math.Sqrt(float64(s[i]*k.Unbias))) + k.Delta)
	}
}

// normal is x, or 0 where x no longer counts.
func (k *AdamRule) normal(x float32) float32 {
	if x < k.Least && x > -k.Least {
		return 0
	}
	return x
}

func reluDerivGo(dst, g, z []float32) {
	dst, g = dst[:len(z)], g[:len(z)]
	for i, x := range z {
		d := g[i]
		if x <= 0 {
			d = 0
		}
		dst[i] = d
	}
}

func addToFloat32Go(dst []float32, b float32, sum []float64, a float32) {
	dst = dst[:len(sum)]
	for i, v := range sum {
		dst[i] = a*float32(v) + b*dst[i]
	}
}
