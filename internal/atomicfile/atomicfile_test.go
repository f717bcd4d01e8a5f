package atomicfile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dlam-go/dlam/internal/atomicfile"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	put := func(s string, fail error) error {
		return atomicfile.Write(path, func(w io.Writer) error {
			if _, err := io.WriteString(w, s); err != nil {
				return err
			}
			return fail
		})
	}
	if err := put("one", nil); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	if err := put("two", boom); !errors.Is(err, boom) {
		t.Fatalf("got %v, want the writer's error", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "one" {
		t.Errorf("after a failed write: got %q, %v, want the old content", b, err)
	}
	if e, err := os.ReadDir(dir); err != nil || len(e) != 1 {
		t.Errorf("got %v, %v, want no temporary file left", e, err)
	}
}

func TestRemoveLeft(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	for _, name := range []string{"x", ".x.123", ".xy.123", ".x"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := atomicfile.RemoveLeft(path); err != nil {
		t.Fatal(err)
	}
	e, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, f := range e {
		left = append(left, f.Name())
	}
	if want := []string{".x", ".xy.123", "x"}; !slices.Equal(left, want) {
		t.Errorf("got %q, want %q: only the temporary files of x are to go", left, want)
	}
}
