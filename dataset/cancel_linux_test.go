package dataset

import (
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCancel: reading ends when its context does, whatever it waits for: a pipe that
// nobody writes to, one that somebody stops writing to, a file that goes on for long.
func TestCancel(t *testing.T) {
	dir := t.TempDir()
	silent, half, long := filepath.Join(dir, "silent"), filepath.Join(dir, "half"), filepath.Join(dir, "long.csv.gz")
	pipe := filepath.Join(dir, "pipe")
	for _, path := range []string{silent, half, pipe} {
		if err := unix.Mkfifo(path, 0o600); err != nil {
			t.Skip(err)
		}
	}
	w, err := os.OpenFile(half, os.O_RDWR, 0) // does not wait for a reader
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	if _, err := w.WriteString("a,y\n1,2\n"); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(long)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = "1,2\n"[i%4]
	}
	for range 64 {
		if _, err := z.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"a silent pipe": silent, "half a pipe": half, "a long file": long} {
		ctx, cancel := context.WithCancel(context.Background())
		told := 0
		o := Options{Progress: func(string, int64, int64) { told++; cancel() }} // of the long file
		if path != long {
			cancel()
		}
		if _, err := Open(ctx, path, o); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
		if told > 1 {
			t.Errorf("%s: progress was told %d times after the end", name, told)
		}
		cancel()
	}
	// What is there is read, whoever writes it.
	go func() {
		w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		if err == nil {
			_, err = w.WriteString("a,y\n1,p\n2,q\n")
		}
		if err := errors.Join(err, w.Close()); err != nil {
			t.Error(err)
		}
	}()
	if d := open(t, pipe, Options{}).Train; d.Rows() != 2 {
		t.Errorf("from a pipe: %d rows", d.Rows())
	}
}
