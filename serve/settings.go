package serve

import (
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Settings are a server's names and limits.
type Settings struct {
	Name    string // of the model, in paths
	Version string // of the program

	MaxBody     int64 // bytes of a request
	MaxRows     int   // samples of a request
	MaxRequests int   // predictions under way at once; more are told to come again

	HeaderTimeout time.Duration // for a request's head
	ReadTimeout   time.Duration // for a whole request
	WriteTimeout  time.Duration // from a request's head to the end of its answer
	IdleTimeout   time.Duration // between two requests of a connection
	DrainTimeout  time.Duration // for requests under way when the server is told to end

	AnyHost bool // answer to any host name, not to loopback names alone
}

// DefaultSettings are for a model called "model", on this machine.
func DefaultSettings() Settings {
	return Settings{
		Name: "model", Version: "(devel)", MaxBody: 8 << 20, MaxRows: 4096, MaxRequests: 128,
		HeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, DrainTimeout: 20 * time.Second,
	}
}

// Validate reports every setting outside its range.
func (s Settings) Validate() error {
	var errs []error
	bad := func(name string, got any, want string) {
		errs = append(errs, fmt.Errorf("%s: got %v, want %s", name, got, want))
	}
	if s.Name == "" || url.PathEscape(s.Name) != s.Name || s.Name == "." || s.Name == ".." {
		bad("name", fmt.Sprintf("%q", s.Name), "one that a path can hold as it is")
	}
	if s.MaxBody < 1 {
		bad("max body", s.MaxBody, "at least 1 byte")
	}
	if s.MaxRows < 1 {
		bad("max rows", s.MaxRows, "at least 1")
	}
	if s.MaxRequests < 1 {
		bad("max requests", s.MaxRequests, "at least 1")
	}
	for _, t := range []struct {
		name string
		d    time.Duration
	}{
		{"header timeout", s.HeaderTimeout}, {"read timeout", s.ReadTimeout}, {"write timeout", s.WriteTimeout},
		{"idle timeout", s.IdleTimeout}, {"shutdown timeout", s.DrainTimeout},
	} {
		if t.d <= 0 {
			bad(t.name, t.d, "more than 0")
		}
	}
	if s.WriteTimeout > 0 && s.WriteTimeout <= s.ReadTimeout { // it runs while the request is read
		bad("write timeout", s.WriteTimeout, fmt.Sprintf("more than the read timeout, %v", s.ReadTimeout))
	}
	return errors.Join(errs...)
}
