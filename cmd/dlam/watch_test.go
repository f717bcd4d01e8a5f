//go:build unix

package main

import (
	"bufio"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestWatch serves a run, and a folder of runs, to this machine alone: the address is a
// loopback one, nothing but the pages is there, and no other site's page can ask for them.
func TestWatch(t *testing.T) {
	folder := t.TempDir()
	run := filepath.Join(folder, "run")
	finish(t, exitDone, shortRun("dlam", run, 2)...)
	t.Run("watch", func(t *testing.T) { servesLocally(t, "watch", run) })
	t.Run("ui", func(t *testing.T) { servesLocally(t, "ui", folder) })
}

func servesLocally(t *testing.T, command, path string) {
	t.Helper()
	c := exec.Command("dlam", command, path, "--port", "0")
	said, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, c)
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(regexp.MustCompile(`http://\S+/`).FindString(line))
	if err != nil {
		t.Fatal(err)
	}
	if ip := net.ParseIP(at.Hostname()); !ip.IsLoopback() {
		t.Errorf("%q is no loopback address", at.Hostname())
	}
	if code, _, said := call(command, path, "--port", at.Port()); code != exitFailed || !strings.Contains(said, "--port names another, 0 any that is free") {
		t.Errorf("on a port that is taken: exit code %d, %q", code, said)
	}
	for _, q := range []struct {
		method, path, host, origin string
		status                     int
	}{
		{"GET", "/", "", "", http.StatusOK},
		{"GET", "/", "", "http://evil.example", http.StatusForbidden},
		{"GET", "/../config.toml", "", "", http.StatusNotFound},
		{"GET", "/%2e%2e/run/config.toml", "", "", http.StatusNotFound},
		{"GET", "/model.safetensors", "", "", http.StatusNotFound},
		{"POST", "/", "", "", http.StatusMethodNotAllowed},
		{"GET", "/", "evil.example", "", http.StatusMisdirectedRequest},
	} {
		r, err := http.NewRequest(q.method, "http://"+at.Host+q.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = q.host
		if q.origin != "" {
			r.Header.Set("Origin", q.origin)
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if allow := resp.Header.Get("Access-Control-Allow-Origin"); resp.StatusCode != q.status || allow != "" {
			t.Errorf("%s %s for %q: status %d, want %d; other origins allowed: %q", q.method, q.path, q.host, resp.StatusCode, q.status, allow)
		}
	}
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(c.Wait()); code != exitDone {
		t.Errorf("after Ctrl-C: exit code %d, want %d", code, exitDone)
	}
}
