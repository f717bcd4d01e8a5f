package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/experiment"
	"github.com/dlam-go/dlam/internal/shell"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/report"
)

func newReproduceCommand(a *app) *cobra.Command {
	var quick bool
	var out string
	var f force
	lim := limits{work: "the evaluation", advice: "--quick takes less"}
	threads := runtime.NumCPU()
	o := dataset.Options{DataDir: os.Getenv("DLAM_DATA_DIR")}
	c := &cobra.Command{
		Use:   "reproduce figure1|figure2|figure3|table2|all… | family",
		Short: "Run the paper's evaluation and set it beside the paper, or the whole family of methods",
		Long: `Run the paper's evaluation (its section 4) on MNIST and Fashion-MNIST, at its
settings, and write a report that sets figures and tables beside the paper's
and says which of its statements hold. It takes hours; --quick takes minutes
on fewer samples and iterations, and says so. Each run is kept in the folder:
after Ctrl-C the same command goes on where it was.

family is the table of docs/family.md: every alternating method, and some of
first order, on MNIST of 14×14 pixels with 100×100 hidden units, from three
seeds. Its runs are those of dlam train and lie in runs/ of the folder; the
table, family.md, is written anew after each, of what there is by then.`,
		Example: `  dlam reproduce all --quick
  dlam reproduce table2 --out table2
  dlam reproduce family --threads 1`,
		ValidArgs: append([]string{"all", family}, experiment.Names...),
		Args:      cobra.MatchAll(cobra.MinimumNArgs(1), cobra.OnlyValidArgs),
		RunE: func(c *cobra.Command, args []string) error {
			ofFamily := slices.Contains(args, family)
			if ofFamily && len(args) > 1 {
				return usagef("%s is a table of its own: reproduce it alone", family)
			}
			if ofFamily && !c.Flags().Changed("out") {
				out = family
			}
			if quick && !c.Flags().Changed("out") {
				out += "-quick"
			}
			if quick {
				lim.advice = "there is no smaller one"
			}
			command := reproduceCommand(args, quick, out, threads)
			if ofFamily {
				size := experiment.FullFamily()
				if quick {
					size = experiment.QuickFamily()
				}
				return a.reproduceFamily(c.Context(), experiment.Family{Size: size, Dir: out, Threads: threads, Command: command}, o, lim, f)
			}
			r := experiment.Reproduction{Parts: parts(args), Size: experiment.PaperSize(), Dir: out, Threads: threads, Command: command}
			if quick {
				r.Size = experiment.QuickSize()
			}
			r.Open = func(ctx context.Context, name string) (dataset.Split, error) { return dataset.Open(ctx, name, o) }
			return a.reproduce(c.Context(), r, lim, f)
		},
	}
	c.Flags().BoolVar(&quick, "quick", false, "minutes instead of hours: fewer samples and iterations")
	c.Flags().StringVar(&out, "out", "reproduction", "folder for runs and report, of family by default family (with --quick: reproduction-quick, family-quick)")
	f.addFlag(c.Flags())
	c.Flags().IntVar(&threads, "threads", threads, "goroutines to compute on")
	c.Flags().StringVar(&o.DataDir, "data-dir", o.DataDir, "folder with data sets, looked up before any download (DLAM_DATA_DIR)")
	c.Flags().BoolVar(&o.Offline, "offline", false, "never download")
	lim.addFlag(c.Flags())
	return c
}

func (a *app) reproduce(ctx context.Context, r experiment.Reproduction, lim limits, f force) error {
	show := a.progressShower()
	r.Progress = func(p experiment.Progress) { show(progressLine(p), p.Iteration == p.Cell.Iterations) }
	if err := r.Validate(); err != nil {
		return errUsage{err}
	}
	need, err := r.Memory()
	if err != nil {
		return err
	}
	if err := a.room(lim, 0, need); err != nil {
		return err
	}
	if err := f.checkResults(r.Dir, experiment.CellsDir); err != nil {
		return err
	}
	return a.reproduced(ctx, r.Run(ctx), r.Dir)
}

// reproduced says how a reproduction in a folder ended.
func (a *app) reproduced(ctx context.Context, err error, dir string) error {
	if ctx.Err() != nil {
		a.say("\ninterrupted; what is computed is in %s, and the same command goes on from there", dir)
		return errInterrupted
	}
	if err != nil {
		return err
	}
	a.say("\nreport: %s", filepath.Join(dir, report.PageFile))
	return nil
}

// family is the argument for the table of all methods.
const family = "family"

// reproduceFamily runs the table of all methods; o says where data sets lie.
func (a *app) reproduceFamily(ctx context.Context, r experiment.Family, o dataset.Options, lim limits, f force) error {
	show := a.progressShower()
	r.MaxMemory = float64(lim.most)
	r.Open = func(ctx context.Context, s recipe.Source) (recipe.Data, error) {
		s.DataDir, s.Offline = o.DataDir, o.Offline
		return a.open(ctx, &recipe.Config{Source: s}, lim)
	}
	r.Progress = func(p experiment.FamilyProgress) {
		show(fmt.Sprintf("[%d/%d] %s, iteration %d of %d", p.Done+1, p.Runs, p.Run, p.Iteration, p.Iterations), p.Iteration == p.Iterations)
	}
	if err := r.Validate(); err != nil {
		return errUsage{err}
	}
	if err := f.checkResults(r.Dir); err != nil {
		return err
	}
	return a.reproduced(ctx, r.Run(ctx), r.Dir)
}

// parts are the parts of the evaluation that the arguments mean.
func parts(args []string) []string {
	for _, arg := range args {
		if arg == "all" {
			return experiment.Names
		}
	}
	return args
}

func reproduceCommand(args []string, quick bool, out string, threads int) string {
	words := append([]string{"dlam", "reproduce"}, args...)
	if quick {
		words = append(words, "--quick")
	}
	return shell.Join(append(words, "--threads", strconv.Itoa(threads), "--out", out)...)
}

// progressShower shows progress: on a terminal in one line that changes, elsewhere a line
// for each run, at its end.
func (a *app) progressShower() func(line string, ends bool) {
	live := terminal(a.err)
	var last time.Time
	return func(line string, ends bool) {
		if live && (ends || time.Since(last) > 200*time.Millisecond) {
			last = time.Now()
			_, _ = fmt.Fprintf(a.err, "\r\x1b[K%s", line)
		}
		if !live && ends {
			a.say("%s", line)
		}
	}
}

func progressLine(p experiment.Progress) string {
	return fmt.Sprintf("[%d/%d] %3.0f %%, %s left: %s, iteration %d of %d",
		p.Done+1, p.Cells, 100*p.Share, report.Seconds(p.Left.Seconds()), p.Cell, p.Iteration, p.Cell.Iterations)
}
