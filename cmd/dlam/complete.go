package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/internal/shell"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/table"
	"github.com/dlam-go/dlam/trace"
)

// runsIn are the folders of runs in a folder.
func runsIn(folder string) (runs []string) {
	for _, file := range []string{recipe.ConfigName, model.FileName, trace.FileName} {
		files, _ := filepath.Glob(filepath.Join(escapeGlob(folder), "*", file)) // the pattern is sound
		for _, f := range files {
			runs = append(runs, filepath.Dir(f))
		}
	}
	slices.Sort(runs)
	return slices.Compact(runs)
}

// runs are the folders of runs that lie where runs do: here, and where train makes
// them.
func runs() []string { return slices.Concat(runsIn("."), runsIn("runs")) }

// known refuses the name of a run, or of a model, where there is nothing, and says
// what there is; also that of a pipe or a device, which may never end.
func known(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return usagef("%s: neither a file nor a folder, so no run and no model", path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil // whoever reads it says what is wrong
	}
	list := runsIn(filepath.Dir(path))
	if len(list) == 0 || filepath.Dir(path) == "." {
		list = runs()
	}
	if len(list) == 0 {
		return usagef("%s: no such file or folder, and no runs are here: dlam train makes them", path)
	}
	return usagef("%s: no such file or folder (the runs here are %s)%s", path, table.List(list), check.Meant(filepath.Clean(path), list))
}

// holdsModel refuses a folder without a model.
func holdsModel(path string) error {
	file := model.Locate(path)
	if _, err := os.Lstat(file); file == path || !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, name := range []string{model.CheckpointName, recipe.ConfigName} {
		if _, err := os.Stat(filepath.Join(path, name)); err == nil {
			return usagef("%s: the folder holds a run that has not ended, and no model yet: dlam train --resume %s goes on with it", path, shell.Join(path))
		}
	}
	if list := runsIn(path); len(list) > 0 {
		return usagef("%s: the folder holds no model, but those of runs (%s)", path, table.List(list))
	}
	return usagef("%s: the folder holds no model (%s)", path, model.FileName)
}

// plainNumbers says what flags want whose values the flags' library reads, by their type.
var plainNumbers = map[string]string{
	"int": "a whole number", "int64": "a whole number", "uint64": "a whole number of at least 0", "float64": "a number", "duration": "a time, as 30s or 5m", "bool": "true or false",
	"float64Slice": "numbers with commas between",
}

// flagError is an error of c's flags, with what was meant where that is known.
func flagError(c *cobra.Command, err error) error {
	var wrong *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	switch {
	case errors.As(err, &wrong):
		f := wrong.GetFlag()
		if s, ok := f.Value.(settingFlag); ok {
			return usagef("--%s: %w%s", f.Name, wrong.Unwrap(), check.Meant(wrong.GetValue(), s.Choices()))
		}
		if _, ours := f.Value.(*count); !ours && plainNumbers[f.Value.Type()] != "" {
			return usagef("--%s: got %q, want %s", f.Name, wrong.GetValue(), plainNumbers[f.Value.Type()])
		}
		return usagef("--%s: %w", f.Name, wrong.Unwrap())
	case errors.As(err, &unknown):
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		return usagef("%w (see %s --help)%s", err, c.CommandPath(), check.Meant("--"+unknown.GetSpecifiedName(), names))
	}
	return usagef("%w (see %s --help)", err, c.CommandPath())
}

// completion is what a shell offers for an argument or a flag.
type completion func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// offer has a shell offer names, and files where none of them fits.
func offer(names func() []string) completion {
	return func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		var fit []string
		for _, n := range names() {
			if strings.HasPrefix(n, begun) {
				fit = append(fit, n)
			}
		}
		return fit, cobra.ShellCompDirectiveDefault
	}
}

// offerList is offer of a flag that takes several names, with commas between.
func offerList(names []string) completion {
	return func(_ *cobra.Command, _ []string, begun string) (fit []string, _ cobra.ShellCompDirective) {
		before := begun[:strings.LastIndex(begun, ",")+1]
		for _, n := range names {
			if strings.HasPrefix(before+n, begun) && !slices.Contains(strings.Split(before, ","), n) {
				fit = append(fit, before+n)
			}
		}
		return fit, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
}

// completeNames has a shell offer runs, data sets and what else has names, in root and
// the commands under it.
func completeNames(root *cobra.Command) {
	data := func() []string { return dataset.Names }
	for name, c := range map[string]completion{
		"data": offer(data), "test-data": offer(data), "resume": offer(runs), "config": offer(configs), "init-from": offer(runs),
		"solvers": offerList(recipe.MethodNames()), "encoding": cobra.FixedCompletions(dataset.Encodings(), cobra.ShellCompDirectiveNoFileComp),
	} {
		if root.Flags().Lookup(name) == nil {
			continue
		}
		if err := root.RegisterFlagCompletionFunc(name, c); err != nil {
			panic(err) // it has a completion already
		}
	}
	switch root.Name() {
	case "eval", "inspect", "export", "certify", "report", "watch", "serve":
		root.ValidArgsFunction = offer(runs)
	case "predict":
		root.ValidArgsFunction = func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return offer(runs)(c, args, begun)
			}
			return offer(data)(c, args, begun)
		}
	case "info", "get":
		root.ValidArgsFunction = offer(data)
	}
	for _, sub := range root.Commands() {
		completeNames(sub)
	}
}

// configs are the settings of runs.
func configs() (files []string) {
	for _, r := range runs() {
		files = append(files, filepath.Join(r, recipe.ConfigName))
	}
	return files
}
