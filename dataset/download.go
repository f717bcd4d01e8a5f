package dataset

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// download fetches file number i of a set from the first mirror that has it
// right, into the cache, and returns its path.
func download(ctx context.Context, name string, set remote, i int, o Options) (string, error) {
	file := remoteFiles[i] + ".gz"
	root := cacheDir(o)
	switch {
	case o.Offline:
		return "", inputf("%s: %s is neither in the data folder %q nor in the cache %q, and downloading is forbidden (offline)", name, file, o.DataDir, root)
	case root == "":
		return "", inputf("%s: no cache folder to download %s to; set a data folder", name, file)
	}
	dir := filepath.Join(root, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", inputError{err}
	}
	path := filepath.Join(dir, file)
	var errs []error
	for _, mirror := range set.mirrors {
		err := fetch(ctx, mirror+file, path, set.sums[i], o.Progress)
		if err == nil {
			return path, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		errs = append(errs, fmt.Errorf("%s: %w", mirror+file, err))
	}
	return "", inputf("%s: no mirror has %s:\n%w", name, file, errors.Join(errs...))
}

// fetch downloads url to path: to path.part first, which a broken download
// leaves and the next one continues; then, if the decompressed content has the
// SHA-256 sum, under its name.
func fetch(ctx context.Context, url, path, sum string, progress func(string, int64, int64)) error {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := transfer(ctx, url, f, progress); err != nil {
		return err
	}
	if err := verify(f, sum); err != nil {
		_ = os.Remove(part)
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// transfer appends what url has beyond f's length.
func transfer(ctx context.Context, url string, f *os.File, progress func(string, int64, int64)) error {
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	client := http.Client{Transport: &http.Transport{ResponseHeaderTimeout: 30 * time.Second, Proxy: http.ProxyFromEnvironment}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable: // all there
		return nil
	case resp.StatusCode == http.StatusOK:
		if err := f.Truncate(0); err != nil {
			return err
		}
		if have, err = f.Seek(0, io.SeekStart); err != nil {
			return err
		}
	case resp.StatusCode != http.StatusPartialContent:
		return fmt.Errorf("the server says %s", resp.Status)
	}
	total := int64(0)
	if resp.ContentLength > 0 {
		total = have + resp.ContentLength
	}
	w := &meter{w: f, file: filepath.Base(f.Name()), done: have, total: total, tell: progress}
	_, err = io.Copy(w, resp.Body)
	return err
}

// verify compares the SHA-256 of f's decompressed content with sum.
func verify(f *os.File, sum string) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("not a gzip file: %w", err)
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(z, 1<<30)); err != nil {
		return fmt.Errorf("damaged: %w", err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != sum {
		return fmt.Errorf("wrong content: SHA-256 %s, want %s", got, sum)
	}
	return nil
}

// meter reports what passes through it.
type meter struct {
	w           io.Writer
	file        string
	done, total int64
	tell        func(string, int64, int64)
}

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.done += int64(n)
	if m.tell != nil {
		m.tell(m.file, m.done, m.total)
	}
	return n, err
}
