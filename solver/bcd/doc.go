// Package bcd is block coordinate descent in the three-splitting form of Zeng,
// Lau, Lin & Yao (Global Convergence of Block Coordinate Descent in Deep
// Learning, ICML 2019; arXiv 1803.00225, 2018), and its proximal form of Lau,
// Zeng, Wu & Yao (A Proximal Block Coordinate Descent Algorithm for Deep
// Neural Network Training, 2018), which adds (α/2)‖· − last‖² to every block.
//
// With U_l = Z_l for their pre-activations, V_l = A_l, it minimises
//
//	F = Σ R(A_L; Y) + Σ Ω(W_l) + Σ_l (γ/2)‖A_l − h_l(Z_l)‖² + (ρ/2)‖Z_l − A_{l-1}W_lᵀ − 1b_lᵀ‖²
//
// over A_L, Z_L, (W_L, b_L), then A_l, Z_l, (W_l, b_l) of l = L−1..1, each
// block exactly:
//
//	A_L      argmin R(A; Y) + (γ/2)‖A − Z_L‖² + (α/2)‖A − A_L‖²
//	A_l      argmin (γ/2)‖A − h(Z_l)‖² + (ρ/2)‖Z_{l+1} − AW_{l+1}ᵀ − 1bᵀ‖² + (α/2)‖A − A_l‖²
//	Z_l      argmin (γ/2)‖A_l − h(Z)‖² + (ρ/2)‖Z − V_l‖² + (α/2)‖Z − Z_l‖²
//	(W, b)_l argmin (ρ/2)‖Z_l − A_{l-1}Wᵀ − 1bᵀ‖² + Ω(W) + (α/2)‖(W, b) − (W_l, b_l)‖²
//
// so that F never rises. W and b are one block here, two in the papers.
package bcd
