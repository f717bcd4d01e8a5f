// Package gradient holds the first-order methods that alternating minimisation
// is compared with: backpropagation and an update rule for each parameter, on
// all samples at a time, as the paper compares, or on mini-batches.
//
// All minimise (1/n)·(Σ_i R(z_i; y_i) + Σ_l Ω(W_l)), the mean of the objective
// that the other solvers state as a sum, so that a rate does not depend on the
// number of samples. With g its gradient, w a parameter and η the rate:
//
//	sgd       w ← w − ηg                                        (Cauchy 1847; Robbins & Monro 1951)
//	momentum  v ← μv + g; w ← w − ηv                            (Polyak 1964)
//	nesterov  v ← μv + g; w ← w − η(g + μv)                     (Nesterov 1983, as Sutskever et al. 2013)
//	adagrad   s ← s + g²; w ← w − ηg/(√s + δ)                   (Duchi, Hazan & Singer 2011)
//	rmsprop   s ← βs + (1−β)g²; w ← w − ηg/(√s + δ)             (Tieleman & Hinton 2012)
//	adadelta  s ← βs + (1−β)g²; d = g·√(u+δ)/√(s+δ);
//	          u ← βu + (1−β)d²; w ← w − ηd                      (Zeiler 2012)
//	adam      m ← β₁m + (1−β₁)g; s ← βs + (1−β)g²;
//	          w ← w − η(m/(1−β₁ᵗ))/(√(s/(1−βᵗ)) + δ)            (Kingma & Ba 2015)
//	amsgrad   adam with max over time of s in place of s        (Reddi, Kale & Kumar 2018)
//	adamw     w ← (1 − ηλ)w, then adam's step                   (Loshchilov & Hutter 2019)
//	muon      for a layer's weights M ← μM + G;
//	          W ← (1 − ηλ)W − η√max(1, d_l/d_{l-1})·orth(G + μM),
//	          orth by five Newton–Schulz steps; adam for b      (Jordan et al. 2024)
//	schedule-free  with g at y: s ← βs + (1−β)g²;
//	          z ← z − η(g/(√(s/(1−βᵗ)) + δ) + λy);
//	          x ← (1−c)x + cz, c = ηₜ²/Σηᵢ²; y = (1−β₁)z + β₁x;
//	          the network is x                                  (Defazio et al. 2024)
//
// With binary weights each rule moves a real W and a gain a unit by the gradient at
// diag(g)·H·sign(W), which is the network's (Courbariaux, Bengio & David 2015); of the
// schedule-free rule that of the averages of W and g.
package gradient
