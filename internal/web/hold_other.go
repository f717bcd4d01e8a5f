//go:build !linux

package web

import "net"

// holdBack needs what Linux has.
func holdBack(net.Listener) func() int { return nil }
