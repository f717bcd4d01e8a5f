package report

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"sync"

	"github.com/dlam-go/dlam/internal/web"
	"github.com/dlam-go/dlam/trace"
)

// Live serves the page of a run that may still be going on. It reads nothing
// but that run's trace, and answers nothing but GET and HEAD for its page,
// addressed to a loopback name.
type Live struct {
	path string // of the trace

	mu    sync.Mutex
	stamp string // of the trace when the run was read
	run   Run
}

// NewLive follows the run in path: its folder, or its trace file. The trace
// need not be there yet.
func NewLive(path string) (*Live, error) {
	trace, err := tracePath(path)
	if err != nil {
		return nil, err
	}
	return &Live{path: trace}, nil
}

func (l *Live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy(styleSheet())+"; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if !web.Loopback(r.Host) {
		http.Error(w, fmt.Sprintf("host %q is not served here; use localhost", r.Host), http.StatusMisdirectedRequest)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET is answered", http.StatusMethodNotAllowed)
		return
	}
	switch r.URL.Path {
	case "/":
		l.serve(w, "", func(p Page, b *bytes.Buffer, tag string) error { return p.write(b, tag) })
	case "/content":
		l.serve(w, r.Header.Get("If-None-Match"), func(p Page, b *bytes.Buffer, _ string) error { return p.writeContent(b) })
	default:
		http.NotFound(w, r)
	}
}

func (l *Live) serve(w http.ResponseWriter, known string, write func(Page, *bytes.Buffer, string) error) {
	run, tag, err := l.read()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("ETag", tag)
	if known == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	var b bytes.Buffer
	if err := write(RunPage(run), &b, tag); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // a reader that has gone needs no answer
}

// read gives the run as it is now; it reads the trace if it has changed.
func (l *Live) read() (Run, string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	info, err := os.Stat(l.path)
	if os.IsNotExist(err) {
		return Run{Name: "Waiting for " + trace.FileName}, `"none"`, nil
	}
	if err != nil {
		return Run{}, "", err
	}
	stamp := fmt.Sprintf(`"%x-%x"`, info.Size(), info.ModTime().UnixNano())
	if stamp != l.stamp {
		run, err := ReadRun(l.path)
		if err != nil {
			return Run{}, "", err
		}
		l.run, l.stamp = run, stamp
	}
	return l.run, l.stamp, nil
}

var _ http.Handler = (*Live)(nil)
