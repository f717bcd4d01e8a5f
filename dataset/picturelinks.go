package dataset

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// pictureLinks is what a walk finds out on links: a picture that is in two classes by a link
// is a sample of both, and no network can tell them apart.
type pictureLinks struct {
	root, folder string            // the root and the folder that is being gone into, without links
	classes      map[string]string // the folders of the root by their names without links
	same         [2]string         // two of them that are one folder
	linked       map[string]int    // pictures that a link leads to, by their names without links: which they are
	twice        int               // pictures that are in two classes
	example      string            // of them
}

// within notes that the folder path is gone into, so deep in the root, and gives what ends that.
func (l *pictureLinks) within(depth int, path, real string) func() {
	outer := l.folder
	switch l.folder = real; depth {
	case 0:
		l.root, l.classes, l.linked = real, map[string]string{}, map[string]int{}
	case 1:
		if other, ok := l.classes[real]; ok && l.same[0] == "" {
			l.same = [2]string{other, filepath.Base(path)}
		}
		l.classes[real] = filepath.Base(path)
	}
	return func() { l.folder = outer }
}

// picture notes whether a link leads to the walk's picture i, which is e in the folder.
func (l *pictureLinks) picture(w *pictureWalk, i int, e fs.DirEntry) (err error) {
	real := filepath.Join(l.folder, e.Name())
	if e.Type()&fs.ModeSymlink != 0 {
		if real, err = filepath.EvalSymlinks(w.files[i]); err != nil {
			return inputError{err}
		}
	}
	if real == l.plain(w, i) {
		return nil
	}
	const each = 64 // bytes of an entry
	if err := w.budget.Take(int64(len(real)) + each); err != nil {
		return readError(w.root, err)
	}
	if j, ok := l.linked[real]; ok {
		l.compare(w, i, j)
	} else {
		l.linked[real] = i
	}
	return nil
}

// compare looks whether two of the walk's pictures that are one file are in two classes.
func (l *pictureLinks) compare(w *pictureWalk, i, j int) {
	if w.classes[i] == w.classes[j] {
		return
	}
	if l.twice++; l.twice == 1 {
		l.example = fmt.Sprintf("%s and %s", w.names(i, i+1)[0], w.names(j, j+1)[0])
	}
}

// plain is the name of the walk's picture i without links, if none leads to it.
func (l *pictureLinks) plain(w *pictureWalk, i int) string {
	inside, err := filepath.Rel(w.root, w.files[i])
	if err != nil {
		return ""
	}
	return filepath.Join(l.root, inside)
}

// notes refuses two classes that are one folder, and tells of pictures that are in two, or
// both to train and to test on.
func (l *pictureLinks) notes(w *pictureWalk) (notes []string, err error) {
	if l.same[0] != "" {
		return nil, inputf("%s: the classes %q and %q are one folder, by a link: each picture would be a sample of both", w.root, l.same[0], l.same[1])
	}
	if len(l.linked) == 0 {
		return nil, nil
	}
	for i := range w.files {
		if j, ok := l.linked[l.plain(w, i)]; ok {
			l.compare(w, i, j)
		}
	}
	if l.twice > 0 {
		notes = append(notes, fmt.Sprintf("%s: pictures that are samples of two classes, by links, and probably by mistake (%d), as %s", w.root, l.twice, l.example))
	}
	if w.beside == "" {
		return notes, nil
	}
	other, err := filepath.EvalSymlinks(w.beside)
	if err != nil {
		return nil, inputError{err}
	}
	shared := 0
	for real := range l.linked {
		if strings.HasPrefix(real, other+string(filepath.Separator)) {
			shared++
		}
	}
	if shared > 0 {
		notes = append(notes, fmt.Sprintf("%s: pictures that lie in %s, by links (%d): what is trained on is tested on", w.root, w.beside, shared))
	}
	return notes, nil
}
