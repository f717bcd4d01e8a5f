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
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/dlam-go/dlam/dataset"
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
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() }) // of a test that failed
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
