// Package fixedseed runs the random searches of tests from a seed that is the same
// each time, so that a test that passes once passes always. -rapid.seed, or
// RAPID_SEED in the environment, asks for others.
package fixedseed

import (
	"flag"
	"testing"

	"pgregory.net/rapid"
)

// Check is rapid.Check with seed 1, if no other is asked for.
func Check(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	const name = "rapid.seed"
	if flag.Lookup(name).Value.String() == "0" {
		if err := flag.Set(name, "1"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, property)
}
