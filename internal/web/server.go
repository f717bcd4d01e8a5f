package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Until answers requests on l with s until ctx ends. Then it takes no new ones
// and returns when those under way are answered, or after drain, with an error
// that says so if some had to be cut off. It closes l.
func Until(ctx context.Context, l net.Listener, s *http.Server, drain time.Duration) error {
	ended := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		err := s.Shutdown(end)
		if err != nil {
			err = errors.Join(fmt.Errorf("requests were cut off: not answered %v after the server was told to end", drain), s.Close())
		}
		ended <- err
	})
	err := s.Serve(l)
	if stop() { // Serve failed on its own
		return errors.Join(err, s.Close())
	}
	return <-ended
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
