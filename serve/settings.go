package serve

import (
	"fmt"
	"net/url"
	"time"

	"github.com/dlam-go/dlam/internal/check"
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
	v := check.Of("server settings")
	v.That(s.Name != "" && url.PathEscape(s.Name) == s.Name && s.Name != "." && s.Name != "..", "name", s.Name, "one that a path can hold as it is")
	v.That(s.MaxBody >= 1, "max body", s.MaxBody, "at least 1 byte")
	v.AtLeast(1, "max rows", s.MaxRows, "")
	v.AtLeast(1, "max requests", s.MaxRequests, "")
	for _, t := range []struct {
		name string
		d    time.Duration
	}{
		{"header timeout", s.HeaderTimeout}, {"read timeout", s.ReadTimeout}, {"write timeout", s.WriteTimeout},
		{"idle timeout", s.IdleTimeout}, {"shutdown timeout", s.DrainTimeout},
	} {
		v.That(t.d > 0, t.name, t.d, "more than 0")
	}
	// The write timeout runs while the request is read.
	v.That(s.WriteTimeout <= 0 || s.WriteTimeout > s.ReadTimeout, "write timeout", s.WriteTimeout, fmt.Sprintf("more than the read timeout, %v", s.ReadTimeout))
	return v.Err()
}
