//go:build unix

package shell_test

import (
	"os/exec"
	"testing"

	"github.com/dlam-go/dlam/internal/shell"
)

// TestJoin holds that a shell splits what was joined into the same words.
func TestJoin(t *testing.T) {
	line := shell.Join("printf", `%s\n`, "", "a b", "it's", `$HOME "x" \ *`, "--l2=0.5", "-", "ü", "a\tb;c")
	const want = "\na b\nit's\n$HOME \"x\" \\ *\n--l2=0.5\n-\nü\na\tb;c\n"
	if out, err := exec.Command("sh", "-c", line).Output(); err != nil || string(out) != want {
		t.Errorf("%s: got %q, %v, want %q", line, out, err, want)
	}
	if got := shell.Join("dlam", "train", "--data", "tables/a-b_c.csv", "--hidden=5,4"); got != "dlam train --data tables/a-b_c.csv --hidden=5,4" {
		t.Errorf("got %s: what needs no quotes has none", got)
	}
}
