package memory

import (
	"errors"
	"testing"
)

// TestRoom holds that what is held counts against a limit that is allowed, and
// not against what the machine has left.
func TestRoom(t *testing.T) {
	if err := Room("training", 40, 60, 100, 1); err != nil {
		t.Errorf("within the limit: %v", err)
	}
	err := Room("training", 41<<10, 60<<10, 100<<10, 1)
	var e *Error
	if !errors.As(err, &e) || err.Error() != "training would take 101 kB of memory, 100 kB is allowed" {
		t.Errorf("got %v", err)
	}
	free := Available(1)
	if free == 0 {
		t.Skip("the system does not say how much memory it has")
	}
	if err := Room("training", 1e18, free/8, 0, 1); err != nil {
		t.Errorf("an eighth of what is free: %v", err)
	}
	if err := Room("training", 0, 1e18, 0, 1); !errors.As(err, &e) || e.Allowed {
		t.Errorf("far more than there is: %v", err)
	}
}

func TestSize(t *testing.T) {
	for b, want := range map[float64]string{0: "0 B", 12: "12 B", 1536: "1.5 kB", 999 << 20: "999 MB", 1 << 30: "1 GB", 5 << 50: "5.12e+03 TB"} {
		if got := Size(b); got != want {
			t.Errorf("%g: got %s, want %s", b, got, want)
		}
	}
}
