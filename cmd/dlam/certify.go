package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/certify"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
)

// certifyFlags are what dlam certify is told.
type certifyFlags struct {
	limits
	source recipe.Source // where the samples are
	json   bool
}

func newCertifyCommand(a *app) *cobra.Command {
	f := &certifyFlags{
		limits: limits{work: "repeating the run", advice: "a run of narrower layers or fewer samples takes less"},
		source: recipe.Source{DataDir: os.Getenv("DLAM_DATA_DIR")},
	}
	c := &cobra.Command{
		Use: "certify RUN", Short: "Prove that a run kept the theory's promises, and made this model", Args: cobra.ExactArgs(1),
		Long: `Repeat a run from its settings and first weights, and check every iteration in
float64, from raw iterates: Lemma 1 block by block, feasibility, F not rising, Lemma
3 and Theorem 2. The repeated run must end in the model's parameters to the last bit,
and RUN's settings, trace and model must say what it did: else the first place where
they do not is named. RUN is a run folder, or a model file, which has no trace.

RUN is not trusted: what it says of where its samples are is not obeyed. Name them
with --data, if they are not the embedded digits.

Exit codes: 0 certified; 1 a promise was broken, or RUN is not of the run that it says
it is; 2 bad usage, or files that cannot be read. Ctrl-C ends it at once.`,
		Example: "  dlam certify runs/digits-dlam\n  dlam certify runs/mnist-dlam --data mnist --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			_, err := within(ctx, func() (any, error) { return nil, a.certify(ctx, args[0], f) })
			return f.told(cmd, err)
		},
	}
	c.Flags().StringVar(&f.source.Data, "data", "", "the samples that it was trained on: a file, or a data set by name (default: the embedded digits, if it says so)")
	c.Flags().StringVar(&f.source.TestData, "test-data", "", "the file that it was tested on, if there was one")
	c.Flags().StringVar(&f.source.DataDir, "data-dir", f.source.DataDir, "where named data sets lie (default $DLAM_DATA_DIR)")
	c.Flags().BoolVar(&f.source.Offline, "offline", false, "never download")
	c.Flags().BoolVar(&f.json, "json", false, "end with a JSON object on standard output: the verdict")
	a.quietFlag(c.Flags())
	f.addFlag(c.Flags())
	return c
}

func (a *app) certify(ctx context.Context, path string, f *certifyFlags) error {
	m, err := a.openModel(path, f.limits)
	if err != nil {
		return err
	}
	sum, err := fileDigest(model.Locate(path))
	if err != nil {
		return errUsage{err}
	}
	e, err := recipe.OpenEvidence(path, m)
	v := &recipe.Verdict{Certificate: new(certify.Certificate), Iterations: m.Training.Iterations}
	var departure *recipe.Departure
	switch {
	case errors.As(err, &departure):
		v.Departs = departure
	case err != nil:
		return err
	default:
		if v, err = a.repeat(ctx, path, e, f); err != nil {
			return err
		}
	}
	a.showCertificate(v.Certificate)
	verdict := v.Err()
	a.sayVerdict(v, m, verdict)
	if f.json {
		if err := a.object(verdictOf(v, m, sum, verdict)); err != nil {
			return err
		}
	}
	return verdict
}

// repeat finds the samples and repeats the run.
func (a *app) repeat(ctx context.Context, path string, e *recipe.Evidence, f *certifyFlags) (*recipe.Verdict, error) {
	s := &e.Config.Source
	digits := dataset.Names[0]
	switch {
	case s.Data == "" && f.source.Data == "":
		return nil, usagef("%s: trained on samples in a program's memory: the run cannot be repeated", path)
	case f.source.Data == "" && s.Data != digits:
		return nil, usagef("%s: trained on %q, it says: say where these samples are with --data, since what it says is not obeyed", path, s.Data)
	case f.source.TestData == "" && s.TestData != "":
		return nil, usagef("%s: tested on %q, it says: say where these samples are with --test-data, since what it says is not obeyed", path, s.TestData)
	case f.source.TestData != "" && s.TestData == "":
		return nil, usagef("--test-data: %s was not tested on a file", path)
	}
	if f.source.Data != "" {
		s.Data = f.source.Data
	}
	s.TestData, s.DataDir, s.Offline = f.source.TestData, f.source.DataDir, f.source.Offline
	e.Config.Options.MaxMemory = float64(f.most)
	if err := e.Config.Validate(); err != nil {
		return nil, err
	}
	data, err := a.open(ctx, &e.Config, f.limits)
	if err != nil {
		return nil, err
	}
	shown := &certifying{w: a.err, live: terminal(a.err), last: e.Model.Training.Iterations, started: time.Now()}
	if a.quiet {
		shown.w = io.Discard
	}
	v, err := e.Certify(ctx, data, shown)
	shown.end()
	return v, err
}

