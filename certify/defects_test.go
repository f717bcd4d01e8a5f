package certify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// defect is a fault put into the source of an update rule, and the test that
// must fail of it.
type defect struct {
	name, file string
	old, wrong string
	pkg, test  string
}

// defects are those of testdata/defects.txt. A paragraph each: a name after #,
// the file, lines to take out after -, lines to put in after +, a package and
// its test.
func defects(t *testing.T) []defect {
	t.Helper()
	raw, err := os.ReadFile("testdata/defects.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []defect
	for text := range strings.SplitSeq(strings.TrimSpace(string(raw)), "\n\n") {
		lines := strings.Split(text, "\n")
		d := defect{name: strings.TrimPrefix(lines[0], "# "), file: lines[1]}
		var old, wrong []string
		for _, l := range lines[2 : len(lines)-1] {
			if out, ok := strings.CutPrefix(l, "- "); ok {
				old = append(old, out)
			} else {
				wrong = append(wrong, strings.TrimPrefix(l, "+ "))
			}
		}
		d.old, d.wrong = strings.Join(old, "\n"), strings.Join(wrong, "\n")
		d.pkg, d.test, _ = strings.Cut(lines[len(lines)-1], " ")
		list = append(list, d)
	}
	return list
}

// source is the file with the fault in it. Lines of old are those of the file
// but for their indentation, and occur once.
func (d defect) source() ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join("..", d.file))
	if err != nil {
		return nil, err
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(d.old), "\n", `\n\s*`)
	found := regexp.MustCompile(pattern).FindAllIndex(raw, -1)
	if len(found) != 1 {
		return nil, fmt.Errorf("testdata/defects.txt: %s has %q %d times, want once", d.file, d.old, len(found))
	}
	return slices.Concat(raw[:found[0][0]], []byte(d.wrong), raw[found[0][1]:]), nil
}

// TestDefectsApply holds that the faults are of the source as it is, and that
// docs/certificates.md says how many there are, in all and in each folder.
func TestDefectsApply(t *testing.T) {
	list, folders := defects(t), map[string]int{}
	for _, d := range list {
		folders[path.Dir(d.file)]++
		if _, err := d.source(); err != nil {
			t.Errorf("%s: %v", d.name, err)
		}
	}
	raw, err := os.ReadFile("../docs/certificates.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("lists %d edits", len(list)); !strings.Contains(string(raw), want) {
		t.Errorf("docs/certificates.md does not say %q", want)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `(.+)` \\| (\\d+) \\|").FindAllStringSubmatch(string(raw), -1) {
		n := 0
		for folder := range strings.SplitSeq(row[1], "`, `") {
			n += folders[folder]
			delete(folders, folder)
		}
		if fmt.Sprint(n) != row[2] {
			t.Errorf("docs/certificates.md has %s edits in %s, want %d", row[2], row[1], n)
		}
	}
	if len(folders) > 0 {
		t.Errorf("no row of docs/certificates.md has the edits in %v", folders)
	}
}

// TestDefects compiles each fault into the solvers, without a change of the
// source tree, and holds that the test named fails of it. It takes minutes, so
// it needs DLAM_DEFECTS, a pattern of the names to try ("." for all).
func TestDefects(t *testing.T) {
	pattern := os.Getenv("DLAM_DEFECTS")
	if pattern == "" {
		t.Skip("takes minutes: set DLAM_DEFECTS to a pattern of names")
	}
	names, err := regexp.Compile(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range defects(t) {
		if !names.MatchString(d.name) {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			text, err := d.source()
			if err != nil {
				t.Fatal(err)
			}
			d.mustBeCaught(t, text)
		})
	}
}

// mustBeCaught runs the test with text in the place of the file.
func (d defect) mustBeCaught(t *testing.T, text []byte) {
	t.Helper()
	dir := t.TempDir()
	wrong, overlay := filepath.Join(dir, "wrong.go"), filepath.Join(dir, "overlay.json")
	right, err := filepath.Abs(filepath.Join("..", d.file))
	if err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{right: wrong}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{wrong: text, overlay: replace} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"test", "-overlay", overlay, "-run", "^" + d.test + "$", d.pkg}
	if d.randomised(t) { // the first counterexample will do
		args = append(args, "-rapid.shrinktime=0s", "-rapid.nofailfile")
	}
	c := exec.Command("go", args...)
	c.Dir = ".."
	out, err := c.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("--- FAIL: "+d.test)) {
		t.Fatalf("not caught by %s of %s: %v\n%s", d.test, d.pkg, err, out)
	}
	t.Logf("caught by %s of %s", d.test, d.pkg)
}

// randomised reports whether the package's tests take rapid's flags.
func (d defect) randomised(t *testing.T) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", d.pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(f string) bool {
		raw, err := os.ReadFile(f)
		return err == nil && bytes.Contains(raw, []byte(`"pgregory.net/rapid"`))
	})
}
