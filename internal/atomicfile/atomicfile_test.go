package atomicfile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
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

// What a link points to is written, and the link stays, also if it points to
// nothing yet.
func TestLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "far"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, l := range [][2]string{{"far/x", "x"}, {"x", "y"}, {"far/new", "z"}, {"loop", "loop"}} {
		if err := os.Symlink(l[0], filepath.Join(dir, l[1])); err != nil {
			t.Skip(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "far/x"), []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	put := func(name string) error {
		return atomicfile.Write(filepath.Join(dir, name), func(w io.Writer) error {
			_, err := io.WriteString(w, "by "+name)
			return err
		})
	}
	for name, where := range map[string]string{"y": "far/x", "z": "far/new"} {
		if err := put(name); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(dir, where)); err != nil || string(b) != "by "+name {
			t.Errorf("%s: %s holds %q, %v", name, where, b, err)
		}
		if info, err := os.Lstat(filepath.Join(dir, name)); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s: the link is gone: %v, %v", name, info, err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "far/x")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("a file's mode changed: %v, %v", info, err)
	}
	if err := put("loop"); err == nil {
		t.Error("a link to itself was written")
	}
}

// A pipe takes what is written, and stays one; a device likewise.
func TestInPlace(t *testing.T) {
	for _, device := range []string{"/dev/null", "/dev/full"} {
		before, err := os.Stat(device)
		if err != nil {
			t.Skip(err)
		}
		err = atomicfile.Write(device, func(w io.Writer) error {
			_, err := io.WriteString(w, "x")
			return err
		})
		if full := device == "/dev/full"; full != errors.Is(err, syscall.ENOSPC) || !full && err != nil {
			t.Errorf("%s: got %v", device, err)
		}
		if after, err := os.Stat(device); err != nil || after.Mode() != before.Mode() || !os.SameFile(before, after) {
			t.Fatalf("%s: was %v, is %v, %v", device, before.Mode(), after, err)
		}
	}
}

// What somebody else has made is told from what this program has.
func TestForeign(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		path, mark string
		foreign    bool
	}{
		{filepath.Join(dir, "none"), "", false}, {file("empty", ""), "", false}, {os.DevNull, "", false},
		{file("mine", "class,a,b\n"), "class,a,b\n", false}, {file("theirs", "precious"), "class", true}, {file("unmarked", "x"), "", true},
	} {
		if err := atomicfile.CheckFile(c.path, c.mark); errors.Is(err, atomicfile.ErrForeign) != c.foreign || !c.foreign && err != nil {
			t.Errorf("%s: got %v", c.path, err)
		}
	}
	file("run/config.toml", "")
	file("full/thesis.tex", "")
	file("killed/lock", "")
	file("killed/.config.toml.123", "")
	if err := os.Mkdir(filepath.Join(dir, "bare"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, foreign := range map[string]bool{"nowhere": false, "bare": false, "run": false, "killed": false, "full": true} {
		if err := atomicfile.CheckFolder(filepath.Join(dir, name), "config.toml", "lock"); errors.Is(err, atomicfile.ErrForeign) != foreign || !foreign && err != nil {
			t.Errorf("folder %s: got %v", name, err)
		}
	}
}
