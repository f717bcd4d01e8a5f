package serve

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/dlam-go/dlam/internal/web"
)

// Server answers predictions of models.
type Server struct {
	set     Settings
	models  atomic.Pointer[catalogue]
	room    *room
	large   chan struct{} // has a place for each large request that is computed at a time
	metrics *metrics
	buffers sync.Pool // of *buffer
	bulk    sync.Pool // of *buffer that are large
	mux     *http.ServeMux
	foreign *http.CrossOriginProtection
	rpc     *grpc.Server
	tokens  atomic.Pointer[[]token]
	ending  atomic.Bool // the server was told to end
}

var _ http.Handler = (*Server)(nil)

// New serves models, which must not change afterwards: at least one, each under
// a name and version of its own.
func New(set Settings, models ...Model) (*Server, error) {
	if err := set.Validate(); err != nil {
		return nil, err
	}
	s := &Server{
		set: set, room: newRoom(set), large: make(chan struct{}, set.MaxLarge), metrics: newMetrics(),
		mux: http.NewServeMux(), foreign: http.NewCrossOriginProtection(),
	}
	all, err := s.newCatalogue(models)
	if err != nil {
		return nil, err
	}
	s.models.Store(&all)
	s.rpc = s.newGRPC()
	s.routes()
	return s, nil
}

// Replace serves models instead, from the next request on: those under way end
// with the model that they began with. On an error nothing changes.
func (s *Server) Replace(models ...Model) error {
	all, err := s.newCatalogue(models)
	if err == nil {
		s.models.Store(&all)
	}
	s.metrics.replaced(err)
	return err
}

func (s *Server) routes() {
	const get, post = http.MethodGet, http.MethodPost
	s.handle("/v2", "server", get, s.describeServer)
	s.handle("/v2/{$}", "server", get, s.describeServer)
	s.handle("/v2/health/live", "live", get, func(w *exchange, _ *http.Request) error {
		return reply(w, map[string]bool{"live": true})
	})
	s.handle("/v2/health/ready", "ready", get, s.serverReady)
	for _, path := range []string{"/v2/models/{name}", "/v2/models/{name}/versions/{version}"} {
		s.handle(path, "model", get, s.describeModel)
		s.handle(path+"/ready", "model_ready", get, s.modelReady)
		s.handle(path+"/infer", "infer", post, s.infer)
	}
	s.handle("/healthz", "healthz", get, func(w *exchange, _ *http.Request) error {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n")) // one who has gone needs no answer
		return nil
	})
	page := s.metrics.page()
	s.mux.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) { // does not count itself
		err := s.guard(w, r)
		if err == nil {
			err = s.authorized(r)
		}
		if err != nil {
			refuse(w, err)
			return
		}
		page.ServeHTTP(w, r)
	})
	for service, info := range s.rpc.GetServiceInfo() {
		for _, m := range info.Methods {
			answer := s.call
			if m.IsClientStream || m.IsServerStream {
				answer = s.stream
			}
			s.handle("/"+service+"/"+m.Name, "grpc_"+m.Name, post, answer)
		}
	}
	s.handle("/", "none", "", func(_ *exchange, r *http.Request) error {
		return failure{http.StatusNotFound, fmt.Sprintf("nothing is served at %q", short(r.URL.Path))}
	})
}

// handle answers pattern with answer, if the method is the given one; none means
// any. answer writes an answer, or returns the error that is to be told.
func (s *Server) handle(pattern, name, method string, answer func(*exchange, *http.Request) error) {
	m := s.metrics.endpoint(name)
	open := name == "live" || name == "ready" || name == "healthz" || pattern == healthCheck
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		s.metrics.underWay.Inc()
		x := &exchange{ResponseWriter: w}
		r, span := s.trace(r, pattern)
		defer func() {
			s.metrics.underWay.Dec()
			took := time.Since(began)
			m.observe(x.status(), x.rpc, took)
			span.end(x)
			s.log(x, r, name, took)
		}()
		err := s.guard(x, r)
		if err == nil && !open {
			err = s.authorized(r)
		}
		if err == nil && method != "" && r.Method != method && (r.Method != http.MethodHead || method != http.MethodGet) {
			w.Header().Set("Allow", method)
			err = failure{http.StatusMethodNotAllowed, fmt.Sprintf("%s is not answered here, only %s", short(r.Method), method)}
		}
		if err == nil {
			err = answer(x, r)
		}
		if err != nil {
			refuse(x, err)
		}
	})
}

