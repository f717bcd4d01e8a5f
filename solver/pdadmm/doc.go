// Package pdadmm is pdADMM of Wang, Chai, Cheng & Zhao (Toward Model Parallelism for
// Deep Neural Network based on Gradient-free ADMM Framework, ICDM 2020), and its
// quantised form of Wang, Li, Chai, Wang, Cheng & Zhao (Towards Quantized Model
// Parallelism for Graph-Augmented MLPs Based on Gradient-Free ADMM Framework, TNNLS
// 2022). Each layer's input P_l is a variable of its own (P_1 = X), which a multiplier
// ties to the output Q_{l-1} of the layer before. It looks for a saddle point of
//
//	F = Σ R(Z_L; Y) + Σ Ω(W_l) + Σ_l (ρ/2)‖Z_l − V_l‖²
//	    + Σ_{l<L} (ρ/2)‖Q_l − h_l(Z_l)‖² + ⟨U_l, P_{l+1} − Q_l⟩ + (ρ/2)‖P_{l+1} − Q_l‖²
//
// with V_l = P_lW_lᵀ + 1b_lᵀ. An iteration is, each line for all layers at once,
//
//	P_l  argmin F(P_l) + ⟨∇F, P − P_l⟩ + Σ (τ_i/2)‖p_i − p_{l,i}‖²
//	W_l  argmin φ(W_l) + ⟨∇φ, W − W_l⟩ + Σ (θ_i/2)‖w_i − w_{l,i}‖² + Ω(W),  φ = (ρ/2)‖Z_l − V_l‖²
//	b_l  argmin φ
//	Z_l  argmin (ρ/2)(‖Z − V_l‖² + ‖Q_l − h(Z)‖² + ‖Z − Z_l‖²), entry by entry
//	Z_L  argmin R(Z; Y) + (ρ/2)‖Z − V_L‖²
//	Q_l  = (P_{l+1} + U_l/ρ + h(Z_l))/2
//	U_l  ← U_l + ρ(P_{l+1} − Q_l)
//
// F is quadratic in P_l and separates over samples, so the least τ_i that passes has a
// closed form along the gradient, where the papers' search of it ends; θ_i likewise. After
// an iteration that is not quantised U_l = ρ(Q_l − h(Z_l)).
//
// No line needs more of another layer than P, Q and U at the boundary between two, so
// ranks can have the layers (Settings.Parallel): then P_{l+1} and Q_l cross, once an
// iteration, and both sides make the same U_l of them. The result is that of one process,
// bit for bit.
//
// Quantised, P and Q of a layer are of a grid of 2^Bits values, as wide as its first
// activations make it (Settings.Grid), which cross as their numbers:
// Q_l is the grid's nearest to the minimiser, and so the grid's minimiser; P_l the nearest
// to the step, for each sample whose F does not rise by it.
package pdadmm
