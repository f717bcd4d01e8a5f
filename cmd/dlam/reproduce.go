package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/experiment"
	"github.com/dlam-go/dlam/internal/shell"
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
		Use:   "reproduce figure1|figure2|figure3|table2|all…",
		Short: "Run the paper's evaluation and set it beside the paper",
		Long: `Run the paper's evaluation (its section 4) on MNIST and Fashion-MNIST, at its
settings, and write a report that sets figures and tables beside the paper's
and says which of its statements hold. It takes hours; --quick takes minutes
on fewer samples and iterations, and says so. Each run is kept in the folder:
after Ctrl-C the same command goes on where it was.`,
		Example: `  dlam reproduce all --quick
  dlam reproduce table2 --out table2`,
		ValidArgs: append([]string{"all"}, experiment.Names...),
		Args:      cobra.MatchAll(cobra.MinimumNArgs(1), cobra.OnlyValidArgs),
		RunE: func(c *cobra.Command, args []string) error {
			r := experiment.Reproduction{Parts: parts(args), Size: experiment.PaperSize(), Dir: out, Threads: threads}
			if quick {
				r.Size, lim.advice = experiment.QuickSize(), "there is no smaller one"
				if !c.Flags().Changed("out") {
					r.Dir += "-quick"
				}
			}
			r.Command = reproduceCommand(args, quick, r.Dir, threads)
			r.Open = func(ctx context.Context, name string) (dataset.Split, error) { return dataset.Open(ctx, name, o) }
			return a.reproduce(c.Context(), r, lim, f)
		},
	}
	c.Flags().BoolVar(&quick, "quick", false, "minutes instead of hours: fewer samples and iterations")
	c.Flags().StringVar(&out, "out", "reproduction", "folder for runs and report (with --quick: reproduction-quick)")
	f.addFlag(c.Flags())
	c.Flags().IntVar(&threads, "threads", threads, "goroutines to compute on")
	c.Flags().StringVar(&o.DataDir, "data-dir", o.DataDir, "folder with data sets, looked up before any download (DLAM_DATA_DIR)")
	c.Flags().BoolVar(&o.Offline, "offline", false, "never download")
	lim.addFlag(c.Flags())
	return c
}

func (a *app) reproduce(ctx context.Context, r experiment.Reproduction, lim limits, f force) error {
	r.Progress = a.reproduceProgress()
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
	if err := f.checkResults(r.Dir); err != nil {
		return err
	}
	err = r.Run(ctx)
	if ctx.Err() != nil {
		a.say("\ninterrupted; what is computed is in %s, and the same command goes on from there", r.Dir)
		return errInterrupted
	}
	if err != nil {
		return err
	}
	a.say("\nreport: %s", filepath.Join(r.Dir, report.PageFile))
	return nil
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

// reproduceProgress shows progress: on a terminal in one line that changes,
// elsewhere a line for each run.
func (a *app) reproduceProgress() func(experiment.Progress) {
	live := terminal(a.err)
	var last time.Time
	return func(p experiment.Progress) {
		ends := p.Iteration == p.Cell.Iterations
		if live && (ends || time.Since(last) > 200*time.Millisecond) {
			last = time.Now()
			_, _ = fmt.Fprintf(a.err, "\r\x1b[K%s", progressLine(p))
		}
		if !live && ends {
			a.say("%s", progressLine(p))
		}
	}
}

func progressLine(p experiment.Progress) string {
	return fmt.Sprintf("[%d/%d] %3.0f %%, %s left: %s, iteration %d of %d",
		p.Done+1, p.Cells, 100*p.Share, report.Seconds(p.Left.Seconds()), p.Cell, p.Iteration, p.Cell.Iterations)
}
