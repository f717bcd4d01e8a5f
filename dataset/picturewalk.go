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
// links, but goes into a folder once of each folder of the root: links that cross would else
// multiply its pictures with every level.
type pictureWalk struct {
	ctx    context.Context
	budget *table.Budget
	root   string // the folder of the data set, or what the files were named by
	beside string // the folder with the samples to test on, of those to train on, and the other way round; "" for none
	loose  bool   // the files are in no folder, so that they have no classes

	files   []string
	classes []string        // of the files: the folder of the root that a file is in, "" for none
	outside int             // files in no such folder
	empty   []string        // such folders without pictures
	left    map[string]int  // how many of what was left out
	chain   []os.FileInfo   // the folders that are being walked, one in another
	walked  map[string]bool // the folders that were gone into, in this folder of the root, by their names without links
	links   pictureLinks
}

// partsOf is the folders of a folder with the samples to train on and to test on: train,
// and test or else one of those to validate on. If there are others beside, they are
// classes, and all of it is to train on. Notes are on what is not read.
func partsOf(root string) (train, test string, notes []string, err error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return "", "", nil, inputError{err}
	}
	var found, files []string
	names := []string{"train", "test", "val", "valid", "validation"} // in the order in which test is chosen
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(root, e.Name()))
		switch {
		case strings.HasPrefix(e.Name(), ".") || e.Name() == "__MACOSX" || err != nil:
		case !info.IsDir():
			files = append(files, e.Name())
		case !slices.Contains(names, e.Name()):
			return root, "", nil, nil
		default:
			found = append(found, e.Name())
		}
	}
	if len(found) < 2 || !slices.Contains(found, "train") {
		return root, "", nil, nil
	}
	slices.SortFunc(found, func(a, b string) int { return slices.Index(names, a) - slices.Index(names, b) })
	train, test = filepath.Join(root, found[0]), filepath.Join(root, found[1])
	a, errA := filepath.EvalSymlinks(train)
	b, errB := filepath.EvalSymlinks(test)
	if err := errors.Join(errA, errB); err != nil {
		return "", "", nil, inputError{err}
	}
	if a == b {
		return "", "", nil, inputf("%s: %s and %s are one folder, by a link: it would be tested on what it was trained on", root, found[0], found[1])
	}
	notes = append(notes, fmt.Sprintf("%s: %s is to train on, %s to test on", root, found[0], found[1]))
	if left := slices.Concat(found[2:], files); len(left) > 0 {
		notes = append(notes, fmt.Sprintf("%s: left out beside them: %s", root, table.List(left)))
	}
	return train, test, notes, nil
}

// walk adds the pictures in the root.
func (w *pictureWalk) walk() error { return w.folder(w.root) }

// list adds files.
func (w *pictureWalk) list(files []string) error {
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			return inputError{err}
		}
		if err := w.file(f, info); err != nil {
			return err
		}
	}
	return nil
}

// names are the names of the files lo to hi-1, in the root.
func (w *pictureWalk) names(lo, hi int) []string {
	names := slices.Clone(w.files[lo:hi])
	for i, f := range names {
		if inside, err := filepath.Rel(w.root, f); err == nil && !w.loose {
			names[i] = filepath.ToSlash(inside)
		}
	}
	return names
}

// folder adds the pictures in path, a folder in the root or the root itself.
func (w *pictureWalk) folder(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return inputError{err}
	}
	if slices.ContainsFunc(w.chain, func(f os.FileInfo) bool { return os.SameFile(f, info) }) {
		w.left["links to a folder that they are in"]++
		return nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return inputError{err}
	}
	if len(w.chain) <= 1 { // the root, or a folder of it
		w.walked = map[string]bool{}
	}
	if w.walked[real] {
		w.left["links to a folder that was gone into already"]++
		return nil
	}
	w.walked[real] = true
	defer w.links.within(len(w.chain), path, real)()
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
		before := len(w.files)
		if err := w.entry(filepath.Join(path, e.Name())); err != nil {
			return err
		}
		if len(w.files) == before+1 && !e.IsDir() {
			if err := w.links.picture(w, before, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// entry adds a file, or the pictures in a folder.
func (w *pictureWalk) entry(path string) error {
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
		err := w.folder(path)
		if filepath.Dir(path) == filepath.Clean(w.root) && len(w.files) == before {
			w.empty = append(w.empty, name)
		}
		return err
	}
	return w.file(path, info)
}

// file adds a picture.
func (w *pictureWalk) file(path string, info fs.FileInfo) error {
	kind := strings.ToLower(filepath.Ext(path))
	switch {
	case !info.Mode().IsRegular():
		w.left["devices and pipes"]++
		return nil
	case !isPicture(path):
		if kind == "" {
			kind = "files without an ending"
		} else {
			kind = "files of kind " + kind
		}
		w.left[kind]++
		return nil
	}
	class := ""
	if inside, err := filepath.Rel(w.root, path); err == nil {
		if first, _, ok := strings.Cut(filepath.ToSlash(inside), "/"); ok {
			class = first
		}
	}
	if class == "" {
		w.outside++
	}
	const each = 64 // bytes of a name's header, and of its class
	if err := w.budget.Take(int64(len(path)) + each); err != nil {
		return readError(w.root, err)
	}
	w.files, w.classes = append(w.files, path), append(w.classes, class)
	return nil
}

// notes tells what was left out.
func (w *pictureWalk) notes() (notes []string) {
	if len(w.left) > 0 {
		var list []string
		for _, what := range slices.Sorted(maps.Keys(w.left)) {
			list = append(list, fmt.Sprintf("%s (%d)", what, w.left[what]))
		}
		notes = append(notes, fmt.Sprintf("%s: left out: %s", w.root, strings.Join(list, ", ")))
	}
	if len(w.empty) > 0 {
		notes = append(notes, fmt.Sprintf("%s: folders without pictures, which are no classes: %s", w.root, table.List(w.empty)))
	}
	return notes
}
