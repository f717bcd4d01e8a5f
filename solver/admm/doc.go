// Package admm is the method of Taylor, Burmeister, Xu, Singh, Patel &
// Goldstein (Training Neural Networks Without Gradients: A Scalable ADMM
// Approach, ICML 2016, Algorithm 1). It looks for a saddle point of
//
//	F = Σ R(Z_L; Y) + ⟨U, Z_L − V_L⟩ + Σ Ω(W_l) + Σ_l (β/2)‖Z_l − V_l‖² + Σ_{l<L} (γ/2)‖A_l − h_l(Z_l)‖²
//
// with V_l = A_{l-1}W_lᵀ + 1b_lᵀ and a multiplier U of the last layer alone
// (β and γ are halved against the paper's). For l = 1..L:
//
//	(W, b)_l argmin ‖Z_l − A_{l-1}Wᵀ − 1bᵀ‖², the pseudo-inverse's solution
//	A_l      argmin (γ/2)‖A − h(Z_l)‖² + (β/2)‖Z_{l+1} − AW_{l+1}ᵀ − 1bᵀ‖²
//	Z_l      argmin (γ/2)‖A_l − h(Z)‖² + (β/2)‖Z − V_l‖², entry by entry
//	Z_L      argmin R(Z; Y) + ⟨U, Z⟩ + (β/2)‖Z − V_L‖²
//	U        ← U + β(Z_L − V_L), after the warm start
//
// The intercepts, which the paper leaves out, are a column of ones beside
// A_{l-1}. Unlike the paper's Algorithm 1, which starts from Gaussian Z and A,
// a run starts from the given network, as the other methods do.
package admm
