package report

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/trace"
)

// Folder serves the runs in a folder, and in the folders in it: a list of them, the page
// of each, and some side by side, all of which follow what goes on. It has the same
// guards as Live, and reads nothing but the runs' traces and about.json.
type Folder struct {
	path    string
	targets []float64

	mu     sync.Mutex
	listed map[string]*listed
	open   []*followed // those asked for last, the newest first
}

const (
	maxRuns = 2000 // that are listed
	maxOpen = 40   // whose traces are kept in memory
)

// NewFolder serves the runs in path. targets are the test accuracies whose time
// comparisons tell, as shares of 1.
func NewFolder(path string, targets []float64) (*Folder, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: not a folder", path)
	}
	return &Folder{path: path, targets: targets, listed: map[string]*listed{}}, nil
}

// ServeHTTP answers with the page at an address: / is the list, /run/NAME/ the page of a
// run, /compare/?run=NAME&run=NAME some side by side; content behind these is what changes.
func (f *Folder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if guarded(w, r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	runs, err := f.runs()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	path, known := r.URL.Path, ""
	if strings.HasSuffix(path, "/content") {
		known = r.Header.Get("If-None-Match")
	}
	page, changed, err := f.page(strings.TrimSuffix(path, "content"), r.URL.Query()["run"], runs)
	if errors.Is(err, fs.ErrNotExist) {
		http.NotFound(w, r)
		return
	}
	var b bytes.Buffer
	if err == nil {
		err = page.write(&b, "/content", "")
	}
	tag := sha256.Sum256(b.Bytes())
	etag := fmt.Sprintf(`"%x"`, tag[:16])
	if err == nil && known == "" && !strings.HasSuffix(path, "/content") {
		b.Reset()
		err = page.write(&b, path, etag)
	}
	answer(w, b.Bytes(), etag, known, changed, err)
}

// page is the page at a path.
func (f *Folder) page(path string, chosen []string, runs []string) (p Page, changed time.Time, err error) {
	name, isRun := strings.CutPrefix(path, "/run/")
	name, closed := strings.CutSuffix(name, "/")
	switch {
	case path == "/":
		return f.list(runs)
	case path == "/compare/" && len(chosen) > 0:
		p, changed, err = f.compare(chosen, runs)
	case isRun && closed && slices.Contains(runs, name):
		var one *followed
		if one, err = f.opened(name); err == nil {
			p, changed = one.page(), one.changed
			p.Title = name
		}
	default:
		return p, changed, fs.ErrNotExist
	}
	p.Home = "/"
	return p, changed, err
}

// compare is the page of the runs that are chosen.
func (f *Folder) compare(chosen, runs []string) (p Page, changed time.Time, err error) {
	if len(chosen) > maxOpen {
		return p, changed, fmt.Errorf("%d runs are marked: at most %d are compared", len(chosen), maxOpen)
	}
	var list []Run
	for _, name := range slices.Compact(slices.Sorted(slices.Values(chosen))) {
		if !slices.Contains(runs, name) {
			return p, changed, fs.ErrNotExist
		}
		one, err := f.opened(name)
		if err != nil {
			return p, changed, err
		}
		run := one.run
		run.Name = name
		if list = append(list, run); one.changed.After(changed) {
			changed = one.changed
		}
	}
	return ComparePage(strings.Join(chosen, ", "), Seeds(list), f.targets), changed, nil
}

// opened is a run as it is now.
func (f *Folder) opened(name string) (*followed, error) {
	path := filepath.Join(f.path, filepath.FromSlash(name), trace.FileName)
	i := slices.IndexFunc(f.open, func(o *followed) bool { return o.path == path })
	one := &followed{path: path}
	if i >= 0 {
		one = f.open[i]
		f.open = slices.Delete(f.open, i, i+1)
	}
	f.open = slices.Insert(f.open, 0, one)
	f.open = f.open[:min(len(f.open), maxOpen)]
	return one, one.follow()
}

// runs are the names of the runs: the paths of their folders.
func (f *Folder) runs() ([]string, error) {
	var names []string
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return nil, err
	}
	add := func(name string) bool {
		_, err := os.Stat(filepath.Join(f.path, name, trace.FileName))
		if err == nil {
			names = append(names, filepath.ToSlash(name))
		}
		return err == nil
	}
	for _, e := range entries {
		if !e.IsDir() || add(e.Name()) || len(names) > maxRuns {
			continue
		}
		inner, err := os.ReadDir(filepath.Join(f.path, e.Name()))
		if err != nil { // not ours to read
			continue
		}
		for _, i := range inner {
			if i.IsDir() {
				add(filepath.Join(e.Name(), i.Name()))
			}
		}
	}
	return names[:min(len(names), maxRuns)], nil
}

