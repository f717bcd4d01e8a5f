package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(building{m}, map[string]func(){"dlam": main})
}

// built is a folder for what tests build, which goes with them.
var built string

// building runs tests with a folder for what they build.
type building struct{ *testing.M }

func (b building) Run() (code int) {
	var err error
	if built, err = os.MkdirTemp("", "dlam-built-"); err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(built) }() // what is left is temporary
	return b.M.Run()
}

// TestScripts runs the scripts of testdata/script, each in a folder of its own,
// with the program as users have it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error { // $FILES: files as other programs write them
			files, err := filepath.Abs("../../dataset/testdata/files")
			e.Setenv("FILES", files)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "refused": refused, "json": jsonLine, "png": pngFile,
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}

// exits CODE PROGRAM ARG… runs a program that must end with CODE.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// exitCode is the exit code of a program run with this outcome, -1 if it did
// not run to its end.
func exitCode(err error) int {
	var e *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.ExitCode()
	}
	return -1
}

// png FILE WIDTH HEIGHT COLOUR… writes a picture with a stripe of each colour beside the
// other.
func pngFile(ts *testscript.TestScript, _ bool, args []string) {
	var size [2]int
	for i := range size {
		n, err := strconv.Atoi(args[1+i])
		ts.Check(err)
		size[i] = n
	}
	stripes := args[3:]
	im := image.NewNRGBA(image.Rect(0, 0, size[0], size[1]))
	for i := range size[0] * size[1] {
		var c color.NRGBA
		_, err := fmt.Sscanf(stripes[i%size[0]*len(stripes)/size[0]], "%2x%2x%2x%2x", &c.R, &c.G, &c.B, &c.A)
		ts.Check(err)
		im.Set(i%size[0], i/size[0], c)
	}
	var b bytes.Buffer
	ts.Check(png.Encode(&b, im))
	path := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	ts.Check(os.WriteFile(path, b.Bytes(), 0o644))
}

// refused REGEXP ARG… runs dlam, which must end with exit code 2, say one line
// that matches, print nothing else, and leave all files as they are.
func refused(ts *testscript.TestScript, _ bool, args []string) {
	before := listing(ts)
	if got := exitCode(ts.Exec("dlam", args[1:]...)); got != exitUsage {
		ts.Fatalf("exit code %d, want %d", got, exitUsage)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("standard output: got %q, want nothing", out)
	}
	said := ts.ReadFile("stderr")
	if strings.Count(said, "\n") != 1 || !regexp.MustCompile(args[0]).MatchString(said) {
		ts.Fatalf("message %q, want one line that matches %s", said, args[0])
	}
	if after := listing(ts); after != before {
		ts.Fatalf("files before:\n%safter:\n%s", before, after)
	}
}

// listing is every folder and file under the script's, files with size and
// time.
func listing(ts *testscript.TestScript) string {
	var b strings.Builder
	ts.Check(filepath.WalkDir(ts.Getenv("WORK"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() { // its time may tell of what came and went
			_, err = fmt.Fprintln(&b, path)
			return err
		}
		_, err = fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
		return err
	}))
	return b.String()
}

// json KEY… looks at the last line of standard output, a JSON object: it must
// have every KEY, with a value, and KEY=VALUE must be that value. KEY=null must
// be there and null.
func jsonLine(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
	var got map[string]any
	ts.Check(json.Unmarshal([]byte(lines[len(lines)-1]), &got))
	for _, arg := range args {
		key, want, exact := strings.Cut(arg, "=")
		v, ok := got[key]
		text, err := json.Marshal(v)
		ts.Check(err)
		switch {
		case !ok:
			ts.Fatalf("no key %q", key)
		case exact && string(text) != want:
			ts.Fatalf("%s: got %s, want %s", key, text, want)
		case !exact && v == nil:
			ts.Fatalf("%s: got null, want a value", key)
		}
	}
}
