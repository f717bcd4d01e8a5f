package gradient_test

import (
	"context"
	"fmt"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/solver/gradient"
)

// Adam on mini-batches of 32, its rate chosen from a grid by training
// accuracy.
func ExampleChooseRate() {
	p := testprob.Blobs(200, 12, 4, 7)
	n := testprob.Network(p, []int{16}, activation.ReLU{}, dlam.He, 1)
	s := gradient.DefaultSettings(gradient.Adam)
	s.Batch = 32
	chosen, err := gradient.ChooseRate(context.Background(), s, p, n, 10, []float64{1e-6, 0.01}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(chosen.Rate, "chosen")
	// Output: 0.01 chosen
}
