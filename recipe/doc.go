// Package recipe makes a good network out of samples and a method. It chooses
// what suits them (the network's widths, the scaling of features, the mini-batch,
// damping, weight decay, label smoothing, random moves of pictures, how long to
// train), holds samples back for testing and for choosing the network, trains,
// saves the run as it goes on, and makes the model. The command line is one
// caller of it, a Go program another, and both get the same network to the last
// bit:
//
//	data := recipe.Rows(samples, labels)
//	m, err := recipe.Train(ctx, data, recipe.Options{Seed: 1})
//	…
//	p, err := m.Predict(rows) // p.Labels, p.Outputs
//	err = m.Save("model.safetensors")
//
// Train does three things that can be had one by one: Prepare makes a Plan, which
// says all that was chosen; Plan.Start makes a Run, in a folder or in memory; and
// Run.Train trains.
package recipe
