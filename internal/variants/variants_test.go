package variants_test

import (
	"slices"
	"testing"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/variants"
	"github.com/dlam-go/dlam/loss"
)

func TestOf(t *testing.T) {
	got := variants.Of([]activation.Func{activation.Tanh{}, activation.LeakyReLU{Slope: 0.5}})
	if want := []activation.Func{activation.Tanh{}, activation.LeakyReLU{Slope: 0.5}, activation.LeakyReLU{Slope: 0.125}, activation.LeakyReLU{Slope: 1}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	losses := variants.Of([]loss.Loss{loss.Huber{Delta: 1}})
	if want := []loss.Loss{loss.Huber{Delta: 1}, loss.Huber{Delta: 0.25}, loss.Huber{Delta: 1.625}}; !slices.Equal(losses, want) {
		t.Errorf("got %v, want %v", losses, want)
	}
}
