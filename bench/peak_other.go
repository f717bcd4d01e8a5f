//go:build !amd64

package bench

type peak struct {
	name  string
	run   func(n int)
	flops float64
}

func peaks() []peak { return nil }
