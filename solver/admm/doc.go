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
//
// With Settings.Multipliers All every equation has a multiplier: U_l of Z_l = V_l, and Λ_l of
// h_l(Z_l) = A_l for l < L, so that F has ⟨U_l, Z_l − V_l⟩ and ⟨Λ_l, h_l(Z_l) − A_l⟩ in every
// layer. That is ADMM over a graph whose nodes are the layers' variables, after Zhang & Kleijn
// (Training Deep Neural Networks via Optimization Over Graphs, arXiv 1702.03380, 2017); of that
// paper only the abstract was read, and the updates are derived from the Lagrangian: the
// blocks above, each exact, with U_l and Λ_l in them, in the same order.
//
// Settings.Form Zeng is the method of Zeng, Lin & Yao (A Convergence Analysis of Nonlinearly
// Constrained ADMM in Deep Learning, arXiv 1902.02060, 2019), for activations without kinks.
// It has no Z, and A_L for the outputs:
//
//	F = Σ R(A_L; Y) + Σ Ω(W_l) + Σ_l ⟨Λ_l, h_l(V_l) − A_l⟩ + (β/2)‖h_l(V_l) − A_l‖²
//
// An iteration is (W, b)_L … (W, b)_1, A_1 … A_L, and then all Λ_l. (W, b)_l is fitted by least
// squares to the moved target of its term, V_l − ∇/c with c a bound of the term's curvature,
// which lowers F; A_l minimises its own part and the quadratic around the next layer's moved
// target; A_L is R's proximal step. After an iteration Λ_L = ∇R(A_L). The paper's convergence
// needs inequalities between its weights which only its body has: nothing of it is claimed for
// these settings.
package admm
