package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

// within does work that does not heed a context, and waits for it no longer once ctx
// is done: the program then ends, and the work with it. So work must change nothing
// that outlives the program.
func within[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := work()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// readSettings is the text of a settings file, which may be a pipe.
func readSettings(ctx context.Context, path string) (string, error) {
	return within(ctx, func() (string, error) {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer func() { _ = f.Close() }()
		const most = 1 << 20
		raw, err := io.ReadAll(io.LimitReader(f, most+1))
		if err == nil && len(raw) > most {
			err = fmt.Errorf("%s: more than %d bytes, which no settings take", path, most)
		}
		return string(raw), err
	})
}
