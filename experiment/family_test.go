package experiment_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dlam-go/dlam/experiment"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/report"
)

// family is the table on work that takes a second or two.
func family(dir string) experiment.Family {
	return experiment.Family{
		Size: experiment.FamilySize{Name: "test", Samples: 60, Hidden: "6,5", Iterations: 3, Epochs: 2, Seeds: 1},
		Dir:  dir, Threads: 1, Command: "dlam reproduce family",
		Open: func(ctx context.Context, s recipe.Source) (recipe.Data, error) {
			split, err := pictures(ctx, s.Data)
			if err != nil {
				return recipe.Data{}, err
			}
			split.Train = split.Train.RowRange(0, s.Limit)
			return recipe.From(split), nil
		},
	}
}

// familyRows are the rows of the table that is written for the documentation, by method.
func familyRows(t *testing.T, dir string) map[string][]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, experiment.FamilyFile))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for _, line := range strings.Split(string(b), "\n") {
		if cells := strings.Split(strings.Trim(line, "| "), " | "); len(cells) == 9 && cells[0] != "method" {
			rows[cells[0]] = cells[1:]
		}
	}
	return rows
}

// TestFamily stops the table in the middle of its fourth run. The table then has the three
// before; another Run does what is left, with the scores that runs which are not stopped
// have, and a third does nothing.
func TestFamily(t *testing.T) {
	dir := t.TempDir()
	f := family(dir)
	const stopped = 3
	var told []experiment.FamilyProgress
	until := func(f experiment.Family, end func(experiment.FamilyProgress) bool) {
		t.Helper()
		ctx, cancel := context.WithCancel(context.Background())
		f.Progress = func(p experiment.FamilyProgress) {
			if told = append(told, p); end(p) {
				cancel()
			}
		}
		if err := f.Run(ctx); !errors.Is(err, ctx.Err()) {
			t.Fatalf("got %v, want %v", err, ctx.Err())
		}
		cancel()
	}
	never := func(experiment.FamilyProgress) bool { return false }
	until(f, func(p experiment.FamilyProgress) bool { return p.Done == stopped && p.Iteration == 1 })
	methods := experiment.FamilyMethods()
	rows := familyRows(t, dir)
	for i, m := range methods {
		want := "1"
		if i >= stopped {
			want = "0"
		}
		if row := rows[m.Name]; len(row) == 0 || row[len(row)-1] != want {
			t.Errorf("%s: the row of the stopped table is %q, want %s seeds at its end", m.Name, row, want)
		}
	}
	told = nil
	until(f, never)
	if first := told[0]; first.Done != stopped || first.Iteration != 2 {
		t.Errorf("it goes on with %+v, want run %d at iteration 2", first, stopped)
	}
	whole := familyRows(t, dir)
	told = nil
	until(f, never)
	if d := cmp.Diff(whole, familyRows(t, dir)); len(told) > 0 || d != "" {
		t.Errorf("all was there, and %d iterations were done; the table is another: %s", len(told), d)
	}
	checkFamily(t, f)

	again := []string{"bcd-seed-0", "dlam-seed-0"} // one whose outcome was not kept, and one whose is broken
	path := func(i int) string { return filepath.Join(dir, "runs", again[i], "outcome.json") }
	if err := errors.Join(os.Remove(path(0)), os.WriteFile(path(1), []byte("{"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := f.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("a broken outcome: got %v", err)
	}
	if err := os.Remove(path(1)); err != nil {
		t.Fatal(err)
	}
	told = nil
	until(f, never)
	if n := len(told); n != 2*f.Size.Iterations {
		t.Errorf("two runs without outcomes: %d iterations were done, want %d", n, 2*f.Size.Iterations)
	}
	checkFamily(t, f)

	other := family(t.TempDir())
	until(other, func(p experiment.FamilyProgress) bool { return p.Done > stopped })
	name := methods[stopped].Name
	if got, want := whole[name][2], familyRows(t, other.Dir)[name][2]; got != want {
		t.Errorf("%s: the run that was stopped has %s, one that was not %s", name, got, want)
	}
	other.Size.Iterations++
	if err := other.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "is of another run") {
		t.Errorf("with other iterations in the same folder: got %v, want that the runs there are others", err)
	}
}

// checkFamily holds that each row's run had the settings that its options say, and that
// every method of the program is there, of those of first order adam alone.
func checkFamily(t *testing.T, f experiment.Family) {
	t.Helper()
	ran := map[string]string{} // config.toml by what dlam train was told
	folders, err := filepath.Glob(filepath.Join(f.Dir, "runs", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range folders {
		var o struct{ Words string }
		b, err := os.ReadFile(filepath.Join(dir, "outcome.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &o); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, recipe.ConfigName))
		if err != nil {
			t.Fatal(err)
		}
		_, own, _ := strings.Cut(o.Words, "--solver ")
		ran["--solver "+own] = string(text)
	}
	rows, methods, covered := familyRows(t, f.Dir), experiment.FamilyMethods(), map[string]bool{}
	if len(folders) != len(methods) || len(rows) != len(methods) {
		t.Errorf("%d folders of runs and %d rows of %d methods", len(folders), len(rows), len(methods))
	}
	for _, m := range methods {
		var c recipe.Config
		if _, err := c.Load(ran[m.Words], func(string) bool { return false }); err != nil || ran[m.Words] == "" {
			t.Errorf("%s: no settings of a run of %s (%v)", m.Name, m.Words, err)
			continue
		}
		words := strings.Fields(m.Words)
		for i := 0; i < len(words); i += 2 {
			e, _ := c.Entry(strings.TrimPrefix(words[i], "--"))
			if e.Text() != words[i+1] {
				t.Errorf("%s: it was run with %s %s, want %s", m.Name, words[i], e.Text(), words[i+1])
			}
		}
		method, err := recipe.Find(c.Options.Method)
		if err != nil {
			t.Fatal(err)
		}
		iterations := f.Size.Iterations
		if method.MiniBatches(&c.Options) {
			iterations = f.Size.Epochs
		}
		if c.Options.Iterations != iterations || c.Options.Refit != method.Lags() {
			t.Errorf("%s: %d iterations, refit %t", m.Name, c.Options.Iterations, c.Options.Refit)
		}
		covered[method.Name] = true
		row := rows[m.Name]
		if row[0] != report.MethodKind(method.Name) || row[1] != "`"+m.Words+"`" || !strings.Contains(row[2], " / ") || (row[3] != "–") != method.Lags() || (row[4] != "–") != method.Lags() {
			t.Errorf("%s: row %q", m.Name, row)
		}
	}
	for _, m := range recipe.Methods() {
		if !covered[m.Name] && (m.About != "backpropagation" || m.Name == "adam") {
			t.Errorf("%s is not in the table", m.Name)
		}
	}
}

// TestFamilyDocs holds that docs/family.md has a row for each method, with its options.
func TestFamilyDocs(t *testing.T) {
	b, err := os.ReadFile("../docs/family.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range experiment.FamilyMethods() {
		if row := fmt.Sprintf("| `%s` |", m.Words); !strings.Contains(string(b), row) {
			t.Errorf("docs/family.md has no row with %s: take family.md of dlam reproduce family", row)
		}
	}
}

func TestFamilyRefuses(t *testing.T) {
	err := experiment.Family{Size: experiment.QuickFamily()}.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "threads: got 0") {
		t.Errorf("got %v, want the fault of threads", err)
	}
}
