package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/serve"
)

// shelf is the models that serve was told to serve.
type shelf struct {
	limits
	watch   bool
	books   []book
	secrets secrets
	held    float64 // bytes of the models, as they are and packed
}

// book is a model by its place and by what requests call it.
type book struct {
	path    string
	name    string
	version int
	said    bool // the version was
	seen    os.FileInfo
}

// suffix is the version in paths, where one was said.
func (b book) suffix() string {
	if !b.said {
		return ""
	}
	return "/versions/" + strconv.Itoa(b.version)
}

// newShelf reads arguments as [NAME[@VERSION]=]PATH.
func newShelf(args []string, o serveOptions) (*shelf, error) {
	s := &shelf{limits: o.limits, watch: o.watch, secrets: secrets{cert: o.cert, key: o.key, tokens: o.tokens}}
	for _, arg := range args {
		b := book{path: arg, version: 1, name: o.name}
		if name, path, ok := strings.Cut(arg, "="); ok && !strings.ContainsRune(name, filepath.Separator) {
			b.path, b.name = path, name
			if name, version, ok := strings.Cut(name, "@"); ok {
				n, err := strconv.Atoi(version)
				if err != nil || n < 1 {
					return nil, usagef("%s: version: got %q, want a number of at least 1", arg, version)
				}
				b.name, b.version, b.said = name, n, true
			}
			if b.name == "" || b.path == "" {
				return nil, usagef("%s: a name or a path is empty, want [NAME[@VERSION]=]MODEL", arg)
			}
		}
		if b.name == "" {
			var err error
			if b.name, err = modelName(b.path); err != nil {
				return nil, err
			}
		}
		for _, other := range s.books {
			if other.name == b.name && other.version == b.version {
				return nil, usagef("%s and %s are both version %d of %q: say NAME@VERSION=MODEL", other.path, b.path, b.version, b.name)
			}
		}
		s.books = append(s.books, b)
	}
	return s, nil
}

// load reads the models on s. requests is the memory that requests may take
// together: it becomes no more than what the models leave of --max-memory.
func (a *app) load(s *shelf, requests *int64) ([]serve.Model, error) {
	const least = 16 << 20 // for requests
	held := 0.0
	var models []serve.Model
	for i, b := range s.books {
		s.books[i].seen, _ = os.Stat(model.Locate(b.path)) // Load says what is wrong
		m, err := a.openModel(b.path, s.limits)
		if err != nil {
			return nil, err
		}
		held += 2 * 4 * float64(m.Network.Numbers())
		models = append(models, serve.Model{Name: b.name, Version: b.version, Model: m})
	}
	if err := a.room(s.limits, held, least); err != nil {
		return nil, err
	}
	s.held = held
	if s.most > 0 {
		*requests = min(*requests, int64(float64(s.most)-held))
	}
	return models, nil
}

// reload reads the models again, until ctx ends: on SIGHUP, and if s is watched
// when a file has changed.
func (a *app) reload(ctx context.Context, s *shelf, server *serve.Server) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	var look <-chan time.Time
	if s.watch {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		look = tick.C
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
		case <-look:
			if !s.changed() {
				continue
			}
		}
		if err := a.readAgain(s, server); err != nil {
			a.say("what was read before goes on serving: %v", err)
			continue
		}
		a.say("read the models again")
	}
}

// readAgain reads models and secrets, and serves by them if nothing is wrong with
// any.
func (a *app) readAgain(s *shelf, server *serve.Server) error {
	var requests int64 // stays what it was
	models, err := a.load(s, &requests)
	if err != nil {
		return err
	}
	if err := s.secrets.read(server); err != nil {
		return err
	}
	return server.Replace(models...)
}

// changed reports whether a file is not the one that was read, and is there.
func (s *shelf) changed() bool {
	for _, b := range s.books {
		now, err := os.Stat(model.Locate(b.path))
		if err == nil && (b.seen == nil || !os.SameFile(now, b.seen) || now.Size() != b.seen.Size() || !now.ModTime().Equal(b.seen.ModTime())) {
			return true
		}
	}
	return false
}

// modelName is the name of a run's folder, or of a model's file.
func modelName(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	name := strings.TrimSuffix(filepath.Base(abs), ".safetensors")
	if name == "model" {
		name = filepath.Base(filepath.Dir(abs))
	}
	return name, nil
}
