package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/trace"
)

// defaultTargets are the test accuracies whose time is told.
func defaultTargets() []float64 { return []float64{0.8, 0.9, 0.95, 0.97, 0.98} }

// checkTargets refuses what is no share of 1.
func checkTargets(targets []float64) error {
	for _, t := range targets {
		if !(t > 0 && t <= 1) {
			return usagef("--targets: got %g, want above 0 and at most 1", t)
		}
	}
	return nil
}

func newReportCommand(a *app) *cobra.Command {
	var out string
	var f force
	var plain bool
	targets := defaultTargets()
	u := newUseFlags("judging the network", "--plain leaves that out")
	u.judged, u.copied, u.source.Offline = true, true, true
	c := &cobra.Command{
		Use: "report RUN…", Short: "Write runs as one HTML page, one or several side by side",
		Long: `Write the curves and numbers of a run, or of several side by side, as one HTML
page that needs no other file and no network. RUN is a run's folder or its
trace.jsonl. The page of one run also judges its model on the test samples, if these
are where they were at training, which is not downloaded: figures, confusion matrix,
worst mistakes, what the columns of a table matter, weights of pictures.`,
		Example: `  dlam report runs/mnist --out mnist.html
  dlam report runs/dlam runs/adam --out both.html`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			why, unread := "of several runs none is judged", []string{"plain", "threads", "data-dir", maxMemory}
			switch {
			case len(args) > 1:
			case plain:
				why, unread = "a run's trace alone is neither judged nor compared", []string{"threads", "data-dir", maxMemory, "targets"}
			default:
				why, unread = "one run is compared with none", []string{"targets"}
			}
			for _, name := range unread {
				if c.Flags().Changed(name) {
					return usagef("--%s: %s, and nothing reads it", name, why)
				}
			}
			if err := checkTargets(targets); err != nil {
				return err
			}
			var runs []report.Run
			for _, path := range args {
				if err := known(path); err != nil {
					return err
				}
				run, err := report.ReadRun(path)
				if info, fault := os.Stat(path); errors.Is(err, fs.ErrNotExist) && fault == nil && info.IsDir() {
					return usagef("%s: the folder holds no run (%s)", path, trace.FileName)
				}
				if err != nil {
					return errUsage{err}
				}
				runs = append(runs, run)
			}
			var page report.Page
			if len(runs) == 1 {
				var more []report.Section
				if !plain {
					var err error
					if more, err = a.judge(c.Context(), args[0], u); err != nil {
						return err
					}
				}
				page = report.RunPage(runs[0], more...)
			} else {
				page = report.ComparePage(runNames(runs), report.Seeds(distinct(runs)), targets)
			}
			if err := a.write(c.Context(), out, markPage, f, page.WriteHTML); err != nil || out == "-" {
				return err
			}
			a.say("wrote %s", out)
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", report.PageFile, "file to write, - for standard output")
	f.addFlag(c.Flags())
	c.Flags().BoolVar(&plain, "plain", false, "do not judge the model: the trace alone")
	c.Flags().Var((*count)(&u.threads), "threads", "goroutines to judge on")
	c.Flags().StringVar(&u.source.DataDir, "data-dir", u.source.DataDir, "where named data sets lie (default $DLAM_DATA_DIR)")
	u.addFlag(c.Flags())
	c.Flags().Float64SliceVar(&targets, "targets", targets, "of several runs: test accuracies whose time to tell, as shares of 1")
	return c
}

func runNames(runs []report.Run) string {
	var names []string
	for _, r := range runs {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

// distinct numbers runs whose folders have the same name.
func distinct(runs []report.Run) []report.Run {
	seen := map[string]int{}
	for i, r := range runs {
		seen[r.Name]++
		if n := seen[r.Name]; n > 1 {
			runs[i].Name = fmt.Sprintf("%s (%d)", r.Name, n)
		}
	}
	return runs
}
