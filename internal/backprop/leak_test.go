package backprop_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain holds that no test leaves a goroutine running.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
