package web

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// Share divides a limited good between clients by their addresses: a client may
// hold as much as is left for the others. One alone gets half of it, of n who all
// want more each gets 1/(n+1), and some is left for who comes next.
type Share struct {
	mu   sync.Mutex
	most int64
	used int64
	held map[netip.Addr]int64
}

// NewShare divides most units.
func NewShare(most int64) *Share { return &Share{most: most, held: map[netip.Addr]int64{}} }

// Take gives client n units, or none.
func (s *Share) Take(client netip.Addr, n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[client]+n > s.most-s.used {
		return false
	}
	s.used += n
	s.held[client] += n
	return true
}

// Give takes n units back from client, which has as many.
func (s *Share) Give(client netip.Addr, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= n
	if s.held[client] -= n; s.held[client] == 0 {
		delete(s.held, client)
	}
}

// Used is the share of all units that is taken, from 0 to 1.
func (s *Share) Used() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return float64(s.used) / float64(s.most)
}

// Client is who sends from a remote address as net/http writes it: an address of
// IPv4, or a network of 64 bits of IPv6, which one host may have to itself.
func Client(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	a := at.Addr().Unmap().WithZone("")
	if a.Is6() {
		p, _ := a.Prefix(64) // an address has so many bits
		return p.Addr()
	}
	return a
}

// Fair is l with at most most connections at a time, divided between clients by
// their addresses: one that has its share gets further connections closed.
func Fair(l net.Listener, most int) net.Listener {
	return &fairListener{l, NewShare(int64(most))}
}

type fairListener struct {
	net.Listener
	share *Share
}

// SyscallConn gives access to the socket.
func (l *fairListener) SyscallConn() (syscall.RawConn, error) {
	if c, ok := l.Listener.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// Accept is the next connection of a client that may have one more.
func (l *fairListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		client := Client(c.RemoteAddr().String())
		if l.share.Take(client, 1) {
			return &fairConn{Conn: c, end: sync.OnceFunc(func() { l.share.Give(client, 1) })}, nil
		}
		_ = c.Close()
	}
}

type fairConn struct {
	net.Conn
	end func()
}

// Close ends the connection.
func (c *fairConn) Close() error {
	c.end()
	return c.Conn.Close()
}
