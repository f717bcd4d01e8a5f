package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/check"
	"github.com/dlam-go/dlam/recipe"
)

// Exit codes, which scripts rely on.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2 // bad usage or bad input; nothing was written
	exitInterrupted = 130
)

// app is what every command has: streams, and nothing else.
type app struct {
	in       io.Reader
	out, err io.Writer // results, and what people read
	job      job       // the processes that a run is divided over
	quiet    bool      // tell no progress

	interrupt func() // ends the command as Ctrl-C does
}

// commands are all commands, in the order of the help text. A new one is a
// file of its own and a line here.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		newTrainCommand(a),
		newPredictCommand(a),
		newEvalCommand(a),
		newCVCommand(a),
		newSearchCommand(a),
		newInspectCommand(a),
		newDataCommand(a),
		newCertifyCommand(a),
		newCompareCommand(a),
		newReproduceCommand(a),
		newReportCommand(a),
		newWatchCommand(a),
		newUICommand(a),
		newRunsCommand(a),
		newServeCommand(a),
		newExportCommand(a),
		newImportCommand(a),
		newManCommand(a),
		newVersionCommand(a),
	}
}

// errUsage is bad usage: exit code 2.
type errUsage struct{ error }

func (e errUsage) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return errUsage{fmt.Errorf(format, args...)} }

// errInterrupted ends a command that was interrupted after it saved its work.
var errInterrupted = errors.New("interrupted")

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, stderr io.Writer) int {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := &app{in: in, out: out, err: stderr, job: alone{}, interrupt: cancel}
	root := newRootCommand(a)
	root.SetArgs(args)
	err := unknownCommand(root, args)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	code := exitCodeOf(ctx, err)
	if code == exitDone || errors.Is(err, errInterrupted) {
		if err := a.job.Close(); err != nil {
			_, _ = fmt.Fprintf(printable{stderr}, "dlam: %v\n", err)
			return exitFailed
		}
		return code
	}
	if code == exitInterrupted {
		err = errInterrupted
	}
	a.fail(err, code)
	return code
}

// unknownCommand refuses a command that there is not, also where its help is asked for:
// for that the library would show the help of all, as if nothing were wrong.
func unknownCommand(root *cobra.Command, args []string) error {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(args...)
	for len(args) > 0 && slices.Contains([]string{"help", "--help", "-h"}, args[0]) {
		args = args[1:]
	}
	if len(args) == 0 || slices.Contains([]string{cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}, args[0]) {
		return nil
	}
	c, rest, err := root.Find(args)
	if err != nil || c != root && c.Runnable() || len(rest) == 0 || strings.HasPrefix(rest[0], "-") {
		return err
	}
	return usagef("unknown command %q for %q (see %s --help)%s", rest[0], c.CommandPath(), c.CommandPath(), check.Meant(rest[0], commandsOf(c)))
}

// commandsOf are the names of the commands under c.
func commandsOf(c *cobra.Command) (names []string) {
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
	}
	return names
}

func exitCodeOf(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errInterrupted) {
		return exitInterrupted
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) { // while reading or downloading data
		return exitInterrupted
	}
	if errors.As(err, &errUsage{}) || errors.Is(err, dataset.ErrInput) || errors.Is(err, recipe.ErrRefused) {
		return exitUsage
	}
	return exitFailed
}

func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "dlam",
		Short: "Train neural networks by alternating minimisation",
		Long: `dlam trains neural networks without stochastic gradient descent on the whole
network: by alternating minimisation over weights, intercepts and auxiliary
variables, each step a convex problem with a closed form.

  dlam train                                   train on the embedded digits
  dlam train --data mnist --hidden 100,100     train on MNIST
  dlam train --data table.csv --label species  train on your own table
  dlam predict runs/… new.csv                  use a model
  dlam eval runs/… --data mnist                measure a model`,
		Version:       version(),
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE: func(c *cobra.Command, args []string) error {
			collectWithin(c.Flags())
			if c.Name() != "serve" { // which reads its models again
				a.heedHangup(c.Context())
			}
			var err error
			if c.Name() == "train" {
				err = a.join()
			} else {
				err = refuseRanks(c.CommandPath())
			}
			if err != nil {
				return err
			}
			return refuseEmpty(c, args)
		},
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetVersionTemplate("dlam {{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if c.Name() == "train" { // so that one process tells of it
			if err := a.join(); err != nil {
				return err
			}
		}
		return flagError(c, err)
	})
	root.AddCommand(a.commands()...)
	usageArgs(root)
	completeNames(root)
	return root
}

// heedHangup makes SIGHUP, which comes when a terminal is closed or a connection
// lost, end the command as Ctrl-C does, unless it is ignored, as under nohup.
func (a *app) heedHangup(ctx context.Context) {
	if signal.Ignored(syscall.SIGHUP) {
		return
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP) // for good: a shell and its terminal both send one
	go func() {
		select {
		case <-hangup:
			a.interrupt()
		case <-ctx.Done():
		}
	}()
}

// usageArgs makes a wrong number of arguments bad usage, for c and the commands
// under it.
func usageArgs(c *cobra.Command) {
	if right := c.Args; right != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := right(c, args)
			if err == nil {
				return nil
			}
			meant := ""
			if len(args) > 0 {
				meant = check.Meant(args[0], append(commandsOf(c), c.ValidArgs...))
			}
			return usagef("%w (see %s --help)%s", err, c.CommandPath(), meant)
		}
	}
	for _, sub := range c.Commands() {
		usageArgs(sub)
	}
}

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.out, "dlam", version())
			return err
		},
	}
}

// version is the module's, as the Go tool recorded it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// say writes a line for people: one process speaks for all.
func (a *app) say(format string, args ...any) {
	if a.job.Rank() == 0 {
		_, _ = fmt.Fprintf(printable{a.err}, format+"\n", args...)
	}
}

// printable writes control characters as \x1b and the like: names in foreign files may
// have some, with which a terminal could be made to show what is not so.
type printable struct{ io.Writer }

func (p printable) Write(b []byte) (int, error) {
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	if !bytes.ContainsFunc(b, control) {
		return p.Writer.Write(b)
	}
	var clean strings.Builder
	for _, r := range string(b) {
		if control(r) {
			fmt.Fprintf(&clean, "\\x%02x", r)
		} else {
			clean.WriteRune(r)
		}
	}
	if _, err := io.WriteString(p.Writer, clean.String()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// warn tells of what goes wrong and does not end the command, each process of its own.
func (a *app) warn(err error) {
	from := "warning"
	if a.job.Rank() > 0 {
		from = fmt.Sprintf("warning, rank %d of %d", a.job.Rank(), a.job.Size())
	}
	_, _ = fmt.Fprintf(printable{a.err}, "%s: %v\n", from, err)
}

// object writes a JSON object as the last line of standard output.
func (a *app) object(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s\n", b)
	return err
}

// terminal reports whether people watch w live.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isTerminal(int(f.Fd()))
}
