// Package cdlam is DLAM with z_l and a_l of a hidden layer as one block.
//
// From a feasible start with z_l = V_l nothing below the last layer ever moves in
// Algorithm 1 of the paper: E_l = 0, so W_l and b_l have no gradient; a_l moves within
// the band around h(z_l) alone; and then V_l still is in z_l's band, so that z_l stays.
// The coupled block frees them. F is that of Problem 2,
//
//	F = Σ R(Z_L; Y) + Σ Ω(W_l) + Σ_l (ρ/2)‖Z_l − A_{l-1}W_lᵀ − 1b_lᵀ‖²  s.t. |A_l − h(Z_l)| ≤ ε,
//
// and an iteration is, from the last layer down and several times,
//
//	Z_L        argmin R(Z; Y) + (ρ/2)‖Z − V_L‖²
//	(Z, A)_l   argmin (ρ/2)‖Z − V_l‖² + (τ/2)‖A − Â‖² + (κ/2)(ρ‖Z − Z_l‖² + τ‖A − A_l‖²)  s.t. |A − h(Z)| ≤ ε
//
// with Â = A_l − (ρ/τ)E_{l+1}W_{l+1} and a τ a sample such that the model is no less than
// φ_{l+1} where it leads, which is Algorithm 3's test; and then of each layer
//
//	(W, b)_l   argmin (ρ/2)‖Z_l − A_{l-1}Wᵀ − 1bᵀ‖² + Ω(W) + (ρλs̄/2)‖(W, b) − (W_l, b_l)‖²
//
// with s̄ the mean diagonal of the inputs' Gram matrix. Each block's minimiser is found,
// so F never rises, for any ρ, ε and monotone h, though the coupled block is not convex:
// docs/mathematics.md has the inequality. Last, (W, b) go on along their last moves, with
// z and a following, where F is lower there (ahead).
package cdlam
