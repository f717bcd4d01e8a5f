package serve

import (
	"context"
	"fmt"
	"log"
	"mime"
	"net"
	"net/http"

	"github.com/dlam-go/dlam/internal/web"
	"github.com/dlam-go/dlam/model"
)

// Server answers predictions of one model.
type Server struct {
	set     Settings
	m       *model.Model
	predict *model.Predictor
	about   model.Description
	meaning model.Meaning
	slots   chan struct{} // one for each prediction under way
	metrics *metrics
	bodies  bodies
	mux     *http.ServeMux
	foreign *http.CrossOriginProtection
}

var _ http.Handler = (*Server)(nil)

// New serves m, which must not change afterwards.
func New(m *model.Model, set Settings) (*Server, error) {
	if err := set.Validate(); err != nil {
		return nil, err
	}
	about, err := m.Describe()
	if err != nil {
		return nil, err
	}
	s := &Server{
		set: set, m: m, about: about, predict: m.Predictor(), meaning: m.Meaning(),
		slots: make(chan struct{}, set.MaxRequests), metrics: newMetrics(),
		mux: http.NewServeMux(), foreign: http.NewCrossOriginProtection(),
	}
	live := func(*http.Request) (any, error) { return map[string]bool{"live": true}, nil }
	ready := func(*http.Request) (any, error) { return map[string]bool{"ready": true}, nil }
	s.handle("/v2", "server", http.MethodGet, s.describeServer)
	s.handle("/v2/{$}", "server", http.MethodGet, s.describeServer)
	s.handle("/v2/health/live", "live", http.MethodGet, live)
	s.handle("/v2/health/ready", "ready", http.MethodGet, ready)
	s.handle("/v2/models/{name}", "model", http.MethodGet, s.describeModel)
	s.handle("/v2/models/{name}/ready", "model_ready", http.MethodGet, s.modelReady)
	s.handle("/v2/models/{name}/infer", "infer", http.MethodPost, s.infer)
	s.handle("/healthz", "healthz", http.MethodGet, func(*http.Request) (any, error) { return plain("ok\n"), nil })
	s.mux.Handle("/metrics", s.guarded(s.metrics.page()))
	s.handle("/", "none", "", func(r *http.Request) (any, error) {
		return nil, failure{http.StatusNotFound, fmt.Sprintf("nothing is served at %q", r.URL.Path)}
	})
	return s, nil
}

// handle answers pattern with what answer gives, if the method is the given
// one; none means any.
func (s *Server) handle(pattern, name, method string, answer func(*http.Request) (any, error)) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if method != "" && r.Method != method && (r.Method != http.MethodHead || method != http.MethodGet) {
			w.Header().Set("Allow", method)
			reply(w, nil, failure{http.StatusMethodNotAllowed, fmt.Sprintf("%s is not answered here, only %s", r.Method, method)})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, s.set.MaxBody)
		v, err := answer(r)
		reply(w, v, err)
	})
	s.mux.Handle(pattern, s.metrics.measured(name, s.guarded(h)))
}

// guarded refuses what other sites' pages send.
func (s *Server) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if !s.set.AnyHost && !web.Loopback(r.Host) {
			reply(w, nil, failure{http.StatusMisdirectedRequest, fmt.Sprintf("host %q is not served here; use localhost", r.Host)})
			return
		}
		if err := s.foreign.Check(r); err != nil {
			reply(w, nil, failure{http.StatusForbidden, err.Error()})
			return
		}
		h.ServeHTTP(w, r)
	})
}

// checkJSON reports a body that is not said to be plain JSON. Triton's Python
// clients say nothing, or application/octet-stream; what forms of web pages can
// say is refused.
func checkJSON(r *http.Request) error {
	if r.Header.Get("Inference-Header-Content-Length") != "" {
		return failure{http.StatusUnsupportedMediaType, "binary tensors are not taken: send them as JSON"}
	}
	if e := r.Header.Get("Content-Encoding"); e != "" {
		return failure{http.StatusUnsupportedMediaType, fmt.Sprintf("content encoding: got %q, want none", e)}
	}
	said := r.Header.Get("Content-Type")
	if said == "" {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(said); err != nil || kind != "application/json" && kind != "application/octet-stream" {
		return failure{http.StatusUnsupportedMediaType, fmt.Sprintf("content type: got %q, want application/json", said)}
	}
	return nil
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Run answers requests on l until ctx ends, and then those under way. It
// closes l. Faults of the server itself go to faults.
func (s *Server) Run(ctx context.Context, l net.Listener, faults *log.Logger) error {
	return web.Until(ctx, l, &http.Server{
		Handler: s, ErrorLog: faults, MaxHeaderBytes: 1 << 14,
		ReadHeaderTimeout: s.set.HeaderTimeout, ReadTimeout: s.set.ReadTimeout,
		WriteTimeout: s.set.WriteTimeout, IdleTimeout: s.set.IdleTimeout,
	}, s.set.DrainTimeout)
}
