package export_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/export"
)

// goMain prints what each model F gives for the samples of the file F.f32 in
// the folder of its argument, as answer.
const goMain = `package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
%s)

func main() {
%s}

func run(name string, inputs int, predict func([]float32) []float32) {
	raw, err := os.ReadFile(filepath.Join(os.Args[1], name+".f32"))
	if err != nil {
		panic(err)
	}
	var y []float32
	for r := bytes.NewReader(raw); r.Len() > 0; {
		x := make([]float32, inputs)
		if err := binary.Read(r, binary.LittleEndian, x); err != nil {
			panic(err)
		}
		y = append(y, predict(x)...)
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"numbers": y}); err != nil {
		panic(err)
	}
}
`

// compileGo puts each model's source into an empty module with nothing to
// download, vets it, and is the program that runs them.
func compileGo(t *testing.T, all []sample) string {
	t.Helper()
	dir := t.TempDir()
	var imports, calls strings.Builder
	for _, s := range all {
		src, err := export.GoSource(s.model, s.name)
		if err != nil {
			t.Fatal(err)
		}
		if tidy, err := format.Source(src); err != nil || !bytes.Equal(src, tidy) {
			t.Errorf("%s: not gofmt-clean: %v", s.name, err)
		}
		if err := errors.Join(os.Mkdir(filepath.Join(dir, s.name), 0o755),
			os.WriteFile(filepath.Join(dir, s.name, "model.go"), src, 0o644)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&imports, "\t\"empty/%s\"\n", s.name)
		fmt.Fprintf(&calls, "\trun(%q, %[1]s.Inputs, %[1]s.Predict)\n", s.name)
	}
	for name, text := range map[string]string{"go.mod": "module empty\n\ngo 1.21\n", "main.go": fmt.Sprintf(goMain, imports.String(), calls.String())} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"vet", "./..."}, {"build", "-o", "program", "."}} {
		c := exec.Command("go", args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOPROXY=off", "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", args[0], err, out)
		}
	}
	return filepath.Join(dir, "program")
}

// TestGoSource compiles every model in an empty module and runs it. Predict
// adds in float64, so that what remains is the rounding of the program's own
// float32 sums.
func TestGoSource(t *testing.T) {
	all, paths := written(t)
	for i, a := range answers[answer](t, compileGo(t, all), filepath.Dir(paths[0])) {
		all[i].agree(t, a.Numbers, 1e-6)
	}
}
