// Package onlineam is online alternating minimisation of Choromanska, Cowen, Kumaravel,
// Luss, Rigotti, Rish, Kingsbury, DiAchille, Gurev, Tejwani & Bouneffouf (Beyond
// Backprop: Online Alternating Minimization with Auxiliary Variables, ICML 2019). The
// pre-activations Z_l of hidden layers, the codes, are variables, and
//
//	F = mean over samples of R(h(Z_{L-1})W_Lᵀ + 1b_Lᵀ; y) + μ Σ_{l<L} ‖Z_l − h(Z_{l-1})W_lᵀ − 1b_lᵀ‖²,  plus Ω
//
// with h(Z_0) = X. A mini-batch is coded anew, from a forward pass Z⁰, the last layer
// first, and then moves each layer once, given the codes:
//
//	Z_{L-1}   lowers R(h(Z)W_Lᵀ + 1b_Lᵀ; y)/(2μ) + ½‖Z − Z⁰‖²
//	Z_l       lowers ½‖h(Z)W_{l+1}ᵀ + 1b_{l+1}ᵀ − Z_{l+1}‖² + ½‖Z − Z⁰‖²
//	(W, b)_l  one step by F's gradient, or the least squares of all batches so far
//
// Z_l takes gradient steps, each of which a sample does only if it lowers its objective:
// the first length is the Gauss–Newton model's, and is halved where it fails. The authors'
// code has Nesterov steps of one length there, and means over units in the place of sums.
//
// The rules for (W, b)_l are the paper's: AM-Adam and AM-SGD step by Adam and by the
// gradient. AM-mem keeps, of hidden layers, averages S of ÃᵀÃ and Q of ÃᵀZ over batches,
// Ã = [A 1] with A the inputs' codes, of which a new batch counts η, and
//
//	(W, b)_l  argmin ½tr(WSWᵀ) − tr(WQ) + (δs̄/2)‖(W, b) − (W_l, b_l)‖² + Ω/(2μn)
//
// with s̄ the mean diagonal of S, by a Cholesky factorisation where the paper has
// coordinate descent, which has been seen to diverge without the δ term; the last layer
// moves by Adam. Q holds codes of the weights of batches ago, so that W lags behind by some
// 1/η batches.
//
// What flows is this: where codes move little, Z_l − Z⁰ is a multiple of −∂R/∂Z_l, layer by
// layer, and a step by F's gradient goes along backpropagation's.
package onlineam
