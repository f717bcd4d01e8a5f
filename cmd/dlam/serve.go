package main

import (
	"log"
	"net"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam/serve"
)

func newServeCommand(a *app) *cobra.Command {
	set := serve.DefaultSettings()
	set.Name, set.Version = "", version()
	listen := "127.0.0.1:8080"
	c := &cobra.Command{
		Use: "serve MODEL", Short: "Answer predictions over HTTP",
		Long: `Answer predictions of a model over HTTP, by the Open Inference Protocol v2 (of
KServe, Triton, MLServer): POST /v2/models/NAME/infer takes a batch of raw samples
as JSON. GET /v2/models/NAME describes inputs and outputs, /metrics is for
Prometheus, /healthz for supervisors. Only this machine can reach it unless
--listen says otherwise; there is no authentication.

Ctrl-C ends it once the requests under way are answered. Exit codes: 0 ended so,
1 failed or requests cut off, 2 bad usage or model.`,
		Example: `  dlam serve runs/digits-sync --name digits
  curl localhost:8080/v2/models/digits
  curl localhost:8080/v2/models/digits/infer -H 'Content-Type: application/json' \
    -d '{"inputs": [{"name": "input", "datatype": "FP32", "shape": [1, 64], "data": [0, 1, …]}]}'`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.serve(c, args[0], listen, set) },
	}
	f := c.Flags()
	f.StringVar(&listen, "listen", listen, "address and port; port 0 for any that is free")
	f.StringVar(&set.Name, "name", "", "the model's name in paths (default that of its folder or file)")
	f.Int64Var(&set.MaxBody, "max-body", set.MaxBody, "bytes that a request may have")
	f.IntVar(&set.MaxRows, "max-rows", set.MaxRows, "samples that a request may have")
	f.IntVar(&set.MaxRequests, "max-requests", set.MaxRequests, "predictions under way at once; more get status 503")
	f.DurationVar(&set.HeaderTimeout, "header-timeout", set.HeaderTimeout, "time for a request's head to arrive")
	f.DurationVar(&set.ReadTimeout, "read-timeout", set.ReadTimeout, "time for a whole request to arrive")
	f.DurationVar(&set.WriteTimeout, "write-timeout", set.WriteTimeout, "time from a request's head to the end of its answer")
	f.DurationVar(&set.IdleTimeout, "idle-timeout", set.IdleTimeout, "time that a connection may wait for its next request")
	f.DurationVar(&set.DrainTimeout, "shutdown-timeout", set.DrainTimeout, "time for requests under way when the server is told to end")
	return c
}

func (a *app) serve(c *cobra.Command, path, listen string, set serve.Settings) error {
	m, err := a.openModel(path, limits{})
	if err != nil {
		return err
	}
	if set.Name == "" {
		if set.Name, err = modelName(path); err != nil {
			return err
		}
	}
	address, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return usagef("--listen: %w", err)
	}
	set.AnyHost = !address.IP.IsLoopback()
	s, err := serve.New(m, set)
	if err != nil {
		return errUsage{err}
	}
	l, err := net.ListenTCP("tcp", address)
	if err != nil {
		return err
	}
	a.say("serving %s at http://%s/v2/models/%s (Ctrl-C ends)", path, l.Addr(), set.Name)
	if set.AnyHost {
		a.say("other machines can reach it, without authentication")
	}
	return s.Run(c.Context(), l, log.New(a.err, "dlam: ", 0))
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
