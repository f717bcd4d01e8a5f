// Package split is what the alternating methods with quadratic penalties share
// (ADMM, dlADMM, block coordinate descent): the variables z_l and a_l of every
// layer, the sweeps over blocks of samples, and the updates that have the same
// closed form in several of them.
//
// With V_l = A_{l-1}W_lᵀ + 1b_lᵀ (A_0 = X, samples are rows), all of them
// split the network by
//
//	(β/2)‖Z_l − V_l‖²  and  (γ/2)‖A_l − h_l(Z_l)‖²,
//
// and differ in the weights, in what holds the output, and in order.
package split
