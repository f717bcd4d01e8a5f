package dlam_test

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"slices"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/solver/multiconvex"
)

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// Load data, train a network by the paper's algorithm, and use it.
func Example() {
	ctx := context.Background()
	digits := must(dataset.Open(ctx, "digits", dataset.Options{})) // 8×8 pictures, embedded
	scale := must(dataset.Fit(digits.Train, dataset.ScaleUnit, 1))
	train, test := must(scale.Apply(digits.Train)), must(scale.Apply(digits.Test))

	problem := dlam.NewProblem(train.X, train.Target(), loss.CrossEntropy{}, 2)
	problem.TestX, problem.TestY = test.X, test.Target() // to report on; never trained on
	start := must(dlam.NewNetwork([]int{64, 50, 10}, activation.ReLU{}, dlam.He, rand.New(rand.NewPCG(1, 1))))
	method := multiconvex.Solver{Settings: multiconvex.DefaultSettings()}
	result := must(dlam.Run(ctx, method, problem, start, dlam.Options{Iterations: 50}))
	fmt.Println(result.Status, "with three new digits in four right:", result.Last.Test.Accuracy > 0.75)

	outputs := must(result.Network.Predict(test.X, 2)).Row(0)
	fmt.Println("a digit", test.Class[0], "taken for a", slices.Index(outputs, slices.Max(outputs)))
	// Output:
	// completed with three new digits in four right: true
	// a digit 2 taken for a 2
}
