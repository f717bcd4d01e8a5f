//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestGettingStarted runs the shell blocks of docs/getting-started.md, one
// after another in one folder, and finds what the page says is printed.
func TestGettingStarted(t *testing.T) {
	raw, err := os.ReadFile("../../docs/getting-started.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(raw), "```sh\n")[1:]
	if len(blocks) < 5 {
		t.Fatalf("%d blocks of commands found", len(blocks))
	}
	dir, printed := t.TempDir(), ""
	if err := os.WriteFile(filepath.Join(dir, "titanic.csv"), titanic(t), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		commands, _, _ := strings.Cut(b, "```")
		c := exec.Command("sh", "-ec", commands)
		c.Dir = dir
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", commands, err, out)
		}
		printed += string(out)
	}
	for _, want := range []string{"177 missing", "each goes with one class of the label: --drop alive", "class,0,1\n0,0.", "\n1,0."} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is not printed, as the page says; all that was printed:\n%s", want, printed)
		}
	}
}

// titanic is the table of the page, or where it is not at hand one with the same
// columns and gaps.
func titanic(t *testing.T) []byte {
	if raw, err := os.ReadFile(filepath.Join(os.Getenv("DLAM_DATA_DIR"), "tables", "titanic.csv")); err == nil {
		return raw
	}
	t.Log("titanic.csv is not here: rows like its own take its place")
	var b strings.Builder
	b.WriteString("survived,pclass,sex,age,sibsp,parch,fare,embarked,class,who,adult_male,deck,embark_town,alive,alone\n")
	for i := range 891 {
		survived, sex, who, age := i%2, []string{"male", "female"}[i%2], []string{"man", "woman"}[i%2], strconv.Itoa(i%70)
		if i < 177 {
			age = ""
		}
		fmt.Fprintf(&b, "%d,%d,%s,%s,%d,0,%g,%s,%s,%s,%s,%s,%s,%s,%s\n", survived, 1+i%3, sex, age, i%4, float64(i%97)/4, "SCQ"[i%3:i%3+1],
			[]string{"First", "Second", "Third"}[i%3], who, []string{"True", "False"}[i%2], []string{"", "C", "E"}[i%3], "Southampton", []string{"no", "yes"}[survived], []string{"True", "False"}[i/2%2])
	}
	return []byte(b.String())
}