// noSniff and noStore are values of headers that all answers share.
var noSniff, noStore = []string{"nosniff"}, []string{"no-store"}

// guard refuses what other sites' pages send.
func (s *Server) guard(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h["X-Content-Type-Options"], h["Cache-Control"] = noSniff, noStore
	if !s.set.AnyHost && !web.Loopback(r.Host) {
		return failure{http.StatusMisdirectedRequest, fmt.Sprintf("host %q is not served here: only localhost is, while the server listens on the loopback address alone. Listen on another one (dlam serve --listen), or answer to any name (--any-host, AnyHost) if a proxy in front of it checks them", short(r.Host))}
	}
	if s.ending.Load() { // so that clients which keep connections come to the next server
		w.Header().Set("Connection", "close")
	}
	if err := s.foreign.Check(r); err != nil {
		return failure{http.StatusForbidden, err.Error()}
	}
	return nil
}

// checkContent refuses a body of a type that is not known; picture is whether it is the
// file of one. What forms of web pages can say is refused.
func checkContent(r *http.Request) (picture bool, err error) {
	if e := r.Header.Get("Content-Encoding"); e != "" {
		return false, failure{http.StatusUnsupportedMediaType, fmt.Sprintf("content encoding: got %q, want none", short(e))}
	}
	said := r.Header.Get("Content-Type")
	if said == "" {
		return false, nil
	}
	kind, _, err := mime.ParseMediaType(said)
	switch {
	case err == nil && (kind == "application/json" || kind == "application/octet-stream"):
		return false, nil
	case err == nil && strings.HasPrefix(kind, "image/"):
		return true, nil
	}
	return false, failure{http.StatusUnsupportedMediaType, fmt.Sprintf("content type: got %q, want application/json, application/octet-stream with binary tensors, or image/png and the like with a picture", short(said))}
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Run answers requests on l until ctx ends: then the server says that it is not
// ready, goes on for Drain, takes no more connections, and answers the requests
// under way. It closes l. Faults of the server itself go to faults.
func (s *Server) Run(ctx context.Context, l net.Listener, faults *log.Logger) error {
	last, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	drained := make(chan struct{})
	quit := context.AfterFunc(ctx, func() {
		defer close(drained)
		s.ending.Store(true)
		select {
		case <-time.After(s.set.Drain):
			stop()
		case <-last.Done():
		}
	})
	var speaks http.Protocols // HTTP/2 without TLS too: gRPC needs it
	speaks.SetHTTP1(true)
	speaks.SetHTTP2(true)
	speaks.SetUnencryptedHTTP2(true)
	var secure *tls.Config
	if s.set.TLS != nil {
		secure = s.set.TLS.Clone() // net/http adds to it
	}
	err := web.Until(last, web.Fair(l, s.set.MaxConnections), &http.Server{
		Handler: s, TLSConfig: secure, ErrorLog: faults, MaxHeaderBytes: 1 << 14, Protocols: &speaks,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 128, MaxReceiveBufferPerConnection: 256 << 10, MaxReceiveBufferPerStream: 128 << 10},
		ReadHeaderTimeout: s.set.HeaderTimeout, ReadTimeout: s.set.ReadTimeout,
		WriteTimeout: s.set.WriteTimeout, IdleTimeout: s.set.IdleTimeout,
	}, s.set.DrainTimeout)
	if !quit() {
		stop()
		<-drained
	}
	return err
}
