package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam/internal/web"
	"github.com/dlam-go/dlam/report"
)

func newWatchCommand(a *app) *cobra.Command {
	var port int
	c := &cobra.Command{
		Use: "watch RUN", Short: "Serve a live page of a run on this machine",
		Long: `Serve the page of a run to a browser on this machine. While the run goes on the
page follows it; a finished run looks the same. RUN is the run's folder or its
trace.jsonl. Only this machine can reach the page. Ends with Ctrl-C.`,
		Example: `  dlam train --data mnist --run runs/mnist
  dlam watch runs/mnist     (in another terminal)`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := known(args[0]); err != nil {
				return err
			}
			live, err := report.NewLive(args[0])
			if err != nil {
				return errUsage{err}
			}
			return a.serveLocally(c.Context(), live, port, args[0])
		},
	}
	addPort(c, &port)
	return c
}

func addPort(c *cobra.Command, port *int) {
	c.Flags().IntVar(port, "port", 7420, "port on the loopback address, 0 for any that is free")
}

// serveLocally serves pages to this machine until ctx ends.
func (a *app) serveLocally(ctx context.Context, pages http.Handler, port int, what string) error {
	if port < 0 || port > 65535 {
		return usagef("--port: got %d, want 0 to 65535", port)
	}
	l, err := web.Listen(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("%w: --port names another, 0 any that is free", err)
	}
	a.say("watching %s at http://%s/ (Ctrl-C ends)", what, l.Addr())
	s := &http.Server{
		Handler: pages, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 14,
	}
	return web.Until(ctx, web.Fair(l, maxWatchers), s, 2*time.Second)
}

// maxWatchers is the most connections that are open at once, of which one address,
// and there is none but this machine's, has half.
const maxWatchers = 64
