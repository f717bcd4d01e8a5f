package main

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam/internal/web"
	"github.com/dlam-go/dlam/serve"
)

func newServeCommand(a *app) *cobra.Command {
	set := serve.DefaultSettings()
	set.Version = version()
	o := serveOptions{limits: limits{work: "serving", advice: "serve fewer or smaller models"}, listen: "127.0.0.1:8080"}
	c := &cobra.Command{
		Use: "serve [NAME[@VERSION]=]MODEL…", Short: "Answer predictions over HTTP and gRPC",
		Long: `Answer predictions of models over HTTP and gRPC, by the Open Inference Protocol
v2 (of KServe, Triton, MLServer): POST /v2/models/NAME/infer takes a batch of raw
samples as JSON or binary tensors; gRPC is answered at the same address. Several
models, and versions of one, are served as NAME@VERSION=MODEL; a name stands for its
highest version. GET /v2/models/NAME describes inputs and outputs, /metrics is for
Prometheus, /healthz for supervisors.

Only this machine can reach it unless --listen says otherwise; --token-file asks for
a token, --tls-cert and --tls-key speak TLS. While it listens on the loopback address
alone, requests that name another host get status 421: behind a proxy that passes the
host's real name on, say --any-host.

What requests take is bounded (--max-body, --max-rows, --max-answer, --max-memory),
and divided between clients by their addresses: a client has as many predictions
and as much memory as are left for the others.

SIGHUP reads models, tokens and certificate again, and --watch-model does when a
model changes; if anything cannot be read, what was read before goes on serving.

Ctrl-C or SIGTERM end it: /v2/health/ready says no, requests are answered for --drain
longer, then no more connections are taken and those under way are answered. Exit
codes: 0 ended so, 1 failed or requests cut off, 2 bad usage or model.`,
		Example: `  dlam serve runs/digits-sync --name digits
  curl localhost:8080/v2/models/digits
  curl localhost:8080/v2/models/digits/infer -H 'Content-Type: application/json' \
    -d '{"inputs": [{"name": "input", "datatype": "FP32", "shape": [1, 64], "data": [0, 1, …]}]}'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.serve(c, args, o, set) },
	}
	f := c.Flags()
	f.StringVar(&o.listen, "listen", o.listen, "address and port; port 0 for any that is free")
	f.StringVar(&o.name, "name", "", "name in paths of a model that is given without one (default that of its folder or file)")
	f.StringVar(&o.cert, "tls-cert", "", "file with the certificate, and those up to one that clients know (PEM)")
	f.StringVar(&o.key, "tls-key", "", "file with the certificate's key (PEM)")
	f.StringVar(&o.tokens, "token-file", "", "file with a token a line: requests must have one of them as Authorization: Bearer TOKEN")
	f.StringVar(&o.log, "request-log", "", "a line for each request on standard error: text|json (default none)")
	f.StringVar(&o.traces, "otlp-endpoint", "", "where traces go by OTLP over HTTP, as http://localhost:4318 (default nowhere)")
	f.Float64Var(&o.sampled, "trace-share", 1, "share of requests that are traced, if they do not belong to a trace already")
	f.DurationVar(&set.BatchDelay, "batch-delay", set.BatchDelay, "time that a request may wait for others, to be predicted together; 0 for not")
	f.IntVar(&set.BatchRows, "batch-rows", set.BatchRows, "rows that are predicted together at most")
	f.BoolVar(&o.watch, "watch-model", false, "read the models again when a file changes")
	f.BoolVar(&set.AnyHost, "any-host", false, "answer whatever host name a request has (default: if --listen is not a loopback address)")
	f.Int64Var(&set.MaxBody, "max-body", set.MaxBody, "bytes that a request may have")
	f.IntVar(&set.MaxRows, "max-rows", set.MaxRows, "samples that a request may have")
	f.Int64Var(&set.MaxAnswer, "max-answer", set.MaxAnswer, "bytes that an answer may come to")
	f.IntVar(&set.MaxRequests, "max-requests", set.MaxRequests, "predictions under way at once; more get status 503")
	f.IntVar(&set.MaxConnections, "max-connections", set.MaxConnections, "connections open at once")
	f.IntVar(&set.MinRate, "min-rate", set.MinRate, "bytes a second at which a request must arrive")
	f.DurationVar(&set.Grace, "grace", set.Grace, "time before --min-rate counts")
	f.DurationVar(&set.HeaderTimeout, "header-timeout", set.HeaderTimeout, "time for a request's head to arrive")
	f.DurationVar(&set.ReadTimeout, "read-timeout", set.ReadTimeout, "time for a whole request to arrive")
	f.DurationVar(&set.WriteTimeout, "write-timeout", set.WriteTimeout, "time from a request's head to the end of its answer")
	f.DurationVar(&set.IdleTimeout, "idle-timeout", set.IdleTimeout, "time that a connection may wait for its next request")
	f.DurationVar(&set.Drain, "drain", set.Drain, "time to go on answering, and say not ready, when the server is told to end")
	f.DurationVar(&set.DrainTimeout, "shutdown-timeout", set.DrainTimeout, "time after that for requests under way")
	f.Var(&o.most, maxMemory, "memory for the process: the models, and 512 MB or what is left for requests under way (default: what is available)")
	return c
}

// serveOptions are what the command line says beyond a server's settings.
type serveOptions struct {
	limits
	listen    string
	name      string
	watch     bool
	cert, key string // files
	tokens    string // file
	log       string
	traces    string
	sampled   float64
}

func (a *app) serve(c *cobra.Command, args []string, o serveOptions, set serve.Settings) error {
	shelf, err := newShelf(args, o)
	if err != nil {
		return err
	}
	models, err := a.load(shelf, &set.MaxMemory)
	if err != nil {
		return err
	}
	moreThreads()
	collectRarely(2*shelf.held + float64(set.MaxMemory)) // models that are read again are there beside the old ones
	address, err := net.ResolveTCPAddr("tcp", o.listen)
	if err != nil {
		return usagef("--listen: %w", err)
	}
	local := address.IP.IsLoopback()
	set.AnyHost = set.AnyHost || !local
	if set.TLS, err = shelf.secrets.tls(); err != nil {
		return err
	}
	if set.Log, err = a.requestLog(o.log); err != nil {
		return err
	}
	tracing, err := newTracing(c.Context(), o, set.Version)
	if err != nil {
		return err
	}
	set.Tracer = tracing.tracer
	s, err := serve.New(set, models...)
	if err != nil {
		return errUsage{err}
	}
	if err := shelf.secrets.read(s); err != nil {
		return errUsage{err}
	}
	l, err := web.Listen(c.Context(), address.String())
	if err != nil {
		return err
	}
	a.introduce(shelf, l.Addr(), local)
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		a.reload(ctx, shelf, s)
	}()
	err = s.Run(c.Context(), l, log.New(a.err, "dlam: ", 0))
	cancel()
	<-stopped
	return errors.Join(err, tracing.end())
}

// introduce says where the models are, and who can reach them.
func (a *app) introduce(s *shelf, at net.Addr, local bool) {
	scheme := "http"
	if s.secrets.cert != "" {
		scheme = "https"
	}
	for _, b := range s.books {
		a.say("serving %s at %s://%s/v2/models/%s%s (Ctrl-C ends)", b.path, scheme, at, b.name, b.suffix())
	}
	switch {
	case local:
	case s.secrets.tokens == "":
		a.say("other machines can reach it, without authentication")
	case scheme == "http":
		a.say("other machines can reach it; tokens and data go in the clear without --tls-cert")
	}
}

// requestLog is the log of requests in a form; nil for none.
func (a *app) requestLog(form string) (*slog.Logger, error) {
	switch form {
	case "":
		return nil, nil
	case "text":
		return slog.New(slog.NewTextHandler(a.err, nil)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(a.err, nil)), nil
	}
	return nil, usagef("--request-log: got %q, want text or json", form)
}
