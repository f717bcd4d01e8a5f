package web_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dlam-go/dlam/internal/web"
)

// TestNoneIsLost ends a server while clients, each request on a connection of its
// own, ask as fast as they can: every request is answered, or its connection is
// refused before anything is sent.
func TestNoneIsLost(t *testing.T) {
	inner, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "done")
	})}
	ended := make(chan error, 1)
	go func() { ended <- web.Until(ctx, web.Fair(inner, 1000), s, time.Minute) }()
	const clients, least = 16, 2000
	var answered atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for {
				c, err := net.DialTimeout("tcp", inner.Addr().String(), 20*time.Second)
				if err != nil {
					if !errors.Is(err, syscall.ECONNREFUSED) {
						t.Errorf("connecting: %v", err)
					}
					return
				}
				_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
				b, readErr := io.ReadAll(c)
				_ = c.Close()
				if err = errors.Join(err, readErr); err != nil || !strings.HasSuffix(string(b), "done") {
					t.Errorf("a request on a connection that was made: %q, %v", b, err)
					return
				}
				if answered.Add(1) == least {
					cancel()
				}
			}
		})
	}
	wg.Wait()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := answered.Load(); n < least {
		t.Errorf("%d requests answered, want %d and more", n, least)
	}
}
