package serve_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/model"
)

// BenchmarkInfer is a whole request without the network, of pictures of 28×28
// through hidden layers of 500.
func BenchmarkInfer(b *testing.B) {
	n, err := dlam.NewNetwork([]int{784, 500, 500, 10}, activation.ReLU{}, dlam.He, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		b.Fatal(err)
	}
	s := newServer(b, &model.Model{Network: n, Loss: loss.CrossEntropy{}, Classes: strings.Split("0123456789", ""),
		Transform: dataset.Transform{Inputs: 784, Pool: 1, Shift: []float32{0}, Factor: []float32{1. / 255}}}, nil)
	for _, rows := range []int{1, 100} {
		body := tensor("UINT8", fmt.Sprintf("[%d,784]", rows), "["+strings.Repeat("0,0,0,253,", rows*784/4-1)+"0,0,0,9]")
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if w := ask(s, "POST", inferPath, body); w.Code != http.StatusOK {
					b.Fatalf("got %d, %s", w.Code, w.Body)
				}
			}
			b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
