// Package lifted trains lifted networks: with V_l = A_{l-1}W_lᵀ + 1b_lᵀ (A_0 = X, samples
// are rows) it minimises
//
//	F = Σ R(V_L; Y) + Σ Ω(W_l) + γ Σ_{l<L} D_l(A_l, V_l)
//
// over A_l in the closed range of h_l, W_l and b_l, with one of two penalties D for
// A_l = h_l(V_l). No derivative of h is in any update.
//
// Fenchel (Gu, Askari & El Ghaoui, Fenchel Lifted Networks, AISTATS 2020; the lifted
// Bregman penalty of Wang & Benning, JMLR 24(232), 2023, is the same): with Φ' = h and its
// conjugate Φ*
//
//	D(a, v) = Φ(v) + Φ*(a) − av ≥ 0, and 0 exactly where a = h(v).
//
// Quadratic, D = ½‖a − v‖², for h that are the projection onto their range (Askari,
// Negiar, Sambharya & El Ghaoui, Lifted Neural Networks, 2018). It is not 0 at a = h(v)
// where h cuts, so that its minimiser is not that of the network. With α > 0 or θ < 1
// it is the Tikhonov form of Zhang & Brand (NIPS 2017): each block x goes to x_k + θ(x* − x_k)
// with x* of F(x) + (α/2)‖x − x_k‖².
//
// An iteration with all samples is A_{L-1}..A_1, then (W, b)_L..(W, b)_1. F is convex in
// each block, and a block is lowered by the minimiser of a model that is nowhere below F:
//
//	(W, b)_l  least squares to the moved target of the term of V_l (package split)
//	A_l       argmin γ(Φ*(a) − av) + ⟨G, a⟩ + τ sup h' B(a, A_l), several times
//
// with G the gradient of the next layer's term by A_l, B the Bregman distance of Φ*, and a τ
// a sample for which the move Δ passes c‖ΔW_{l+1}ᵀ‖² ≤ τ‖Δ‖², where c bounds the curvature of
// that term. So F never rises. With G and V the a-step is
// h((γv − G + τ sup h' h⁻¹(a))/(γ + τ sup h')).
//
// In mini-batches, as the authors run the Fenchel form, A starts from a forward pass in each
// batch, and the (W, b)-steps, three of a layer, have (α/2)‖(W, b) − (W_l, b_l)‖², ten times
// that in the output layer; sums over the batch are not divided by its samples.
package lifted
