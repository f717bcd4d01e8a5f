// Package split is what alternating methods with variables of samples share, but for
// those of solver/multiconvex: the variables of every layer, the sweeps over blocks of
// samples, and the updates that have the same closed form in several of them.
//
// With V_l = A_{l-1}W_lᵀ + 1b_lᵀ (A_0 = X, samples are rows), methods with z split the
// network by
//
//	(β/2)‖Z_l − V_l‖²  and  (γ/2)‖A_l − h_l(Z_l)‖²,
//
// and differ in the weights, in what holds the output, and in order. Those without
// (Options.NoZ) have a Term of V_l itself in the place of both.
package split
