package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestEmptyIsRefused gives every flag of every command an empty text. What means nothing is
// refused with the flag's name; where the help writes an empty text, it is taken.
func TestEmptyIsRefused(t *testing.T) {
	root := newRootCommand(&app{out: io.Discard, err: io.Discard, job: alone{}})
	flags := 0
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			visit(sub)
		}
		c.InheritedFlags() // are among Flags from here on
		var all []*pflag.Flag
		c.Flags().VisitAll(func(f *pflag.Flag) { all = append(all, f) })
		for _, f := range all {
			flags++
			err := c.Flags().Set(f.Name, "") // names the flag in its errors
			if err == nil {
				err = refuseEmpty(c, nil)
			}
			if means := strings.Contains(f.Usage, `""`); means != (err == nil || !strings.Contains(err.Error(), "--"+f.Name)) {
				t.Errorf("%s --%s '': %v; the help says that it means something: %t", c.CommandPath(), f.Name, err, means)
			}
			f.Changed = false
		}
	}
	visit(root)
	if flags < 400 {
		t.Errorf("only %d flags were tried", flags)
	}
}

// TestEmptyOnTheCommandLine is the same from the command line, with what else can be empty
// there.
func TestEmptyOnTheCommandLine(t *testing.T) {
	t.Chdir(t.TempDir())
	for want, args := range map[string][]string{
		"dlam: --scale: got \"\", want one of auto, none, unit, standard\n":                        {"train", "--scale="},
		"dlam: --shape: got \"\", want a value: shape of a sample":                                 {"import", "x", "--shape", ""},
		"dlam: --onnx: got \"\", want a value: ONNX file to write (opset 13)\n":                    {"export", "x", "--onnx="},
		"dlam: --output: got \"\", want a value: model file to write\n":                            {"import", "x", "--output="},
		"dlam: --token-file: got \"\", want a value: file":                                         {"serve", "x", "--token-file="},
		"dlam: --solvers: got \"\", want a value: methods":                                         {"compare", "--solvers", "sync,"},
		"dlam: --filter: got \"\", want a value: NAME=VALUE":                                       {"runs", "--filter", "solver=sync", "--filter="},
		"dlam: --group: got \"\", want a value: column of":                                         {"cv", "--group=", "--time="},
		"dlam: argument 2 is empty, want dlam predict MODEL DATA [flags]\n":                        {"predict", "x", ""},
		"dlam: =x: a name or a path is empty, want [NAME[@VERSION]=]MODEL\n":                       {"serve", "=x"},
		"dlam: @2=x: a name or a path is empty":                                                    {"serve", "@2=x"},
		"dlam: x=: a name or a path is empty":                                                      {"serve", "x="},
		"dlam: --space: got \"\", want a value: settings and their values, as 'l2=1,3,10; hidden=": {"search", "--space="},
	} {
		if code, _, said := call(args...); code != exitUsage || !strings.HasPrefix(said, want) {
			t.Errorf("dlam %q: exit code %d, %q, want %q", args, code, said, want)
		}
	}
	for _, args := range [][]string{
		{"train", "--dry-run", "--hidden", ""},
		{"__complete", "train", "--data", ""},
	} {
		if code, _, said := call(args...); code != exitDone {
			t.Errorf("dlam %q: exit code %d, %s", args, code, said)
		}
	}
}
