package serve

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/dlam-go/dlam/internal/check"
)

// Settings are a server's limits.
type Settings struct {
	Version string // of the program

	MaxBody   int64 // bytes of a request
	MaxRows   int   // samples of a request
	MaxAnswer int64 // bytes that an answer may come to

	// Of each of the next three a client, which is an address, may have as much
	// as is left for the others: alone no more than half.
	MaxRequests    int   // predictions under way at once; more are told to come again
	MaxMemory      int64 // bytes that requests under way take together, beside the models
	MaxConnections int   // open at once; more are closed

	MaxLarge int // requests of more than 128 kB, or for much work, that are computed at once; more wait

	// A body has come whole after Grace + its size/MinRate, and ReadTimeout, or it
	// is given up.
	MinRate int           // bytes a second
	Grace   time.Duration // before the rate counts

	HeaderTimeout time.Duration // for a request's head
	ReadTimeout   time.Duration // for a whole request
	WriteTimeout  time.Duration // from a request's head to the end of its answer
	IdleTimeout   time.Duration // between two requests of a connection
	Drain         time.Duration // from when the server is told to end, and says that it is not ready, until it takes no more connections
	DrainTimeout  time.Duration // after that, for requests under way

	// With a BatchDelay, requests of at most BatchRows rows wait so long for others,
	// and are predicted together.
	BatchDelay time.Duration // 0 for not
	BatchRows  int

	TLS    *tls.Config  // nil for none; HTTP/2 is offered with it
	Log    *slog.Logger // gets a line for each request; nil for none
	Tracer trace.Tracer // gets a span for each request; nil for none

	AnyHost bool // answer to any host name, not to loopback names alone
}

// DefaultSettings are for this machine.
func DefaultSettings() Settings {
	return Settings{
		Version: "(devel)", MaxBody: 8 << 20, MaxRows: 4096, MaxAnswer: 64 << 20,
		MaxRequests: 256, MaxMemory: 512 << 20, MaxConnections: 4096, MaxLarge: max(1, runtime.GOMAXPROCS(0)/2), MinRate: 16 << 10, Grace: 2 * time.Second, BatchRows: 64,
		HeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, DrainTimeout: 20 * time.Second,
	}
}

// Validate reports every setting outside its range.
func (s Settings) Validate() error {
	v := check.Of("server settings")
	v.That(s.MaxBody >= 1, "max body", s.MaxBody, "at least 1 byte")
	v.AtLeast(1, "max rows", s.MaxRows, "")
	v.That(s.MaxAnswer >= 1, "max answer", s.MaxAnswer, "at least 1 byte")
	v.AtLeast(2, "max requests", s.MaxRequests, "")
	v.AtLeast(2, "max connections", s.MaxConnections, "")
	v.AtLeast(1, "max large", s.MaxLarge, "")
	v.That(s.MaxMemory >= 1<<20, "max memory", s.MaxMemory, "at least 1048576 bytes for requests")
	v.AtLeast(1, "min rate", s.MinRate, "byte a second")
	for _, t := range []struct {
		name string
		d    time.Duration
	}{
		{"grace", s.Grace}, {"header timeout", s.HeaderTimeout}, {"read timeout", s.ReadTimeout}, {"write timeout", s.WriteTimeout},
		{"idle timeout", s.IdleTimeout}, {"shutdown timeout", s.DrainTimeout},
	} {
		v.That(t.d > 0, t.name, t.d, "more than 0")
	}
	v.That(s.Drain >= 0, "drain", s.Drain, "0 or more")
	v.That(s.BatchDelay >= 0 && s.BatchDelay < s.WriteTimeout, "batch delay", s.BatchDelay, fmt.Sprintf("0 or more, and less than the write timeout, %v", s.WriteTimeout))
	v.AtLeast(1, "batch rows", s.BatchRows, "")
	// The write timeout runs while the request is read.
	v.That(s.WriteTimeout <= 0 || s.WriteTimeout > s.ReadTimeout, "write timeout", s.WriteTimeout, fmt.Sprintf("more than the read timeout, %v", s.ReadTimeout))
	return v.Err()
}
