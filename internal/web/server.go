package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Until answers requests on l with s until ctx ends. Then it takes no new
// connections but those that were made already (on Linux, if l is Listen's, to the
// last of them), and returns when all requests are
// answered, or after cut, with an error that says so if some had to be cut off. It
// closes l. It speaks TLS if s has a configuration for it.
func Until(ctx context.Context, l net.Listener, s *http.Server, cut time.Duration) error {
	ended := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), cut)
		defer cancel()
		settle(end, l)
		err := s.Shutdown(end)
		if err != nil {
			err = errors.Join(fmt.Errorf("requests were cut off: not answered %v after the server was told to end", cut), s.Close())
		}
		ended <- err
	})
	var err error
	if s.TLSConfig != nil {
		err = s.ServeTLS(l, "", "")
	} else {
		err = s.Serve(l)
	}
	if stop() { // Serve failed on its own
		return errors.Join(err, s.Close())
	}
	return <-ended
}

// Listen listens on a TCP address. Multipath TCP, which Go would use, cannot hold
// back connections at the end, see Until.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	return c.Listen(ctx, "tcp", address)
}

// settle lets no new connections begin and waits until those that were made are
// accepted: closing the listener would reset them, with the requests that their
// clients have sent.
func settle(ctx context.Context, l net.Listener) {
	begun := holdBack(l)
	if begun == nil {
		return // the system cannot; connections that wait are reset
	}
	// A connection that began before has its last packet within this time.
	const least, look = 100 * time.Millisecond, 10 * time.Millisecond
	tick := time.NewTicker(look)
	defer tick.Stop()
	for at := time.Now(); time.Since(at) < least || begun() > 0; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Loopback reports whether a request's Host is a name of this machine's own
// loopback address. A server that answers no other names cannot be reached
// through a foreign site whose name was made to resolve to this machine.
func Loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if host == "localhost" {
		return true
	}
	if n := len(host); n > 2 && host[0] == '[' {
		host = host[1 : n-1]
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
