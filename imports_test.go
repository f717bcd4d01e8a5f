package dlam_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/dlam-go/dlam"

// mayImport is the table of docs/architecture.md: what each folder may import
// from this module. "…" after a folder stands for all below it.
var mayImport = map[string][]string{
	".":                   {"spec", "mat", "activation", "loss", "prox", "picture", "comm", "nn", "internal/pass"},
	"mat":                 {"internal/kernel"},
	"nn":                  {"mat", "activation", "spec", "internal/kernel"},
	"spec":                {},
	"activation":          {"spec", "mat", "internal/kernel"},
	"loss":                {"spec", "mat", "internal/kernel"},
	"prox":                {"spec", "mat", "internal/kernel"},
	"picture":             {"internal/kernel"},
	"table":               {},
	"dataset":             {"mat", "loss", "picture", "comm", "table", "internal/delimited", "internal/npy", "internal/parquet"},
	"comm":                {},
	"comm/mpi":            {"comm"},
	"solver/…":            {".", "mat", "activation", "loss", "prox", "comm", "nn", "internal/pass", "internal/backprop", "internal/check", "internal/kernel", "internal/testprob", "solver/solvertest", "solver/internal/split"},
	"certify":             {".", "mat", "activation", "loss", "prox", "comm", "internal/kernel"},
	"model":               {".", "spec", "nn", "mat", "activation", "loss", "prox", "dataset", "internal/atomicfile", "internal/half"},
	"judge":               {"loss", "mat", "nn", "dataset", "model"},
	"export":              {"spec", "mat", "nn", "activation", "loss", "table", "dataset", "model"},
	"trace":               {".", "internal/machine"},
	"report":              {".", "mat", "trace", "internal/atomicfile", "internal/machine", "internal/web"},
	"serve":               {"spec", "model", "mat", "dataset", "picture", "serve/oip", "internal/check", "internal/web"},
	"serve/oip":           {},
	"recipe":              {".", "spec", "mat", "nn", "activation", "loss", "prox", "picture", "table", "dataset", "comm", "solver/…", "certify", "model", "judge", "trace", "internal/atomicfile", "internal/check", "internal/machine", "internal/memory", "internal/shell"},
	"experiment":          {".", "mat", "activation", "loss", "prox", "dataset", "comm", "trace", "report", "recipe", "solver/…", "internal/atomicfile", "internal/machine"},
	"internal/check":      {},
	"internal/machine":    {},
	"internal/memory":     {},
	"internal/kernel":     {},
	"internal/kernel/…":   {},
	"internal/atomicfile": {},
	"internal/delimited":  {},
	"internal/npy":        {"internal/half"},
	"internal/parquet":    {"internal/half"},
	"internal/half":       {},
	"internal/shell":      {},
	"internal/web":        {},
	"internal/fixedseed":  {},
	"internal/variants":   {"spec"},
	"internal/pass":       {"mat", "comm", "nn", "internal/kernel"},
	"internal/backprop":   {"mat", "comm", "nn", "picture", "activation", "loss", "internal/pass", "internal/kernel"},
	"internal/testprob":   {".", "nn", "spec", "mat", "activation", "loss", "prox", "comm"},
	"cmd/…":               {"*"},
	"bench":               {"*"},
	"bench/…":             {"*"},
	"examples/…":          {"*"},
}

// TestImports holds the code against the table. Test files may import more:
// they look at their package from outside.
func TestImports(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		folder := filepath.ToSlash(filepath.Dir(path))
		allowed, ok := lookup(folder)
		if !ok {
			t.Errorf("%s: the folder is not in the table", path)
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if in, ours := within(name); ours && in != folder && !permits(allowed, in) {
				t.Errorf("%s: imports %s, which docs/architecture.md does not allow", path, in)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSolverDependencies holds that a program which links a solver does not link
// an HTTP client or a library of file formats with it.
func TestSolverDependencies(t *testing.T) {
	const limit = 90
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Deps " "}}`, "./solver/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(packages) < 6 {
		t.Fatalf("go list names %d packages of solvers, want at least 6: %q", len(packages), out)
	}
	for _, line := range packages {
		name, deps, _ := strings.Cut(line, " ")
		if strings.HasSuffix(name, "/solvertest") { // which links testing
			continue
		}
		linked := strings.Fields(deps)
		if len(linked) >= limit {
			t.Errorf("%s: depends on %d packages, want fewer than %d", name, len(linked), limit)
		}
		if slices.Contains(linked, "net/http") {
			t.Errorf("%s: depends on net/http", name)
		}
	}
}

// within is the folder of an import path of this module.
func within(path string) (folder string, ours bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

// lookup is what folder may import: its own line, or that of a folder above.
func lookup(folder string) ([]string, bool) {
	if a, ok := mayImport[folder]; ok {
		return a, true
	}
	for up := folder; up != "."; {
		up = filepath.ToSlash(filepath.Dir(up))
		if a, ok := mayImport[up+"/…"]; ok {
			return a, true
		}
	}
	return nil, false
}

func permits(allowed []string, folder string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		prefix, below := strings.CutSuffix(a, "…")
		return a == "*" || a == folder || below && strings.HasPrefix(folder, prefix)
	})
}
