package report

import (
	"bytes"
	"cmp"
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
	made   map[string]rendered // by their addresses
	open   []*followed         // those asked for last, the newest first
	most   int64               // bytes of the traces that are kept in memory, or compared
}

const (
	maxRuns = 2000 // that are listed
	maxOpen = 40   // whose traces are kept in memory, all together no more bytes than maxTrace
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
	return &Folder{path: path, targets: targets, listed: map[string]*listed{}, made: map[string]rendered{}, most: maxTrace}, nil
}

// ServeHTTP answers with the page at an address: / is the list, /run/NAME/ the page of a
// run, /compare/?run=NAME&run=NAME some side by side; content behind these is what changes.
func (f *Folder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if guarded(w, r) {
		return
	}
	known := ""
	if strings.HasSuffix(r.URL.Path, "/content") {
		known = r.Header.Get("If-None-Match")
	}
	page, tag, changed, err := f.rendered(r.URL)
	if errors.Is(err, fs.ErrNotExist) {
		http.NotFound(w, r)
		return
	}
	answer(w, page, tag, known, changed, err)
}

// viewed is a page that is not made yet: the stamp changes when the page would.
type viewed struct {
	stamp   string
	changed time.Time
	page    func() Page
}

// rendered is a page that was made.
type rendered struct {
	tag  string
	text []byte
}

// rendered is the page at an address, made once for each change.
func (f *Folder) rendered(at *url.URL) (page []byte, tag string, changed time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, err := f.view(strings.TrimSuffix(at.Path, "content"), at.Query()["run"])
	if err != nil {
		return nil, "", changed, err
	}
	stamped := func(path string) string {
		return fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(path+"?"+at.RawQuery+"\x00"+v.stamp)))
	}
	key := at.Path + "?" + at.RawQuery
	tag = stamped(at.Path)
	if made := f.made[key]; made.tag == tag {
		return made.text, tag, v.changed, nil
	}
	var b bytes.Buffer
	follows := stamped(strings.TrimSuffix(at.Path, "content") + "content")
	if err := v.page().write(&b, at.Path, follows); err != nil {
		return nil, "", changed, err
	}
	if len(f.made) > maxOpen {
		clear(f.made)
	}
	f.made[key] = rendered{tag, b.Bytes()}
	return b.Bytes(), tag, v.changed, nil
}

// view is the page at a path, of the runs that are chosen.
func (f *Folder) view(path string, chosen []string) (v viewed, err error) {
	runs, err := f.runs()
	if err != nil {
		return v, err
	}
	name, isRun := strings.CutPrefix(path, "/run/")
	name, closed := strings.CutSuffix(name, "/")
	switch {
	case path == "/":
		return f.list(runs), nil
	case path == "/compare/" && len(chosen) > 0:
		return f.compare(chosen, runs)
	case isRun && closed && slices.Contains(runs, name):
		one, err := f.opened(name)
		return viewed{one.stamp, one.changed, func() Page {
			p := one.page()
			p.Title, p.Home = name, "/"
			return p
		}}, err
	}
	return v, fs.ErrNotExist
}

// compare is the page of the runs that are chosen.
func (f *Folder) compare(chosen, runs []string) (v viewed, err error) {
	if len(chosen) > maxOpen {
		return v, fmt.Errorf("%d runs are marked: at most %d are compared", len(chosen), maxOpen)
	}
	var list []Run
	var size int64
	for _, name := range slices.Compact(slices.Sorted(slices.Values(chosen))) {
		if !slices.Contains(runs, name) {
			return v, fs.ErrNotExist
		}
		one, err := f.opened(name)
		if err != nil {
			return v, err
		}
		if size += one.read; size > f.most {
			return v, fmt.Errorf("the traces of the runs that are marked have more than %d bytes: mark fewer", f.most)
		}
		run := one.run
		run.Name = name
		list, v.stamp = append(list, run), v.stamp+one.stamp
		if one.changed.After(v.changed) {
			v.changed = one.changed
		}
	}
	v.page = func() Page {
		p := ComparePage(strings.Join(chosen, ", "), Seeds(list), f.targets)
		p.Home = "/"
		return p
	}
	return v, nil
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
	err := one.follow()
	kept, size := 1, one.read
	for kept < min(len(f.open), maxOpen) && size+f.open[kept].read <= f.most {
		size += f.open[kept].read
		kept++
	}
	f.open = slices.Delete(f.open, kept, len(f.open))
	return one, err
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

// listed is what the list tells of a run, and when the files that say it were written.
type listed struct {
	about *trace.About
	last  dlam.Record
	fault error
	at    time.Time
	stamp string // of those files
}

// list is the page of all runs.
func (f *Folder) list(runs []string) (v viewed) {
	p := Page{Title: "Runs in " + f.path}
	t := Table{ID: "runs", Sortable: true, Form: "compare/", Head: []string{"run", "status", "data", "method", "network", "iteration", "training", "test", "seconds", "written"}}
	for _, name := range runs {
		l := f.look(name)
		reg := regression([]dlam.Record{l.last})
		status, data, method, network, iterations := "unfinished", "–", "–", "–", strconv.Itoa(l.last.Iteration)
		if a := l.about; a != nil {
			data, method, network = filepath.Base(a.Data), a.Method, a.Network
			if a.Iterations > 0 {
				iterations += fmt.Sprintf(" of %d", a.Iterations)
			}
			status = cmp.Or(a.Status, status)
		}
		if l.fault != nil {
			status = l.fault.Error()
		}
		row := []string{name, status, data, method, network, iterations, scoreCell(l.last.Train, reg), scoreCell(l.last.Test, reg), fmt.Sprintf("%.3g", l.last.Elapsed), l.at.UTC().Format(written)}
		var escaped []string
		for _, part := range strings.Split(name, "/") {
			escaped = append(escaped, url.PathEscape(part))
		}
		t.Rows = append(t.Rows, row)
		t.Links = append(t.Links, Link{Address: "run/" + strings.Join(escaped, "/") + "/", Value: name})
		if v.stamp += name + " " + l.stamp + "\x00"; l.at.After(v.changed) {
			v.changed = l.at
		}
	}
	v.page = func() Page { return p }
	p.Lead = fmt.Sprintf("%d runs. Open one, or mark some and compare them.", len(runs))
	if len(runs) == 0 {
		p.Lead = "No runs yet: dlam train makes them."
		return v
	}
	p.Sections = []Section{{Tables: []Table{t}}}
	return v
}

// look is what the list tells of a run; files are read again when they have changed.
func (f *Folder) look(name string) *listed {
	folder := filepath.Join(f.path, filepath.FromSlash(name))
	l := &listed{}
	for _, file := range []string{trace.FileName, trace.AboutName} {
		if info, err := os.Stat(filepath.Join(folder, file)); err == nil {
			l.stamp += stampOf(info) + " "
			if info.ModTime().After(l.at) {
				l.at = info.ModTime()
			}
		}
	}
	if known := f.listed[name]; known != nil && known.stamp == l.stamp {
		return known
	}
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
	info, err := statTrace(path)
	if err != nil {
		return r, err
	}
	f, err := os.Open(path)
	if err != nil {
		return r, err
	}
	defer func() { _ = f.Close() }() // read only
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
