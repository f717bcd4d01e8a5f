package bench

import (
	"fmt"
	"sort"
	"testing"
	"syscall"
	"unsafe"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/backprop"
	"github.com/dlam-go/dlam/internal/kernel"
	"github.com/dlam-go/dlam/internal/pass"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/nn"
	root "github.com/dlam-go/dlam"
)

func TestZZ(t *testing.T) {
	p := testprob.Blobs(6000, 784, 10, 1)
	layers, _ := nn.ParseLayers("conv 16 5x5, max 2, conv 32 5x5, max 2, dense 128")
	n, err := root.NewNetworkFor(root.Shape{Height: 28, Width: 28, Channels: 1}, layers, 10, activation.ReLU{}, root.He, testprob.Rng(1))
	if err != nil {
		t.Fatal(err)
	}
	e := pass.New(1, comm.Self{})
	b, err := backprop.New(e, n.Layers, p.Loss)
	if err != nil {
		t.Fatal(err)
	}
	x, y := p.X.RowRange(0, 125), p.Y.RowRange(0, 125)
	var f, g []float64
	for i := 0; i < 300; i++ {
		s := zzNow()
		b.Risk(x, y)
		f = append(f, (zzNow() - s))
		s = zzNow()
		b.Gradient(x, y)
		g = append(g, (zzNow() - s))
	}
	sort.Float64s(f)
	sort.Float64s(g)
	fmt.Printf("us a sample: forward min %.2f p10 %.2f p30 %.2f, gradient min %.2f p10 %.2f p30 %.2f\n", f[0]/125e-6, f[30]/125e-6, f[90]/125e-6, g[0]/125e-6, g[30]/125e-6, g[90]/125e-6)
}

var _ loss.Loss
var _ kernel.Job
var _ pass.Plan

func zzNow() float64 {
	var ts syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 2, uintptr(unsafe.Pointer(&ts)), 0)
	return float64(ts.Sec) + 1e-9*float64(ts.Nsec)
}
