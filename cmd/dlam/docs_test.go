//go:build unix

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestGettingStarted runs the shell blocks of docs/getting-started.md, one
// after another in one folder, and finds what the page says is printed.
func TestGettingStarted(t *testing.T) {
	raw, err := os.ReadFile("../../docs/getting-started.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(raw), "```sh\n")[1:]
	if len(blocks) < 5 {
		t.Fatalf("%d blocks of commands found", len(blocks))
	}
	dir, printed := t.TempDir(), ""
	for _, b := range blocks {
		commands, _, _ := strings.Cut(b, "```")
		c := exec.Command("sh", "-ec", commands)
		c.Dir = dir
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", commands, err, out)
		}
		printed += string(out)
	}
	if !strings.Contains(printed, "class,inside,outside\ninside,0.9") {
		t.Errorf("dlam predict does not say what the page says; all that was printed:\n%s", printed)
	}
}
