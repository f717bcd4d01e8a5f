package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dlam-go/dlam/internal/web"
	"github.com/dlam-go/dlam/trace"
)

// Live serves the page of a run that may still be going on. It reads nothing
// but that run's trace and about.json, and answers nothing but GET and HEAD for its
// page, addressed to a loopback name, and not caused by a page of another site.
//
// Of a trace it reads what is new, and renders a page once for each change, however
// often it is asked.
type Live struct {
	mu    sync.Mutex
	run   followed
	stamp string            // of the run when pages were rendered
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
	return &Live{run: followed{path: trace}}, nil
}

// guarded refuses requests that are not for a page of this machine's own, and reports
// whether it did.
func guarded(w http.ResponseWriter, r *http.Request) bool {
	h := w.Header()
	h.Set("Content-Security-Policy", policy(styleSheet())+"; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if !web.Loopback(r.Host) {
		http.Error(w, fmt.Sprintf("host %.40q is not served here; use localhost", r.Host), http.StatusMisdirectedRequest)
		return true
	}
	if err := web.SameOrigin(r); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return true
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET is answered", http.StatusMethodNotAllowed)
		return true
	}
	return false
}

// ServeHTTP answers with the page.
func (l *Live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if guarded(w, r) {
		return
	}
	known := ""
	switch r.URL.Path {
	case "/":
	case "/content":
		known = r.Header.Get("If-None-Match")
	default:
		http.NotFound(w, r)
		return
	}
	page, tag, changed, err := l.page(r.URL.Path, known)
	answer(w, page, tag, known, changed, err)
}

// answer sends a page, unless it is the one with the tag known.
func answer(w http.ResponseWriter, page []byte, tag, known string, changed time.Time, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("ETag", tag)
	if !changed.IsZero() {
		w.Header().Set("Last-Modified", changed.UTC().Format(http.TimeFormat))
	}
	if known == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(page) // a reader that has gone needs no answer
}

// page gives a page as it is now, unless it is the one with the tag known.
func (l *Live) page(path, known string) (page []byte, tag string, changed time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.run.follow(); err != nil {
		return nil, "", changed, err
	}
	if l.stamp != l.run.stamp {
		l.stamp, l.pages = l.run.stamp, map[string][]byte{}
	}
	if known == l.stamp {
		return nil, l.stamp, l.run.changed, nil
	}
	if page = l.pages[path]; page == nil {
		var b bytes.Buffer
		if err := l.run.page().write(&b, path, l.stamp); err != nil {
			return nil, "", changed, err
		}
		page = b.Bytes()
		l.pages[path] = page
	}
	return page, l.stamp, l.run.changed, nil
}

// followed is a run whose trace is read as it grows.
type followed struct {
	path    string // of the trace
	run     Run
	stamp   string      // of the files when they were read
	changed time.Time   // the last of them
	file    os.FileInfo // the file that was read
	read    int64       // bytes of it: lines that ended
}

// page is the run's.
func (f *followed) page() Page {
	if f.run.About == nil {
		return RunPage(f.run)
	}
	return RunPage(f.run, Section{Note: "dlam report makes this page with the network judged on its test samples: confusion matrix, worst mistakes, what its columns matter."})
}

// follow reads what is new.
func (f *followed) follow() error {
	info, err := statTrace(f.path)
	if errors.Is(err, os.ErrNotExist) {
		f.begin(nil)
		f.stamp, f.run.Name = `"none"`, "Waiting for "+trace.FileName
		return nil
	}
	if err != nil {
		return err
	}
	if info.Size() > maxTrace {
		return fmt.Errorf("%s: %d bytes, at most %d are followed: dlam report writes its page", f.path, info.Size(), int64(maxTrace))
	}
	about := filepath.Join(filepath.Dir(f.path), trace.AboutName)
	changed, written := info.ModTime(), ""
	if is, err := os.Stat(about); err == nil {
		written = stampOf(is)
		if is.ModTime().After(changed) {
			changed = is.ModTime()
		}
	}
	stamp := fmt.Sprintf(`"%s-%s"`, stampOf(info), written)
	if stamp == f.stamp && os.SameFile(info, f.file) {
		return nil
	}
	if f.file == nil || !os.SameFile(info, f.file) || info.Size() < f.read {
		f.begin(info)
		if f.run.Name, err = runName(f.path); err != nil {
			return err
		}
	}
	err = f.readOn(info.Size())
	if err == nil {
		f.run.About, err = trace.ReadAbout(about)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.begin(nil)
		return err
	}
	f.file, f.stamp, f.changed = info, stamp, changed
	return nil
}

// stampOf changes when a file does: by its size too, for what is written within one tick
// of the file system's clock.
func stampOf(info os.FileInfo) string {
	return fmt.Sprintf("%x-%x", info.Size(), info.ModTime().UnixNano())
}

// begin forgets what was read.
func (f *followed) begin(info os.FileInfo) {
	*f = followed{path: f.path, file: info}
}

// readOn reads the lines that ended since, up to size.
func (f *followed) readOn(size int64) error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // read only
	fresh := make([]byte, size-f.read)
	n, err := file.ReadAt(fresh, f.read)
	if err != nil && !errors.Is(err, io.EOF) { // EOF: it became shorter meanwhile
		return err
	}
	fresh = fresh[:bytes.LastIndexByte(fresh[:n], '\n')+1]
	records, err := trace.Read(bytes.NewReader(fresh))
	if err != nil {
		return fmt.Errorf("%s: after byte %d: %w", f.path, f.read, err)
	}
	f.run.Records = append(f.run.Records, records...)
	f.read += int64(len(fresh))
	return nil
}

var _ http.Handler = (*Live)(nil)
