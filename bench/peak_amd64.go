package bench

import "golang.org/x/sys/cpu"

//go:noescape
func fmaAVX512(n int)

//go:noescape
func fmaAVX2(n int)

// peak is a loop of fused multiply-adds in registers: what no product can
// exceed.
type peak struct {
	name  string
	run   func(n int)
	flops float64 // of one turn
}

func peaks() (p []peak) {
	if cpu.X86.HasAVX512F {
		p = append(p, peak{"fma-avx512", fmaAVX512, 2 * 16 * 16})
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		p = append(p, peak{"fma-avx2", fmaAVX2, 2 * 12 * 8})
	}
	return p
}
