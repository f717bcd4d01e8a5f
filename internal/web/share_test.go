package web_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/dlam-go/dlam/internal/web"
)

// TestShare holds that no client takes what others need, and that all of it
// comes back.
func TestShare(t *testing.T) {
	a, b, c := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")
	s := web.NewShare(100)
	take := func(client netip.Addr) (n int64) {
		for s.Take(client, 1) {
			n++
		}
		return n
	}
	got := [3]int64{take(a), take(b), take(c)}
	if want := [3]int64{50, 25, 13}; got != want { // half of what is left each time
		t.Errorf("one after the other took %d, want %d", got, want)
	}
	if used := s.Used(); used != 0.88 {
		t.Errorf("used: %g, want 0.88", used)
	}
	if s.Take(a, 1) {
		t.Error("who has more than is left got more")
	}
	s.Give(a, 50)
	s.Give(b, 25)
	s.Give(c, 13)
	if s.Used() != 0 || !s.Take(b, 50) || s.Take(b, 1) {
		t.Error("what was given back is not there")
	}
	if s.Take(c, 51) || !s.Take(c, 50) {
		t.Error("a newcomer may have all that is left, and no more")
	}
}

func TestClient(t *testing.T) {
	for remote, want := range map[string]string{
		"10.0.0.1:80": "10.0.0.1", "[::ffff:10.0.0.1]:80": "10.0.0.1", "[fe80::1%eth0]:80": "fe80::",
		"[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::", "nonsense": "invalid IP",
	} {
		if got := web.Client(remote).String(); got != want {
			t.Errorf("%s: got %s, want %s", remote, got, want)
		}
	}
}

// TestFair holds that one client's connections leave room, and come back when
// they end.
func TestFair(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := web.Fair(inner, 4)
	defer func() { _ = l.Close() }()
	taken := make(chan net.Conn, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			taken <- c
		}
	}()
	dial := func() net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	first, second, third := dial(), dial(), dial()
	if _, err := third.Read(make([]byte, 1)); err == nil {
		t.Error("the third connection of four for one client was not closed")
	}
	one := <-taken
	_ = one.Close()
	_ = one.Close() // counts once
	if _, err := first.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end", err)
	}
	fourth := dial()
	two, three := <-taken, <-taken
	for _, c := range []net.Conn{first, second, third, fourth, two, three} {
		_ = c.Close()
	}
	_ = l.Close()
	<-done
}
