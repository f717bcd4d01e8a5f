// Package mac is the method of auxiliary coordinates (Carreira-Perpiñán & Wang,
// Distributed Optimization of Deeply Nested Systems, AISTATS 2014; arXiv 1212.5921), in
// its quadratic-penalty form. With V_l = A_{l-1}W_lᵀ + 1b_lᵀ (A_0 = X, samples are rows)
// it minimises
//
//	F_μ = Σ R(V_L; Y) + Σ Ω(W_l) + (μ/2) Σ_{l<L} ‖A_l − h_l(V_l)‖²
//
// over A_l, W_l and b_l, for a μ that grows: μ₀, and after every so many iterations a factor
// more, up to 10¹². An iteration is
//
//	(W, b)_L..(W, b)_1   least squares to the moved target of the term of V_l
//	A_{L-1}..A_1         argmin (μ/2)‖A − h(V_l)‖² + (c/2)‖AW_{l+1}ᵀ + 1b_{l+1}ᵀ − T̂_{l+1}‖², several times
//
// with T̂ and c those of package split: both are models that are nowhere below F_μ and are
// minimised exactly, so that F_μ never rises while μ stays. The authors take Gauss–Newton
// steps in their place, with a factorisation a sample in A's.
//
// h must have no kink. Where v < 0 < a, a ReLU's derivative is 0: no step moves v, and the
// unit does not recover.
package mac
