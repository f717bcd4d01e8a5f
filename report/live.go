package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"

	"github.com/dlam-go/dlam/internal/web"
	"github.com/dlam-go/dlam/trace"
)

// Live serves the page of a run that may still be going on. It reads nothing
// but that run's trace, and answers nothing but GET and HEAD for its page,
// addressed to a loopback name, and not caused by a page of another site.
//
// Of a trace it reads what is new, and renders a page once for each change, however
// often it is asked.
type Live struct {
	path string // of the trace

	mu    sync.Mutex
	stamp string      // of the trace when it was read
	file  os.FileInfo // the file that was read
	read  int64       // bytes of it: lines that ended
	run   Run
	pages map[string][]byte // by their paths, as they are for stamp
}

// maxTrace bounds the trace that is followed: its records take some times as much
// memory.
const maxTrace = 256 << 20

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
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if !web.Loopback(r.Host) {
		http.Error(w, fmt.Sprintf("host %.40q is not served here; use localhost", r.Host), http.StatusMisdirectedRequest)
		return
	}
	if err := web.SameOrigin(r); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET is answered", http.StatusMethodNotAllowed)
		return
	}
	switch r.URL.Path {
	case "/":
		l.serve(w, r.URL.Path, "", func(p Page, b *bytes.Buffer, tag string) error { return p.write(b, tag) })
	case "/content":
		l.serve(w, r.URL.Path, r.Header.Get("If-None-Match"), func(p Page, b *bytes.Buffer, _ string) error { return p.writeContent(b) })
	default:
		http.NotFound(w, r)
	}
}

func (l *Live) serve(w http.ResponseWriter, path, known string, write func(Page, *bytes.Buffer, string) error) {
	page, tag, err := l.page(path, known, write)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("ETag", tag)
	if known == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(page) // a reader that has gone needs no answer
}

// page gives a page as it is now, unless it is the one with the tag known.
func (l *Live) page(path, known string, write func(Page, *bytes.Buffer, string) error) (page []byte, tag string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.follow(); err != nil {
		return nil, "", err
	}
	if known == l.stamp {
		return nil, l.stamp, nil
	}
	if page = l.pages[path]; page == nil {
		var b bytes.Buffer
		if err := write(RunPage(l.run), &b, l.stamp); err != nil {
			return nil, "", err
		}
		page = b.Bytes()
		l.pages[path] = page
	}
	return page, l.stamp, nil
}

// follow reads what is new in the trace.
func (l *Live) follow() error {
	info, err := os.Stat(l.path)
	if errors.Is(err, os.ErrNotExist) {
		l.begin(nil)
		l.stamp, l.run.Name = `"none"`, "Waiting for "+trace.FileName
		return nil
	}
	if err != nil {
		return err
	}
	if info.Size() > maxTrace {
		return fmt.Errorf("%s: %d bytes, at most %d are followed: dlam report writes its page", l.path, info.Size(), int64(maxTrace))
	}
	stamp := fmt.Sprintf(`"%x-%x"`, info.Size(), info.ModTime().UnixNano())
	if stamp == l.stamp && os.SameFile(info, l.file) {
		return nil
	}
	if l.file == nil || !os.SameFile(info, l.file) || info.Size() < l.read {
		l.begin(info)
		if l.run.Name, err = runName(l.path); err != nil {
			return err
		}
	}
	if err := l.readOn(info.Size()); err != nil {
		l.begin(nil)
		return err
	}
	l.file, l.stamp, l.pages = info, stamp, map[string][]byte{}
	return nil
}

// begin forgets what was read.
func (l *Live) begin(info os.FileInfo) {
	l.stamp, l.file, l.read, l.run, l.pages = "", info, 0, Run{}, map[string][]byte{}
}

// readOn reads the lines that ended since, up to size.
func (l *Live) readOn(size int64) error {
	f, err := os.Open(l.path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // read only
	fresh := make([]byte, size-l.read)
	n, err := f.ReadAt(fresh, l.read)
	if err != nil && !errors.Is(err, io.EOF) { // EOF: it became shorter meanwhile
		return err
	}
	fresh = fresh[:bytes.LastIndexByte(fresh[:n], '\n')+1]
	records, err := trace.Read(bytes.NewReader(fresh))
	if err != nil {
		return fmt.Errorf("%s: after byte %d: %w", l.path, l.read, err)
	}
	l.run.Records = append(l.run.Records, records...)
	l.read += int64(len(fresh))
	return nil
}

var _ http.Handler = (*Live)(nil)
