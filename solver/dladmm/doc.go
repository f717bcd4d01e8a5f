// Package dladmm is dlADMM of Wang, Yu, Chen & Zhao (ADMM for Efficient Deep
// Learning with Global Convergence, KDD 2019). It looks for a saddle point of
//
//	F = Σ R(Z_L; Y) + Σ Ω(W_l) + Σ_{l<L} (ν/2)(‖Z_l − V_l‖² + ‖A_l − h_l(Z_l)‖²)
//	    + ⟨U, Z_L − V_L⟩ + (ρ/2)‖Z_L − V_L‖²
//
// with V_l = A_{l-1}W_lᵀ + 1b_lᵀ and a multiplier U of the last layer. With φ
// its quadratic part, ν_l = ν for l < L and ρ for L, an iteration updates
// backwards (A_l, Z_l, b_l, W_l for l = L..1), then forwards (W_l, b_l, Z_l,
// A_l for l = 1..L), each by
//
//	A_l  argmin φ(A_l) + ⟨∇φ, A − A_l⟩ + Σ (τ_i/2)‖a_i − a_{l,i}‖²
//	Z_l  argmin (ν/2)(‖Z − V_l‖² + ‖A_l − h(Z)‖² + ‖Z − Z_l‖²), entry by entry
//	Z_L  argmin R(Z; Y) + ⟨U, Z⟩ + (ρ/2)‖Z − V_L‖²
//	b_l  argmin φ over b
//	W_l  argmin φ(W_l) + ⟨∇φ, W − W_l⟩ + Σ (θ_i/2)‖w_i − w_{l,i}‖² + Ω(W)
//
// and then U ← U + ρ(Z_L − V_L).
//
// The quadratic approximations must not lie below φ at the new point. φ is
// quadratic and separates over samples a_i and rows w_i, so the least τ_i and
// θ_i that pass have a closed form along the gradient, which is where the
// paper's backtracking ends; only where Ω bends the step is there a search.
package dladmm