func fileDigest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // read only
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// verdictOf is a verdict for programs.
func verdictOf(v *recipe.Verdict, m *model.Model, sum string, verdict error) map[string]any {
	reason := any(nil)
	if verdict != nil {
		reason = verdict.Error()
	}
	c := v.Certificate
	return map[string]any{
		"certified": verdict == nil, "reason": reason, "model_sha256": sum,
		"solver": m.Training.Solver, "status": m.Training.Status, "iterations": v.Iterations, "iterations_told": v.Told,
		"sweeps": c.Sweeps, "checks": c.Checks, "violations": len(c.Violations), "c": c.C, "kc": c.KC,
		"model_repeated": v.Repeated, "trace": v.Traced, "trace_lines": v.Lines,
	}
}

// sayVerdict tells people the verdict; what is wrong is said as the command's error.
func (a *app) sayVerdict(v *recipe.Verdict, m *model.Model, verdict error) {
	if verdict != nil {
		return
	}
	of := ""
	if v.Iterations < v.Told {
		of = fmt.Sprintf(" of the %d it was told (%s)", v.Told, m.Training.Status)
	}
	a.say("%d inequalities checked in %d iterations%s, all hold", v.Certificate.Checks, v.Iterations, of)
	if v.Traced {
		a.say("certified: the repeated run ends in this model, and its trace is this one, to the last bit")
	} else {
		a.say("certified: the repeated run ends in this model, to the last bit; a model file has no trace")
	}
}

// showCertificate tells people of each promise where it came nearest to breaking.
func (a *app) showCertificate(c *certify.Certificate) {
	if len(c.Tightest) == 0 {
		return
	}
	w := newTable(a.err)
	w.AppendHeader(table.Row{"promise", "tightest at iteration", "layer", "left + slack ≥ right", "of it slack"})
	for _, name := range certify.Promises() {
		if q, ok := c.Tightest[name]; ok {
			w.AppendRow(table.Row{name, q.Iteration, layerName(q.Layer), read(q), fmt.Sprintf("%.2g", q.Slack)})
		}
	}
	w.Render()
	if len(c.Bounds) > 0 {
		a.say("the last sweep, with ‖ΔW‖+‖Δb‖+‖Δz‖ for the move:")
	}
	for _, b := range c.Bounds {
		parts := []string{fmt.Sprintf("  layer %d: moved %.3g", b.Layer, b.Moves)}
		for _, q := range b.Promises() {
			parts = append(parts, q.Name+" "+read(q))
		}
		a.say("%s", strings.Join(parts, "; "))
	}
	var still []string
	for l, move := range c.Furthest {
		if move == 0 {
			still = append(still, fmt.Sprint("layer ", l+1))
		}
	}
	if still != nil {
		a.say("W, b and z never moved: %s; docs/mathematics.md says why hidden layers stand still", strings.Join(still, ", "))
	}
	if c.Sweeps > 0 {
		a.say("Theorem 2: c_k %.4g, k·c_k %.4g after %d sweeps", c.C, c.KC, c.Sweeps)
	}
}

func layerName(l int) string {
	if l == 0 {
		return "all"
	}
	return fmt.Sprint(l)
}

// read is an inequality with its slack in its left side, so that it reads true if
// it holds, in as many digits as that takes.
func read(q certify.Inequality) string {
	left, sign := q.Left+q.Slack, "≥"
	if !q.Holds() {
		sign = "<"
	}
	for digits := 4; ; digits++ {
		l, r := fmt.Sprintf("%.*g", digits, left), fmt.Sprintf("%.*g", digits, q.Right)
		if l != r || sign == "≥" || digits == 17 {
			return l + " " + sign + " " + r
		}
	}
}

// certifying tells people how far a certificate is.
type certifying struct {
	w       io.Writer
	live    bool
	last    int // iteration
	started time.Time
	drawn   time.Time
}

var _ dlam.Recorder = (*certifying)(nil)

// Record draws a line: on a terminal one that is rewritten, at most ten times a
// second, elsewhere one at some iterations, and at least every 30 seconds.
func (p *certifying) Record(r dlam.Record) error {
	now := time.Now()
	left := (now.Sub(p.started) / time.Duration(r.Iteration) * time.Duration(p.last-r.Iteration)).Round(time.Second)
	text := fmt.Sprintf("certifying: iteration %d of %d, F %.5g, %s left", r.Iteration, p.last, r.Objective, left)
	switch since := now.Sub(p.drawn); {
	case p.live && (since >= 100*time.Millisecond || r.Iteration == p.last):
		text = "\r\x1b[K" + text
	case !p.live && (since >= 30*time.Second || slices.Contains([]int{1, 10, 100, p.last}, r.Iteration)):
		text += "\n"
	default:
		return nil
	}
	p.drawn = now
	_, err := io.WriteString(p.w, text)
	return err
}

// end leaves the live line on the screen.
func (p *certifying) end() {
	if p.live && !p.drawn.IsZero() {
		_, _ = fmt.Fprintln(p.w)
	}
}