// written is how the list writes times: they sort as text, and do not break.
const written = "2006\u201101\u201102\u00a015:04:05"

// listed is what the list tells of a run, and the time of the files that say it.
type listed struct {
	about *trace.About
	last  dlam.Record
	fault error
	at    time.Time
}

// list is the page of all runs.
func (f *Folder) list(runs []string) (p Page, changed time.Time, err error) {
	p = Page{Title: "Runs in " + f.path}
	t := Table{ID: "runs", Sortable: true, Form: "compare/", Head: []string{"run", "data", "method", "network", "iteration", "training", "test", "seconds", "status", "written"}}
	for _, name := range runs {
		l := f.look(name)
		row := []string{name, "–", "–", "–", strconv.Itoa(l.last.Iteration), "–", "–", fmt.Sprintf("%.3g", l.last.Elapsed), "unfinished", l.at.UTC().Format(written)}
		if a := l.about; a != nil {
			row[1], row[2], row[3] = filepath.Base(a.Data), a.Method, a.Network
			if row[4] = fmt.Sprintf("%d of %d", l.last.Iteration, a.Iterations); a.Status != "" {
				row[8] = a.Status
			}
		}
		reg := regression([]dlam.Record{l.last})
		row[5], row[6] = scoreCell(l.last.Train, reg), scoreCell(l.last.Test, reg)
		if l.fault != nil {
			row[8] = l.fault.Error()
		}
		var escaped []string
		for _, part := range strings.Split(name, "/") {
			escaped = append(escaped, url.PathEscape(part))
		}
		t.Rows = append(t.Rows, row)
		t.Links = append(t.Links, Link{Address: "run/" + strings.Join(escaped, "/") + "/", Value: name})
		if l.at.After(changed) {
			changed = l.at
		}
	}
	p.Lead = fmt.Sprintf("%d runs. Open one, or mark some and compare them.", len(runs))
	if len(runs) == 0 {
		p.Lead = "No runs yet: dlam train makes them."
		return p, changed, nil
	}
	p.Sections = []Section{{Tables: []Table{t}}}
	return p, changed, nil
}

// look is what the list tells of a run; files are read again when they have changed.
func (f *Folder) look(name string) *listed {
	folder := filepath.Join(f.path, filepath.FromSlash(name))
	var at time.Time
	for _, file := range []string{trace.FileName, trace.AboutName} {
		if info, err := os.Stat(filepath.Join(folder, file)); err == nil && info.ModTime().After(at) {
			at = info.ModTime()
		}
	}
	if l := f.listed[name]; l != nil && l.at.Equal(at) {
		return l
	}
	l := &listed{at: at}
	if l.about, l.fault = trace.ReadAbout(filepath.Join(folder, trace.AboutName)); errors.Is(l.fault, fs.ErrNotExist) {
		l.fault = nil
	}
	var err error
	if l.last, err = lastRecord(filepath.Join(folder, trace.FileName)); err != nil && l.fault == nil {
		l.fault = err
	}
	f.listed[name] = l
	return l
}

// lastRecord is that of a trace's last whole line, of those in its last megabyte.
func lastRecord(path string) (r dlam.Record, err error) {
	const most = 1 << 20
	f, err := os.Open(path)
	if err != nil {
		return r, err
	}
	defer func() { _ = f.Close() }() // read only
	info, err := f.Stat()
	if err != nil {
		return r, err
	}
	if !info.Mode().IsRegular() { // a pipe may never end
		return r, fmt.Errorf("%s: not a regular file", path)
	}
	end := make([]byte, min(info.Size(), most))
	if n, err := f.ReadAt(end, info.Size()-int64(len(end))); err != nil && !errors.Is(err, io.EOF) {
		return r, err
	} else {
		end = end[:n]
	}
	end = end[:bytes.LastIndexByte(end, '\n')+1]
	if len(end) == 0 {
		return r, nil
	}
	records, err := trace.Read(bytes.NewReader(end[bytes.LastIndexByte(end[:len(end)-1], '\n')+1:]))
	if err != nil || len(records) == 0 {
		return r, err
	}
	return records[0], nil
}

var _ http.Handler = (*Folder)(nil)
