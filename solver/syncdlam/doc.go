// Package syncdlam is synchronised DLAM: DLAM's blocks, made to agree with the
// network's own forward pass at each iteration, with exact layer-wise least
// squares for the weights. On the command line it is called sync.
//
// One iteration, on all samples or on a mini-batch:
//
//  1. Synchronise: z_l and a_l are the forward pass's, so that every φ_l is 0
//     and F is Problem 1's objective.
//  2. Targets, from the last layer to the first: D_L is one proximal-gradient
//     step of eq. 5 (or its full proximal step, mode Prox), and
//     D_{l-1} = (D_l W_l) ∘ h'(z_{l-1}), the a-step of eq. 6 with τ = ρ followed
//     by eq. 4 to first order.
//  3. Weights: (ΔW_l, Δb_l) = argmin mean‖D_l − ΔW a − Δb‖² + λs̄‖ΔW‖², with s̄
//     the mean of the diagonal of the inputs' covariance, over samples and places; in
//     networks with shared weights times a layer's scale (scaleLayers): one inverse a layer,
//     in mini-batches and wide layers exact in the leading directions alone, and
//     in very wide first layers made from the inputs' rows (wide.go).
//  4. Step: all layers move by t along V, the moves of the last iterations.
//     With all samples (type monotone) t is the best one of the Gauss–Newton
//     model of the risk along V, halved until F falls. With mini-batches (type
//     miniBatch) t is Polyak's step (polyakStep); the gradient is taken a little
//     ahead along the last moves (lookahead), and the network is an average of the
//     last parameters (parameterAverage).
//
// Targets travel down through W_lᵀ, the path of backpropagation, under another
// metric; DLAM itself uses only gradients of its own convex subproblems. The
// metric is that of layer-wise least squares: see Amid, Anil & Warmuth,
// "LocoProp" (2022), and Benzing, "Gradient Descent on Neurons and its Link to
// Approximate Second-Order Optimization" (2022).
package syncdlam
