package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/dlam-go/dlam/table"
)

// pictureWalk finds the pictures of a folder, in the order of their names. It follows
// links, but not into a folder that they are in.
type pictureWalk struct {
	ctx    context.Context
	budget *table.Budget

	files   []string
	classes []string       // of the files: the folder of the root that a file is in, "" for none
	outside int            // files in no such folder
	empty   []string       // such folders without pictures
	left    map[string]int // how many of what was left out
	chain   []os.FileInfo  // the folders that are being walked, one in another
}

// root walks the folder of the data set.
func (w *pictureWalk) root(path string) error { return w.folder(path, path) }

// folder adds the pictures in path, a folder in root or root itself.
func (w *pictureWalk) folder(root, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return inputError{err}
	}
	if slices.ContainsFunc(w.chain, func(f os.FileInfo) bool { return os.SameFile(f, info) }) {
		w.left["links to a folder that they are in"]++
		return nil
	}
	w.chain = append(w.chain, info)
	defer func() { w.chain = w.chain[:len(w.chain)-1] }()
	entries, err := os.ReadDir(path)
	if err != nil {
		return inputError{err}
	}
	for _, e := range entries {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if err := w.entry(root, filepath.Join(path, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// entry adds a file, or the pictures in a folder.
func (w *pictureWalk) entry(root, path string) error {
	name := filepath.Base(path)
	switch {
	case strings.HasPrefix(name, "."):
		w.left["hidden files and folders"]++
		return nil
	case name == "__MACOSX":
		w.left["folders __MACOSX"]++
		return nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		w.left["links to nothing"]++
		return nil
	}
	if err != nil {
		return inputError{err}
	}
	if info.IsDir() {
		before := len(w.files)
		err := w.folder(root, path)
		if filepath.Dir(path) == root && len(w.files) == before {
			w.empty = append(w.empty, name)
		}
		return err
	}
	return w.file(root, path, info)
}

// file adds a picture.
func (w *pictureWalk) file(root, path string, info fs.FileInfo) error {
	kind := strings.ToLower(filepath.Ext(path))
	switch {
	case !info.Mode().IsRegular():
		w.left["devices and pipes"]++
		return nil
	case !pictureKinds[kind]:
		if kind == "" {
			kind = "files without an ending"
		} else {
			kind = "files of kind " + kind
		}
		w.left[kind]++
		return nil
	}
	class := ""
	if inside, err := filepath.Rel(root, path); err == nil {
		if first, _, ok := strings.Cut(filepath.ToSlash(inside), "/"); ok {
			class = first
		}
	}
	if class == "" {
		w.outside++
	}
	const each = 64 // bytes of a name's header, and of its class
	if err := w.budget.Take(int64(len(path)) + each); err != nil {
		return readError(root, err)
	}
	w.files, w.classes = append(w.files, path), append(w.classes, class)
	return nil
}

// notes tells what was left out.
func (w *pictureWalk) notes(root string) (notes []string) {
	if len(w.left) > 0 {
		var list []string
		for _, what := range slices.Sorted(maps.Keys(w.left)) {
			list = append(list, fmt.Sprintf("%s (%d)", what, w.left[what]))
		}
		notes = append(notes, fmt.Sprintf("%s: left out: %s", root, strings.Join(list, ", ")))
	}
	if len(w.empty) > 0 {
		notes = append(notes, fmt.Sprintf("%s: folders without pictures, which are no classes: %s", root, table.List(w.empty)))
	}
	return notes
}
