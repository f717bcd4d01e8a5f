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

	"github.com/dlam-go/dlam/experiment"
	"github.com/dlam-go/dlam/recipe"
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

// TestFamilyGoesOn stops the table in the middle of its fourth run. The table then has the
// three before; another Run does what is left, with the scores that runs which are not
// stopped have, and a third does nothing.
func TestFamilyGoesOn(t *testing.T) {
	dir := t.TempDir()
	f := family(dir)
	const stopped = 3
	ctx, cancel := context.WithCancel(context.Background())
	var told []experiment.FamilyProgress
	f.Progress = func(p experiment.FamilyProgress) {
		if told = append(told, p); p.Done == stopped && p.Iteration == 1 {
			cancel()
		}
	}
	if err := f.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the context's error", err)
	}
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
	if err := f.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if first := told[0]; first.Done != stopped || first.Iteration != 2 {
		t.Errorf("it goes on with %+v, want run %d at iteration 2", first, stopped)
	}
	whole, err := os.ReadFile(filepath.Join(dir, experiment.FamilyFile))
	if err != nil {
		t.Fatal(err)
	}
	told = nil
	if err := f.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(filepath.Join(dir, experiment.FamilyFile)); err != nil || len(told) > 0 || string(again) != string(whole) {
		t.Errorf("all was there, and a run trained for %d iterations (%v); the table is the same: %t", len(told), err, string(again) == string(whole))
	}

	other := family(t.TempDir())
	ctx, cancel = context.WithCancel(context.Background())
	other.Progress = func(p experiment.FamilyProgress) {
		if p.Done > stopped {
			cancel()
		}
	}
	if err := other.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the context's error", err)
	}
	name := methods[stopped].Name
	if got, want := familyRows(t, dir)[name][2], familyRows(t, other.Dir)[name][2]; got != want {
		t.Errorf("%s: the run that was stopped has %s, one that was not %s", name, got, want)
	}
	other.Size.Iterations++
	if err := other.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "is of another run") {
		t.Errorf("with other iterations in the same folder: got %v, want that the runs there are others", err)
	}
}

// TestFamilyRows holds that each row's run had the settings that its options say, which are
// no other row's, and that every method of the program is there, of those of first order
// adam alone.
func TestFamilyRows(t *testing.T) {
	f := family(t.TempDir())
	if err := f.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(f.Dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var results struct {
		Outcomes []struct{ Words, Status string }
	}
	if err := json.Unmarshal(b, &results); err != nil {
		t.Fatal(err)
	}
	rows, methods := familyRows(t, f.Dir), experiment.FamilyMethods()
	folders, err := filepath.Glob(filepath.Join(f.Dir, "runs", "*"))
	if err != nil || len(folders) != len(methods) || len(results.Outcomes) != len(methods) || len(rows) != len(methods) {
		t.Fatalf("%d folders (%v), %d outcomes and %d rows of %d methods", len(folders), err, len(results.Outcomes), len(rows), len(methods))
	}
	ran := map[string]string{} // config.toml by the options of the row that it is of
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
		ran["--solver "+strings.SplitN(o.Words, "--solver ", 2)[1]] = string(text)
	}
	covered := map[string]bool{}
	for _, m := range methods {
		var c recipe.Config
		text, ok := ran[m.Words]
		if !ok {
			t.Errorf("%s: no run of %s", m.Name, m.Words)
			continue
		}
		if _, err := c.Load(text, func(string) bool { return false }); err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		words := strings.Fields(m.Words)
		for i := 0; i < len(words); i += 2 {
			e, _ := c.Entry(strings.TrimPrefix(words[i], "--"))
			if e.Text() != words[i+1] && !(words[i+1] == "0" && fmt.Sprint(e.Get()) == "0") {
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
		if row[1] != "`"+m.Words+"`" || !strings.Contains(row[2], " / ") || (row[3] != "–") != method.Lags() || (row[4] != "–") != method.Lags() {
			t.Errorf("%s: row %q", m.Name, row)
		}
	}
	for _, m := range recipe.Methods() {
		if m.About != "backpropagation" && !covered[m.Name] {
			t.Errorf("%s is not in the table", m.Name)
		}
	}
	if !covered["adam"] {
		t.Error("adam is not in the table")
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
