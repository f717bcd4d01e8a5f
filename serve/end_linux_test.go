package serve

import (
	"context"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dlam-go/dlam/internal/web"
)

// TestNoRequestIsLost ends a server under load of clients that keep their
// connections and of others that do not. It goes on until all who keep theirs have
// been told that they close, which Drain gives them the time for.
func TestNoRequestIsLost(t *testing.T) {
	l, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := wide(t, 3, func(s *Settings) {
		s.HeaderTimeout, s.Grace, s.ReadTimeout, s.WriteTimeout = time.Minute, time.Minute, time.Minute, time.Hour
	})
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l, log.New(io.Discard, "", 0)) }()
	const clients, keep, least = 16, 8, 3000
	var answered, lost, told atomic.Int64
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			transport := &http.Transport{DisableKeepAlives: c >= keep}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport, Timeout: time.Minute}
			for knows := c >= keep; ; {
				r, err := client.Post("http://"+l.Addr().String()+"/v2/models/m/infer", "application/json", strings.NewReader(rowsOf(1)))
				if err != nil {
					if !strings.Contains(err.Error(), "connection refused") {
						lost.Add(1)
						t.Error(err)
						cancel() // or the others would wait for this client
					}
					return
				}
				_, err = io.Copy(io.Discard, r.Body)
				_ = r.Body.Close()
				if err != nil || r.StatusCode != http.StatusOK {
					t.Errorf("got %d, %v", r.StatusCode, err)
					cancel()
					return
				}
				if answered.Add(1) == least {
					s.ending.Store(true)
				}
				if r.Close && !knows {
					knows = true
					if told.Add(1) == keep {
						cancel()
					}
				}
			}
		})
	}
	wg.Wait()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := answered.Load(); n < least || lost.Load() > 0 {
		t.Errorf("%d answered, %d lost", n, lost.Load())
	}
}
