//go:build !unix

package machine

import "time"

// ProcessorTime tells nothing on this system.
func ProcessorTime() (spent time.Duration, told bool) { return 0, false }
