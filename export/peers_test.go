package export_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
)

// missing skips the test where a program that others wrote is missing, unless
// DLAM_REQUIRE_PEERS=1 forbids that.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("DLAM_REQUIRE_PEERS") == "1" {
		t.Fatalf("no %s, and DLAM_REQUIRE_PEERS=1", what)
	}
	t.Skipf("no %s: exported models are not tried in it", what)
}

// python is an interpreter that has the modules: Debian's packages belong to
// Debian's.
func python(t *testing.T, modules string) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import "+modules).Run() == nil {
			return name
		}
	}
	missing(t, "Python with "+modules+" (apt-get install python3-numpy python3-onnx)")
	return ""
}

// onnxRuntime is the program that runs ONNX models.
func onnxRuntime(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		missing(t, "node")
	}
	if _, err := os.Stat("testdata/onnxruntime/node_modules"); err != nil {
		missing(t, "export/testdata/onnxruntime/node_modules (npm ci there)")
	}
	return "testdata/onnxruntime/run.js"
}

// answer is what a program that ran a model prints.
type answer struct {
	Input, Output any
	Shape         []int
	Numbers       []float64
	Torch         bool // whether torch predicted too, and the same
}

// answers runs a program on models; it prints a JSON object for each.
func answers[T any](t *testing.T, name string, args ...string) []T {
	t.Helper()
	c := exec.Command(name, args...)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, args[0], err, said.String())
	}
	var all []T
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var a T
		switch err := d.Decode(&a); err {
		case nil:
			all = append(all, a)
		case io.EOF:
			return all
		default:
			t.Fatal(err)
		}
	}
}
