//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/model"
)

// server starts a command that serves, and gives the address that it prints,
// and what ends it by a signal and gives its exit code.
func server(t *testing.T, args ...string) (address string, end func(syscall.Signal) int) {
	t.Helper()
	c := exec.Command("dlam", args...)
	said, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, c)
	lines := bufio.NewReader(said)
	line, err := lines.ReadString('\n')
	found := regexp.MustCompile(`http://[^/ ]+`).FindString(line)
	if err != nil || found == "" {
		t.Fatalf("dlam %s: said %q, %v; want an address", strings.Join(args, " "), line, err)
	}
	return found, func(s syscall.Signal) int {
		if err := c.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(lines)
		if err != nil || len(rest) > 0 {
			t.Errorf("at the end dlam said %q, %v", rest, err)
		}
		return exitCode(c.Wait())
	}
}

func fetch(t *testing.T, method, url, body string) (int, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(w.Body)
	if err := errors.Join(err, w.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return w.StatusCode, b
}

// TestWatchEnds holds that the page is served until Ctrl-C.
func TestWatchEnds(t *testing.T) {
	at, end := server(t, "watch", t.TempDir(), "--port", "0")
	if code, b := fetch(t, "GET", at+"/", ""); code != http.StatusOK || !bytes.Contains(b, []byte("Waiting")) {
		t.Errorf("got %d, %d bytes", code, len(b))
	}
	if code := end(syscall.SIGINT); code != exitDone {
		t.Errorf("exit code %d, want %d", code, exitDone)
	}
}

// TestServePredictsAsPredict holds that the server and dlam predict say the
// same of the same samples.
func TestServePredictsAsPredict(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "m")
	finish(t, exitDone, shortRun("sync", folder, 2)...)
	code, out, said := call("predict", folder, "digits", "--format", "jsonl")
	if code != exitDone {
		t.Fatal(said)
	}
	split, err := dataset.Open(context.Background(), "digits", dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := split.Test.X.RowRange(0, 5)
	raw, err := json.Marshal(x.Clone().Elements())
	if err != nil {
		t.Fatal(err)
	}
	at, end := server(t, "serve", folder, "--listen", "127.0.0.1:0")
	code, answer := fetch(t, "POST", at+"/v2/models/m/infer",
		fmt.Sprintf(`{"inputs": [{"name": "input", "datatype": "FP32", "shape": [5, 64], "data": %s}]}`, raw))
	var got struct {
		Outputs []struct {
			Name string
			Data []any
		}
	}
	if err := json.Unmarshal(answer, &got); err != nil || code != http.StatusOK || len(got.Outputs) != 2 {
		t.Fatalf("got %d, %s", code, answer)
	}
	lines := json.NewDecoder(strings.NewReader(out))
	for i := range x.Rows {
		var want struct {
			Class   string
			Outputs []float64
		}
		if err := lines.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if class := got.Outputs[1].Data[i]; class != want.Class {
			t.Errorf("sample %d: class %v, want %s", i, class, want.Class)
		}
		for j, v := range want.Outputs {
			if p, ok := got.Outputs[0].Data[10*i+j].(float64); !ok || p != v {
				t.Errorf("sample %d: probability of %d is %v, want %v", i, j, got.Outputs[0].Data[10*i+j], v)
			}
		}
	}
	if code := end(syscall.SIGTERM); code != exitDone {
		t.Errorf("exit code %d, want %d", code, exitDone)
	}
}

// TestServeReloads holds that SIGHUP and --watch-model serve what lies there now,
// and that a file which is no model leaves the old one serving.
func TestServeReloads(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "m")
	finish(t, exitDone, shortRun("sync", folder, 1)...)
	other := filepath.Join(t.TempDir(), "other")
	finish(t, exitDone, shortRun("sync", other, 2)...)
	file := filepath.Join(folder, model.FileName)
	c := exec.Command("dlam", "serve", "a@3="+folder, "b="+other, "--listen", "127.0.0.1:0", "--watch-model")
	said, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, c)
	lines := bufio.NewScanner(said)
	wait := func(want string) string {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return lines.Text()
			}
		}
		t.Fatalf("did not say %q", want)
		return ""
	}
	at := regexp.MustCompile(`http://[^/ ]+`).FindString(wait("/v2/models/a/versions/3 "))
	wait("/v2/models/b ")
	infer := func() string {
		t.Helper()
		code, b := fetch(t, "POST", at+"/v2/models/a/versions/3/infer",
			`{"inputs": [{"name": "input", "datatype": "UINT8", "shape": [1, 64], "data": [`+strings.Repeat("3,", 63)+`9]}]}`)
		if code != http.StatusOK {
			t.Fatalf("got %d, %s", code, b)
		}
		return string(b)
	}
	first := infer()
	raw, err := os.ReadFile(filepath.Join(other, model.FileName))
	if err != nil {
		t.Fatal(err)
	}
	put := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(file+"-new", b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+"-new", file); err != nil {
			t.Fatal(err)
		}
	}
	put(raw)
	wait("read the models again")
	second := infer()
	if second == first {
		t.Error("the new model is not served")
	}
	put([]byte("junk"))
	if line := wait("goes on serving"); !strings.Contains(line, "bad model file") {
		t.Errorf("said %q", line)
	}
	if infer() != second {
		t.Error("a file that is no model changed what is served")
	}
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	wait("goes on serving")
	put(raw)
	wait("read the models again")
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(c.Wait()); code != exitDone {
		t.Errorf("exit code %d, want %d", code, exitDone)
	}
}

// TestServeSecretsAndTraces holds that tokens come from a file, are asked for, and
// are read again; that requests are logged, and their traces sent where they are
// collected.
func TestServeSecretsAndTraces(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "m")
	finish(t, exitDone, shortRun("sync", folder, 1)...)
	tokens := filepath.Join(t.TempDir(), "tokens")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(tokens, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("token-number-one-of-two\ntoken-number-two-of-two\n")
	collected := make(chan []byte, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/v1/traces" {
			collected <- b
		}
	}))
	t.Cleanup(collector.Close)
	c := exec.Command("dlam", "serve", folder, "--listen", "127.0.0.1:0", "--token-file", tokens, "--request-log", "json", "--otlp-endpoint", collector.URL)
	said, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, c)
	lines := bufio.NewScanner(said)
	line := func() string {
		t.Helper()
		if !lines.Scan() {
			t.Fatal("said no more")
		}
		return lines.Text()
	}
	at := regexp.MustCompile(`http://[^/ ]+`).FindString(line())
	ask := func(token string, want int) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/v2/models/m", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = w.Body.Close()
		if w.StatusCode != want {
			t.Errorf("token %q: got %d, want %d", token, w.StatusCode, want)
		}
		var l struct{ Status int }
		if text := line(); json.Unmarshal([]byte(text), &l) != nil || l.Status != want || token != "" && strings.Contains(text, token) {
			t.Errorf("log: got %s, want status %d and no token", text, want)
		}
	}
	ask("", http.StatusUnauthorized)
	ask("token-number-one-of-two", http.StatusOK)
	ask("token-number-two-of-two", http.StatusOK)
	write("token-number-three-of-them\n")
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if text := line(); text != "read the models again" {
		t.Errorf("said %q", text)
	}
	ask("token-number-one-of-two", http.StatusUnauthorized)
	ask("token-number-three-of-them", http.StatusOK)
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(c.Wait()); code != exitDone {
		t.Errorf("exit code %d, want %d", code, exitDone)
	}
	if sent := <-collected; !bytes.Contains(sent, []byte("GET /v2/models/{name}")) {
		t.Errorf("collected %q", sent)
	}
}
