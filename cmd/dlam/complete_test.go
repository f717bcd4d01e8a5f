package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inRuns is a folder to work in, with two runs in it.
func inRuns(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, run := range []string{"runs/digits-sync", "runs/mnist-dlam"} {
		if err := os.MkdirAll(run, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(run, "config.toml"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("points.csv", []byte("x,y\n1,2\n3,4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestMeant: what is misspelt is told with what was meant, and a run that is not
// there with those that are.
func TestMeant(t *testing.T) {
	inRuns(t)
	for args, want := range map[string]string{
		"trian":                   "did you mean train?",
		"data ifno":               "did you mean info?",
		"reproduce tabel2":        "did you mean table2?",
		"train --hlep":            "did you mean --help?",
		"train --solver snyc":     "did you mean sync?",
		"train --activation rleu": "did you mean relu?",
		"train --loss sqared":     "did you mean squared?",
		"compare --solvers adm":   "did you mean admm?",
		"eval runs/digts-sync":    "no such file or folder (the runs here are runs/digits-sync, runs/mnist-dlam); did you mean runs/digits-sync?",
		"predict typo points.csv": "typo: no such file or folder (the runs here are runs/digits-sync, runs/mnist-dlam)",
		"report runs/no":          "runs/no: no such file or folder (the runs here are",
		"watch runs/no":           "runs/no: no such file or folder (the runs here are",
		"train --resume runs/no":  "runs/no: no such file or folder (the runs here are",
		"report /dev/null":        "/dev/null: neither a file nor a folder, so no run and no model",
		"inspect points.csv":      "points.csv: bad model file: it is no safetensors file",
	} {
		if code, _, said := call(strings.Fields(args)...); code != exitUsage || !strings.Contains(said, want) {
			t.Errorf("%s: exit code %d, %q; want %q", args, code, said, want)
		}
	}
	if err := os.CopyFS("mine", os.DirFS("runs/mnist-dlam")); err != nil {
		t.Fatal(err)
	}
	if _, _, said := call("eval", "digits-sync"); !strings.Contains(said, "(the runs here are mine, runs/digits-sync, runs/mnist-dlam)") {
		t.Errorf("with a run in this folder, and others where they are made: got %q", said)
	}
	t.Chdir(t.TempDir())
	if _, _, said := call("eval", "typo"); !strings.Contains(said, "no runs are here: dlam train makes them") {
		t.Errorf("without runs: got %q", said)
	}
}

// TestNamesAreOffered: a shell is offered runs and data sets, and what has names.
func TestNamesAreOffered(t *testing.T) {
	inRuns(t)
	for args, want := range map[string]string{
		"eval |":                        "runs/digits-sync runs/mnist-dlam",
		"predict runs/m|":               "runs/mnist-dlam",
		"predict runs/mnist-dlam fa|":   "fashion-mnist",
		"data info d|":                  "digits",
		"train --resume runs/d|":        "runs/digits-sync",
		"train --config runs/d|":        "runs/digits-sync/config.toml",
		"train --data m|":               "mnist",
		"compare --solvers adam,sync,s": "adam,sync,sgd adam,sync,schedule-free",
		"eval runs/x|":                  "",
	} {
		words := append([]string{"__complete"}, strings.Split(strings.TrimSuffix(args, "|"), " ")...)
		_, out, said := call(words...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if got := strings.Join(lines[:len(lines)-1], " "); got != want {
			t.Errorf("%s: got %q, want %q; %s", args, got, want, said)
		}
	}
}
