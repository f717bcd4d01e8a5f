package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// ErrForeign is what CheckFile and CheckFolder say of what somebody else has made.
var ErrForeign = errors.New("it was not written by this program")

// CheckFile refuses a file that a Write would replace, if it holds something, but not
// mark among its first bytes, which all files have that this program writes in its
// place. An empty mark is in none.
func CheckFile(path, mark string) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil // nothing would be lost, or Write says what is wrong
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	const enough = 1 << 12
	head, err := io.ReadAll(io.LimitReader(f, enough))
	if err != nil {
		return err
	}
	if mark == "" || !bytes.Contains(head, []byte(mark)) {
		return fmt.Errorf("%s: there is such a file, and %w", path, ErrForeign)
	}
	return nil
}

// CheckFolder refuses a folder with something in it, but not the file that this
// program leaves in each of its own. Files that it writes before that one do not count,
// nor what it leaves of them where it is killed.
func CheckFolder(path, file string, before ...string) error {
	entries, err := os.ReadDir(path)
	before = append(before, file)
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool {
		return slices.ContainsFunc(before, func(b string) bool {
			left, _ := filepath.Match(temporary(b), e.Name()) // the pattern is sound
			return left || b == e.Name() && b != file
		})
	})
	if err != nil || len(entries) == 0 {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	}
	if _, err := os.Lstat(filepath.Join(path, file)); err != nil {
		return fmt.Errorf("%s: there is such a folder, with %s in it, and %w", path, entries[0].Name(), ErrForeign)
	}
	return nil
}
